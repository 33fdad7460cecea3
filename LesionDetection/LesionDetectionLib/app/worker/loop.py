"""The worker for a program that lives in an asyncio loop, such as a web server: callbacks come in the loop's thread."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from functools import partial

from .pipes import PipeTransport
from .transport import Timer


class LoopPipes:
    """Makes transports whose callbacks the loop makes, between other things: ``WorkerEngine(LoopPipes(loop).transport)``.

    The engine is to be used in the loop's thread only.

    Args:
        loop: to call in; it need not run yet.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._closed = False

    def transport(self, command: Sequence[str]) -> PipeTransport:
        """A transport for this command."""
        return PipeTransport(command, self)

    def post(self, call: Callable[[], None]) -> None:
        """Have ``call`` called by the loop, soon; not at all where the loop has ended. From any thread."""
        with contextlib.suppress(RuntimeError):  # the loop is closed, and nobody is left to hear of it
            self._loop.call_soon_threadsafe(partial(self._run, call))

    def later(self, seconds: float, call: Callable[[], None]) -> Timer:
        """Have the loop call ``call`` after some seconds. In the loop's thread."""
        return self._loop.call_later(seconds, partial(self._run, call))

    def close(self) -> None:
        """Call nothing any more, neither what waits nor what is still said. In the loop's thread."""
        self._closed = True

    def _run(self, call: Callable[[], None]) -> None:
        if not self._closed:
            call()
