"""How a table looks and behaves that lists lesions: whole rows are chosen, nothing is typed into it."""

from __future__ import annotations

from typing import Any

_ROW_HEIGHT = 24


def as_list(table: Any) -> None:
    """Make a ``QTableWidget`` such a list; Tab leaves it."""
    table.setSelectionBehavior(table.SelectRows)
    table.setSelectionMode(table.ExtendedSelection)
    table.setEditTriggers(table.NoEditTriggers)
    table.setAlternatingRowColors(True)
    table.setShowGrid(False)
    table.setWordWrap(False)
    table.setTabKeyNavigation(False)
    table.verticalHeader().setVisible(False)
    table.verticalHeader().setDefaultSectionSize(_ROW_HEIGHT)
