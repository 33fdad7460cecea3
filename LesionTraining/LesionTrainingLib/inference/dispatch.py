"""Which case goes to which worker, and what happens when one fails, hangs, or takes its worker with it.

Each worker has one case at a time, and each case is bound to its worker: when a process ends without a word it is known
which case it was working on, and a case that merely waited in its queue is not blamed. (Dask's own scheduling gives a
worker several tasks, and blames all of them.)
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any

from LesionDetectionLib.core.errors import DeviceError

from ..cohorts.case import Case
from ..cohorts.cohort import reason_of
from .job import Job, Outcome

TRIES = 2
"""A case whose worker ended without a word is tried once more: it may have been the neighbour's fault."""
LOOK_S = 0.25
"""How often the caller may cancel, and the scheduler is asked which workers it has."""
NO_WORKERS_S = 60.0
"""After so long without a worker that can be used the run ends."""

FETCH_S = 30.0
RESTART_S = 30.0
DIED = (
    f"The process that worked on it ended without a word, {TRIES} times: its memory was too small (give each worker more, "
    "use fewer workers), or a library crashed."
)

Work = Callable[[Job, Case], Outcome]


@dataclass
class _Running:
    """A case on a worker."""

    case: Case
    worker: str
    since: float
    tries: int


class Dispatch:
    """Gives cases to the workers of a ``distributed.Client`` and yields their outcomes as they come.

    Args:
        client: of the scheduler.
        work: a function of a module that the workers can import; it must not raise.
        job: its first argument.
        limit_s: a case that takes longer is given up and its worker started anew; 0 for no limit.
    """

    def __init__(self, client: Any, work: Work, job: Job, limit_s: float = 0.0) -> None:
        self._client, self._work, self._job, self._limit_s = client, work, job, limit_s
        self._waiting: deque[tuple[Case, int]] = deque()
        self._running: dict[Any, _Running] = {}
        self._finished: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._workers: set[str] = set()
        self._ending: set[str] = set()
        self._looked, self._had_workers = -LOOK_S, time.monotonic()

    def outcomes(self, cases: Sequence[Case], look: Callable[[], None]) -> Generator[Outcome, None, None]:
        """One outcome a case, in the order in which they are done. When the iterator is closed, or ``look`` raises, what
        still runs is given up.

        Args:
            look: called several times a second; may raise.

        Raises:
            DeviceError: there is no worker any more, or the scheduler is gone.
            LesionDetectionError: what a worker said is no fault of a single case.
        """
        self._waiting.extend((case, 1) for case in cases)
        try:
            while self._waiting or self._running:
                look()
                self._look_for_workers()
                self._give_out()
                for outcome in [*self._given_up(), *self._arrived()]:
                    if outcome.stops is not None:
                        raise outcome.stops
                    yield outcome
        finally:
            with contextlib.suppress(OSError, RuntimeError):  # the connection may be what was lost
                self._client.cancel(list(self._running))
            self._running.clear()
            self._waiting.clear()

    def _look_for_workers(self) -> None:
        """Workers come and go. Raises DeviceError where none has been there for long."""
        now = time.monotonic()
        if now - self._looked < LOOK_S:
            return
        try:
            self._workers = set(self._client.nthreads())
        except (OSError, asyncio.TimeoutError, RuntimeError, ValueError) as error:
            raise DeviceError(f"The connection to the Dask scheduler is lost ({type(error).__name__}).") from error
        self._looked = now
        self._ending &= self._workers
        if self._workers - self._ending:
            self._had_workers = now
        elif now - self._had_workers > NO_WORKERS_S:
            raise DeviceError(
                f"There has been no Dask worker for {NO_WORKERS_S:.0f} s, or only such that hang. Start some and run it again."
            )

    def _give_out(self) -> None:
        for worker in self._workers - self._ending - {running.worker for running in self._running.values()}:
            if not self._waiting:
                return
            case, tries = self._waiting.popleft()
            # The key is seen in Dask's logs and pages: it names no case.
            key = f"lesion-case-{uuid.uuid4().hex}"
            future = self._client.submit(
                self._work, self._job, case, key=key, workers=[worker], allow_other_workers=False, pure=False
            )
            self._running[future] = _Running(case, worker, time.monotonic(), tries)
            future.add_done_callback(self._finished.put)

    def _given_up(self) -> list[Outcome]:
        """What will not come any more: the worker is gone, or the time is over."""
        outcomes = []
        for future, running in list(self._running.items()):
            seconds = time.monotonic() - running.since
            if running.worker not in self._workers and future.status != "finished":
                outcomes += self._died(future)
            elif self._limit_s and seconds > self._limit_s and not future.done():
                del self._running[future]
                self._end(running.worker)
                future.cancel()
                outcomes.append(Outcome(running.case.id, seconds=round(seconds, 3), reason=_too_long(self._limit_s)))
        return outcomes

    def _arrived(self) -> list[Outcome]:
        """Wait a moment for a case to be done; its outcome, and those of others that are done too."""
        outcomes = []
        with contextlib.suppress(queue.Empty):
            future = self._finished.get(timeout=LOOK_S)
            while True:
                if future in self._running:
                    outcomes += self._outcome(future)
                future = self._finished.get_nowait()
        return outcomes

    def _outcome(self, future: Any) -> list[Outcome]:
        if future.status == "finished":
            try:
                outcome: Outcome = future.result(timeout=FETCH_S)
            except Exception:  # its worker ended between being done and being asked
                return self._died(future)
            del self._running[future]
            return [outcome]
        error = future.exception() if future.status == "error" else None
        if error is None or type(error).__name__ == "KilledWorker":
            return self._died(future)
        case = self._running.pop(future).case
        return [Outcome(case.id, reason=reason_of(error))]

    def _died(self, future: Any) -> list[Outcome]:
        """The worker ended without a word: once more, by any worker, or that was the last try."""
        running = self._running.pop(future)
        future.cancel()
        if running.tries < TRIES:
            self._waiting.appendleft((running.case, running.tries + 1))
            return []
        return [Outcome(running.case.id, seconds=round(time.monotonic() - running.since, 3), reason=DIED)]

    def _end(self, worker: str) -> None:
        """Have a worker that hangs killed and started anew, while the others go on. Without a nanny it stays as it is."""
        self._ending.add(worker)

        def restart() -> None:
            with contextlib.suppress(Exception):
                self._client.restart_workers([worker], timeout=RESTART_S)

        threading.Thread(target=restart, daemon=True).start()


def _too_long(limit_s: float) -> str:
    return f"It took longer than {limit_s:g} s and was given up."
