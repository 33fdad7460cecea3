"""Pieces of work of any kind, several at a time, each by one thread; smaller ones where the memory is full."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import TypeVar

import torch

from LesionDetectionLib.core.progress import Progress

from .device import is_out_of_memory, out_of_memory
from .workers import Workers

Piece = TypeVar("Piece")

POLL_S = 0.2
"""After so long at most, progress is told and cancelling noticed."""


class Stopped(Exception):
    """Raised in a piece of work whose result nobody waits for any more."""


class Tick:
    """What a piece of work calls often: says how many items more are done."""

    def __init__(self, stopped: threading.Event) -> None:
        self._stopped = stopped
        self.done = 0

    def __call__(self, items: int = 0) -> None:
        """
        Raises:
            Stopped: the work has failed elsewhere or was cancelled.
        """
        if self._stopped.is_set():
            raise Stopped
        self.done += items


def run_pieces(
    pieces: Sequence[Piece],
    device: torch.device,
    work: Callable[[Piece, Tick], None],
    halves: Callable[[Piece], Sequence[Piece]],
    size: Callable[[Piece], int],
    progress: Progress,
    text: str,
) -> None:
    """Call ``work(piece, tick)`` for all, the largest first; for its halves where one fails for lack of memory.

    Args:
        halves: of a piece of more than one item.
        size: items of a piece.

    Raises:
        DeviceError: the memory is full even with a single item.
        Cancelled: when the user cancelled.
    """
    total, done, told = max(1, sum(map(size, pieces))), 0, 0
    waiting = sorted(pieces, key=size)
    stopped = threading.Event()
    progress(0.0, text)
    running: dict[Future[None], tuple[Piece, Tick]] = {}
    with Workers(device, len(waiting)) as workers:
        try:
            while waiting or running:
                while waiting and len(running) < workers.count:
                    piece, tick = waiting.pop(), Tick(stopped)
                    running[workers.submit(work, piece, tick)] = piece, tick
                for finished in wait(running, timeout=POLL_S, return_when=FIRST_COMPLETED).done:
                    piece, _ = running.pop(finished)
                    error = finished.exception()
                    if error is None:
                        done += size(piece)
                    elif not is_out_of_memory(error):
                        raise error
                    elif size(piece) < 2:
                        raise out_of_memory(device) from error
                    else:
                        # The error holds what filled the memory, where the halves have to go.
                        traceback.clear_frames(error.__traceback__)
                        waiting += halves(piece)
                told = max(told, done + sum(tick.done for _, tick in running.values()))  # halves begin anew
                progress(told / total, text)
        except BaseException:
            stopped.set()
            raise
    progress(1.0, text)
