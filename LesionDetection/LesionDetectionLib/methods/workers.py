"""Threads that each compute something of their own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, TypeVar

import torch

Result = TypeVar("Result")

MOST_WORKERS = 8
"""Each waits for Python's lock for about a tenth of its time: more would wait for each other."""


class Workers:
    """As a context: threads of one device; ``count`` of them work at once.

    On a CPU PyTorch by itself divides each operation among the cores, which then meet after each of thousands of short
    operations; where anything else runs on the machine they wait for each other more than they work (measured: 40 times as
    long with four programs on two cores). So whole pieces of work are divided instead. A GPU has one worker.
    """

    def __init__(self, device: torch.device, pieces: int) -> None:
        """``pieces``: of work that there are at most."""
        self._threads = torch.get_num_threads() if device.type == "cpu" else 0
        self.count = max(1, min(self._threads, MOST_WORKERS, pieces))
        self._pool = ThreadPoolExecutor(self.count, thread_name_prefix="lesion-detection")

    def submit(self, work: Callable[..., Result], *given: Any) -> Future[Result]:
        return self._pool.submit(self._alone, work, *given)

    def _alone(self, work: Callable[..., Result], *given: Any) -> Result:
        if self._threads:
            torch.set_num_threads(max(1, self._threads // self.count))
        return work(*given)

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(cancel_futures=True)
        if self._threads:
            torch.set_num_threads(self._threads)
