"""How lines go to a child process and come back. What starts it and waits for it differs: Qt's event loop, or threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

LONGEST_LINE = 4 * 2**20
"""Bytes. A child that sends more without a line end is out of its mind: what it has sent is taken for a line."""

OnLine = Callable[[str], None]
OnEnd = Callable[["int | None"], None]


class Timer(Protocol):
    """Something that will be called later."""

    def cancel(self) -> None:
        """Not to be called any more; nothing where it was."""
        ...


class Transport(Protocol):
    """One child process, for one life. Callbacks come in the thread of the user interface, one after the other, and never
    from within one of these calls."""

    def start(self, on_line: OnLine, on_error_line: OnLine, on_end: OnEnd) -> None:
        """Start the process.

        Args:
            on_line: called with each line of its standard output, without line end.
            on_error_line: the same for its standard error.
            on_end: called once, after all lines, when the process has ended, with its exit code (negative where it crashed or
                was killed: the signal's number, on Unix), or None where it could not be started.
        """
        ...

    def send(self, line: str) -> None:
        """Write a line to its standard input; nothing where it has ended."""
        ...

    def kill(self) -> None:
        """End it at once and wait until it has; nothing where it has ended. No callback comes any more."""
        ...

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        ...

    def later(self, seconds: float, call: Callable[[], None]) -> Timer:
        """Call ``call`` after some seconds, if the process was ended meanwhile too."""
        ...


class Lines:
    """Lines out of the bytes of a stream."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def add(self, data: bytes) -> list[str]:
        """The lines that end in ``data``; what follows the last line end waits for the next call."""
        self._rest += data
        *whole, rest = self._rest.split(b"\n")
        if len(rest) > LONGEST_LINE:
            whole, rest = [*whole, rest], bytearray()
        self._rest = rest
        return [_text(line) for line in whole]

    def end(self) -> list[str]:
        """The last line, where it has no line end."""
        rest, self._rest = self._rest, bytearray()
        return [_text(rest)] if rest else []


def _text(line: bytearray) -> str:
    return line.rstrip(b"\r").decode("utf-8", errors="replace")
