"""Where the memory is full, what filled it is let go before less is tried."""

from __future__ import annotations

import weakref

import pytest
import torch
from LesionDetectionLib.core.errors import DeviceError
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.pieces import run_pieces
from LesionDetectionLib.methods.slices.at_once import by_threads

CPU = torch.device("cpu")


class Large:
    """Features of a piece of work."""


class Memory:
    """Holds so many items at once. Attributes: found, how many large things were there when each piece began."""

    def __init__(self, items):
        self.items, self.there, self.found = items, weakref.WeakSet(), []

    def work(self, size):
        self.found.append(len(self.there))
        features = Large()
        self.there.add(features)
        if size > self.items:
            raise MemoryError


def in_halves(memory, count):
    def halves(piece):
        middle = len(piece) // 2
        return [piece[:middle], piece[middle:]]

    run_pieces([range(count)], CPU, lambda piece, _: memory.work(len(piece)), halves, len, Progress(), "Working")


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_halves_find_the_memory_free():
    memory = Memory(items=2)
    in_halves(memory, 8)
    assert memory.found == [0] * 7  # 8, two of 4, four of 2


def test_a_memory_that_holds_nothing_is_told():
    with pytest.raises(DeviceError, match="memory is full"):
        in_halves(Memory(items=0), 4)


def test_a_slice_that_is_tried_again_alone_finds_the_memory_free():
    memory, tried = Memory(items=1), []

    def alone(n):
        tried.append(n)
        memory.work(2 if tried.count(n) == 1 else 1)
        return n

    assert by_threads(CPU, 3, alone) == [0, 1, 2]
    assert memory.found[3:] == [0] * 3  # the first three may be at work at the same time
