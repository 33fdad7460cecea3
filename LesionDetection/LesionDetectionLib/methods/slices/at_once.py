"""Slices at once, as the device and its memory allow: by threads on a CPU, in batches on a GPU."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

import torch

from ..device import is_out_of_memory, out_of_memory
from ..workers import Workers

Result = TypeVar("Result")


def by_threads(device: torch.device, count: int, alone: Callable[[int], Result]) -> list[Result]:
    """``alone`` of 0 to ``count`` - 1, each thread one at a time, so that none waits for others; a single one is divided
    among the threads.

    Raises:
        DeviceError: the memory is full even with a single one.
    """
    found: list[Result | None] = [None] * count
    if count > 1:
        with Workers(device, count) as workers:
            running = [workers.submit(alone, n) for n in range(count)]
            found = [_unless_memory_full(each) for each in running]
    # Where two at once were too many, one may fit.
    return [_or_told(device, alone, n) if each is None else each for n, each in enumerate(found)]


def in_batches(device: torch.device, count: int, batch: Callable[[slice], list[Result]]) -> list[Result]:
    """``batch`` of all, or of halves where the memory does not hold as many.

    Raises:
        DeviceError: the memory is full even with a single one.
    """

    def of(some: slice) -> list[Result]:
        try:
            return batch(some)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            if some.stop - some.start < 2:
                raise out_of_memory(device) from error
        middle = (some.start + some.stop) // 2
        return of(slice(some.start, middle)) + of(slice(middle, some.stop))

    return of(slice(0, count)) if count else []


def _or_told(device: torch.device, alone: Callable[[int], Result], n: int) -> Result:
    try:
        return alone(n)
    except Exception as error:
        if is_out_of_memory(error):
            raise out_of_memory(device) from error
        raise


def _unless_memory_full(running: Future[Result]) -> Result | None:
    error = running.exception()
    if error is None:
        return running.result()
    if not is_out_of_memory(error):
        raise error
    traceback.clear_frames(error.__traceback__)  # it holds what filled the memory, which is needed again
    return None
