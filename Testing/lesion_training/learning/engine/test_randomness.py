"""Streams depend on their names alone."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from LesionTrainingLib.learning.engine.randomness import (
    global_generators_kept,
    seed_everything,
    stream,
    torch_stream,
)


def test_the_same_names_give_the_same_numbers_and_others_do_not():
    names = [(0, "a", 1), (0, "a", 2), (0, "b", 1), (1, "a", 1), (0, "a"), (0, "a", 1, 0), (0, "a1")]
    numpy_draws = [stream(*each).integers(2**62) for each in names]
    torch_draws = [int(torch.randint(2**62, (), generator=torch_stream(*each))) for each in names]
    for draws in (numpy_draws, torch_draws):
        assert len(set(draws)) == len(names)
    assert numpy_draws == [stream(*each).integers(2**62) for each in names]
    assert torch_draws == [int(torch.randint(2**62, (), generator=torch_stream(*each))) for each in names]
    assert stream(0, "a", 1).integers(2**62) == stream(np.int64(0), "a", np.int64(1)).integers(2**62)


def test_the_numbers_stay_the_same_from_version_to_version():
    """Philox and the key are fixed: a resumed run on a newer program draws the same places."""
    assert stream(7, "places", 3).integers(1_000_000, size=3).tolist() == [211995, 194667, 401347]


def test_streams_of_neighbouring_steps_are_independent():
    draws = np.array([stream(0, "step", step).normal(size=400) for step in range(50)])
    correlations = np.corrcoef(draws)[~np.eye(50, dtype=bool)]
    assert abs(correlations).max() < 5 / np.sqrt(400)
    assert draws.mean() == pytest.approx(0, abs=5 / np.sqrt(draws.size))


def draw_all():
    return random.random(), np.random.random(), float(torch.rand(()))  # noqa: NPY002


def test_the_global_generators_are_seeded_and_kept():
    seed_everything(1, "before")
    expected = draw_all()
    seed_everything(1, "before")
    with global_generators_kept(torch.device("cpu")):
        seed_everything(2, "within")
        within = draw_all()
        seed_everything(2, "within")
        assert draw_all() == within
    assert draw_all() == expected
    assert len({*expected, *within}) == 6
