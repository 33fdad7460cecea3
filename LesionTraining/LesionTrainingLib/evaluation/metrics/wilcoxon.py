"""Whether one way is better than another on the same cases: the two-tailed Wilcoxon signed-rank test."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.errors import InputError

from .checks import FloatArray, finite, same_length

_MOST_EXACT = 50
"""Up to so many cases that differ, p is exact; the sums of ranks have 2^50 signs, which 64-bit floats count exactly."""
_DIGITS = 12
"""Differences are told apart to this many digits of the largest value."""
_LEAST_FOR_5_PERCENT = 6
"""Of fewer cases that differ even the clearest result has p > 0.05 (5 cases: 2 / 2^5 = 0.0625)."""


@dataclass(frozen=True)
class PairedComparison:
    """Two ways on the same cases.

    Attributes:
        first: name of one way.
        second: name of the other.
        cases: pairs.
        higher: cases in which the first is higher.
        lower: cases in which the first is lower; in the rest both are equal.
        median_difference: of first minus second, over all cases.
        rank_sum: the smaller of the two sums of signed ranks.
        p_value: two-tailed; 1 where no case differs.
        exact: whether p is exact; else it is by the normal approximation.
    """

    first: str
    second: str
    cases: int
    higher: int
    lower: int
    median_difference: float
    rank_sum: float
    p_value: float
    exact: bool

    def sentence(self) -> str:
        """The result in words; it does not say what to believe."""
        differing = self.higher + self.lower
        if not differing:
            return f"“{self.first}” and “{self.second}” are equal in all {self.cases} cases."
        way = "exact" if self.exact else "normal approximation"
        text = (
            f"“{self.first}” is higher than “{self.second}” in {self.higher} of {self.cases} cases and lower in "
            f"{self.lower} (median difference {_signed(self.median_difference)}); two-tailed Wilcoxon signed-rank test, "
            f"{way}: {_p_text(self.p_value)}."
        )
        if differing < _LEAST_FOR_5_PERCENT:
            text += f" {differing} cases that differ are too few to reach p < 0.05."
        return text


def wilcoxon(
    first: npt.ArrayLike, second: npt.ArrayLike, names: tuple[str, str] = ("first", "second")
) -> PairedComparison:
    """Compare [N] values of one way with [N] of another, a pair a case.

    Cases that are equal are left out of the ranks (Wilcoxon's own way); ties share their mean rank. Up to 50 cases that
    differ, p is exact, given the ranks, ties included: the sums of all 2^n signs are counted. Above, it is the normal
    approximation with correction for ties and for continuity (SciPy).

    Raises:
        InputError: values that are not finite, lists of different length, or no cases.

    Source: F. Wilcoxon, Biometrics Bulletin 1 (1945) 80-83.
    """
    a, b = finite(first, "first values"), finite(second, "second values")
    same_length(a, b, "first and second values")
    if not a.size:
        raise InputError("There are no cases to compare.")
    differences = _differences(a, b)
    signed = differences[differences != 0]
    median = float(np.median(differences))
    higher, lower = int((signed > 0).sum()), int((signed < 0).sum())
    exact = signed.size <= _MOST_EXACT
    rank_sum, p_value = _test(signed, exact) if signed.size else (0.0, 1.0)
    return PairedComparison(names[0], names[1], a.size, higher, lower, median, rank_sum, p_value, exact)


def _test(signed: FloatArray, exact: bool) -> tuple[float, float]:
    """Smaller sum of ranks and two-tailed p of differences that are not 0."""
    from scipy import stats

    ranks = stats.rankdata(np.abs(signed))
    rank_sum = float(min(ranks[signed > 0].sum(), ranks[signed < 0].sum()))
    if exact:
        return rank_sum, _exact_p(ranks, rank_sum)
    result = stats.wilcoxon(signed, zero_method="wilcox", correction=True, method="asymptotic")
    return rank_sum, float(result.pvalue)


def _exact_p(ranks: FloatArray, rank_sum: float) -> float:
    """Share of the 2^n ways to give the ranks signs whose smaller sum is at most this one.

    SciPy's exact distribution knows no ties. Mean ranks are multiples of a half, so doubled ones are whole, and the
    number of ways to reach each sum follows rank by rank.
    """
    doubled = np.rint(2 * ranks).astype(np.int64)
    ways = np.zeros(int(doubled.sum()) + 1)
    ways[0] = 1
    for rank in doubled:
        ways[rank:] += ways[:-rank].copy()
    tail = ways[: round(2 * rank_sum) + 1].sum() / ways.sum()
    return min(1.0, 2 * float(tail))


def _differences(first: FloatArray, second: FloatArray) -> FloatArray:
    """First minus second, freed of rounding errors: 0.9 - 0.8 and 0.8 - 0.7 are a tie, though not for 64-bit floats."""
    scale = max(float(np.abs(first).max()), float(np.abs(second).max())) or 1.0
    differences: FloatArray = np.round((first - second) / scale, _DIGITS) * scale
    return differences


def _signed(value: float) -> str:
    return f"{value:+.3g}".replace("-", "−")


def _p_text(value: float) -> str:
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}" if value < 0.1 else f"p = {value:.2f}"
