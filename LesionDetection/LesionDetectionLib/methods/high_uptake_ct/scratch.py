"""Arrays that are made once and used again."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator

import torch
from torch import Tensor


class Scratch:
    """Arrays by name, as large as they were ever asked for; each holds what the last user left in it.

    The operating system clears new memory before it hands it out, which takes as long as a matrix product that fills it.
    """

    def __init__(self, device: torch.device, number: torch.dtype) -> None:
        self._device, self._number = device, number
        self._arrays: dict[str, Tensor] = {}

    def __call__(self, name: str, *shape: int) -> Tensor:
        size = math.prod(shape)
        array = self._arrays.get(name)
        if array is None or len(array) < size:
            # The old one goes first: both together may not fit.
            self._arrays.pop(name, None)
            del array
            array = self._arrays[name] = torch.empty(size, device=self._device, dtype=self._number)
        return array[:size].view(shape)


class Scratches:
    """As many as are used at the same time, for threads that share them."""

    def __init__(self, device: torch.device, number: torch.dtype) -> None:
        self._device, self._number = device, number
        self._free: list[Scratch] = []

    @contextlib.contextmanager
    def one(self) -> Iterator[Scratch]:
        try:
            scratch = self._free.pop()
        except IndexError:
            scratch = Scratch(self._device, self._number)
        try:
            yield scratch
        finally:
            self._free.append(scratch)
