"""One table, and how it is written: CSV for programs (all digits), Markdown and cells of pages for people (rounded)."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from LesionDetectionLib.core.atomic import atomic_file
from LesionDetectionLib.io.lesion_table import safe_text

Cell = str | int | float | None
"""A value; ``None`` and NaN where there is none: an empty cell in CSV, a dash for people."""

_DASH = "–"
_NAME_END = 12


@dataclass(frozen=True)
class Table:
    """Rows under named columns.

    Attributes:
        columns: names, with the unit in them.
        rows: one tuple a row, as long as ``columns``.
        caption: a sentence for people; CSV leaves it out.
        digits: decimals that people see of a number that is not whole.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""
    digits: int = 3

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"a row of {len(row)} cells under {len(self.columns)} columns: {row}")

    def csv(self) -> str:
        """RFC 4180 with CRLF. Numbers read back exactly; text that a spreadsheet would run gets an apostrophe first."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerow([_csv_cell(name) for name in self.columns])
        writer.writerows([[_csv_cell(cell) for cell in row] for row in self.rows])
        return text.getvalue()

    def markdown(self) -> str:
        """A pipe table, numbers to the right, the caption below it."""
        rules = ["---:" if self.is_numeric(column) else "---" for column in range(len(self.columns))]
        lines = [[_markdown_cell(name) for name in self.columns], rules]
        lines += [[_markdown_cell(self.shown(cell)) for cell in row] for row in self.rows]
        text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        return f"{text}\n\n{_markdown_cell(self.caption)}" if self.caption else text

    def shown(self, cell: Cell) -> str:
        """A cell as people see it: ``0.5791`` -> ``0.579``, ``12570`` -> ``12570``, nothing -> a dash."""
        value = _plain(cell)
        if value is None:
            return _DASH
        if isinstance(value, str):
            return value
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, float) and math.isinf(value):
            return "∞" if value > 0 else "−∞"
        text = str(value) if isinstance(value, int) else f"{value:.{self.digits}f}"
        return text.replace("-", "−")

    def is_numeric(self, column: int) -> bool:
        """Whether a column holds no text; one without rows counts as text."""
        return bool(self.rows) and not any(isinstance(row[column], str) for row in self.rows)


def write_csv(path: Path, table: Table) -> None:
    """Write a table as CSV (UTF-8), whole or not at all.

    Raises:
        OutputError: it cannot be written.
    """
    with atomic_file(path) as temporary:
        temporary.write_bytes(table.csv().encode("utf-8"))


def write_columns(path: Path, columns: Mapping[str, list[Cell]]) -> None:
    """Write columns of one length, of text or of Python's own numbers, as :func:`write_csv` would.

    Column by column: a cohort has a hundred thousand cells, and most columns need no look at each.

    Raises:
        OutputError: it cannot be written.
    """
    cells = [_csv_texts(column) for column in columns.values()]
    heading = ",".join(map(_csv_text, columns))
    lines = [heading, *map(",".join, zip(*cells, strict=True)), ""]
    with atomic_file(path) as temporary:
        temporary.write_bytes("\r\n".join(lines).encode("utf-8"))


def number_text(value: float, digits: int, unit: str = "") -> str:
    """A number for people: a true minus, a dash where there is none."""
    return _DASH if math.isnan(value) else f"{value:.{digits}f}{unit}".replace("-", "−")


def counted(number: int, what: str) -> str:
    """``1 lesion``, ``2 lesions``."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def short_name(name: str) -> str:
    """A long name, such as a series UID, by its end."""
    return f"…{name[-_NAME_END:]}" if len(name) > 2 * _NAME_END else name


def _csv_texts(column: Sequence[Cell]) -> list[str]:
    """A column of texts, of Python's own numbers, or of None, as they stand in a file."""
    kinds = set(map(type, column))
    if str in kinds:
        texts = {cell: _csv_text(cell) if isinstance(cell, str) else _number_text(cell) for cell in set(column)}
        return [texts[cell] for cell in column]
    return [_number_text(cell) for cell in column] if type(None) in kinds else list(map(repr, column))


def _csv_text(text: str) -> str:
    """Text that a spreadsheet does not run, quoted where it must be (RFC 4180)."""
    safe = safe_text(text)
    return '"' + safe.replace('"', '""') + '"' if any(mark in safe for mark in ',"\r\n') else safe


def _number_text(cell: Cell) -> str:
    return "" if cell is None else repr(cell)


def _plain(cell: Any) -> Cell:
    """Python's own value of a cell (a numpy number's text would be ``np.float64(0.5)``), None for NaN."""
    value = cell.item() if isinstance(cell, np.generic) else cell
    return None if isinstance(value, float) and math.isnan(value) else value


def _csv_cell(cell: Cell) -> str:
    value = _plain(cell)
    if isinstance(value, str):
        return safe_text(value)
    return "" if value is None else repr(value)


def _markdown_cell(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")
