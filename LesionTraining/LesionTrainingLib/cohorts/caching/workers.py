"""Work on many items in several processes, any of which may die without taking the others or the work along.

The standard pools wait for ever, or give up all, when the system kills one of their processes for want of memory.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Generic, TypeVar

from .threads import threads_shared

Item = TypeVar("Item")
Result = TypeVar("Result")

LOOK_S = 0.2
"""How often the caller is asked whether to go on."""


class Died(Exception):
    """The process that worked on an item ended before it answered: killed, or crashed."""


@dataclass
class _Worker(Generic[Item]):
    process: BaseProcess
    connection: Connection
    at: int | None = None


def work_in_processes(
    work: Callable[[Item], Result], items: Sequence[Item], processes: int, check: Callable[[], None]
) -> Generator[tuple[int, Result | Died], None, None]:
    """(Index, result) of each item as it is done, in any order.

    Processes are spawned, not forked: a fork of a process whose torch has threads can hang. They live until the last
    item is done. They share the cores' threads. When the iterator is closed, or ``check`` raises, they are ended at once.

    Args:
        work: a function of a module, or an object whose class is in one; sent to each process once. It must not raise.
        items: what it is called with, one by one.
        processes: at most so many.
        check: called several times a second; may raise.
    """
    waiting = list(range(len(items)))[::-1]
    workers: list[_Worker[Item]] = []
    try:
        while waiting or any(worker.at is not None for worker in workers):
            busy = sum(worker.at is not None for worker in workers)
            while waiting and len(workers) < min(processes, busy + len(waiting)):
                with threads_shared(processes):
                    workers.append(_start(work))
            for worker in workers:
                if worker.at is None and waiting:
                    worker.at = waiting.pop()
                    with contextlib.suppress(OSError):  # it has died: seen below
                        worker.connection.send(items[worker.at])
            ready = wait([worker.connection for worker in workers], LOOK_S)
            check()
            for worker in [worker for worker in workers if worker.connection in ready]:
                index = worker.at
                try:
                    result = worker.connection.recv()
                except (EOFError, OSError):
                    workers.remove(worker)
                    _end(worker)
                    result = Died()
                worker.at = None
                if index is not None:
                    yield index, result
    finally:
        for worker in workers:
            _end(worker)


def _start(work: Callable[[Item], Any]) -> _Worker[Item]:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, work), daemon=True)
    process.start()
    there.close()
    return _Worker(process, here)


def _end(worker: _Worker[Item]) -> None:
    worker.connection.close()
    if worker.at is not None:
        worker.process.terminate()
    worker.process.join()


def _serve(connection: Connection, work: Callable[[Any], Any]) -> None:
    # Ctrl-C is the parent's to handle: it ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(EOFError, OSError):
        while True:
            connection.send(work(connection.recv()))
