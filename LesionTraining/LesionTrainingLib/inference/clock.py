"""How far a run over many cases is, and how long it will take, in words."""

from __future__ import annotations

import time

from LesionDetectionLib.core.progress import Progress


class Clock:
    """How far the run is and how long it will take, for the user."""

    def __init__(self, total: int, progress: Progress) -> None:
        self._total, self._progress = total, progress
        self._done = self._failed = 0
        self._since = time.monotonic()

    def count(self, failed: bool) -> None:
        self._done += 1
        self._failed += failed
        self.show()

    def show(self) -> None:
        """Raises Cancelled when the user cancelled."""
        text = f"{self._done - self._failed} done"
        if self._failed:
            text += f", {self._failed} failed"
        text += f" of {self._total}"
        if 0 < self._done < self._total:
            text += f", {_duration((time.monotonic() - self._since) / self._done * (self._total - self._done))} left"
        self._progress(self._done / self._total, text)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
