"""Rows of a paper's table, where each is a network of its own: how they are asked for, and where they are kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from LesionDetectionLib.core.errors import UsageError


@dataclass(frozen=True)
class Row:
    """One network.

    Attributes:
        number: by which it is asked for (``--folds``).
        name: short, for files and keys.
        title: as the paper's table has it.
    """

    number: int
    name: str
    title: str

    @property
    def folder(self) -> str:
        """Under the reproduction's, of all that is kept of it."""
        return f"rows/row-{self.number}-{self.name}"


AnyRow = TypeVar("AnyRow", bound=Row)


def rows_by_number(there: Sequence[AnyRow], wanted: tuple[int, ...], more: str) -> tuple[AnyRow, ...]:
    """The rows that are asked for by number, in order; where none is named all that are there.

    Args:
        more: a sentence on what would add rows.

    Raises:
        UsageError: there is no such row, or a setting leaves it out.
    """
    known = {row.number: row for row in there}
    for number in wanted:
        if number not in known:
            names = ", ".join(f"{row.number} ({row.title})" for row in there)
            raise UsageError(f"There is no row {number} here: --folds takes {names}. {more}")
    return tuple(known[number] for number in sorted(set(wanted) or set(known)))
