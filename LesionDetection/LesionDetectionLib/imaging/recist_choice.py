"""Which way from two diameters to a mask: GrabCut where the lesion stands out, the plain ellipse where it does not.

Figures are those of ``Testing/benchmarks/recist_mask.md``: GrabCut gains most where the contrast is many times the spread of
values within the lesion, and loses below about two and a half times, and below five pixels, where its models of values have
nothing to learn from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from .recist_start import BoolArray, Diameters

_MAD_TO_SD = 1.4826
_MOST_TIMES = 50.0
"""Noise-free images have a spread of 0: contrast counts as so many times the noise at most."""


@dataclass(frozen=True)
class ChoiceSettings:
    """When GrabCut is trusted.

    Attributes:
        least_contrast_to_noise: below it the ellipse is better; 2.5 and 3 came out best on the scenes tuned on.
        least_size_px: geometric mean of the diameters below which the ellipse is better; 5 came out best of 3 to 7.
        area_range: of GrabCut's mask over the ellipse's; outside of it something went wrong (it leaked, or gave up all but
            the quadrilateral, which has 2 / pi = .64 of the ellipse).
    """

    least_contrast_to_noise: float = 2.5
    least_size_px: float = 5.0
    area_range: tuple[float, float] = (0.6, 1.8)


DEFAULTS = ChoiceSettings()


@dataclass(frozen=True)
class Look:
    """How a lesion stands out in its slice.

    Attributes:
        inside, around: medians within the diameters' quadrilateral, and in the box beyond the ellipse.
        noise: spread of the values within the quadrilateral (a standard deviation, by the median deviation).
    """

    inside: float
    around: float
    noise: float

    @property
    def contrast(self) -> float:
        return abs(self.inside - self.around)

    @property
    def contrast_to_noise(self) -> float:
        return self.contrast / max(self.noise, self.contrast / _MOST_TIMES) if self.contrast > 0 else 0.0


def look(values: npt.NDArray[Any], quadrilateral: BoolArray, round_about: BoolArray, box: BoolArray) -> Look:
    """Of [y, x] ``values``: within ``quadrilateral``, and in ``box`` a pixel or more away from ``round_about``, the ellipse."""
    inside = values[quadrilateral]
    beyond = box & ~ndimage.binary_dilation(round_about | quadrilateral)
    middle = float(np.median(inside))
    around = float(np.median(values[beyond])) if beyond.any() else middle
    return Look(middle, around, float(_MAD_TO_SD * np.median(np.abs(inside - middle))))


def doubt_before(seen: Look, diameters: Diameters, unit: str, settings: ChoiceSettings = DEFAULTS) -> str:
    """Why GrabCut will not do, as the end of a sentence; empty where it may. Needs no cut, so it is asked first."""
    size = float(np.sqrt(diameters.long_px * diameters.short_px))
    if size < settings.least_size_px:
        return f"the lesion is only {size:.1f} pixels large."
    if seen.contrast_to_noise < settings.least_contrast_to_noise:
        return (
            f"the lesion stands out from its surroundings by only {number(seen.contrast)}{unit} at a noise of "
            f"{number(seen.noise)}."
        )
    return ""


def doubt_after(found: BoolArray, plain: BoolArray, settings: ChoiceSettings = DEFAULTS) -> str:
    """The same, of GrabCut's mask beside the ellipse."""
    share = int(np.count_nonzero(found)) / max(int(np.count_nonzero(plain)), 1)
    low, high = settings.area_range
    if share > high:
        return f"GrabCut ran out of it, to {share:.1f} times the ellipse's area."
    if share < low:
        return f"GrabCut left out all but {100 * share:.0f} % of the ellipse's area."
    return ""


def number(value: float) -> str:
    """As few digits as tell it: 12, 3.4, 0.21."""
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"
