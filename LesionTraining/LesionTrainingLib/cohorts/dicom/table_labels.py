"""Labels from a table (CSV) of points or boxes, keyed by Series Instance UID.

A row is a lesion: the series (column ``SeriesInstanceUID`` or ``seriesuid``), and either its centre and size (``x``,
``y``, ``z``, and ``diameter_mm`` if it is known; ``coordX`` ... as in LUNA16 will do) or its box (``x_min`` ... ``z_max``),
all in mm. A row with a series and nothing else says that somebody looked, and there is no lesion.
"""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.lesion import Lesion, Point

from ..cohort import LeftOut
from .options import RAS

_SERIES = ("seriesinstanceuid", "seriesuid", "series_uid")
_POINT = (("x", "coordx"), ("y", "coordy"), ("z", "coordz"))
_DIAMETER = ("diameter_mm", "diameter")
_BOX = (("x_min",), ("y_min",), ("z_min",), ("x_max",), ("y_max",), ("z_max",))
_MOST_LEFT_OUT = 20
"""So many bad rows are named."""


@dataclass(frozen=True)
class Mark:
    """One row, in RAS mm: centre, diameter (0 where unknown; a box's longest side), and the box or None."""

    center_ras_mm: Point
    diameter_mm: float
    box_ras_mm: tuple[Point, Point] | None = None

    def lesion(self) -> Lesion:
        return Lesion(self.center_ras_mm, self.diameter_mm, 1.0, box_ras_mm=self.box_ras_mm)


def read_table(path: Path, frame: str) -> tuple[dict[str, tuple[Mark, ...]], list[LeftOut]]:
    """The marks of each series that the table names, and the rows that make no sense.

    A series with such a row has no marks at all: half of the truth would make good detections look false.

    Args:
        frame: of the table's coordinates, ``LPS`` or ``RAS``.

    Raises:
        InputError: it cannot be read, or has no such columns.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            names = {name.strip().casefold(): name for name in reader.fieldnames or () if name}
            rows = list(reader)
    except OSError as error:
        raise InputError(f"The table {path} cannot be read: {error.strerror or error}.") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"{path} is no table (CSV, UTF-8): {error}.") from error
    series = next((names[name] for name in _SERIES if name in names), None)
    if series is None or not (_columns(names, _POINT) or _columns(names, _BOX)):
        raise InputError(
            f"The table {path} needs the columns SeriesInstanceUID and x, y, z (and diameter_mm), or x_min ... z_max."
        )
    marks: dict[str, list[Mark]] = defaultdict(list)
    left_out = []
    for number, row in enumerate(rows, 2):
        uid = (row[series] or "").strip()
        try:
            mark = _mark(row, names, frame)
            marks[uid] += [mark] if mark else []
        except ValueError as error:
            reason = f"Line {number} of the table {path.name}: {error}. The series counts as not labelled."
            left_out.append(LeftOut(uid, reason))
    wrong = {"", *(left.case for left in left_out)}
    return {uid: tuple(found) for uid, found in marks.items() if uid not in wrong}, _shortened(left_out)


def _columns(names: Mapping[str, str], wanted: Sequence[tuple[str, ...]]) -> list[str]:
    """The table's names of the wanted columns, each known by several; empty unless it has all of them."""
    found = [next((names[n] for n in each if n in names), "") for each in wanted]
    return found if all(found) else []


def _mark(row: Mapping[str, str | None], names: Mapping[str, str], frame: str) -> Mark | None:
    """None for a row without numbers. Raises ValueError with what is wrong."""
    point = _numbers(row, _columns(names, _POINT))
    corners = _numbers(row, _columns(names, _BOX))
    if point:
        column = next((names[name] for name in _DIAMETER if name in names), None)
        (diameter,) = _numbers(row, [column] if column else []) or (0.0,)
        if diameter < 0:
            raise ValueError("the diameter is negative")
        return Mark(_ras(point, frame), diameter)
    if corners:
        first, second = _ras(corners[:3], frame), _ras(corners[3:], frame)
        low, high = _sorted(first, second)
        size = max(b - a for a, b in zip(low, high, strict=True))
        if min(b - a for a, b in zip(low, high, strict=True)) <= 0:
            raise ValueError("the box has no size along one axis")
        x, y, z = ((a + b) / 2 for a, b in zip(low, high, strict=True))
        return Mark((x, y, z), size, (low, high))
    return None


def _numbers(row: Mapping[str, str | None], columns: list[str]) -> tuple[float, ...]:
    texts = [(row[column] or "").strip() for column in columns]
    if not any(texts):
        return ()
    try:
        values = tuple(float(text) for text in texts)
    except ValueError:
        bad = next(text for text in texts if not _is_number(text))
        raise ValueError(f"“{bad}” is no number" if bad else "a number is missing") from None
    if not all(map(math.isfinite, values)):
        raise ValueError("a number is not finite")
    return values


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _ras(values: tuple[float, ...], frame: str) -> Point:
    x, y, z = values
    return (x, y, z) if frame == RAS else (-x + 0.0, -y + 0.0, z)


def _sorted(first: Point, second: Point) -> tuple[Point, Point]:
    low = (min(first[0], second[0]), min(first[1], second[1]), min(first[2], second[2]))
    high = (max(first[0], second[0]), max(first[1], second[1]), max(first[2], second[2]))
    return low, high


def _shortened(left_out: list[LeftOut]) -> list[LeftOut]:
    more = len(left_out) - _MOST_LEFT_OUT
    if more <= 0:
        return left_out
    return [*left_out[:_MOST_LEFT_OUT], LeftOut("", f"{more} more lines of the table make no sense either.")]
