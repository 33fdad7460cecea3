"""Calibration against scikit-learn and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionDetectionLib.core.errors import InputError
from LesionTrainingLib.evaluation.metrics.calibration import brier_score, reliability
from sklearn.calibration import calibration_curve
from sklearn.metrics import brier_score_loss

PAIRS = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60)


def split(pairs):
    return np.array([score for score, _ in pairs]), np.array([outcome for _, outcome in pairs])


def test_by_hand():
    found = reliability([0.05, 0.1, 0.3, 0.35, 0.9, 1.0], [0, 1, 0, 1, 1, 1], bins=5)
    assert found.counts.tolist() == [2, 2, 0, 0, 2]
    assert found.positives.tolist() == [1, 1, 0, 0, 2]
    assert found.mean_score[[0, 1, 4]] == pytest.approx([0.075, 0.325, 0.95])
    assert found.observed[[0, 1, 4]] == pytest.approx([0.5, 0.5, 1])
    assert np.isnan(found.observed[[2, 3]]).all()
    assert found.expected_calibration_error == pytest.approx((2 * 0.425 + 2 * 0.175 + 2 * 0.05) / 6)
    assert found.maximum_calibration_error == pytest.approx(0.425)


def test_edges_belong_to_the_bin_below():
    assert reliability([0.0, 0.2, 0.4, 1.0], [0, 0, 0, 0], bins=5).counts.tolist() == [2, 1, 0, 0, 1]


@settings(deadline=None)
@given(PAIRS, st.integers(1, 12))
def test_against_scikit_learn(pairs, bins):
    scores, outcomes = split(pairs)
    found = reliability(scores, outcomes, bins)
    filled = found.counts > 0
    observed, mean_score = calibration_curve(outcomes, scores, n_bins=bins)
    assert np.allclose(found.observed[filled], observed)
    assert np.allclose(found.mean_score[filled], mean_score)
    assert found.counts.sum() == len(scores)
    assert brier_score(scores, outcomes) == pytest.approx(brier_score_loss(outcomes, scores, pos_label=True))


@settings(deadline=None)
@given(PAIRS, st.integers(1, 8))
def test_bins_of_equal_count_hold_everything_once(pairs, bins):
    scores, outcomes = split(pairs)
    found = reliability(scores, outcomes, bins, equal="count")
    assert found.counts.sum() == len(scores)
    assert found.positives.sum() == outcomes.sum()
    assert len(found.counts) <= bins
    assert (found.edges[0], found.edges[-1]) == (0, 1)


def test_bins_of_equal_count():
    found = reliability(np.arange(100) / 100, np.arange(100) % 2, 4, equal="count")
    assert found.counts.tolist() == [25, 25, 25, 25]


def test_scores_that_are_probabilities_are_calibrated():
    random = np.random.default_rng(4)
    scores = random.random(200_000)
    outcomes = random.random(200_000) < scores
    assert reliability(scores, outcomes).expected_calibration_error < 0.005
    assert brier_score(scores, outcomes) == pytest.approx(1 / 6, abs=0.002)  # the integral of p (1 - p)


def test_no_scores():
    found = reliability([], [])
    assert found.counts.sum() == 0
    assert np.isnan([found.expected_calibration_error, found.maximum_calibration_error, brier_score([], [])]).all()


@pytest.mark.parametrize(
    ("scores", "outcomes", "said"),
    [
        ([0.5, 1.2], [0, 1], "from 0.5 to 1.2"),
        ([-0.1, 0.5], [0, 1], "can be probabilities"),
        ([np.nan], [0], "not finite"),
        ([0.5, 0.5], [0], "must be pairs"),
    ],
)
def test_what_is_refused(scores, outcomes, said):
    with pytest.raises(InputError, match=said):
        reliability(scores, outcomes)
    with pytest.raises(InputError, match=said):
        brier_score(scores, outcomes)


def test_bins_that_make_no_sense():
    with pytest.raises(ValueError, match="0 bins"):
        reliability([0.5], [1], 0)
    with pytest.raises(ValueError, match="there are width and count"):
        reliability([0.5], [1], equal="size")
