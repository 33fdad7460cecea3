"""Batches made ahead are the batches; what may not be made early, or was not announced, is made when it is needed."""

from __future__ import annotations

import contextlib
import threading
from types import SimpleNamespace

import pytest
import torch
from LesionTrainingLib.learning.engine.ahead import Ahead
from LesionTrainingLib.learning.engine.task import Share

CPU = torch.device("cpu")


class CountingTask:
    """Its batch of a step is the step, the size and how often the state was changed; it notes which thread made it."""

    def __init__(self):
        self.made, self.state, self.fails = [], 0, 0

    def ready_ahead(self, step):
        return step != 3

    def batch(self, step, size, share):
        in_thread = threading.current_thread() is not threading.main_thread()
        self.made.append((step, in_thread))
        if in_thread and self.fails:
            self.fails -= 1
            raise torch.cuda.OutOfMemoryError("full")
        return SimpleNamespace(step=step, size=size, share=share, state=self.state)


@pytest.fixture
def task():
    return CountingTask()


@pytest.fixture
def batches(task):
    ahead = Ahead(task, CPU, threaded=True)
    yield ahead
    ahead.close()


def test_an_announced_batch_is_made_once_and_in_another_thread(task, batches):
    batches.announce(1, 8, Share())
    assert batches.batch(1, 8, Share()).step == 1
    assert task.made == [(1, True)]


def test_another_batch_than_announced_is_made_anew(task, batches):
    batches.announce(1, 8, Share())
    assert batches.batch(1, 8, Share(1, 2)).share == Share(1, 2)
    assert [in_thread for _, in_thread in task.made] == [True, False]


def test_a_batch_that_waits_for_a_change_of_state_is_not_made_early(task, batches):
    batches.announce(3, 8, Share())
    task.state = 1
    assert batches.batch(3, 8, Share()).state == 1
    assert task.made == [(3, False)]


def test_what_fails_ahead_is_made_again(task, batches):
    task.fails = 1
    batches.announce(1, 8, Share())
    assert batches.batch(1, 8, Share()).step == 1
    assert [in_thread for _, in_thread in task.made] == [True, False]


def test_on_a_processor_nothing_is_made_ahead(task):
    plain = Ahead(task, CPU)
    plain.announce(1, 8, Share())
    assert task.made == []
    assert plain.batch(1, 8, Share()).step == 1


def test_nothing_is_made_after_the_end(task, batches):
    batches.close()
    batches.announce(1, 8, Share())
    assert task.made == []


class Stream:
    """A stream of a GPU that notes whom it waits for."""

    def __init__(self, name, told):
        self.name, self.told = name, told

    def wait_stream(self, other):
        self.told.append(f"{self.name} waits for {other.name}")

    def synchronize(self):
        self.told.append(f"{self.name} is done")


def test_on_a_gpu_a_batch_is_made_in_memory_that_nobody_reads_any_more(task, monkeypatch):
    """Parts of one step follow each other without a look at the GPU: what the first was read from may be written over."""
    told = task.made = []
    monkeypatch.setattr(torch.cuda, "Stream", lambda device: Stream("batches", told))
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: Stream("network", told))
    for name in ("device", "stream"):
        monkeypatch.setattr(torch.cuda, name, lambda _: contextlib.nullcontext())
    ahead = Ahead(task, torch.device("cuda"))
    ahead.announce(1, 8, Share(1, 2))
    ahead.batch(1, 8, Share(1, 2))
    ahead.close()
    assert told == ["batches waits for network", (1, True), "batches is done", "network waits for batches"]
