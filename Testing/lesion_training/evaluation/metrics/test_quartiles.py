"""Quartiles of grouped values: by hand, and the drawn medians against copies of the values."""

from __future__ import annotations

import numpy as np
import pytest
from LesionDetectionLib.core.errors import InputError
from LesionTrainingLib.evaluation.metrics.bootstrap import draws
from LesionTrainingLib.evaluation.metrics.quartiles import quartiles


def test_by_hand():
    found = quartiles([4.0, 1.0, 3.0, 2.0, 5.0], [0, 0, 1, 1, 2], resamples=0)
    assert (found.count, found.lower, found.median.estimate, found.upper) == (5, 2, 3, 4)
    assert np.isnan([found.median.low, found.median.high]).all()


def test_one_group_can_only_be_drawn_whole():
    found = quartiles([1.0, 2.0, 4.0, 9.0], [7, 7, 7, 7], resamples=50)
    assert (found.median.low, found.median.estimate, found.median.high) == (3, 3, 3)


@pytest.mark.parametrize("held", [7, 2_000_000])
def test_drawn_medians_against_copies(monkeypatch, held):
    monkeypatch.setattr("LesionTrainingLib.evaluation.metrics.quartiles._MOST_WEIGHTS", held)
    random = np.random.default_rng(3)
    values, groups = random.normal(size=30), random.integers(0, 8, size=30)
    groups[:8] = range(8)
    medians = [
        np.median(np.concatenate([values[groups == group] for group in row]))
        for indices in draws(8, 200, 5)
        for row in indices
    ]
    found = quartiles(values, groups, resamples=200, seed=5).median
    assert [found.low, found.high] == pytest.approx(np.quantile(medians, (0.025, 0.975)).tolist())


def test_values_of_one_scan_are_alike():
    """Twenty scans of ten lesions that are all alike are twenty values, not two hundred."""
    random = np.random.default_rng(0)
    values = np.repeat(random.normal(size=20), 10)
    by_scan = quartiles(values, np.repeat(np.arange(20), 10)).median
    singly = quartiles(values, np.arange(200)).median
    assert by_scan.high - by_scan.low > 1.5 * (singly.high - singly.low)


def test_nothing_to_measure():
    with pytest.raises(InputError, match="no values"):
        quartiles([], [])
