"""Tables (CSV) as people and their spreadsheets write them; a row that makes no sense is told, and the others are read.

Commas, semicolons or tabs between cells; a byte order mark; UTF-8 or UTF-16; a comma as the decimal mark where cells are
not separated by commas.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from LesionDetectionLib.core.errors import InputError

from .cohort import LeftOut

MOST_NAMED = 20
"""So many bad rows are named one by one."""
_SEPARATORS = ",;\t"
_NAMED_SEPARATOR = re.compile(r'"?sep=([,;\t|])"?', re.IGNORECASE)


@dataclass(frozen=True)
class Row:
    """One row.

    Attributes:
        line: of the file that it ends on, from 1.
        cells: column, in small letters -> text without blanks around it.
        decimal_comma: whether a comma may be the decimal mark.
    """

    line: int
    cells: Mapping[str, str]
    decimal_comma: bool = False

    def text(self, column: str) -> str:
        """Empty where there is no such column."""
        return self.cells.get(column.casefold(), "")

    def number(self, column: str) -> float:
        """Raises ValueError, with what is wrong, for anything but a finite number."""
        text = self.text(column)
        try:
            value = float(text.replace(",", ".") if self.decimal_comma else text)
        except ValueError:
            raise ValueError(f"“{text}” under {column} is no number" if text else f"{column} is missing") from None
        if not math.isfinite(value):
            raise ValueError(f"“{text}” under {column} is no finite number")
        return value

    def whole(self, column: str) -> int:
        """Raises ValueError for anything but a whole number."""
        value = self.number(column)
        if value != int(value):
            raise ValueError(f"“{self.text(column)}” under {column} is no whole number")
        return int(value)

    def numbers(self, column: str, count: int) -> tuple[float, ...]:
        """``count`` finite numbers with commas between, of one cell. Raises ValueError for anything else."""
        text = self.text(column)
        try:
            values = tuple(float(part) for part in text.split(","))
        except ValueError:
            values = ()
        if len(values) != count or not all(map(math.isfinite, values)):
            raise ValueError(f"“{text}” under {column} is not {count} numbers with commas between")
        return values


@dataclass(frozen=True)
class Table:
    """A table's rows, and those that have more or fewer cells than the heading."""

    path: Path
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    bad: tuple[LeftOut, ...] = ()

    def reason(self, row: Row, error: Exception) -> str:
        """The sentence for a row that makes no sense."""
        return f"{self.path.name}, line {row.line}: {error}."


def read_table(path: Path, needed: Sequence[str] = ()) -> Table:
    """The rows of a table with a heading; blank rows are skipped.

    Raises:
        InputError: it cannot be read, is empty, or lacks a column of ``needed``.
    """
    reader, separator = reader_of(path)
    try:
        lines = [(reader.line_num, [cell.strip() for cell in row]) for row in reader if any(map(str.strip, row))]
    except csv.Error as error:
        raise InputError(f"{path} is no table (CSV): {error}.") from error
    if not lines:
        raise InputError(f"{path} is empty. It needs a heading" + (f" with {', '.join(needed)}." if needed else "."))
    columns = [name.casefold() for name in lines[0][1]]
    missing = [name for name in needed if name.casefold() not in columns]
    if missing:
        raise InputError(
            f"{path} has no column {' and '.join(missing)}. It needs {', '.join(needed)}; it has "
            f"{', '.join(lines[0][1])[:200]}."
        )
    twice = {name for name in columns if name and columns.count(name) > 1}
    if twice:
        raise InputError(f"{path} has the column {min(twice)} twice. Remove or rename one.")
    rows, bad = [], []
    for line, cells in lines[1:]:
        if len(cells) == len(columns):
            rows.append(Row(line, dict(zip(columns, cells, strict=True)), separator != ","))
        else:
            reason = f"{path.name}, line {line}: there are {len(cells)} cells under {len(columns)} columns."
            bad.append(LeftOut(cells[0] or f"line {line}", reason))
    return Table(path, tuple(columns), tuple(rows), tuple(bad))


def reader_of(path: Path) -> tuple[Any, str]:
    """Reads a table row by row; and what separates its cells: the sign that the heading has most of, or the one that Excel
    names in a line before it (``sep=;``), which is passed over.

    Raises:
        InputError: it cannot be read, or is no text.
    """
    text = _text(path)
    first = text.lstrip("\r\n").partition("\n")[0]
    named = _NAMED_SEPARATOR.fullmatch(first.rstrip())
    separator = named[1] if named else max(_SEPARATORS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    if named:
        while not any(next(reader)):
            continue
    return reader, separator


def shortened(left_out: Sequence[LeftOut], what: str) -> list[LeftOut]:
    """The first :data:`MOST_NAMED`, and one that counts the rest; ``what`` names them ("rows of annotations.csv")."""
    more = len(left_out) - MOST_NAMED
    if more <= 0:
        return list(left_out)
    return [*left_out[:MOST_NAMED], LeftOut(what, f"{more} more {what} make no sense either.")]


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"The table {path} cannot be read: {error.strerror or error}.") from error
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is no table in UTF-8. Save it as “CSV UTF-8”.") from error
    if "\0" in text:
        raise InputError(f"{path} is no table (CSV): it holds binary data.")
    return text
