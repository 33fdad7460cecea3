"""Every sample once an epoch, in a random order that any step can compute."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from LesionTrainingLib.learning.sampling.epochs import EpochOrder
from scipy.stats import chisquare


@given(count=st.integers(1, 30), size=st.integers(1, 40), seed=st.integers(0, 5))
def test_each_epoch_has_every_sample_once(count, size, seed):
    steps = -(-3 * count // size)
    order = EpochOrder(count, seed)
    drawn = np.concatenate([order.indices(step, size) for step in range(steps)])[: 3 * count]
    for epoch in drawn.reshape(3, count):
        assert sorted(epoch) == list(range(count))


@given(count=st.integers(1, 30), size=st.integers(1, 40), step=st.integers(0, 50))
def test_a_step_needs_no_other_step(count, size, step):
    gone_through = EpochOrder(count, 3)
    for earlier in range(step):
        gone_through.indices(earlier, size)
    assert np.array_equal(gone_through.indices(step, size), EpochOrder(count, 3).indices(step, size))


def test_epochs_seeds_and_names_differ():
    orders = [
        tuple(EpochOrder(20, seed, name).indices(step, 20))
        for seed, name, step in itertools.product((0, 1), ("a", "b"), (0, 1))
    ]
    assert len(set(orders)) == 8


def test_all_orders_are_as_likely():
    counts: dict[tuple[int, ...], int] = {}
    order = EpochOrder(4, 11)
    for step in range(4800):
        key = tuple(order.indices(step, 4).tolist())
        counts[key] = counts.get(key, 0) + 1
    assert len(counts) == 24
    assert chisquare(list(counts.values())).pvalue > 0.01


def test_how_often_all_were_used():
    assert EpochOrder(10, 0).epoch_of(3, 5) == 1.5


def test_nothing_cannot_be_shuffled():
    with pytest.raises(ValueError, match="nothing to shuffle"):
        EpochOrder(0, 0)
