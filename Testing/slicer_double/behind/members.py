"""How the widgets declare their properties, so that .ui files and proxies set them alike."""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore


def stored(kind: Any, initial: Any, effect: str = "") -> Any:
    """A Qt property that keeps its value, and calls the method ``effect`` when it changed.

    Appearance that no test can see (frames, alignments) is kept and does nothing.
    """
    key = f"_kept_{next(_COUNT)}"

    def read(self: Any) -> Any:
        if key not in self.__dict__ and initial is None:
            self.__dict__[key] = kind()  # an icon, a colour
        return self.__dict__.get(key, initial)

    def write(self: Any, value: Any) -> None:
        if read(self) == value:
            return
        self.__dict__[key] = value
        if effect:
            getattr(self, effect)()

    return QtCore.Property(kind, read, write)


def _counter() -> Any:
    number = 0
    while True:
        yield number
        number += 1


_COUNT = _counter()


def passed_on(kind: Any, part: str, read: str, write: str) -> Any:
    """A Qt property that is one of an inner widget."""
    return QtCore.Property(
        kind,
        lambda self: getattr(getattr(self, part), read)(),
        lambda self, value: getattr(getattr(self, part), write)(value),
    )
