"""DeepLesion's ``DL_info.csv``, and marks as a table of image, box and score; boxes are pixels of the key slice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from LesionDetectionLib.core.errors import InputError, UsageError
from LesionDetectionLib.core.image import Geometry

from ...cohorts.case import TEST, TRAINING, VALIDATION
from ..matching.findings import Findings, FloatArray
from .grouping import by_image, duplicates_note, take
from .sets import ImageMarks, ImageTruth, MarkSet, TruthSet
from .tables import Columns, read_columns

FILE, BOX, DIAMETERS, SPACING = "File_name", "Bounding_boxes", "Lesion_diameters_Pixel_", "Spacing_mm_px_"
SLICE, NOISY, SPLIT = "Key_slice_index", "Possibly_noisy", "Train_Val_Test"
CORNERS, SCORE = ("x1", "y1", "x2", "y2"), "score"
_SPLITS = {TRAINING: 1, VALIDATION: 2, TEST: 3}
_FEW_MARKED = 0.5
"""Where fewer images than this share have marks, the wrong part of the data was probably scored."""


def read_truth(path: Path, split: str = "") -> TruthSet:
    """The lesions of ``DL_info.csv`` by image, those flagged as noisy left out (as its authors do).

    Positions are pixel indices times spacing: distances are right, the frame is the image's own. The diameter is the longer
    one of the two.

    Args:
        split: ``training``, ``validation`` or ``test``; empty for all.

    Raises:
        UsageError: another split.
        InputError: see :func:`.tables.read_columns`; or nothing is left.
    """
    if split and split not in _SPLITS:
        raise UsageError(f"DeepLesion has no split “{split}”. Choose one of: {', '.join(_SPLITS)}.")
    table = read_columns(path, (FILE, BOX, DIAMETERS, SPACING, SLICE, NOISY, SPLIT))
    spacing, boxes, slices = table.number_lists(SPACING, 3), table.number_lists(BOX, 4), table.numbers(SLICE)
    if (spacing <= 0).any():
        raise InputError(f"{path} has a spacing of zero or less under {SPACING}.")
    _check_order(table, boxes)
    found = Findings(
        _centers(boxes, slices, spacing),
        table.number_lists(DIAMETERS, 2).max(axis=1) * spacing[:, 0],
        np.ones(len(table)),
        boxes_ras_mm=_boxes_mm(boxes, slices, spacing),
        pixel_boxes=boxes,
        sources=np.arange(1, len(table) + 1),
    )
    noisy = table.numbers(NOISY) != 0
    inside = table.numbers(SPLIT) == _SPLITS[split] if split else np.ones(len(table), dtype=bool)
    kept = np.flatnonzero(inside & ~noisy)
    if not kept.size:
        raise InputError(f"{path} has no lesion to score" + (f" in the {split} split." if split else "."))
    names = [image_name(table.cells[FILE][row]) for row in kept]
    grids = dict(zip(names[::-1], kept[::-1], strict=True))  # the first row of each image stays
    images = {
        name: ImageTruth(lesions, geometry=_grid(spacing[grids[name]], slices[grids[name]]), patient=name.split("_")[0])
        for name, lesions in by_image(names, take(found, kept)).items()
    }
    notes = ["DeepLesion does not annotate every lesion: some false positives are lesions."]
    if (inside & noisy).any():
        notes.append(f"{int((inside & noisy).sum())} lesions flagged as possibly noisy were left out.")
    title = f"{len(images)} images of {path.name}" + (f", {split} split" if split else "")
    return TruthSet(images, title, notes=tuple(notes))


def read_marks(path: Path, truth: TruthSet) -> MarkSet:
    """Marks as ``File_name,x1,y1,x2,y2,score``, boxes in pixels (first and last), on the images of ``truth``.

    Raises:
        InputError: see :func:`.tables.read_columns`; also a box whose corners are in the wrong order.
    """
    table = read_columns(path, (FILE, *CORNERS, SCORE))
    boxes = np.stack([table.numbers(name) for name in CORNERS], axis=1)
    _check_order(table, boxes)
    scores = table.numbers(SCORE)
    names = [image_name(name) for name in table.cells[FILE]]
    spacing, slices = _spacings(names, truth)
    found = Findings(
        _centers(boxes, slices, spacing),
        np.sqrt(np.prod((boxes[:, 2:] - boxes[:, :2] + 1) * spacing[:, :2], axis=1)),
        scores,
        boxes_ras_mm=_boxes_mm(boxes, slices, spacing),
        pixel_boxes=boxes,
        sources=np.arange(1, len(table) + 1),
    )
    notes = [duplicates_note(names, [*boxes.T, scores], "the marks")]
    images = {name: ImageMarks(marks) for name, marks in by_image(names, found).items()}
    marked = len(set(images) & set(truth.images))
    if marked < _FEW_MARKED * len(truth.images):
        notes.append(
            f"Only {marked} of {len(truth.images)} images have any mark. If the marks are of one split, name it (--split)."
        )
    return MarkSet(images, path.name, complete=True, notes=tuple(note for note in notes if note))


def image_name(text: str) -> str:
    """``000001_02_01_014.png`` for that and for ``000001_02_01/014.png``, as the files lie on disk."""
    parts = text.strip().replace("\\", "/").split("/")
    return "_".join(parts[-2:])


def _grid(spacing: FloatArray, slice_index: float) -> Geometry:
    """The key slice alone, at its place; only spacing and slice are known of it."""
    matrix = np.diag([*spacing, 1.0])
    matrix[2, 3] = slice_index * spacing[2]
    return Geometry((1, 1, 1), matrix)


def _spacings(names: list[str], truth: TruthSet) -> tuple[FloatArray, FloatArray]:
    """[n, 3] spacing in mm and [n] slice of each mark's image; 1 mm and 0 where the truth does not have it."""
    grids = {name: one.geometry for name, one in truth.images.items() if one.geometry is not None}
    unknown = Geometry((1, 1, 1), np.eye(4))
    matrices = np.array([grids.get(name, unknown).ijk_to_ras for name in names]).reshape(-1, 4, 4)
    spacing = np.diagonal(matrices[:, :3, :3], axis1=1, axis2=2)
    return spacing, matrices[:, 2, 3] / spacing[:, 2]


def _centers(boxes: FloatArray, slices: FloatArray, spacing: FloatArray) -> FloatArray:
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    centers: FloatArray = np.concatenate([middle, slices[:, None]], axis=1) * spacing
    return centers


def _boxes_mm(boxes: FloatArray, slices: FloatArray, spacing: FloatArray) -> FloatArray:
    """[n, 2, 3] outer edges in mm; one slice thick."""
    low = np.concatenate([boxes[:, :2], slices[:, None]], axis=1) - 0.5
    high = np.concatenate([boxes[:, 2:], slices[:, None]], axis=1) + 0.5
    return np.stack([low, high], axis=1) * spacing[:, None]


def _check_order(table: Columns, boxes: FloatArray) -> None:
    wrong = (boxes[:, 2:] < boxes[:, :2]).any(axis=1)
    if wrong.any():
        line = table.lines[int(np.flatnonzero(wrong)[0])]
        raise InputError(f"{table.path}, line {line}: a box needs x1,y1,x2,y2 with x1 <= x2 and y1 <= y2.")
