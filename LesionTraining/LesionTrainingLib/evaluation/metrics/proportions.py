"""How sure a share of few is."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


def wilson_interval(
    successes: npt.ArrayLike, total: npt.ArrayLike, confidence: float = 0.95
) -> tuple[FloatArray, FloatArray]:
    """Wilson's score interval of proportions, without continuity correction; NaN where ``total`` is 0.

    Unlike the plain normal interval it stays inside [0, 1] and is no point at 0 of n or n of n. Works on scalars and
    arrays alike.

    Args:
        successes: [...] counts, at most ``total``.
        total: [...] counts.
        confidence: between 0 and 1.

    Returns:
        lower and upper bound, [...] each.

    Source: E. B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209-212.
    """
    k, n = np.asarray(successes, dtype=np.float64), np.asarray(total, dtype=np.float64)
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = k / n
        middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    # None of n and all of n have an exact end; rounding would leave it beside 0 or 1.
    low, high = np.where(k == 0, 0.0, middle - half), np.where(k == n, 1.0, middle + half)
    defined = n > 0
    return np.where(defined, np.clip(low, 0, 1), np.nan), np.where(defined, np.clip(high, 0, 1), np.nan)
