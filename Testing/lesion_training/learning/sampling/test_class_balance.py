"""Classes that are got wrong come more often, exactly as often as the rule says."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from LesionDetectionLib.core.errors import InputError
from LesionTrainingLib.learning.sampling.class_balance import (
    BalanceSettings,
    ClassBalance,
    balanced_subset,
    class_accuracies,
)
from scipy.stats import chisquare


def balance(classes=2, seed=7, **settings):
    return ClassBalance(classes, BalanceSettings(**settings), seed)


def test_the_papers_rule():
    one = balance()
    assert one.probabilities.tolist() == [0.5, 0.5]
    one.observe([0.9, 0.6], 500)
    assert one.probabilities == pytest.approx([0.2, 0.8])  # 0.1 : 0.4
    one.observe([1.0, 0.0], 1000)
    assert one.probabilities == pytest.approx([0.05 / 1.05, 1 / 1.05])
    one.observe([1.0, math.nan], 1500)  # never seen, so never right
    assert one.probabilities == pytest.approx([0.05 / 1.05, 1 / 1.05])
    one.observe([1.0, 1.0], 2000)
    assert one.probabilities.tolist() == [0.5, 0.5]


@given(st.lists(st.floats(0, 1), min_size=2, max_size=6))
def test_probabilities_are_some_and_worse_classes_come_more_often(accuracies):
    one = balance(len(accuracies))
    one.observe(accuracies, 500)
    assert one.probabilities.sum() == pytest.approx(1)
    assert one.probabilities.min() >= 0.05 / (len(accuracies) - 0.95) - 1e-9
    order = np.argsort(accuracies)
    assert np.all(np.diff(one.probabilities[order]) <= 1e-12)


@pytest.mark.parametrize("accuracies", [[0.5, 0.5], [0.9, 0.6], [1.0, 0.0]])
def test_batches_have_the_classes_as_often_as_they_should(accuracies):
    one = balance()
    one.observe(accuracies, 500)
    drawn = np.concatenate([one.draw(step, 256) for step in range(500, 540)])
    counts = np.bincount(drawn, minlength=2)
    assert chisquare(counts, one.probabilities * len(drawn)).pvalue > 0.01


def test_a_step_draws_the_same_whatever_was_drawn_before():
    one, other = balance(), balance()
    for step in range(5):
        one.draw(step, 256)
    assert np.array_equal(one.draw(5, 256), other.draw(5, 256))
    assert not np.array_equal(one.draw(5, 256), one.draw(6, 256))
    assert not np.array_equal(one.draw(5, 256), balance(seed=8).draw(5, 256))


def test_it_goes_on_where_it_was():
    one, other = balance(3), balance(3)
    one.observe([0.123456789, 1 / 3, math.nan], 500)
    other.restore(json.loads(json.dumps(one.state())))
    assert np.array_equal(one.probabilities, other.probabilities)
    assert np.array_equal(one.draw(501, 256), other.draw(501, 256))
    assert not other.is_due(500)
    assert other.is_due(1000)


def test_when_it_measures():
    one = balance(every=10)
    assert [step for step in range(31) if one.is_due(step)] == [10, 20, 30]
    one.observe([0.5, 0.5], 10)
    assert not one.is_due(10)


@pytest.mark.parametrize("accuracies", [[0.5], [0.5, 0.5, 0.5], [0.5, 1.5], [-0.1, 0.5]])
def test_what_is_no_accuracy_is_refused(accuracies):
    with pytest.raises(ValueError, match="accuracies"):
        balance().observe(accuracies, 500)


def test_accuracy_of_each_class():
    found = class_accuracies([0, 1, 1, 0, 2], [0, 1, 0, 0, 1], 4)
    assert found[:3] == pytest.approx([2 / 3, 1 / 2, math.nan], nan_ok=True)
    assert math.isnan(found[3])


def test_the_balanced_set_has_all_of_the_smallest_class_and_as_many_of_the_others():
    labels = np.random.default_rng(0).permutation([0] * 1000 + [1] * 30 + [3] * 200)
    chosen = balanced_subset(labels, 1)
    assert np.bincount(labels[chosen]).tolist() == [30, 30, 0, 30]
    assert len(set(chosen.tolist())) == 90
    assert np.array_equal(chosen, balanced_subset(labels, 1))
    assert not np.array_equal(chosen, balanced_subset(labels, 2))
    with pytest.raises(InputError, match="no samples"):
        balanced_subset([], 0)
