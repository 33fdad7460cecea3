"""Progress reports and cancellation in one small object that is passed down every long computation."""

from __future__ import annotations

import threading
from collections.abc import Callable

from .errors import Cancelled


class Progress:
    """Tells how far a computation is, and stops it when the user wants that.

    A computation calls ``progress(fraction, text)`` often; the call raises :class:`Cancelled` once :meth:`cancel` was
    called from any thread or signal handler. ``Progress()`` alone reports to nobody.

    Args:
        report: called with (fraction in [0, 1], text); None for silence.
    """

    def __init__(self, report: Callable[[float, str], None] | None = None) -> None:
        self._report = report
        self._cancelled = threading.Event()
        self._range = (0.0, 1.0)

    def __call__(self, fraction: float, text: str = "") -> None:
        """Report ``fraction`` of this (part of the) work as done.

        Raises:
            Cancelled: when the user cancelled.
        """
        if self._cancelled.is_set():
            raise Cancelled()
        if self._report is not None:
            start, stop = self._range
            self._report(start + (stop - start) * min(max(fraction, 0.0), 1.0), text)

    def part(self, start: float, stop: float) -> Progress:
        """A progress for a part of the work: its 0 to 1 is this one's ``start`` to ``stop``; cancelled together."""
        child = Progress(self._report)
        child._cancelled = self._cancelled
        own_start, own_stop = self._range
        child._range = (own_start + (own_stop - own_start) * start, own_start + (own_stop - own_start) * stop)
        return child

    def cancel(self) -> None:
        """Make the next report raise :class:`Cancelled`. Safe from any thread and from signal handlers."""
        self._cancelled.set()

    @property
    def cancelled(self) -> bool:
        return self._cancelled.is_set()
