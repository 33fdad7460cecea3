"""A figure over the folds of a cross-validation, or over patients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan

import numpy as np


@dataclass(frozen=True)
class Spread:
    """Mean and standard deviation over folds, or over patients; NaN where there is none. What is without the figure is left out.

    Attributes:
        mean, deviation: the latter with n - 1, NaN of a single one.
        folds: how many have the figure.
    """

    mean: float
    deviation: float
    folds: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        known = np.array([value for value in values if value == value], dtype=np.float64)
        if not known.size:
            return cls(nan, nan, 0)
        return cls(float(known.mean()), float(known.std(ddof=1)) if known.size > 1 else nan, known.size)
