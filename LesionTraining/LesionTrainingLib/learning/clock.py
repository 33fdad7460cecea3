"""How long the parts of a training run take, for its record."""

from __future__ import annotations

import time


class Clock:
    """Seconds of one part after another, by name."""

    def __init__(self) -> None:
        self.seconds, self._last = dict[str, int](), time.monotonic()

    def lap(self, name: str) -> None:
        """What has passed since the last part."""
        self.take(name, time.monotonic() - self._last)

    def take(self, name: str, seconds: float) -> None:
        """What a fit took, all its runs together where it was resumed."""
        self.seconds[name], self._last = round(seconds), time.monotonic()
