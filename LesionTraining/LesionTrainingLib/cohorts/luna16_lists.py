"""LUNA16's lists: nodules, excluded findings, candidates and series. Positions in the files are LPS mm, here RAS mm."""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.lesion import NODULE, Lesion, Point

from .cohort import LeftOut
from .rows import Row, read_table

UNKNOWN_DIAMETER_MM = 10.0
"""For a finding whose diameter the lists give as negative, as the organisers' script takes it."""
FOLDERS = ("", "CSVFILES", "evaluationScript/annotations", "annotations")
"""Where the lists lie, below the folder with the subsets: the downloads put them into folders of their own."""
SERIES, PLACE, DIAMETER, CLASS = "seriesuid", ("coordX", "coordY", "coordZ"), "diameter_mm", "class"
_BLOCK = 50_000
"""Rows of candidates that are held as text at a time."""
_NO_PLACES = np.zeros((0, 3))

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Finding:
    """One row: where, how large (:data:`UNKNOWN_DIAMETER_MM` where ``known`` is false)."""

    center_ras_mm: Point
    diameter_mm: float
    known: bool = True

    def lesion(self) -> Lesion:
        note = "" if self.known else f"Its diameter is not known; {UNKNOWN_DIAMETER_MM:g} mm was taken, as LUNA16 does."
        return Lesion(self.center_ras_mm, self.diameter_mm, 1.0, meaning=NODULE, note=note)


def find_list(folder: Path, *names: str) -> Path | None:
    """The first of ``names`` that is there, in the first of :data:`FOLDERS` that has one."""
    paths = (folder / sub / name for sub in FOLDERS for name in names)
    return next((path for path in paths if path.is_file()), None)


def read_series(path: Path) -> tuple[str, ...]:
    """The series of ``seriesuids.csv``, one a line, with or without a heading; each once.

    Raises:
        InputError: it cannot be read, or names none.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read as a list of series: {error}.") from error
    names = (line.split(",")[0].strip() for line in lines)
    found = tuple(dict.fromkeys(name for name in names if name and name.casefold() != SERIES))
    if not found:
        raise InputError(f"{path} names no series.")
    return found


def read_findings(path: Path) -> tuple[dict[str, tuple[Finding, ...]], list[LeftOut]]:
    """The findings by series, and the rows that make no sense (``case`` is their series).

    Raises:
        InputError: it cannot be read, or lacks a column.
    """
    table = read_table(path, (SERIES, *PLACE, DIAMETER))
    findings: dict[str, list[Finding]] = defaultdict(list)
    bad = list(table.bad)
    for row in table.rows:
        uid = row.text(SERIES)
        try:
            if not uid:
                raise ValueError("the series is missing")
            findings[uid].append(_finding(row))
        except ValueError as error:
            bad.append(LeftOut(uid or f"line {row.line}", table.reason(row, error)))
    return {uid: tuple(found) for uid, found in findings.items()}, bad


def check_candidates(path: Path) -> None:
    """Raises InputError where the list of candidates cannot be read or lacks a column; only its heading is looked at."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            heading = next(csv.reader(file), [])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read as a table (CSV): {error}.") from error
    _places_in(heading, path)


def negatives_of(path: Path, uid: str) -> tuple[FloatArray, str]:
    """Where the candidates of one series are that are no nodules (class 0), [n, 3] RAS mm, and a note or an empty text.

    The list (754,975 rows in its second version) is read once a process, when the first case asks.

    Raises:
        InputError: see :func:`check_candidates`.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error
    by_series, bad = _negatives(path, status.st_size, status.st_mtime_ns)
    note = f"{bad} rows of {path.name} make no sense and were skipped." if bad else ""
    return by_series.get(uid, _NO_PLACES), note


def _finding(row: Row) -> Finding:
    x, y, z = (row.number(name) for name in PLACE)
    diameter = row.number(DIAMETER)
    if diameter == 0:
        raise ValueError("a diameter of zero")
    center = (-x + 0.0, -y + 0.0, z)
    return Finding(center, diameter) if diameter > 0 else Finding(center, UNKNOWN_DIAMETER_MM, known=False)


@lru_cache(maxsize=1)
def _negatives(path: Path, size: int, mtime_ns: int) -> tuple[dict[str, FloatArray], int]:
    """All of them by series, and the number of bad rows; ``size`` and ``mtime_ns`` tell one content from another."""
    numbers: dict[str, int] = {}
    owners, places, bad = list[npt.NDArray[np.intp]](), list[FloatArray](), 0
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.reader(file)
            columns = _places_in(next(reader, []), path)
            while block := list(islice(reader, _BLOCK)):
                found, wrong = _block(block, columns, numbers)
                owners.append(found[0])
                places.append(found[1])
                bad += wrong
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read as a table (CSV): {error}.") from error
    if not owners:
        return {}, bad
    owner, place = np.concatenate(owners), np.concatenate(places) * np.array([-1.0, -1.0, 1.0])
    order = np.argsort(owner, kind="stable")
    starts = np.searchsorted(owner[order], np.arange(len(numbers) + 1))
    ordered = place[order]
    ordered.flags.writeable = False
    return {uid: ordered[starts[n] : starts[n + 1]] for uid, n in numbers.items()}, bad


def _places_in(heading: list[str], path: Path) -> tuple[int, int, int, int, int]:
    """Which columns hold series, x, y, z and class."""
    names = [name.strip().casefold() for name in heading]
    wanted = [SERIES, *PLACE, CLASS]
    missing = [name for name in wanted if name.casefold() not in names]
    if missing:
        raise InputError(
            f"{path} has no column {' and '.join(missing)}. A list of candidates needs {', '.join(wanted)}."
        )
    series, x, y, z, kind = (names.index(name.casefold()) for name in wanted)
    return series, x, y, z, kind


def _block(
    rows: list[list[str]], columns: tuple[int, int, int, int, int], numbers: dict[str, int]
) -> tuple[tuple[npt.NDArray[np.intp], FloatArray], int]:
    """Owner, [n], and place in the file's frame, [n, 3], of the class 0 rows, and how many rows are bad.

    Args:
        numbers: series -> its number; new ones are put in.
    """
    series, x, y, z, kind = columns
    try:
        negative = [row for row in rows if row[kind].strip() == "0"]
        places = np.array([(row[x], row[y], row[z]) for row in negative], dtype=np.float64).reshape(-1, 3)
        whole = np.isfinite(places).all() and all(row[kind].strip() in ("0", "1") for row in rows)
    except (IndexError, ValueError):
        whole = False
    bad = 0
    if not whole:
        good = [row for row in rows if _is_good(row, columns)]
        bad = sum(map(bool, rows)) - len(good)
        negative = [row for row in good if row[kind].strip() == "0"]
        places = np.array([(row[x], row[y], row[z]) for row in negative], dtype=np.float64).reshape(-1, 3)
    owner = np.array([numbers.setdefault(row[series].strip(), len(numbers)) for row in negative], dtype=np.intp)
    return (owner, places), bad


def _is_good(row: list[str], columns: tuple[int, int, int, int, int]) -> bool:
    try:
        return row[columns[4]].strip() in ("0", "1") and all(math.isfinite(float(row[n])) for n in columns[1:4])
    except (IndexError, ValueError):
        return False
