"""What went wrong where nobody saw it: exceptions in slots, events and observers, which Slicer only prints."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


class Problems:
    """Collected during one test; the fixture fails the test at its end when anything is left in here."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def add(self, text: str) -> None:
        self.found.append(text)

    def exception(self, where: str, error: BaseException) -> None:
        """An exception that ended in Qt's or VTK's event loop."""
        lines = traceback.format_exception(type(error), error, error.__traceback__)
        self.found.append(f"{where}:\n{''.join(lines)}")

    def take(self) -> list[str]:
        """What was found so far; forgotten afterwards, so that a test can expect a problem."""
        found, self.found = self.found, []
        return found

    @contextmanager
    def caught(self, where: str) -> Iterator[None]:
        """Real Slicer prints an exception that leaves a slot, and goes on; so does this, and keeps it."""
        try:
            yield
        except Exception as error:
            self.exception(where, error)


PROBLEMS = Problems()


def guarded(function: Callable[..., Any], where: str) -> Callable[..., Any]:
    """``function`` as Qt calls it: its exceptions are kept, and nothing comes back."""

    def call(*arguments: Any) -> None:
        with PROBLEMS.caught(where):
            function(*arguments)

    return call


_HARMLESS = ("This plugin does not support", "propagateSizeHints", "QFont::", "Could not parse application stylesheet")


def qt_message(kind: Any, _context: Any, text: str) -> None:
    """What Qt prints: a warning is a mistake of the code (two layouts in one widget, an unknown slot)."""
    if kind.name in ("QtWarningMsg", "QtCriticalMsg") and not any(words in text for words in _HARMLESS):
        PROBLEMS.add(f"Qt warns: {text}")
