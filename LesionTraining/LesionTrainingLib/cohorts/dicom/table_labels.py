"""Labels from a table (CSV) of points or boxes, keyed by Series Instance UID.

A row is a lesion: the series (column ``SeriesInstanceUID`` or ``seriesuid``), and either its centre and size (``x``,
``y``, ``z``, and ``diameter_mm`` if it is known; ``coordX`` ... as in LUNA16 will do) or its box (``x_min`` ... ``z_max``),
all in mm. A row with a series and nothing else says that somebody looked, and there is no lesion. A column ``label`` says in a
word what the whole series shows (``lung``), for methods that learn from that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.lesion import Lesion, Point

from ..cohort import LeftOut
from ..rows import Row, Table, read_table, shortened
from .options import RAS

_SERIES = ("seriesinstanceuid", "seriesuid", "series_uid")
_POINT = (("x", "coordx"), ("y", "coordy"), ("z", "coordz"))
_DIAMETER = ("diameter_mm", "diameter")
_LABEL = ("label",)
_BOX = (("x_min",), ("y_min",), ("z_min",), ("x_max",), ("y_max",), ("z_max",))


@dataclass(frozen=True)
class Mark:
    """One row, in RAS mm: centre, diameter (0 where unknown; a box's longest side), and the box or None."""

    center_ras_mm: Point
    diameter_mm: float
    box_ras_mm: tuple[Point, Point] | None = None

    def lesion(self) -> Lesion:
        return Lesion(self.center_ras_mm, self.diameter_mm, 1.0, box_ras_mm=self.box_ras_mm)


def read_marks(path: Path, frame: str) -> tuple[dict[str, tuple[Mark, ...]], list[LeftOut]]:
    """The marks of each series that the table names, and the rows that make no sense.

    A series with such a row has no marks at all: half of the truth would make good detections look false.

    Args:
        frame: of the table's coordinates, ``LPS`` or ``RAS``.

    Raises:
        InputError: it cannot be read, or has no such columns.
    """
    table = read_table(path)
    series = _columns(table, (_SERIES,))
    point, box = _columns(table, _POINT), _columns(table, _BOX)
    if not series or not (point or box):
        raise InputError(
            f"The table {path} needs the columns SeriesInstanceUID and x, y, z (and diameter_mm), or x_min ... z_max."
        )
    diameter = _columns(table, (_DIAMETER,))
    marks: dict[str, list[Mark]] = defaultdict(list)
    label, labels = _columns(table, (_LABEL,)), dict[str, str]()
    left_out = [LeftOut(bad.case, f"{bad.reason} Its series counts as not labelled.") for bad in table.bad]
    for row in table.rows:
        uid = row.text(series[0])
        try:
            if label and (said := row.text(label[0])) and labels.setdefault(uid, said) != said:
                raise ValueError(f"the label is “{said}”, and “{labels[uid]}” in a row before")
            found = _point(row, point, diameter, frame) or _box(row, box, frame)
            marks[uid] += [found] if found else []
        except ValueError as error:
            left_out.append(LeftOut(uid, f"{table.reason(row, error)} The series counts as not labelled."))
    wrong = {"", *(left.case for left in left_out)}
    kept = {uid: tuple(found) for uid, found in marks.items() if uid not in wrong}
    return kept, shortened(left_out, f"lines of {path.name}")


def read_image_labels(path: Path) -> dict[str, str]:
    """What each series shows as a whole, by Series Instance UID; those that :func:`read_marks` leaves out, too.

    Raises:
        InputError: it cannot be read.
    """
    table = read_table(path)
    series, label = _columns(table, (_SERIES,)), _columns(table, (_LABEL,))
    rows = table.rows if series and label else ()
    return {row.text(series[0]): row.text(label[0]) for row in rows if row.text(label[0])}


def _columns(table: Table, wanted: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """The table's names of the wanted columns, each known by several; empty unless it has all of them."""
    found = tuple(next((name for name in names if name in table.columns), "") for names in wanted)
    return found if all(found) else ()


def _point(row: Row, columns: Sequence[str], diameter: Sequence[str], frame: str) -> Mark | None:
    """None where the row has no point. Raises ValueError with what is wrong."""
    if not any(map(row.text, columns)):
        return None
    x, y, z = map(row.number, columns)
    size = row.number(diameter[0]) if diameter and row.text(diameter[0]) else 0.0
    if size < 0:
        raise ValueError("the diameter is negative")
    return Mark(_ras(x, y, z, frame), size)


def _box(row: Row, columns: Sequence[str], frame: str) -> Mark | None:
    """None where the row has no box. Raises ValueError with what is wrong."""
    if not any(map(row.text, columns)):
        return None
    a, b, c, d, e, f = map(row.number, columns)
    first, second = _ras(a, b, c, frame), _ras(d, e, f, frame)
    (x0, x1), (y0, y1), (z0, z1) = (sorted(pair) for pair in zip(first, second, strict=True))
    sizes = x1 - x0, y1 - y0, z1 - z0
    if min(sizes) <= 0:
        raise ValueError("the box has no size along one axis")
    return Mark(((x0 + x1) / 2, (y0 + y1) / 2, (z0 + z1) / 2), max(sizes), ((x0, y0, z0), (x1, y1, z1)))


def _ras(x: float, y: float, z: float, frame: str) -> Point:
    return (x, y, z) if frame == RAS else (-x + 0.0, -y + 0.0, z)
