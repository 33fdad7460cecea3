"""Tables as CSV files: columns by name, numbers checked, and errors that name the row."""

from __future__ import annotations

import csv
import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from LesionDetectionLib.core.errors import InputError

from ...cohorts.rows import reader_of
from ..matching.findings import FloatArray


@dataclass(frozen=True)
class Columns:
    """A table's columns as text, all of one length.

    Attributes:
        path: where they are from, for errors.
        cells: column name -> one text a row; blank rows of the file are not among them.
        lines: the line of the file that each row ends on, from 1.
        decimal_comma: whether a comma may be the decimal mark, as no comma is between cells.
    """

    path: Path
    cells: dict[str, list[str]]
    lines: list[int]
    decimal_comma: bool = False

    def __len__(self) -> int:
        return len(self.lines)

    def numbers(self, name: str, *, least: float | None = None) -> FloatArray:
        """A column as finite numbers, [n].

        Raises:
            InputError: a cell that is no finite number, or less than ``least``.
        """
        cells = self.cells[name]
        try:
            values = np.array(cells, dtype=np.float64)
        except ValueError:
            mark = "," if self.decimal_comma else "."
            values = np.array([_number(cell.replace(mark, ".")) for cell in cells], dtype=np.float64)
        wrong = ~np.isfinite(values) if least is None else ~(np.isfinite(values) & (values >= least))
        if wrong.any():
            row = int(np.flatnonzero(wrong)[0])
            wanted = "a finite number" if least is None else f"a finite number of at least {least:g}"
            raise InputError(
                f"{self.path}, line {self.lines[row]}: “{cells[row]}” under {name} is not {wanted} "
                f"({int(wrong.sum())} such of {len(cells)} rows). Correct or remove them."
            )
        return values

    def number_lists(self, name: str, count: int) -> FloatArray:
        """A column of ``count`` numbers with commas between in each cell, [n, count].

        Raises:
            InputError: a cell that is something else.
        """
        rows = []
        for line, cell in zip(self.lines, self.cells[name], strict=True):
            values = [_number(part) for part in cell.split(",")]
            if len(values) != count or not np.isfinite(values).all():
                raise InputError(f"{self.path}, line {line}: “{cell}” under {name} is not {count} numbers with commas.")
            rows.append(values)
        return np.array(rows, dtype=np.float64).reshape(-1, count)


@contextmanager
def _no_search_for_cycles() -> Iterator[None]:
    """Python looks for cycles each time that many lists are made; rows have none, and the search takes as long as the
    reading."""
    searching = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if searching:
            gc.enable()


@_no_search_for_cycles()
def read_columns(path: Path, needed: Sequence[str], optional: Sequence[str] = ()) -> Columns:
    """The columns ``needed`` and, where they are there, ``optional`` of a table with a heading; others are left out.

    Tables may be as a cohort's (:mod:`...cohorts.rows`): commas, semicolons or tabs between cells, UTF-8 or UTF-16.

    Raises:
        InputError: it cannot be read, has no such column, or a row of another length.
    """
    rows, lines, separator = _rows(path)
    if not rows:
        raise InputError(f"{path} is empty. It needs a heading: {','.join(needed)}.")
    heading = [name.strip() for name in rows[0]]
    missing = [name for name in needed if name not in heading]
    if missing:
        raise InputError(
            f"{path} has no column {' and '.join(missing)}. It needs the columns {','.join(needed)}; it has "
            f"{','.join(heading)[:200]}."
        )
    for row, line in zip(rows, lines, strict=True):
        if len(row) != len(heading):
            raise InputError(f"{path}, line {line}: there are {len(row)} cells under {len(heading)} columns.")
    wanted = [name for name in (*needed, *optional) if name in heading]
    turned = list(zip(*rows[1:], strict=True)) or [()] * len(heading)
    cells = {name: list(turned[heading.index(name)]) for name in wanted}
    return Columns(path, cells, lines[1:], separator != ",")


def read_names(path: Path, heading: str) -> list[str]:
    """The first column of a file, one name a line, with or without ``heading``; each name once.

    Raises:
        InputError: it cannot be read, is empty, or has a name twice.
    """
    rows, lines, _ = _rows(path)
    names = [row[0].strip() for row in rows]
    if names and names[0] == heading:
        names, lines = names[1:], lines[1:]
    seen = set[str]()
    for name, line in zip(names, lines, strict=True):
        if name in seen:
            raise InputError(f"{path}, line {line}: “{name}” is there twice. Remove one.")
        seen.add(name)
    if not names:
        raise InputError(f"{path} names no images.")
    return names


def _rows(path: Path) -> tuple[list[list[str]], list[int], str]:
    """All rows with a cell that is not blank, the lines they end on, and what separates cells."""
    rows, lines = list[list[str]](), list[int]()
    reader, separator = reader_of(path)
    try:
        for row in reader:
            if any(row):
                rows.append(row)
                lines.append(reader.line_num)
    except csv.Error as error:
        raise InputError(f"{path} cannot be read as a table (CSV): {error}.") from error
    return rows, lines, separator


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")
