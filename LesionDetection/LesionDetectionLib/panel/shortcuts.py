"""Keys that work while the panel, or anything in it, has the keyboard."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt


def on_key(widget: Any, keys: str, action: Callable[[], None], *, everywhere: bool = False) -> Any:
    """Call ``action`` when the key is pressed inside ``widget``; with ``everywhere``, in the whole application.

    The shortcut belongs to the widget and lives as long as it.
    """
    shortcut = qt.QShortcut(qt.QKeySequence(keys), widget)
    shortcut.setContext(qt.Qt.ApplicationShortcut if everywhere else qt.Qt.WidgetWithChildrenShortcut)
    shortcut.connect("activated()", action)
    # Where a menu of Slicer has the same key, Qt tells one after the other so, instead of telling both nothing.
    shortcut.connect("activatedAmbiguously()", action)
    return shortcut
