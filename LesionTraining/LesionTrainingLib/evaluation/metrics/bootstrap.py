"""Confidence intervals by drawing the cases anew, many times, with replacement.

What is drawn must be independent: scans, or patients where one has several scans; never single lesions of one scan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.errors import InputError

from .checks import FloatArray
from .interval import Interval

RESAMPLES = 1000
"""As LUNA16 draws."""
_MOST_DRAWN = 2_000_000
"""Indices held at once (16 MiB): the draws are made in parts, so memory stays flat."""

Statistic = Callable[..., FloatArray]
"""Takes arrays [R, N, ...] of R samples of N cases; gives [R] or [R, ...]."""


@dataclass(frozen=True)
class Bootstrap:
    """What :func:`bootstrap` found.

    Attributes:
        interval: estimate from all cases, and percentiles of the samples'.
        resamples: samples drawn.
        undefined: of them those without a value (no positive case was drawn, say); they are left out.
    """

    interval: Interval
    resamples: int
    undefined: int


def bootstrap(
    values: npt.ArrayLike | tuple[npt.ArrayLike, ...],
    statistic: Statistic | None = None,
    *,
    resamples: int = RESAMPLES,
    confidence: float = 0.95,
    seed: int = 0,
) -> Bootstrap:
    """Percentile interval of a statistic of N cases.

    Args:
        values: [N, ...] of the cases, or several such arrays that are drawn together: ``(scores, classes)``.
        statistic: takes one array [R, N, ...] for each of ``values`` and gives [R], one number a sample; the mean by
            default. All samples of a part are computed in one call.
        resamples: how often the cases are drawn.
        confidence: of the interval, between 0 and 1.
        seed: the same one gives the same interval.

    Raises:
        InputError: no cases, or arrays of different length.

    Source: B. Efron and R. J. Tibshirani, An Introduction to the Bootstrap (1993), section 13.3.
    """
    arrays = tuple(np.asarray(array) for array in (values if isinstance(values, tuple) else (values,)))
    cases = _cases(arrays)
    compute = statistic or _mean
    estimate = float(compute(*(array[None] for array in arrays))[0])
    parts = [compute(*(array[drawn] for array in arrays)) for drawn in draws(cases, resamples, seed)]
    samples = np.concatenate(parts)
    defined = samples[~np.isnan(samples)]
    tail = (1 - confidence) / 2
    low, high = np.quantile(defined, (tail, 1 - tail)) if defined.size else (np.nan, np.nan)
    interval = Interval(estimate, float(low), float(high), confidence)
    return Bootstrap(interval, resamples, int(samples.size - defined.size))


def bootstrap_interval(
    values: npt.ArrayLike | tuple[npt.ArrayLike, ...],
    statistic: Statistic | None = None,
    *,
    resamples: int = RESAMPLES,
    confidence: float = 0.95,
    seed: int = 0,
) -> Interval:
    """The interval alone; see :func:`bootstrap`."""
    return bootstrap(values, statistic, resamples=resamples, confidence=confidence, seed=seed).interval


def draws(cases: int, resamples: int, seed: int) -> Iterator[npt.NDArray[np.int64]]:
    """Indices of the cases drawn, [R, cases] in parts whose R add up to ``resamples``."""
    random = np.random.default_rng(seed)
    most = max(1, _MOST_DRAWN // max(1, cases))
    for start in range(0, resamples, most):
        yield random.integers(0, cases, size=(min(most, resamples - start), cases))


def case_weights(cases: int, resamples: int, seed: int) -> npt.NDArray[np.int64]:
    """[resamples, cases] how often each case is drawn: for a statistic that is a weighted sum over cases, where one
    matrix product does all samples at once."""
    random = np.random.default_rng(seed)
    return random.multinomial(cases, np.full(cases, 1 / cases), size=resamples)


def _mean(sample: npt.NDArray[Any]) -> FloatArray:
    means: FloatArray = sample.mean(axis=1)
    return means


def _cases(arrays: tuple[npt.NDArray[Any], ...]) -> int:
    lengths = {len(array) if array.ndim else 0 for array in arrays}
    if len(lengths) != 1:
        raise InputError(f"Arrays of {', '.join(map(str, sorted(lengths)))} cases cannot be drawn together.")
    cases = lengths.pop()
    if not cases:
        raise InputError("There are no cases to draw from.")
    return cases
