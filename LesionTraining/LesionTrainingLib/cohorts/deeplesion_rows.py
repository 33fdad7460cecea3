"""The rows of DeepLesion's ``DL_info.csv``: one lesion each, on one key slice.

Pixel coordinates in the file count from 1 (so its authors' own code reads them); here they count from 0.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from .case import TEST, TRAINING, VALIDATION
from .cohort import LeftOut
from .rows import Row, Table, read_table

TYPES = {
    1: "bone",
    2: "abdomen",
    3: "mediastinum",
    4: "liver",
    5: "lung",
    6: "kidney",
    7: "soft tissue",
    8: "pelvis",
    -1: "not told",
}
"""``Coarse_lesion_type``; told for the validation and test splits only."""
SPLITS = {1: TRAINING, 2: VALIDATION, 3: TEST}
FILE, SLICE = "File_name", "Key_slice_index"
POINTS, BOX, DIAMETERS = "Measurement_coordinates", "Bounding_boxes", "Lesion_diameters_Pixel_"
TYPE, NOISY, SPACING, SIZE, SPLIT = (
    "Coarse_lesion_type",
    "Possibly_noisy",
    "Spacing_mm_px_",
    "Image_size",
    "Train_Val_Test",
)
COLUMNS = (FILE, SLICE, POINTS, BOX, DIAMETERS, TYPE, NOISY, SPACING, SPLIT)
FIRST = 1.0
"""The file's index of the first pixel."""

Pair = tuple[float, float]


@dataclass(frozen=True)
class Marked:
    """One lesion.

    Attributes:
        line: of the file.
        box: left, top, right, bottom in pixels, from 0.
        long_axis, short_axis: ends (column, row) of the two diameters in pixels, from 0.
        long_px: the longer diameter.
        kind: of :data:`TYPES`.
        noisy: flagged as possibly wrong.
    """

    line: int
    box: tuple[float, float, float, float]
    long_axis: tuple[Pair, Pair]
    short_axis: tuple[Pair, Pair]
    long_px: float
    kind: int
    noisy: bool


@dataclass(frozen=True)
class KeySlice:
    """One key slice and its lesions.

    Attributes:
        series: name of the folder of its series, ``000001_01_01``; the patient is its first part.
        index: number of the slice in it.
        spacing_mm: between columns, rows, slices.
        size: columns, rows; (0, 0) where the list does not say.
        split: of :data:`SPLITS`.
    """

    series: str
    index: int
    spacing_mm: tuple[float, float, float]
    size: tuple[int, int]
    split: str
    lesions: tuple[Marked, ...]

    @property
    def id(self) -> str:
        return f"{self.series}_{self.index:03d}"

    @property
    def patient(self) -> str:
        return self.series.split("_")[0]


def read_key_slices(path: Path) -> tuple[list[KeySlice], list[LeftOut]]:
    """The key slices in the order of the file, and those left out because a row of theirs makes no sense.

    Raises:
        InputError: it cannot be read, or lacks a column.
    """
    table = read_table(path, COLUMNS)
    grouped: dict[str, list[KeySlice]] = defaultdict(list)
    wrong = {image_name(left.case): left.reason for left in table.bad}
    for row in table.rows:
        try:
            one = _key_slice(row)
            grouped[one.id].append(one)
        except ValueError as error:
            # Half of an image's lesions would make good detections look false.
            wrong.setdefault(image_name(row.text(FILE)), _told(table, row, error))
    slices = []
    for name, rows in grouped.items():
        first = rows[0]
        if any((one.spacing_mm, one.size, one.split) != (first.spacing_mm, first.size, first.split) for one in rows):
            lines = " and ".join(str(one.lesions[0].line) for one in rows[:2])
            wrong.setdefault(name, f"{path.name}, lines {lines}: spacing, size or split of one image differ.")
        if name not in wrong:
            lesions = tuple(lesion for one in rows for lesion in one.lesions)
            slices.append(KeySlice(first.series, first.index, first.spacing_mm, first.size, first.split, lesions))
    return slices, [LeftOut(name, reason) for name, reason in wrong.items()]


def _told(table: Table, row: Row, error: ValueError) -> str:
    return f"{table.reason(row, error)} Its image is not used."


def image_name(text: str) -> str:
    """``000001_01_01_109`` of ``000001_01_01_109.png`` and of ``000001_01_01/109.png``."""
    return "_".join(text.strip().replace("\\", "/").split("/")[-2:]).removesuffix(".png") or "a row without a name"


def _key_slice(row: Row) -> KeySlice:
    """One row as a key slice with one lesion. Raises ValueError with what is wrong."""
    series, _, number = image_name(row.text(FILE)).rpartition("_")
    index = row.whole(SLICE)
    if not series or not number.isdecimal() or int(number) != index:
        raise ValueError(f"“{row.text(FILE)}” under {FILE} does not end in the key slice {index}")
    spacing, split = row.numbers(SPACING, 3), row.whole(SPLIT)
    if min(spacing) <= 0:
        raise ValueError(f"“{row.text(SPACING)}” under {SPACING} is no spacing")
    if split not in SPLITS:
        raise ValueError(f"“{row.text(SPLIT)}” under {SPLIT} is none of 1, 2 and 3")
    columns, rows = (int(n) for n in row.numbers(SIZE, 2)) if row.text(SIZE) else (0, 0)
    return KeySlice(series, index, _three(spacing), (columns, rows), SPLITS[split], (_marked(row),))


def _marked(row: Row) -> Marked:
    x1, y1, x2, y2 = (n - FIRST for n in row.numbers(BOX, 4))
    if x1 >= x2 or y1 >= y2:
        raise ValueError(f"“{row.text(BOX)}” under {BOX} is no box (left, top, right, bottom)")
    p = [n - FIRST for n in row.numbers(POINTS, 8)]
    diameters, kind = row.numbers(DIAMETERS, 2), row.whole(TYPE)
    if min(diameters) <= 0:
        raise ValueError(f"“{row.text(DIAMETERS)}” under {DIAMETERS} are no diameters")
    if kind not in TYPES:
        raise ValueError(f"“{row.text(TYPE)}” under {TYPE} is no type of lesion")
    axes = ((p[0], p[1]), (p[2], p[3])), ((p[4], p[5]), (p[6], p[7]))
    # The longer one first; a few rows have them the other way round.
    first, second = axes if diameters[0] >= diameters[1] else axes[::-1]
    return Marked(row.line, (x1, y1, x2, y2), first, second, max(diameters), kind, row.whole(NOISY) != 0)


def _three(values: tuple[float, ...]) -> tuple[float, float, float]:
    a, b, c = values
    return a, b, c
