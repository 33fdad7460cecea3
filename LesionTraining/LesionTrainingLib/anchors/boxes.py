"""Boxes to fit anchors to: of DeepLesion's list, of any table, of the lesions of any cohort."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.errors import InputError, UsageError
from LesionDetectionLib.core.progress import Progress

from ..cohorts.case import TEST, TRAINING, VALIDATION
from ..cohorts.cohort import LeftOut
from ..cohorts.spec import is_spec, open_cohort

SPLITS = {"train": TRAINING, "val": VALIDATION, TRAINING: TRAINING, VALIDATION: VALIDATION, TEST: TEST, "all": "all"}
INPUT_PX = 512
"""The longer side of the network's input; a slice is resized to it."""
_LARGEST_PX = 1e6


@dataclass(frozen=True)
class Reading:
    """How boxes are read.

    Attributes:
        split: one of :data:`SPLITS`; empty for validation, where the source names splits.
        input_px: longer side of the network's input in pixels.
        image_px: longer side of the images, where the source does not say; 0: they are as large as the input.
        margin_px: added to each side of a box, in pixels of its image; None: 5 for masks, whose boxes the method
            learns with such a margin, 0 for boxes.
        inclusive: corners in a table are the first and last pixel of a box, and not its edges.
    """

    split: str = ""
    input_px: int = INPUT_PX
    image_px: int = 0
    margin_px: float | None = None
    inclusive: bool = False


@dataclass(frozen=True)
class OneBox:
    """Attributes:
    width, height: in pixels of its image.
    image_px: longer side of the image; 0 if not known.
    size_mm: longest diameter; NaN if not known.
    split: of the official split, or empty.
    """

    width: float
    height: float
    image_px: float = 0.0
    size_mm: float = float("nan")
    split: str = ""


@dataclass(frozen=True, eq=False)
class Boxes:
    """Attributes:
    sides: [n, 2] width and height in pixels of the network's input.
    size_mm: [n] longest diameters; NaN where it is not known.
    title: what they are, in words.
    notes: sentences on how they were read.
    on_phantoms: whether they are of computer-made lesions.
    """

    sides: npt.NDArray[np.float64]
    size_mm: npt.NDArray[np.float64]
    title: str
    notes: tuple[str, ...] = ()
    on_phantoms: bool = False


@dataclass(frozen=True)
class Source:
    """What a source of boxes gave: all of them, what was left out, and sentences about it."""

    title: str
    boxes: Sequence[OneBox]
    left_out: Sequence[LeftOut] = ()
    notes: tuple[str, ...] = ()
    on_phantoms: bool = False


def read_boxes(source: str, reading: Reading | None = None, progress: Progress | None = None) -> Boxes:
    """The boxes of a table (CSV) or of a cohort (``KIND:PATH?option=value``, or a YAML file).

    Raises:
        UsageError: settings that make no sense.
        InputError: it cannot be read, or has no box that can be used.
        Cancelled: through ``progress``.
    """
    from .box_tables import boxes_of_table
    from .cohort_boxes import boxes_of_cohort

    reading, progress = reading or Reading(), progress or Progress()
    if reading.split not in ("", *SPLITS):
        raise UsageError(f"There is no split “{reading.split}”. Choose train, val, test or all.")
    if not 1 <= reading.input_px <= 10_000 or reading.image_px < 0:
        raise UsageError("The input is 1 to 10000 pixels wide, and an image 1 at least.")
    if reading.margin_px is not None and not 0 <= reading.margin_px <= 1000:
        raise UsageError("A margin is 0 to 1000 pixels.")
    if is_spec(source):
        found = boxes_of_cohort(open_cohort(source, progress.part(0.0, 0.1)), reading, progress.part(0.1, 1.0))
    else:
        progress(0.0, f"Reading {Path(source).name}")
        found = boxes_of_table(Path(source), reading)
    return _used(found, reading)


def _used(found: Source, reading: Reading) -> Boxes:
    chosen, notes = _of_split(found, reading.split)
    sides = np.array([(box.width, box.height) for box in chosen], dtype=np.float64).reshape(-1, 2)
    image = np.array([box.image_px for box in chosen]) if chosen else np.zeros(0)
    unknown = image <= 0
    image = np.where(unknown, reading.image_px or reading.input_px, image)
    if unknown.any() and not reading.image_px:
        count = "" if unknown.all() else f" of {int(unknown.sum())} boxes"
        notes.append(
            f"The image size{count} is not told: taken as {reading.input_px} pixels, the input's (--image-px)."
        )
    sides = sides * (reading.input_px / image)[:, None]
    if not np.isfinite(sides).all() or (sides > _LARGEST_PX).any() or (sides <= 0).any():
        raise InputError(f"Boxes of {found.title} are larger than any image. Is the image size right?")
    left = [f"{len(found.left_out)} left out. The first: {found.left_out[0].reason}"] if found.left_out else []
    size = np.array([box.size_mm for box in chosen], dtype=np.float64)
    return Boxes(sides, size, found.title, (*found.notes, *notes, *left), found.on_phantoms)


def _of_split(found: Source, wanted: str) -> tuple[list[OneBox], list[str]]:
    """The boxes of the split that was asked for, and what to say of it."""
    if not found.boxes:
        why = f" {len(found.left_out)} were left out, the first: {found.left_out[0].reason}" if found.left_out else ""
        raise InputError(f"There is no box in {found.title} that can be used.{why}")
    counts = Counter(box.split for box in found.boxes)
    told = ", ".join(f"{name} {counts[name]}" for name in (TRAINING, VALIDATION, TEST) if counts[name])
    split = SPLITS[wanted] if wanted else (VALIDATION if told else "all")
    if split == "all":
        return list(found.boxes), []
    if not told:
        raise InputError(f"{found.title} names no splits. Leave out --split, and all of its boxes are used.")
    chosen = [box for box in found.boxes if box.split == split]
    if chosen:
        return chosen, []
    training = [box for box in found.boxes if box.split == TRAINING]
    if split == VALIDATION and training:
        return training, [
            f"{found.title} has no box of the validation split ({told}): those of the training split stand for them."
        ]
    raise InputError(f"{found.title} has no box of the {split} split. It has: {told}. Choose another, or --split all.")
