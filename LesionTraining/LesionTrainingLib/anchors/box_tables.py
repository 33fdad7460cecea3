"""Boxes of tables: DeepLesion's ``DL_info.csv``, or any CSV with the sides or corners of boxes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

from LesionDetectionLib.core.errors import InputError

from ..cohorts.cohort import LeftOut
from ..cohorts.deeplesion_rows import BOX, KeySlice, Marked, read_key_slices
from ..cohorts.file_names import split_in
from ..cohorts.rows import Row, Table, read_table
from .boxes import OneBox, Reading, Source

SIDES = (("width", "height"), ("w", "h"))
CORNERS = (
    ("x0", "y0", "x1", "y1"),
    ("x1", "y1", "x2", "y2"),
    ("left", "top", "right", "bottom"),
    ("xmin", "ymin", "xmax", "ymax"),
    ("x_min", "y_min", "x_max", "y_max"),
)
IMAGE = ("image_width", "image_height")
_LONGEST_HEADING = 10_000
DIAMETER, SPACING, SPLIT = "diameter_mm", "spacing_mm", "split"


def boxes_of_table(path: Path, reading: Reading) -> Source:
    """All boxes of a table; rows that make no sense are left out.

    Raises:
        InputError: it cannot be read, or has no columns of boxes; the text names what it has.
    """
    if _is_deeplesion(path):
        return boxes_of_key_slices(path.name, *read_key_slices(path), reading)
    table = read_table(path)
    columns = next((names for names in (*CORNERS, *SIDES) if set(names) <= set(table.columns)), None)
    if columns is None:
        known = "; ".join(",".join(names) for names in (SIDES[0], *CORNERS[:4]))
        raise InputError(
            f"{path} has no columns of boxes. They are called {known}, or {BOX} in DeepLesion's list; it has "
            f"{', '.join(table.columns)[:200]}."
        )
    boxes, left_out = list[OneBox](), list(table.bad)
    for row in table.rows:
        try:
            boxes.append(_box(row, table, columns, reading))
        except ValueError as error:
            left_out.append(LeftOut(f"line {row.line}", table.reason(row, error)))
    notes = []
    if len(columns) == 4 and not reading.inclusive:
        notes.append(f"{', '.join(columns)} were read as the edges of boxes (--inclusive: as first and last pixel).")
    return Source(path.name, boxes, left_out, tuple(notes))


def boxes_of_key_slices(
    title: str, slices: Iterable[KeySlice], left_out: Iterable[LeftOut], reading: Reading
) -> Source:
    """The boxes of DeepLesion's key slices but for those flagged as possibly noisy, which training leaves out as well."""
    boxes, noisy = list[OneBox](), 0
    for key in slices:
        for lesion in key.lesions:
            if lesion.noisy:
                noisy += 1
            else:
                boxes.append(box_of_marked(key, lesion, reading))
    notes = (f"{noisy} boxes that the list flags as possibly noisy were left out.",) if noisy else ()
    return Source(title, boxes, tuple(left_out), notes)


def box_of_marked(key: KeySlice, lesion: Marked, reading: Reading) -> OneBox:
    """One box of DeepLesion, whose corners are pixels that belong to it (r - l + 1 wide)."""
    left, top, right, bottom = lesion.box
    more = 1 + 2 * (reading.margin_px or 0)
    return OneBox(
        right - left + more, bottom - top + more, max(key.size), lesion.long_px * key.spacing_mm[0], key.split
    )


def _is_deeplesion(path: Path) -> bool:
    """By its heading; what cannot be read is left for the reader of tables to tell."""
    try:
        with path.open("rb") as file:
            return BOX.casefold() in file.readline(_LONGEST_HEADING).replace(b"\0", b"").decode("latin-1").casefold()
    except OSError:
        return False


def _box(row: Row, table: Table, columns: tuple[str, ...], reading: Reading) -> OneBox:
    """Raises ValueError with what is wrong."""
    values = [row.number(name) for name in columns]
    if len(values) == 4:
        more = 1 if reading.inclusive else 0
        width, height = values[2] - values[0] + more, values[3] - values[1] + more
    else:
        width, height = values
    if width <= 0 or height <= 0:
        raise ValueError(f"{', '.join(f'{v:g}' for v in values)} under {', '.join(columns)} is no box")
    margin = 2 * (reading.margin_px or 0)
    given = [name for name in IMAGE if row.text(name)]
    image = [row.number(name) for name in given]
    if image and min(image) <= 0:
        raise ValueError(f"“{row.text(given[0])}” under {given[0]} is no size of an image")
    split = split_in(row.text(SPLIT).casefold())
    if row.text(SPLIT) and not split:
        raise ValueError(f"“{row.text(SPLIT)}” under {SPLIT} is none of training, validation, test")
    return OneBox(width + margin, height + margin, max(image, default=0.0), _size(row, width, height), split)


def _size(row: Row, width: float, height: float) -> float:
    """In mm: the diameter, or the longer side of the box; NaN where neither is known. Raises ValueError."""
    size = math.nan
    if row.text(DIAMETER):
        size = row.number(DIAMETER)
    elif row.text(SPACING):
        size = row.number(SPACING) * max(width, height)
    if size <= 0:
        raise ValueError("its size in mm is not above 0")
    return size
