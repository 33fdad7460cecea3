"""How sure a share of few is."""

from __future__ import annotations

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
    from scipy.special import ndtri

    k, n = np.asarray(successes, dtype=np.float64), np.asarray(total, dtype=np.float64)
    z = float(ndtri((1 + confidence) / 2))
    with np.errstate(invalid="ignore", divide="ignore"):
        share = k / n
        middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return np.clip(middle - half, 0, 1), np.clip(middle + half, 0, 1)
