"""A line with an icon that says how something goes on or ended, at the place where it was begun."""

from __future__ import annotations

from typing import Any

from trame.widgets import html
from trame.widgets import vuetify3 as v3

from .marked import marked
from .shown_text import without_folders

_PLAIN, _NOTE, _WARNING = "", "note", "warning"


class MessageLine:
    """A :class:`~LesionDetectionLib.app.message_place.MessagePlace` of the page.

    Args:
        state: of trame; it gets ``NAME_text``, ``NAME_kind``, ``NAME_details``.
        name: of what it is about, ``detect``.
    """

    def __init__(self, state: Any, name: str) -> None:
        self._state, self._name = state, name
        self.clear()

    def build(self, element_id: str) -> None:
        """Make the widgets; the line is hidden while there is nothing to say."""
        text, kind, details = (f"{self._name}_{end}" for end in ("text", "kind", "details"))
        with html.Div(
            id=element_id,
            v_show=(text,),
            classes=(f"'line line-' + ({kind} || 'plain')",),
            raw_attrs=marked("status"),
        ):
            v3.VIcon("mdi-alert-outline", size=18, v_if=(f"{kind} === '{_WARNING}'",))
            v3.VIcon("mdi-information-outline", size=18, v_else_if=f"{kind} === '{_NOTE}'")
            with html.Div(classes="line-text"):
                html.Span(f"{{{{ {text} }}}}")
                with html.Details(v_if=(details,)):
                    html.Summary("Details")
                    html.Pre(f"{{{{ {details} }}}}")

    def clear(self) -> None:
        """Say nothing."""
        self._say("", _PLAIN)

    def plain(self, text: str) -> None:
        """A hint, or what is going on."""
        self._say(text, _PLAIN)

    def note(self, text: str) -> None:
        """How something ended."""
        self._say(text, _NOTE)

    def warn(self, text: str, details: str = "") -> None:
        """What went wrong; ``details`` are for programmers, and unfold."""
        self._say(text, _WARNING, details)

    def _say(self, text: str, kind: str, details: str = "") -> None:
        self._state.update(
            {
                f"{self._name}_text": without_folders(text),
                f"{self._name}_kind": kind,
                f"{self._name}_details": without_folders(details),
            }
        )
