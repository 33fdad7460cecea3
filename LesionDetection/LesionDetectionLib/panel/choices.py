"""Combo boxes whose items change: filled without signals, with the chosen one kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .context import quietly


def fill(box: Any, items: Sequence[tuple[str, str]], chosen: str) -> str:
    """Let the box hold these (value, text) and show the chosen one, else the first; its value, empty for no items."""
    values = [value for value, _text in items]
    chosen = chosen if chosen in values else (values[0] if values else "")
    there = [(box.itemData(n), box.itemText(n)) for n in range(box.count)]
    with quietly(box):
        if there != list(items):
            box.clear()
            for value, text in items:
                box.addItem(text, value)
        box.setCurrentIndex(values.index(chosen) if values else -1)
    return chosen


def chosen_in(box: Any) -> str:
    """The value of the item that is shown; empty for none."""
    return str(box.currentData or "")
