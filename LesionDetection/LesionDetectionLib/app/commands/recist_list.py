"""Masks of the lesions in DeepLesion's list, for ``lesion recist-mask``."""

from __future__ import annotations

import argparse
import csv
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from LesionDetectionLib.app.commands.options import training_part
from LesionDetectionLib.core.atomic import atomic_folder
from LesionDetectionLib.core.errors import InputError, UsageError
from LesionDetectionLib.core.image import CT
from LesionDetectionLib.core.progress import Progress

FOLDER, TABLE = "masks", "masks.csv"
MASKS = (FOLDER, TABLE)
_MOST_IN_A_SLICE = 255


@dataclass(frozen=True)
class MaskRow:
    """One lesion of the table.

    Attributes:
        file: of the key slice.
        row: line of the list.
        label: value of its pixels in the picture; where two lesions overlap the later one has them.
        mask: path of the picture, empty where its mask could not be made.
        way, reason: how the mask was made, and why so.
        area_px, area_mm2: of the whole mask.
        long_mm, short_mm: the diameters.
        left, top, right, bottom: the box's edges in pixels: pixel n covers n to n + 1.
    """

    file: str
    row: int
    label: int
    mask: str
    way: str
    reason: str
    area_px: int
    area_mm2: float
    long_mm: float
    short_mm: float
    left: float
    top: float
    right: float
    bottom: float


def add_list_options(parser: Any) -> None:
    parser.add_argument(
        "--images", type=Path, metavar="FOLDER", help="the folder of the images, one folder a series (Images_png)"
    )
    parser.add_argument(
        "--row", type=int, default=0, metavar="N", help="only the lesion in line N (the heading is line 1)"
    )
    parser.add_argument(
        "--file", default="", metavar="NAME", help="only the key slice NAME, such as 000001_02_01_017.png"
    )


def masks_of_list(options: argparse.Namespace, progress: Progress) -> tuple[list[MaskRow], int]:
    """Write all masks and their table to a folder, or nothing.

    Returns:
        the rows of the table, and how many key slices have no image.

    Raises:
        InputError: list or images cannot be read, or none of the images is there.
        UsageError: no such row or file.
        OutputError: the folder cannot be written.
        Cancelled: through ``progress``.
    """
    keys = _chosen(training_part("cohorts.deeplesion_rows").read_key_slices(options.scan)[0], options)
    there = [(key, path) for key in keys if (path := _image_path(options.images, key)).is_file()]
    if not there:
        missing = _image_path(options.images, keys[0])
        raise InputError(f"None of the {len(keys)} images is in {options.images}; the first would be {missing}.")
    rows: list[MaskRow] = []
    with atomic_folder(options.output, options.overwrite) as folder:
        (folder / FOLDER).mkdir()
        for n, (key, path) in enumerate(there):
            progress(n / len(there), path.name)
            rows += _masks_of_slice(key, path, options, folder)
        with (folder / TABLE).open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, list(MaskRow.__annotations__))
            writer.writeheader()
            writer.writerows(asdict(row) for row in rows)
    return rows, len(keys) - len(there)


def print_rows(rows: list[MaskRow], missing: int, output: Path) -> None:
    """What was made, why the ways were chosen, and what was not."""
    made = [row for row in rows if row.mask]
    print(f"{len(made)} masks in {len({row.file for row in made})} key slices")
    for way in sorted({row.way for row in made}):
        print(f"  {way}: {sum(row.way == way for row in made)}")
    for row in rows[:20]:
        print(
            f"{row.file} row {row.row}: {row.area_mm2:.0f} mm², {row.long_mm:.1f} x {row.short_mm:.1f} mm. {row.reason}"
        )
    if len(rows) > 20:
        print(f"... {len(rows) - 20} more")
    if missing:
        print(f"Note: {missing} key slices have no image there.")
    if len(made) < len(rows):
        print(f"Note: {len(rows) - len(made)} lesions have no mask; the table says why.")
    print(f"Results: {output} ({TABLE}, {FOLDER}/*.png)")


def _chosen(keys: list[Any], options: argparse.Namespace) -> list[Any]:
    name = options.file.strip().replace("\\", "/").replace("/", "_").removesuffix(".png")
    found = [
        key
        for key in keys
        if (not name or key.id == name) and (not options.row or any(one.line == options.row for one in key.lesions))
    ]
    if not found:
        what = f"lesion in line {options.row}" if options.row else f"key slice {options.file}" if name else "key slice"
        raise UsageError(f"{options.scan.name} has no {what} that can be used.")
    return found


def _image_path(images: Path, key: Any) -> Path:
    return images / str(key.series) / f"{key.index:03d}.png"


def _masks_of_slice(key: Any, path: Path, options: argparse.Namespace, folder: Path) -> list[MaskRow]:
    import cv2

    part = training_part("cohorts.deeplesion")
    case = part.DeepLesionCase(key.id, key.patient, key.split, (CT,), True, key, (), True, 1, 1.0, (path,))
    plane = case.images()[CT].voxels[0]
    labels: npt.NDArray[np.uint8] = np.zeros(plane.shape, dtype=np.uint8)
    name = f"{FOLDER}/{key.id}.png"
    chosen = [one for one in key.lesions if options.row in (0, one.line)]
    if len(chosen) > _MOST_IN_A_SLICE:
        raise InputError(f"{path.name} has more than {_MOST_IN_A_SLICE} lesions in the list.")
    rows = [_mask(plane, labels, key, one, label, options.way, name) for label, one in enumerate(chosen, start=1)]
    content = cv2.imencode(".png", labels)[1]
    (folder / name).write_bytes(content.tobytes())
    return rows


def _mask(
    plane: npt.NDArray[Any], labels: npt.NDArray[np.uint8], key: Any, one: Any, label: int, way: str, name: str
) -> MaskRow:
    from LesionDetectionLib.imaging.recist_mask import Diameters, recist_slice_mask

    x, y, _ = key.spacing_mm
    left, top, right, bottom = one.box
    box = (left, top, right + 1, bottom + 1)
    diameters = Diameters(one.long_axis, one.short_axis)
    sizes = diameters.long_px * x, diameters.short_px * x
    try:
        found = recist_slice_mask(plane, diameters, (x, y), way, box)
    except UsageError as error:  # a row of the list that makes no sense; the others are made
        return MaskRow(f"{key.id}.png", one.line, label, "", "", str(error), 0, 0.0, *sizes, *box)
    i, j = found.start_xy
    height, width = found.voxels.shape
    labels[j : j + height, i : i + width][found.voxels] = label
    area = int(np.count_nonzero(found.voxels))
    return MaskRow(f"{key.id}.png", one.line, label, name, found.way, found.reason, area, area * x * y, *sizes, *box)
