"""What shall be done a little later in the thread of the event loop, and what is done in another one meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar, cast

from LesionDetectionLib.core.errors import Cancelled
from LesionDetectionLib.core.progress import Progress

_HEARD_EACH_S = 0.15
"""So often it is looked whether somebody cancelled."""
_GRACE_S = 3.0
"""So long a thread may take to hear that it was cancelled."""

T = TypeVar("T")


def call_later(seconds: float, action: Callable[[], None]) -> asyncio.TimerHandle | None:
    """Do it after so many seconds; None, and nothing is done, where no event loop runs in this thread."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return None
    return loop.call_later(seconds, action)


async def in_thread(work: Callable[[Progress], T], progress: Progress, show: Callable[[], None] = lambda: None) -> T:
    """Work in a thread of its own, while the page answers.

    A thread that does not hear that it was cancelled, as it is deep in a damaged file, is left to itself: neither the person
    nor the end of the program waits for it.

    Args:
        show: called here, again and again, while it works.

    Raises:
        Cancelled: through ``progress``; and all that ``work`` raises.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if not done.done():
            done.set_result(cast(T, result)) if error is None else done.set_exception(error)

    def run() -> None:
        result, error = None, None
        try:
            result = work(progress)
        except BaseException as raised:
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=run, daemon=True).start()
    while not done.done() and not progress.cancelled:
        await asyncio.wait({done}, timeout=_HEARD_EACH_S)
        show()
    await asyncio.wait({done}, timeout=_GRACE_S)
    if not done.done():
        raise Cancelled()
    return done.result()


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
