"""What a lesion looks like against what surrounds it: thresholds half-way to the values on either side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.floating[Any]]

LEAST_CT_CONTRAST_HU = 12.0
"""Differences below this are not taken for a border: metastases in portal-venous liver differ by 20 to 60 HU."""
LUNG_BELOW_HU = -500.0
"""Surroundings below this are aerated lung (about -850 HU); fat, the lowest soft tissue, has about -100."""
_SHARE_THAT_COUNTS = 0.1
"""Surroundings that are lower (or higher) than the lesion set a threshold from this share of the shell on."""


@dataclass(frozen=True)
class Appearance:
    """Values of a lesion and around it, in the image's unit.

    Attributes:
        lesion: typical value inside.
        low: value of what surrounds it and is lower.
        high: value of what surrounds it and is higher; ``inf`` where that does not end the lesion.
        level: where between ``low`` or ``high`` (0) and ``lesion`` (1) the border lies.
    """

    lesion: float
    low: float
    high: float
    level: float = 0.5

    @property
    def threshold(self) -> float:
        """The value at the border towards what is lower."""
        return self.low + self.level * (self.lesion - self.low)

    @property
    def contrast(self) -> float:
        """Distance of the lesion's value to the nearer of the values around it."""
        return min(self.lesion - self.low, self.high - self.lesion)

    @property
    def in_lung(self) -> bool:
        return self.low < LUNG_BELOW_HU

    def membership(self, values: FloatArray) -> FloatArray:
        """1 at the lesion's value, 1/2 at the border, 0 at what surrounds it; linear between; any shape."""
        knots, member = [self.low, self.threshold, self.lesion], [0.0, 0.5, 1.0]
        if np.isfinite(self.high):
            above = self.high + self.level * (self.lesion - self.high)
            knots, member = [*knots, above, self.high], [*member, 0.5, 0.0]
        return np.interp(values, knots, member).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Samples:
    """Image values along the rays of a fan.

    Attributes:
        values: [T, P, R].
        radii_mm: [R].
        solid_angles: [T, 1], relative.
    """

    values: FloatArray
    radii_mm: FloatArray
    solid_angles: FloatArray

    @property
    def volumes(self) -> FloatArray:
        """[T, P, R]; the relative volume that each value stands for."""
        shell = self.radii_mm**2 * np.gradient(self.radii_mm)
        return np.asarray(np.broadcast_to(self.solid_angles[..., None] * shell, self.values.shape))

    def inside(self, surface_mm: FloatArray, edge_mm: float) -> npt.NDArray[np.bool_]:
        """Where the samples lie well inside a surface of radii [T, P]: clear of the blurred border."""
        limit = np.maximum(np.minimum(0.8 * surface_mm, surface_mm - edge_mm), min(1.0, 0.7 * float(surface_mm.min())))
        return np.asarray(self.radii_mm < limit[..., None])

    def shell(self, surface_mm: FloatArray, edge_mm: float) -> npt.NDArray[np.bool_]:
        """Where they lie just outside of it: beyond the blurred border, up to 1.4 radii and a few voxels."""
        low, high = surface_mm + edge_mm, 1.4 * surface_mm + 3 * edge_mm + 1
        return np.asarray((self.radii_mm > low[..., None]) & (self.radii_mm < high[..., None]))


def ct_appearance(
    samples: Samples, surface_mm: FloatArray, edge_mm: float, noise: float, now: Appearance
) -> Appearance:
    """The appearance in HU when the surface has radii [T, P] about the samples' centre; ``now`` where nothing is known."""
    weights = samples.volumes
    inside, shell = samples.inside(surface_mm, edge_mm), samples.shell(surface_mm, edge_mm)
    lesion = weighted_quantile(samples.values[inside], weights[inside], 0.5) if inside.any() else now.lesion
    around, weight = samples.values[shell], weights[shell]
    if around.size == 0:
        return now
    main = abs(weighted_quantile(around, weight, 0.5) - lesion)
    if main < max(0.5 * noise, LEAST_CT_CONTRAST_HU):
        # More than half of the surroundings are like the lesion (chest wall, muscle): the rest has to tell.
        below = lesion - weighted_quantile(around, weight, 0.15)
        above = weighted_quantile(around, weight, 0.85) - lesion
        main = max(below, above, LEAST_CT_CONTRAST_HU)
    # Where one side has nothing, the threshold there lies as far off as the known contrast.
    low = _typical(around, weight, around < lesion - 0.4 * main, lesion - 2 * main)
    high = _typical(around, weight, around > lesion + 0.4 * main, lesion + 2 * main)
    return Appearance(lesion, low, np.inf if low < LUNG_BELOW_HU else high)


def pet_appearance(
    samples: Samples, surface_mm: FloatArray, edge_mm: float, level: float, least_lesion: float, now: Appearance
) -> Appearance:
    """As :func:`ct_appearance`, for PET: only lower surroundings end a lesion, its value is at least ``least_lesion``."""
    weights = samples.volumes
    inside, shell = samples.inside(surface_mm, edge_mm), samples.shell(surface_mm, edge_mm)
    # A little above the median: blur lowers the values of small lesions.
    lesion = weighted_quantile(samples.values[inside], weights[inside], 0.6) if inside.any() else now.lesion
    lesion = max(lesion, least_lesion)
    around, weight = samples.values[shell], weights[shell]
    if around.size == 0:
        return now
    low = _typical(around, weight, around < 0.7 * lesion, 0.0)
    return Appearance(lesion, min(low, 0.6 * lesion), np.inf, level)


def _typical(values: FloatArray, weights: FloatArray, chosen: npt.NDArray[np.bool_], default: float) -> float:
    if weights[chosen].sum() <= _SHARE_THAT_COUNTS * weights.sum():
        return default
    return weighted_quantile(values[chosen], weights[chosen], 0.5)


def weighted_quantile(values: FloatArray, weights: FloatArray, share: float) -> float:
    """The value below which ``share`` of the weight lies; both arrays flat, not empty."""
    order = np.argsort(values)
    total = np.cumsum(weights[order], dtype=np.float64)
    return float(values[order][min(int(np.searchsorted(total, share * total[-1])), len(order) - 1)])
