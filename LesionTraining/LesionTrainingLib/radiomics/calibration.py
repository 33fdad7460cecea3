"""Whether probabilities mean what they say: the line between them and what came true."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..evaluation.metrics.calibration import Reliability, brier_score, reliability

FloatArray = npt.NDArray[np.float64]
_LEAST = 1e-6
"""Probabilities of 0 and 1 have no logit: they count as this far from it."""
_STEPS, _SMALL, _STEEPEST = 100, 1e-9, 100.0


@dataclass(frozen=True, eq=False)
class Calibration:
    """Attributes:
    slope: of the logit of what came true over that of what was told: 1 is right, below 1 the probabilities are too extreme, 0
        says nothing. NaN where no finite line fits (told all alike, or told apart without a mistake).
    intercept: calibration in the large, in logits: 0 is right, above 0 too little was told on the whole.
    brier: mean squared error.
    brier_of_share: that of telling everyone the share of positives.
    bins: of equal numbers of patients.

    Source: E. W. Steyerberg, Clinical Prediction Models, 2nd ed. (2019), section 15.3; B. Van Calster et al., J. Clin. Epidemiol.
    74 (2016) 167-176.
    """

    slope: float
    intercept: float
    brier: float
    brier_of_share: float
    bins: Reliability


def calibrate(probabilities: npt.ArrayLike, positive: npt.ArrayLike, bins: int = 5) -> Calibration:
    """Of [n] probabilities and what became of those patients, both classes among them.

    Raises:
        InputError: values that are no probabilities.
    """
    told, true = np.asarray(probabilities, dtype=np.float64), np.asarray(positive, dtype=np.bool_)
    sure = np.clip(told, _LEAST, 1 - _LEAST)
    logits = np.log(sure / (1 - sure))
    line = _line(np.column_stack([np.ones_like(logits), logits]), true, np.zeros_like(logits))
    level = _line(np.ones((len(logits), 1)), true, logits)
    share = float(true.mean())
    return Calibration(
        float(line[1]),
        float(level[0]),
        brier_score(told, true),
        share * (1 - share),
        reliability(told, true, bins, equal="count"),
    )


def _line(columns: FloatArray, positive: npt.NDArray[np.bool_], offset: FloatArray) -> FloatArray:
    """Weights of a logistic regression without penalty, by Newton's steps; NaN where they do not come to rest."""
    weights = np.zeros(columns.shape[1])
    lost = np.full(columns.shape[1], np.nan)
    for _ in range(_STEPS):
        expected = 1 / (1 + np.exp(-np.clip(offset + columns @ weights, -700, 700)))
        curvature = (columns * (expected * (1 - expected))[:, None]).T @ columns
        if not np.linalg.cond(curvature) < 1 / _SMALL:
            return lost
        step = np.linalg.solve(curvature, columns.T @ (positive - expected))
        weights = weights + step
        if np.abs(weights).max() > _STEEPEST:
            return lost
        if np.abs(step).max() < _SMALL:
            return np.asarray(weights, dtype=np.float64)
    return lost
