"""Classes take turns, and each sample of a class comes once a round."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionTrainingLib.learning.sampling.by_class import ClassOrder

LABELS = np.array([0, 2, 0, 0, 2, 0, 0])


def test_classes_come_as_often_and_samples_once_a_round():
    order = ClassOrder(LABELS, 4)
    drawn = np.concatenate([order.indices(step, 5) for step in range(4)])
    assert Counter(LABELS[drawn].tolist()) == {0: 10, 2: 10}
    first, second = drawn[LABELS[drawn] == 0], drawn[LABELS[drawn] == 2]
    assert sorted(first[:5]) == sorted(first[5:]) == [0, 2, 3, 5, 6]
    assert first[:5].tolist() != first[5:].tolist()
    assert all(sorted(second[n : n + 2]) == [1, 4] for n in range(0, 10, 2))


@settings(max_examples=30)
@given(seed=st.integers(0, 20), size=st.integers(1, 7), step=st.integers(0, 30))
def test_a_step_needs_none_before_it(seed, size, step):
    order = ClassOrder(LABELS, seed)
    for before in range(step):
        order.indices(before, size)
    assert order.indices(step, size).tolist() == ClassOrder(LABELS, seed).indices(step, size).tolist()


def test_without_samples_there_is_nothing_to_draw():
    with pytest.raises(ValueError, match="nothing to shuffle"):
        ClassOrder([], 0)
