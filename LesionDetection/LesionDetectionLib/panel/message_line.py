"""A line with an icon that says how something ended, at the place where it was begun, without a box to click away."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

from slicer.i18n import tr as _

from . import ask, icons
from .context import told

NOTE, WARNING, NONE = "note", "warning", ""


class MessageLine:
    """A row of an icon and a text; hidden while there is nothing to say."""

    def __init__(self, row: Any, icon: Any, text: Any) -> None:
        self._row, self._icon, self._text = row, icon, text
        self._said, self._details, self._kind = "", "", NONE
        text.connect("linkActivated(QString)", self._on_link)
        self.clear()

    def note(self, text: str) -> None:
        self._show(text, NOTE)

    def warn(self, text: str, details: str = "") -> None:
        """``details``, for programmers, are one click away."""
        self._show(text, WARNING, details)

    def plain(self, text: str) -> None:
        """Without an icon: a hint."""
        self._show(text, NONE)

    def guarded(self, action: Callable[[], None]) -> Callable[[], None]:
        """A slot that does ``action`` and says here what went wrong, in place of what was said before."""

        def slot() -> None:
            self.clear()
            with told(self.warn):
                action()

        return slot

    def clear(self) -> None:
        self._show("", NONE)

    def close(self) -> None:
        self._text.disconnect("linkActivated(QString)", self._on_link)

    def draw_again(self) -> None:
        """In the colours of the theme."""
        self._show(self._said, self._kind, self._details)

    def _show(self, text: str, kind: str, details: str = "") -> None:
        self._said, self._details, self._kind = text, details, kind
        link = f" {icons.link('details', _('Details'))}" if details else ""
        self._text.setText(html.escape(text, quote=False) + link if details else text)
        self._icon.setVisible(bool(kind))
        if kind:
            self._icon.setPixmap(icons.picture(kind))
        self._row.setVisible(bool(text))

    def _on_link(self, _target: str) -> None:
        ask.error(self._said, self._details)
