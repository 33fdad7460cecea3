"""How a table looks and behaves that lists lesions: whole rows are chosen, nothing is typed into it."""

from __future__ import annotations

from typing import Any

_ROW_HEIGHT, _ABOVE_AND_BELOW = 24, 8


def as_list(table: Any) -> None:
    """Make a ``QTableWidget`` such a list; Tab leaves it."""
    table.setSelectionBehavior(table.SelectRows)
    table.setSelectionMode(table.ExtendedSelection)
    table.setEditTriggers(table.NoEditTriggers)
    table.setAlternatingRowColors(True)
    table.setShowGrid(False)
    table.setWordWrap(False)
    table.setTabKeyNavigation(False)
    without_row_numbers(table)


def without_row_numbers(table: Any) -> None:
    """Rows as high as a line of text: on Linux large fonts do not make pixels larger."""
    rows = table.verticalHeader()
    rows.setVisible(False)
    rows.setDefaultSectionSize(max(_ROW_HEIGHT, table.fontMetrics().height() + _ABOVE_AND_BELOW))
