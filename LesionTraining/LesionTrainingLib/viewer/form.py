"""What the person has entered, as values: the browser may send anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from LesionDetectionLib.core.errors import UsageError


class Form:
    """Reads ``training_NAME`` of a state.

    Args:
        state: of trame's server.
    """

    def __init__(self, state: Any) -> None:
        self._state = state

    def text(self, name: str) -> str:
        """Without blanks around; empty where it is no text."""
        value = self._state[f"training_{name}"]
        return value.strip() if isinstance(value, str) else ""

    def texts(self, name: str) -> dict[str, str]:
        """A table of texts; what is none is left out."""
        value = self._state[f"training_{name}"]
        table = value if isinstance(value, Mapping) else {}
        return {key: text for key, text in table.items() if isinstance(key, str) and isinstance(text, str)}

    def number(self, name: str, label: str, least: int = 0) -> int:
        """A whole number.

        Raises:
            UsageError: it is none, or less than ``least``; the sentence begins with ``label``.
        """
        value = self._state[f"training_{name}"]
        whole = isinstance(value, float) and value.is_integer()
        text = str(int(value)) if whole else str(value).strip()
        if not text.isascii() or not text.isdecimal() or len(text) > 9 or int(text) < least:
            raise UsageError(f"{label} is a whole number, {least} or more, and not “{text[:40]}”.")
        return int(text)
