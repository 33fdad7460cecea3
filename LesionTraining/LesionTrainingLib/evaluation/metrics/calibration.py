"""Whether scores can be read as probabilities: reliability curve, expected calibration error, Brier score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.errors import InputError

from .checks import BoolArray, FloatArray, finite, same_length, truths


@dataclass(frozen=True, eq=False)
class Reliability:
    """Scores in bins. B = bins.

    Attributes:
        edges: [B + 1] rising, from 0 to 1; a bin holds its upper edge, the first also its lower one.
        counts: [B] int, scores in each.
        positives: [B] int, of them those that came true.
        mean_score: [B] NaN in an empty bin.
        observed: [B] share that came true; NaN in an empty bin.
    """

    edges: FloatArray
    counts: npt.NDArray[np.int64]
    positives: npt.NDArray[np.int64]
    mean_score: FloatArray
    observed: FloatArray

    @property
    def expected_calibration_error(self) -> float:
        """Mean gap between score and share that came true, weighted by the bins' counts; NaN without scores.

        Source: Naeini, Cooper and Hauskrecht, AAAI 2015, "Expected calibration error".
        """
        filled = self.counts > 0
        if not filled.any():
            return float("nan")
        gaps = np.abs(self.mean_score - self.observed)[filled]
        return float(np.average(gaps, weights=self.counts[filled]))

    @property
    def maximum_calibration_error(self) -> float:
        """The largest gap of a filled bin; NaN without scores. Source: as above."""
        filled = self.counts > 0
        return float(np.abs(self.mean_score - self.observed)[filled].max()) if filled.any() else float("nan")


def reliability(
    scores: npt.ArrayLike, came_true: npt.ArrayLike, bins: int = 10, *, equal: str = "width"
) -> Reliability:
    """Sort [N] scores into bins and see which share of each came true.

    Args:
        scores: [N] in [0, 1].
        came_true: [N] whether each did.
        bins: how many.
        equal: ``"width"``: bins of one width. ``"count"``: of one number of scores, as near as ties allow; equal
            quantiles make one bin, so there may be fewer.

    Raises:
        InputError: scores that are no probabilities, or lists of different length.
        ValueError: no bins, or another word for ``equal``.
    """
    values, outcomes = _probabilities(scores, came_true)
    edges = _edges(values, bins, equal)
    places = np.searchsorted(edges[1:-1], values, side="left")
    size = len(edges) - 1
    counts = np.bincount(places, minlength=size)
    positives = np.bincount(places[outcomes], minlength=size)
    sums = np.bincount(places, weights=values, minlength=size)
    with np.errstate(invalid="ignore"):
        return Reliability(edges, counts, positives, sums / counts, positives / counts)


def brier_score(scores: npt.ArrayLike, came_true: npt.ArrayLike) -> float:
    """Mean squared gap between score and outcome; 0 is best, NaN without scores.

    Raises:
        InputError: scores that are no probabilities, or lists of different length.

    Source: G. W. Brier, Monthly Weather Review 78 (1950) 1-3, in its usual form for two outcomes.
    """
    values, outcomes = _probabilities(scores, came_true)
    return float(np.mean((values - outcomes) ** 2)) if values.size else float("nan")


def _probabilities(scores: npt.ArrayLike, came_true: npt.ArrayLike) -> tuple[FloatArray, BoolArray]:
    values, outcomes = finite(scores, "scores"), truths(came_true, "outcomes")
    same_length(values, outcomes, "scores and outcomes")
    if values.size and (values.min() < 0 or values.max() > 1):
        raise InputError(
            f"The scores reach from {values.min():g} to {values.max():g}: only scores from 0 to 1 can be probabilities."
        )
    return values, outcomes


def _edges(values: FloatArray, bins: int, equal: str) -> FloatArray:
    if bins < 1:
        raise ValueError(f"{bins} bins")
    if equal == "width" or not values.size:
        return np.linspace(0, 1, bins + 1)
    if equal != "count":
        raise ValueError(f"bins of equal {equal}; there are width and count")
    inner = np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1])
    return np.unique(np.concatenate([[0.0], inner, [1.0]]))
