"""The calibration line is a logistic regression without penalty, where there is one."""

from __future__ import annotations

import numpy as np
import pytest
from LesionDetectionLib.core.errors import InputError
from LesionTrainingLib.radiomics.calibration import calibrate
from sklearn.linear_model import LogisticRegression


def test_the_line_is_that_of_a_regression_without_penalty():
    random = np.random.default_rng(0)
    told = random.uniform(0.02, 0.98, 300)
    true = random.random(300) < told**1.5
    found = calibrate(told, true)
    logits = np.log(told / (1 - told))[:, None]
    reference = LogisticRegression(C=1e12, tol=1e-10, max_iter=1000).fit(logits, true)
    assert found.slope == pytest.approx(reference.coef_[0, 0], rel=1e-4)
    shifted = 1 / (1 + np.exp(-logits[:, 0] - found.intercept))
    assert shifted.mean() == pytest.approx(true.mean())
    assert found.intercept < 0, "too much was told"
    assert found.brier == pytest.approx(np.mean((told - true) ** 2))
    assert found.bins.counts.sum() == 300


def test_probabilities_that_mean_what_they_say():
    told = np.repeat([0.2, 0.5, 0.8], 100)
    true = np.concatenate([np.arange(100) < 100 * share for share in (0.2, 0.5, 0.8)])
    found = calibrate(told, true)
    assert (found.slope, found.intercept) == (pytest.approx(1.0), pytest.approx(0.0, abs=1e-9))
    assert found.bins.expected_calibration_error == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("told", [[0.1, 0.2, 0.8, 0.9], [0.5] * 4, [0.0, 0.0, 1.0, 1.0]])
def test_without_a_finite_line_there_is_no_slope(told):
    assert np.isnan(calibrate(told, [False, False, True, True]).slope)


def test_what_is_no_probability_is_told():
    with pytest.raises(InputError, match="only scores from 0 to 1"):
        calibrate([0.5, 1.5], [True, False])
