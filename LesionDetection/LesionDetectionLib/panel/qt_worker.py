"""The worker's process over Qt: its output is read by the application's event loop, so that Slicer stays free."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import qt

from LesionDetectionLib.app.worker.transport import Lines, OnEnd, OnLine

FAILED_TO_START, CRASHED = 0, 1
"""``QProcess::FailedToStart``, after which Qt does not say ``finished``; ``QProcess::CrashExit``."""
KILLED_WITHIN_MS = 2000


class QtTransport:
    """A child process over ``QProcess``: ``WorkerEngine(QtTransport)``. See
    :class:`~LesionDetectionLib.app.worker.transport.Transport`.

    What the process says is put in a queue by its signals and taken out by a timer. So a callback may open a dialog: Qt tells
    nothing new of a process while a slot of that signal is running. And it may end the process, which must not be deleted
    while a signal of its own is on the way.
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._program, *self._arguments = command
        self._process: Any = None
        self._calls: deque[Callable[[], None]] = deque()
        self._due = False
        self._output, self._errors = Lines(), Lines()

    def start(self, on_line: OnLine, on_error_line: OnLine, on_end: OnEnd) -> None:
        self._on_line, self._on_error_line, self._on_end = on_line, on_error_line, on_end
        # Kept here: a QProcess without a parent is killed with its last reference.
        process = self._process = qt.QProcess()
        for signal, slot in self._slots():
            process.connect(signal, slot)
        process.start(self._program, self._arguments)

    def _slots(self) -> list[tuple[str, Callable[..., None]]]:
        # With their full signatures: the short form of ``finished`` gives the exit code only.
        return [
            ("readyReadStandardOutput()", self._read_output),
            ("readyReadStandardError()", self._read_errors),
            ("finished(int,QProcess::ExitStatus)", self._finished),
            ("errorOccurred(QProcess::ProcessError)", self._failed),
        ]

    def _read_output(self) -> None:
        if self._process is None:  # it was let go of just now
            return
        for line in self._output.add(self._process.readAllStandardOutput().data()):
            self._post(partial(self._on_line, line))

    def _read_errors(self) -> None:
        if self._process is None:
            return
        for line in self._errors.add(self._process.readAllStandardError().data()):
            self._post(partial(self._on_error_line, line))

    def _finished(self, code: int, status: int) -> None:
        if self._process is None:
            return
        self._read_output()
        self._read_errors()
        for line in self._output.end():
            self._post(partial(self._on_line, line))
        for line in self._errors.end():
            self._post(partial(self._on_error_line, line))
        self._post(partial(self._end, -(abs(code) or 1) if status == CRASHED else code))

    def _failed(self, error: int) -> None:
        if error == FAILED_TO_START and self._process is not None:
            self._post(partial(self._on_error_line, str(self._process.errorString())))
            self._post(partial(self._end, None))

    def _end(self, code: int | None) -> None:
        self._let_go()
        self._on_end(code)

    def send(self, line: str) -> None:
        if self._process is not None:
            self._process.write(line + "\n")

    def kill(self) -> None:
        self._calls.clear()
        process = self._let_go()
        if process is not None:
            process.kill()
            process.waitForFinished(KILLED_WITHIN_MS)

    def _let_go(self) -> Any:
        """The process, which does not know us any more: a connected slot keeps its owner alive."""
        process, self._process = self._process, None
        if process is not None:
            for signal, slot in self._slots():
                process.disconnect(signal, slot)
        return process

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.state() != qt.QProcess.NotRunning

    def later(self, seconds: float, call: Callable[[], None]) -> _Later:
        timer = _Later(call)
        qt.QTimer.singleShot(round(1000 * seconds), timer.run)
        return timer

    def _post(self, call: Callable[[], None]) -> None:
        self._calls.append(call)
        self._schedule()

    def _schedule(self) -> None:
        if self._calls and not self._due:
            self._due = True
            qt.QTimer.singleShot(0, self._deliver)

    def _deliver(self) -> None:
        self._due = False  # what comes from now on gets a timer of its own, for the event loop that a callback may open
        try:
            while self._calls:
                self._calls.popleft()()
        finally:
            self._schedule()


class _Later:
    def __init__(self, call: Callable[[], None]) -> None:
        self._call: Callable[[], None] | None = call

    def cancel(self) -> None:
        self._call = None

    def run(self) -> None:
        call, self._call = self._call, None
        if call is not None:
            call()
