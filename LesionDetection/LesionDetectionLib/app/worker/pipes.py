"""The worker without Qt: pipes, threads that read them, and a queue that is emptied where the user wants it.

In a program with an asyncio loop see :mod:`.loop`.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from types import TracebackType
from typing import IO, Any, Protocol

from .job import Job
from .transport import Lines, OnEnd, OnLine, Timer
from .worker_engine import WorkerEngine

_CHUNK = 65536
_LAST_WORDS_S = 2.0
"""How long an ended process's output is still read: a child of its own may hold the pipe open for ever."""


class Deliverer(Protocol):
    """Brings calls into the thread of the user interface."""

    def post(self, call: Callable[[], None]) -> None:
        """Have ``call`` called soon, after those that were posted before. From any thread."""
        ...

    def later(self, seconds: float, call: Callable[[], None]) -> Timer:
        """Have ``call`` called after some seconds."""
        ...


class Pipes:
    """Makes transports; what they hear waits until :meth:`pump` is called, in whose thread the callbacks come."""

    def __init__(self) -> None:
        self._events: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._timers: list[tuple[float, int, _Later]] = []
        self._numbers = itertools.count()

    def transport(self, command: Sequence[str]) -> PipeTransport:
        """A transport for this command."""
        return PipeTransport(command, self)

    def post(self, call: Callable[[], None]) -> None:
        """Have ``call`` called at the next :meth:`pump`. From any thread."""
        self._events.put(call)

    def later(self, seconds: float, call: Callable[[], None]) -> _Later:
        timer = _Later(call)
        heapq.heappush(self._timers, (time.monotonic() + seconds, next(self._numbers), timer))
        return timer

    def pump(self, timeout: float = 0.0) -> bool:
        """Make the callbacks that wait, and those of timers that are due; whether there were any. Waits for the first at most
        ``timeout`` seconds."""
        until = time.monotonic() + timeout
        if self._timers:
            until = min(until, self._timers[0][0])
        found = False
        with contextlib.suppress(queue.Empty):
            self._events.get(timeout=max(0.0, until - time.monotonic()))()
            found = True
            while True:
                self._events.get_nowait()()
        while self._timers and self._timers[0][0] <= time.monotonic():
            heapq.heappop(self._timers)[2].run()
            found = True
        return found


class _Later:
    def __init__(self, call: Callable[[], None]) -> None:
        self._call: Callable[[], None] | None = call

    def cancel(self) -> None:
        self._call = None

    def run(self) -> None:
        call, self._call = self._call, None
        if call is not None:
            call()


class PipeTransport:
    """A child process over :mod:`subprocess`. See :class:`.Transport`.

    Args:
        command: program and arguments.
        deliverer: makes the callbacks.
    """

    def __init__(self, command: Sequence[str], deliverer: Deliverer) -> None:
        self._command, self._deliverer = list(command), deliverer
        self._process: subprocess.Popen[bytes] | None = None
        self._to_send: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._silent = False

    def start(self, on_line: OnLine, on_error_line: OnLine, on_end: OnEnd) -> None:
        try:
            process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                creationflags=0x08000000 if sys.platform == "win32" else 0,  # CREATE_NO_WINDOW
            )
        except OSError as error:
            self._post(partial(on_error_line, str(error)))
            self._post(partial(on_end, None))
            return
        self._process = process
        readers = [self._reading(process.stdout, on_line), self._reading(process.stderr, on_error_line)]
        threading.Thread(target=self._writing, args=(process.stdin,), daemon=True).start()

        def wait() -> None:
            code = process.wait()
            for reader in readers:
                reader.join(_LAST_WORDS_S)
            self._to_send.put(None)
            self._post(partial(on_end, code))

        threading.Thread(target=wait, daemon=True).start()

    def _reading(self, stream: IO[bytes] | None, on_line: OnLine) -> threading.Thread:
        assert stream is not None

        def read() -> None:
            lines = Lines()
            while data := os.read(stream.fileno(), _CHUNK):
                for line in lines.add(data):
                    self._post(partial(on_line, line))
            for line in lines.end():
                self._post(partial(on_line, line))
            stream.close()

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        return thread

    def _writing(self, stream: IO[bytes] | None) -> None:
        """Write what is to be sent until nothing is any more. A child that is starting, or busy, reads when it can: a long line
        (findings with their outlines) would hold up the user interface until then."""
        assert stream is not None
        while (line := self._to_send.get()) is not None:
            with contextlib.suppress(OSError):  # it has ended, which on_end will tell
                stream.write(line)
                stream.flush()
        with contextlib.suppress(OSError):  # what was not sent is not wanted any more
            stream.close()

    def _post(self, call: Callable[[], None]) -> None:
        self._deliverer.post(lambda: None if self._silent else call())

    def send(self, line: str) -> None:
        self._to_send.put(line.encode("utf-8") + b"\n")

    def kill(self) -> None:
        self._silent = True
        if self._process is None:
            return
        self._process.kill()
        self._process.wait()
        self._to_send.put(None)

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def later(self, seconds: float, call: Callable[[], None]) -> Timer:
        return self._deliverer.later(seconds, call)


class PipedWorker(WorkerEngine):
    """A worker for programs without Qt. As a context, it is closed at its end.

    with PipedWorker() as worker:
        lesion = worker.wait(worker.submit(request, images)).result
    """

    def __init__(self, **options: Any) -> None:
        """``options``: of :class:`.WorkerEngine`."""
        self._pipes = Pipes()
        super().__init__(self._pipes.transport, **options)

    def pump(self, timeout: float = 0.0) -> bool:
        """See :meth:`Pipes.pump`."""
        return self._pipes.pump(timeout)

    def wait(self, job: Job, timeout: float | None = None) -> Job:
        """Make callbacks until the job has ended.

        Raises:
            TimeoutError: that takes longer than ``timeout`` seconds. The job goes on.
        """
        end = None if timeout is None else time.monotonic() + timeout
        while not job.finished:
            left = 1.0 if end is None else end - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"Request {job.id} has not ended after {timeout:g} s.")
            self.pump(min(left, 1.0))
        return job

    def __enter__(self) -> PipedWorker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
