"""Deterministic mode, and how it is left."""

from __future__ import annotations

import os

import pytest
import torch
from LesionDetectionLib.core.errors import UsageError
from LesionTrainingLib.learning.engine.repeatable import CUBLAS, repeatable


def switches():
    return (
        torch.are_deterministic_algorithms_enabled(),
        torch.backends.cudnn.deterministic,
        torch.backends.cudnn.benchmark,
        os.environ.get(CUBLAS),
    )


def test_all_is_as_it_was_afterwards(monkeypatch):
    monkeypatch.delenv(CUBLAS, raising=False)
    before = switches()
    with repeatable(False):
        assert switches() == before
    with repeatable(True):
        assert switches() == (True, True, False, ":4096:8")
    assert switches() == before
    monkeypatch.setenv(CUBLAS, ":16:8")
    with pytest.raises(KeyError), repeatable(True):
        assert switches()[3] == ":16:8"
        raise KeyError
    assert switches() == (*before[:3], ":16:8")


def test_an_operation_that_varies_is_refused_in_a_sentence():
    with pytest.raises(UsageError, match="cannot be fitted with “deterministic”"), repeatable(True):
        torch.zeros(3).put_(torch.tensor([0, 0]), torch.ones(2), accumulate=False)
    with pytest.raises(RuntimeError, match="another reason"), repeatable(True):
        raise RuntimeError("another reason")
