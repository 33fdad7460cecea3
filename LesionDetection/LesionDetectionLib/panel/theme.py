"""When the person chooses another theme while the panel is open, what was drawn in the old one is drawn again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt


class _Watcher(qt.QWidget):  # type: ignore[misc]
    """An invisible child: Qt tells every widget of a new palette."""

    called: Callable[[], None] | None = None

    def changeEvent(self, event: Any) -> None:
        if event.type() == qt.QEvent.PaletteChange and self.called is not None:
            self.called()


def watch_theme(parent: Any, call: Callable[[], None]) -> Any:
    """Call when the palette of ``parent`` changes; set the result's ``called`` to None to end it."""
    watcher = _Watcher(parent)
    watcher.setVisible(False)
    watcher.called = call
    return watcher
