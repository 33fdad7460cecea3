"""The bootstrap against SciPy, theory, a plain loop, and its own promises."""

from __future__ import annotations

import numpy as np
import pytest
from LesionDetectionLib.core.errors import InputError
from LesionTrainingLib.evaluation.metrics import bootstrap as module
from LesionTrainingLib.evaluation.metrics.bootstrap import bootstrap, bootstrap_interval, case_weights, draws
from LesionTrainingLib.evaluation.metrics.interval import Interval
from scipy import stats

VALUES = np.random.default_rng(6).gamma(2, 1, 80)


def test_against_scipy():
    ours = bootstrap_interval(VALUES, resamples=20_000, seed=1)
    theirs = stats.bootstrap(
        (VALUES,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(2)
    ).confidence_interval
    assert ours.estimate == pytest.approx(VALUES.mean())
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.01)


def test_against_theory():
    """The mean of 80 values: 1.96 standard errors to each side."""
    found = bootstrap_interval(VALUES, resamples=20_000)
    error = VALUES.std() / np.sqrt(80)
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * error, rel=0.03)


def test_against_a_plain_loop():
    drawn = np.concatenate(list(draws(80, 300, seed=9)))
    medians = [np.median([VALUES[case] for case in row]) for row in drawn]
    found = bootstrap_interval(VALUES, lambda sample: np.median(sample, axis=1), resamples=300, seed=9, confidence=0.9)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(medians, (0.05, 0.95))))


def test_arrays_are_drawn_together():
    pairs = np.stack([VALUES, 2 * VALUES], axis=1)
    together = bootstrap_interval((VALUES, 2 * VALUES), lambda a, b: (b / a).mean(axis=1), resamples=50)
    assert (together.low, together.high) == pytest.approx((2, 2))
    rows = bootstrap_interval(pairs, lambda sample: (sample[..., 1] - 2 * sample[..., 0]).sum(axis=1), resamples=50)
    assert (rows.low, rows.high) == pytest.approx((0, 0))


def test_the_same_seed_gives_the_same_interval_whatever_the_parts(monkeypatch):
    whole = bootstrap_interval(VALUES, seed=4)
    assert bootstrap_interval(VALUES, seed=4) == whole
    assert bootstrap_interval(VALUES, seed=5) != whole
    monkeypatch.setattr(module, "_MOST_DRAWN", 80 * 7)
    assert [len(part) for part in draws(80, 20, seed=4)] == [7, 7, 6]
    assert bootstrap_interval(VALUES, seed=4) == whole


def test_samples_without_a_value_are_counted():
    """Three cases, one of them with a value: missing from (2/3)³ = 30 % of the samples."""
    values = np.array([5.0, np.nan, np.nan])

    def mean_of_known(sample):
        known = ~np.isnan(sample)
        with np.errstate(invalid="ignore"):
            return np.where(known, sample, 0).sum(axis=1) / known.sum(axis=1)

    found = bootstrap(values, mean_of_known, resamples=2000)
    assert found.undefined / found.resamples == pytest.approx(8 / 27, abs=0.03)
    assert (found.interval.estimate, found.interval.low, found.interval.high) == (5, 5, 5)
    nothing = bootstrap(np.array([np.nan]), resamples=10)
    assert nothing.undefined == 10
    assert np.isnan([nothing.interval.low, nothing.interval.high]).all()


def test_weights_draw_every_sample_whole():
    weights = case_weights(30, 500, seed=0)
    assert weights.shape == (500, 30)
    assert (weights.sum(axis=1) == 30).all()
    assert weights.mean(axis=0) == pytest.approx(np.ones(30), abs=0.2)
    assert np.array_equal(weights, case_weights(30, 500, seed=0))
    by_weights = np.quantile(case_weights(80, 20_000, seed=1) @ VALUES / 80, (0.025, 0.975))
    found = bootstrap_interval(VALUES, resamples=20_000)
    assert (found.low, found.high) == pytest.approx(tuple(by_weights), abs=0.015)


def test_what_is_refused():
    with pytest.raises(InputError, match="no cases to draw from"):
        bootstrap_interval([])
    with pytest.raises(InputError, match="2, 3 cases cannot be drawn together"):
        bootstrap_interval((np.zeros(2), np.zeros(3)))


def test_text():
    assert Interval(0.7673, 0.7412, 0.79).text() == "0.767 (0.741 to 0.790)"
    assert Interval(-0.5, -1, 0.25).text(1) == "−0.5 (−1.0 to 0.2)"
