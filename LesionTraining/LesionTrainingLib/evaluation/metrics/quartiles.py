"""The middle of values that come in groups, such as lesions in scans, and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.errors import InputError

from .bootstrap import RESAMPLES, draws
from .checks import FloatArray, finite, same_length
from .interval import Interval

_MOST_WEIGHTS = 2_000_000
"""Weights held at once (16 MiB)."""


@dataclass(frozen=True)
class Quartiles:
    """Attributes:
    count: values.
    lower, upper: a quarter of the values lies below, above; linear between values.
    median: with its confidence; the bounds are NaN where nothing was drawn.
    """

    count: int
    lower: float
    upper: float
    median: Interval


def quartiles(
    values: npt.ArrayLike,
    groups: npt.ArrayLike,
    *,
    resamples: int = RESAMPLES,
    confidence: float = 0.95,
    seed: int = 0,
) -> Quartiles:
    """Quartiles of [N] values, and the median's bootstrap interval: groups are drawn, not values.

    The values of one group (the lesions of one scan) are alike, so that drawing them singly makes an interval too narrow.

    Args:
        values: [N] finite.
        groups: [N] int, which group each belongs to.
        resamples: how often the groups are drawn; 0 for no interval.
        confidence: of the interval, between 0 and 1.
        seed: of the drawing.

    Raises:
        InputError: no values, values that are not finite, or lists of different length.
    """
    array, members = finite(values, "values"), np.asarray(groups)
    same_length(array, members, "values and groups")
    if not array.size:
        raise InputError("There are no values to take quartiles of.")
    lower, middle, upper = (float(part) for part in np.quantile(array, (0.25, 0.5, 0.75)))
    medians = _drawn_medians(array, np.unique(members, return_inverse=True)[1], resamples, seed)
    tail = (1 - confidence) / 2
    low, high = np.quantile(medians, (tail, 1 - tail)) if medians.size else (np.nan, np.nan)
    return Quartiles(array.size, lower, upper, Interval(middle, float(low), float(high), confidence))


def _drawn_medians(values: FloatArray, group: npt.NDArray[np.intp], resamples: int, seed: int) -> FloatArray:
    """[R] median of each sample. A group that is drawn twice counts twice: each value gets a weight, and no copy."""
    order = np.argsort(values, kind="stable")
    rising, member = values[order], group[order]
    groups, part = int(group.max()) + 1, max(1, _MOST_WEIGHTS // values.size)
    medians = [np.zeros(0)]
    for indices in draws(groups, resamples, seed):
        for start in range(0, len(indices), part):
            some = indices[start : start + part]
            weights = np.stack([np.bincount(row, minlength=groups) for row in some])
            medians.append(_weighted_medians(rising, weights[:, member]))
    return np.concatenate(medians)


def _weighted_medians(rising: FloatArray, weights: npt.NDArray[np.intp]) -> FloatArray:
    """[R] medians of [N] rising values that count [R, N] times: the mean of the two in the middle."""
    counted = np.cumsum(weights, axis=1)
    every = counted[:, -1:]
    places = [(counted <= middle).sum(axis=1) for middle in ((every - 1) // 2, every // 2)]
    medians: FloatArray = (rising[places[0]] + rising[places[1]]) / 2
    return medians
