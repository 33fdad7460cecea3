"""How well diameters are measured: bias, mean absolute error, limits of agreement, all and by size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.errors import InputError

from .checks import finite, same_length

_LIMIT = 1.96
"""Limits of agreement hold 95 % of normally distributed differences."""


@dataclass(frozen=True)
class Agreement:
    """Differences, measured minus true, in mm. All are NaN where nothing was measured.

    Attributes:
        count: pairs.
        bias_mm: mean difference; above zero, too large is measured.
        mean_absolute_mm: mean of the differences without sign.
        deviation_mm: standard deviation of the differences (n - 1); NaN of fewer than two.
        lower_limit_mm: bias minus 1.96 deviations.
        upper_limit_mm: bias plus 1.96 deviations.
    """

    count: int
    bias_mm: float
    mean_absolute_mm: float
    deviation_mm: float
    lower_limit_mm: float
    upper_limit_mm: float

    def sentence(self) -> str:
        """The same in words."""
        if not self.count:
            return "No diameter was measured."
        text = f"{_diameters(self.count)}: bias {_signed(self.bias_mm)}, mean absolute error {self.mean_absolute_mm:.2f} mm"
        if self.count < 2:
            return f"{text}."
        return f"{text}, limits of agreement {_signed(self.lower_limit_mm)} to {_signed(self.upper_limit_mm)}."


def diameter_agreement(measured_mm: npt.ArrayLike, true_mm: npt.ArrayLike) -> Agreement:
    """Agreement of [N] measured with [N] true diameters, a pair a lesion that was found.

    Limits of agreement are meant for differences that do not grow with size: look at them by size, too.

    Raises:
        InputError: a diameter that is no finite number (a lesion that was missed has none: leave it out), or lists of
            different length.

    Source: J. M. Bland and D. G. Altman, Lancet 327 (1986) 307-310.
    """
    measured, true = finite(measured_mm, "measured diameters"), finite(true_mm, "true diameters")
    same_length(measured, true, "measured and true diameters")
    differences = measured - true
    if not differences.size:
        return Agreement(0, *[float("nan")] * 5)
    bias = float(differences.mean())
    deviation = float(differences.std(ddof=1)) if differences.size > 1 else float("nan")
    return Agreement(
        int(differences.size),
        bias,
        float(np.abs(differences).mean()),
        deviation,
        bias - _LIMIT * deviation,
        bias + _LIMIT * deviation,
    )


def agreement_by_size(
    measured_mm: npt.ArrayLike, true_mm: npt.ArrayLike, bands_mm: Sequence[tuple[float, float]]
) -> tuple[Agreement, ...]:
    """Agreement in each band of the *true* diameter, from (included) to (excluded).

    Raises:
        InputError: see :func:`diameter_agreement`; also a band that ends before it begins.
    """
    measured, true = finite(measured_mm, "measured diameters"), finite(true_mm, "true diameters")
    same_length(measured, true, "measured and true diameters")
    for low, high in bands_mm:
        if not low < high:
            raise InputError(f"The size band from {low:g} to {high:g} mm is empty; write the smaller number first.")
    inside = [(true >= low) & (true < high) for low, high in bands_mm]
    return tuple(diameter_agreement(measured[band], true[band]) for band in inside)


def _diameters(count: int) -> str:
    return "1 diameter" if count == 1 else f"{count} diameters"


def _signed(value: float) -> str:
    return f"{value:+.2f} mm".replace("-", "−")
