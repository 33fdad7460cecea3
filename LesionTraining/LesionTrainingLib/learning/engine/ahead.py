"""The batch of the next step is made while a GPU works on this one."""

from __future__ import annotations

import contextlib
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import torch

from .task import Share, Task

Wanted = tuple[int, int, Share]
"""Step, size of the global batch, share: what a batch follows from."""


class Ahead:
    """Batches of a task; on a GPU the one that was announced is made in a thread of its own, on a stream of its own.

    A batch follows from its step, so that it is the same whenever it is made. On a processor nothing is made ahead:
    it is busy with the network.

    Args:
        task: whose :meth:`Task.ready_ahead` says which batches may be made early.
        device: where the network is.
        threaded: make batches ahead on a processor too, for tests.
    """

    def __init__(self, task: Task[Any], device: torch.device, threaded: bool = False) -> None:
        self._task, self._device = task, device
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None  # type: ignore[no-untyped-call]
        self._thread = ThreadPoolExecutor(1, "batches") if self._stream or threaded else None
        self._announced: tuple[Wanted, Future[Any]] | None = None
        self._in_use: Any = None

    def batch(self, step: int, size: int, share: Share) -> Any:
        """The batch; an announced one is waited for, and made again where making it early failed (a full memory)."""
        wanted, announced = (step, size, share), self._announced
        self._announced = None
        made = None
        if announced is not None:
            with contextlib.suppress(Exception):  # whatever it was, it is met again below
                made = announced[1].result()
        if made is None or announced is None or announced[0] != wanted:
            made = self._task.batch(step, size, share)
        elif self._stream is not None:
            torch.cuda.current_stream(self._device).wait_stream(self._stream)
        # Held until the next one is asked for: this stream still reads what the other would take for free memory.
        self._in_use = made
        return made

    def announce(self, step: int, size: int, share: Share) -> None:
        """The batch that is asked for next; it is begun at once where that is allowed."""
        if self._thread is not None and self._announced is None and self._task.ready_ahead(step):
            wanted = (step, size, share)
            if self._stream is not None:
                # Its memory may be that of the batch before the one in use, which the GPU has perhaps not read to the end.
                self._stream.wait_stream(torch.cuda.current_stream(self._device))
            self._announced = (wanted, self._thread.submit(self._make, wanted))

    def close(self) -> None:
        """Wait for what is under way; nothing is made ahead any more."""
        if self._thread is not None:
            self._thread.shutdown(wait=True, cancel_futures=True)
        self._thread = self._announced = self._in_use = None

    def _make(self, wanted: Wanted) -> Any:
        if self._stream is None:
            return self._task.batch(*wanted)
        with torch.cuda.device(self._device), torch.cuda.stream(self._stream):
            made = self._task.batch(*wanted)
            self._stream.synchronize()
        return made
