"""What shall be done a little later, in the thread of the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


def call_later(seconds: float, action: Callable[[], None]) -> asyncio.TimerHandle | None:
    """Do it after so many seconds; None, and nothing is done, where no event loop runs in this thread."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return None
    return loop.call_later(seconds, action)


class Settling:
    """Lets an action follow a slider while it is dragged, though not each of its steps.

    Args:
        action: takes the place where the slider is by then.
        seconds: between two actions.
    """

    def __init__(self, action: Callable[[], None], seconds: float) -> None:
        self._action, self._seconds = action, seconds
        self._timer: asyncio.TimerHandle | None = None

    def moved(self) -> None:
        """The slider was moved; without an event loop the action is done at once."""
        if self._timer is not None:
            return
        self._timer = call_later(self._seconds, self._settled)
        if self._timer is None:
            self._action()

    def stop(self) -> None:
        """Forget what was moved."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _settled(self) -> None:
        self._timer = None
        self._action()
