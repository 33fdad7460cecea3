"""The best star-shaped surface around a point: rays, costs along them, and dynamic programming over the sphere.

A *fan* is a set of rays from one centre, on a grid of polar and azimuthal angles. For each ray the surface picks one
radius; neighbouring rays should pick similar ones. The sum of costs is minimised approximately by semi-global
aggregation: exact dynamic programming along every parallel and every great circle through the poles, in both directions,
summed at each ray (H. Hirschmueller, Stereo processing by semiglobal matching, IEEE TPAMI 30 (2008) 328-341, Eq. 13).
Optimal surfaces around a point for tumours: Li, Wu, Chen, Sonka, IEEE TPAMI 28 (2006) 119-134.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

FloatArray = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Fan:
    """Rays from a centre.

    Attributes:
        directions: [T, P, 3]; unit vectors, T polar and P azimuthal angles, P even. One polar angle for a flat fan.
    """

    directions: FloatArray

    @classmethod
    def make(cls, polar: int, azimuthal: int, flat: bool) -> Fan:
        theta = np.array([np.pi / 2]) if flat else np.pi * (np.arange(polar) + 0.5) / polar
        phi = 2 * np.pi * np.arange(azimuthal) / azimuthal
        sine = np.sin(theta)[:, None]
        parts = [
            sine * np.cos(phi),
            sine * np.sin(phi),
            np.broadcast_to(np.cos(theta)[:, None], (len(theta), azimuthal)),
        ]
        return cls(np.stack(parts, axis=-1))

    @property
    def weights(self) -> FloatArray:
        """[T, 1]; the solid angle of a ray, relative to one at the equator."""
        return np.sqrt(1 - self.directions[:, :1, 2] ** 2)

    def points(self, radii_mm: FloatArray) -> FloatArray:
        """[T, P, R, 3] mm from the centre, for ``radii_mm`` [R]."""
        return np.asarray(self.directions[:, :, None, :] * radii_mm[:, None])

    def interpolate(self, values: FloatArray, offsets_mm: FloatArray) -> FloatArray:
        """``values`` [T, P] of the rays, at the directions of ``offsets_mm`` [..., 3] from the centre: [...]."""
        polar, azimuthal = values.shape
        row = np.zeros(offsets_mm.shape[:-1])
        if polar > 1:
            flat_mm = np.hypot(offsets_mm[..., 0], offsets_mm[..., 1])
            row = np.arctan2(flat_mm, offsets_mm[..., 2]) * (polar / np.pi) - 0.5 + 1
        column = np.arctan2(offsets_mm[..., 1], offsets_mm[..., 0]) * (azimuthal / (2 * np.pi)) % azimuthal + 1
        padded = _over_the_poles(values) if polar > 1 else values
        padded = np.concatenate([padded[:, -1:], padded, padded[:, :1], padded[:, 1:2]], axis=1)
        return np.asarray(ndimage.map_coordinates(padded, [row, column], order=1, mode="nearest"))


def _over_the_poles(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """[T, P, ...] with one row more at each end: what lies beyond the pole."""
    half = values.shape[1] // 2
    return np.concatenate([np.roll(values[:1], half, axis=1), values, np.roll(values[-1:], half, axis=1)])


def smooth_over_rays(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Mean of each ray's values, [T, P, ...], with its eight neighbours'."""
    out = (np.roll(values, 1, axis=1) + values + np.roll(values, -1, axis=1)) / 3
    if values.shape[0] > 1:
        out = _over_the_poles(out)
        out = (out[:-2] + out[1:-1] + out[2:]) / 3
    return np.asarray(out)


def even_over_rays(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Mean over azimuths so that every value, [T, P, ...], stands for the same solid angle near the poles as elsewhere."""
    polar, azimuthal = values.shape[:2]
    if polar == 1:
        return values
    out = np.array(values, dtype=np.float32)
    for row in range(polar):
        width = 2 * (round(1 / np.sin(np.pi * (row + 0.5) / polar)) // 2) + 1
        if width > 1:
            out[row] = ndimage.uniform_filter1d(out[row], min(width, azimuthal - 1), axis=0, mode="wrap")
    return out


def without_peaks(radii_mm: FloatArray) -> FloatArray:
    """Radii [T, P] without what sticks out by one or two rays only (a vessel, a spicule), and without steps.

    A grey opening of 3 x 3 rays, a 3 x 3 median, and the mean over the narrow circles at the poles.
    """
    if radii_mm.shape[0] == 1:
        opened = ndimage.grey_opening(radii_mm, size=(1, 3), mode="wrap")
        return np.asarray(ndimage.median_filter(opened, size=(1, 3), mode="wrap"))
    eroded = ndimage.grey_erosion(_over_the_poles(radii_mm), size=3, mode="wrap")[1:-1]
    opened = ndimage.grey_dilation(_over_the_poles(eroded), size=3, mode="wrap")[1:-1]
    smooth = ndimage.median_filter(_over_the_poles(np.minimum(radii_mm, opened)), size=3, mode="wrap")[1:-1]
    return even_over_rays(smooth)


def best_labels(costs: FloatArray, jump_cost: float) -> npt.NDArray[np.intp]:
    """One label per ray, [T, P], of low ``costs`` [T, P, L], where neighbours should have similar ones.

    Args:
        costs: of each label of each ray, already weighted with its solid angle.
        jump_cost: per difference of one label between neighbours on the equator.
    """
    total = _around(costs.swapaxes(0, 1), np.array(jump_cost)).swapaxes(0, 1)
    polar, azimuthal, _ = costs.shape
    if polar > 1:
        half = azimuthal // 2
        circles = np.concatenate([costs[:, :half], costs[::-1, half:]])  # [2 T, P / 2, L]: down one side, up the other
        # Meridians run closer together near the poles: a jump between rays of one meridian separates less surface.
        sine = np.sin(np.pi * (np.arange(polar) + 0.5) / polar)
        step = jump_cost * np.concatenate([sine, sine[::-1]])
        summed = _around(circles, step)
        total = total + np.concatenate([summed[:polar], summed[polar:][::-1]], axis=1) - costs
    return np.asarray(total.argmin(axis=2))


def _around(costs: FloatArray, jump: FloatArray) -> FloatArray:
    """Costs of the best closed-ring paths through each label: ``costs`` [N, M, L], rings along the first axis."""
    jump = np.broadcast_to(jump, costs.shape[:1])
    forward = _pass(costs, jump)
    backward = _pass(costs[::-1], jump[::-1])[::-1]
    return np.asarray(forward + backward - costs)


def _pass(costs: FloatArray, jump: FloatArray) -> FloatArray:
    """One direction, twice around so that the start is forgotten."""
    count, _, labels = costs.shape
    ramp = np.arange(labels)
    out = np.empty_like(costs)
    previous = costs[0]
    for step in range(2 * count):
        at = step % count
        slope = jump[at] * ramp
        # min over l' of previous(l') + jump |l - l'|: a running minimum from each side of the sloped costs.
        up = np.minimum.accumulate(previous - slope, axis=1) + slope
        down = np.minimum.accumulate((previous + slope)[:, ::-1], axis=1)[:, ::-1] - slope
        previous = costs[at] + np.minimum(up, down)
        previous = previous - previous.min(axis=1, keepdims=True)
        out[at] = previous
    return out
