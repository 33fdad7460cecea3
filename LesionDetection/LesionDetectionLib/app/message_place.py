"""Where a user interface says how something that a person began goes on and ends."""

from __future__ import annotations

from typing import Protocol


class MessagePlace(Protocol):
    """A place for one message at a time; each replaces the one before."""

    def clear(self) -> None:
        """Say nothing."""
        ...

    def plain(self, text: str) -> None:
        """A hint, or what is going on."""
        ...

    def note(self, text: str) -> None:
        """How something ended."""
        ...

    def warn(self, text: str, details: str = "") -> None:
        """What went wrong; ``details`` are for programmers."""
        ...
