"""Outlines of lesions: those of active ones irregular and spiculated, those of inactive ones smooth."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .nodules import StarShape

_ROWS = 16_384
"""Directions evaluated together: small enough to stay in the processor's cache."""
_SPICULE_MM, _KNOB_MM = 1.3, 3.2
"""Half-width (standard deviation) of a spicule and of a knob at the surface."""


class Outline(StarShape):
    """The same shape as its base; its radius is faster where there are many bumps."""

    def radius(self, directions: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
        # No matrix product: its last bits may depend on the number of threads.
        swell = np.ones(len(directions), dtype=np.float32)
        x, y, z = (np.ascontiguousarray(part, dtype=np.float32)[:, None] for part in directions.T)
        bx, by, bz = self.bumps.T.astype(np.float32)
        sharp, heights = self.sharpness.astype(np.float32), self.heights.astype(np.float32)
        for first in range(0, len(directions), _ROWS) if len(heights) else ():
            rows = slice(first, first + _ROWS)
            cosine = x[rows] * bx + y[rows] * by + z[rows] * bz
            swell[rows] += (np.exp(sharp * (cosine - 1)) * heights).sum(axis=1)
        inverse2 = sum((directions * axis).sum(axis=-1) ** 2 for axis in self.axes)
        result: npt.NDArray[np.floating] = swell / np.sqrt(inverse2)
        return result


def draw_outline(rng: np.random.Generator, active: bool, radius_mm: float, spicule_mm: tuple[float, float]) -> Outline:
    """A lesion's outline of about ``radius_mm`` round the origin.

    The ellipsoid below it is drawn alike for both kinds; lobes, knobs and spicules make the margin of an active one.
    Knobs and spicules have widths and heights in mm, so that a large lesion's are no larger than a small one's.
    """
    turn, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    halves = (1 + rng.uniform(-0.22, 0.22, 3)) * radius_mm
    if active:
        lobes, knobs, spikes = int(rng.integers(4, 8)), int(rng.integers(6, 14)), int(rng.integers(10, 26))
        heights = [
            rng.uniform(-0.2, 0.3, lobes),
            np.minimum(rng.uniform(-1.0, 2.5, knobs) / radius_mm, 0.4),
            np.minimum(rng.uniform(*spicule_mm, spikes) / radius_mm, 0.8),
        ]
        sharp = [
            rng.uniform(4, 11, lobes),
            np.full(knobs, max(8.0, (radius_mm / _KNOB_MM) ** 2)),
            np.full(spikes, max(25.0, (radius_mm / _SPICULE_MM) ** 2)),
        ]
    else:
        lobes = int(rng.integers(2, 4))
        heights, sharp = [rng.uniform(-0.07, 0.08, lobes)], [rng.uniform(1.5, 4, lobes)]
    bumps = rng.standard_normal((sum(map(len, sharp)), 3))
    bumps /= np.linalg.norm(bumps, axis=1)[:, None]
    return Outline(np.zeros(3), turn.T / halves[:, None], bumps, np.concatenate(heights), np.concatenate(sharp))
