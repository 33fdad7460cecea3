"""ROC and its confidence: by hand, against all pairs, scikit-learn, DeLong's own sums, and by coverage."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from LesionDetectionLib.core.errors import InputError
from LesionTrainingLib.evaluation.metrics.bootstrap import bootstrap_interval
from LesionTrainingLib.evaluation.metrics.roc import auc_interval, auc_of_each, confusion, roc
from sklearn.metrics import roc_auc_score

CASES = st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=4, max_size=40)


def split(cases):
    return np.array([score for score, _ in cases], float), np.array([positive for _, positive in cases])


def test_by_hand():
    found = roc([0.9, 0.8, 0.8, 0.3], [1, 0, 1, 0])
    assert found.thresholds.tolist() == [np.inf, 0.9, 0.8, 0.3]
    assert found.sensitivity.tolist() == [0, 0.5, 1, 1]
    assert found.false_positive_rate.tolist() == [0, 0, 0.5, 1]
    assert found.auc == pytest.approx((1 + 1 + 0.5 + 1) / 4)  # four pairs, one a tie


@settings(deadline=None)
@given(CASES)
def test_against_all_pairs(cases):
    scores, positive = split(cases)
    assume(2 <= positive.sum() <= len(positive) - 2)
    gaps = scores[positive][:, None] - scores[~positive][None]
    wins = (gaps > 0) + 0.5 * (gaps == 0)
    found = auc_interval(scores, positive)
    assert roc(scores, positive).auc == pytest.approx(wins.mean())
    assert found.estimate == pytest.approx(wins.mean())
    assert auc_of_each(scores[None], positive[None]) == pytest.approx(wins.mean())
    # DeLong et al., equations 4 to 6, in their own form.
    by_positive, by_negative = wins.mean(axis=1), wins.mean(axis=0)
    variance = np.var(by_positive, ddof=1) / len(by_positive) + np.var(by_negative, ddof=1) / len(by_negative)
    half = 1.959963984540054 * np.sqrt(variance)
    assert found.low == pytest.approx(max(0, wins.mean() - half), abs=1e-9)
    assert found.high == pytest.approx(min(1, wins.mean() + half), abs=1e-9)


def test_the_interval_holds_the_true_area_as_often_as_it_says():
    """Scores from two normal distributions 1 apart have the area Phi(1 / sqrt 2) = 0.7602; 400 studies of 100 cases."""
    random = np.random.default_rng(5)
    positive = np.arange(100) < 40
    held = 0
    for _ in range(400):
        found = auc_interval(random.normal(size=100) + positive, positive)
        held += found.low <= 0.7602499 <= found.high
    assert 0.92 <= held / 400 <= 0.98


def test_bootstrap_agrees_with_delong():
    random = np.random.default_rng(8)
    positive = np.arange(300) < 120
    scores = random.normal(size=300) + positive
    delong = auc_interval(scores, positive)
    drawn = bootstrap_interval((scores, positive), auc_of_each, resamples=2000, seed=1)
    assert drawn.estimate == pytest.approx(delong.estimate)
    assert drawn.low == pytest.approx(delong.low, abs=0.01)
    assert drawn.high == pytest.approx(delong.high, abs=0.01)


def test_many_areas_at_once():
    random = np.random.default_rng(2)
    scores, positive = random.integers(0, 6, (50, 20)).astype(float), random.random((50, 20)) < 0.5
    positive[0] = True
    found = auc_of_each(scores, positive)
    assert np.isnan(found[0])
    expected = [roc_auc_score(classes, values) for values, classes in zip(scores[1:], positive[1:], strict=True)]
    assert np.allclose(found[1:], expected)


def test_perfect_scores_have_no_width():
    found = auc_interval([0.9, 0.8, 0.2, 0.1], [1, 1, 0, 0])
    assert (found.estimate, found.low, found.high) == (1, 1, 1)


def test_confusion_by_hand():
    found = confusion([0.9, 0.5, 0.4, 0.7, 0.2], [1, 1, 1, 0, 0], threshold=0.5)
    assert (found.true_positives, found.false_positives, found.true_negatives, found.false_negatives) == (2, 1, 1, 1)
    assert found.accuracy == pytest.approx(3 / 5)
    assert found.sensitivity == pytest.approx(2 / 3)
    assert found.specificity == pytest.approx(1 / 2)
    assert found.precision == pytest.approx(2 / 3)


def test_rates_of_no_cases():
    found = confusion([0.1], [0], threshold=0.5)
    assert np.isnan(found.sensitivity)
    assert np.isnan(found.precision)
    assert (found.specificity, found.accuracy) == (1, 1)
    assert np.isnan(confusion([], [], 0.5).accuracy)


@pytest.mark.parametrize(
    ("scores", "positive", "said"),
    [
        ([0.1, np.nan], [0, 1], "not finite"),
        ([0.1, 0.2], [1, 1], "All 2 cases are positive"),
        ([0.1, 0.2], [0, 0], "All 2 cases are negative"),
        ([], [], "There are no cases"),
        ([0.1], [0, 1], "must be pairs"),
        ([0.1, 0.2], [0, 3], "yes and no"),
    ],
)
def test_what_is_refused(scores, positive, said):
    with pytest.raises(InputError, match=said):
        roc(scores, positive)


def test_one_case_of_a_class_has_no_variance():
    with pytest.raises(InputError, match="at least two cases of each class"):
        auc_interval([0.1, 0.2, 0.3], [0, 0, 1])
