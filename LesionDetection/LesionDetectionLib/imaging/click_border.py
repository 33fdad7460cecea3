"""Points that a person puts on the true border of a lesion: the star-shaped surface is made to go through them.

Seen from the surface's centre a point is a direction and a radius. The rays around that direction are pulled towards the
radius while the best surface is looked for, so that they leave a false border and find the true one if there is one; what
is then still missing at the points themselves is added as a smooth bump. Elsewhere the image decides as before.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.core.image import Image

from .click_volume import ClickSettings, FloatArray, Volume
from .star_surface import Fan

_PULLED_RAD, _BENT_RAD = 0.25, 0.25
"""How wide around a point (standard deviation of a Gaussian) rays are pulled, and the surface is bent at the end."""
_PULL = 3.0
"""Cost of a ray in a point's direction, per mean radius of the lesion that it is off; a sharp border is worth 1."""
_ONE_BEHIND_ANOTHER_RAD = 0.17
"""Points closer together than this (10 degrees, a little more than a step between rays) must have similar radii."""
_SIMILAR_SHARE = 0.15
_AT_CENTER_MM = 0.5


def checked_points(
    image: Image, seed_ras_mm: FloatArray, points_ras_mm: npt.ArrayLike, settings: ClickSettings
) -> FloatArray:
    """[M, 3] RAS mm; the points if an outline around the seed can go through all of them.

    Raises:
        UsageError: no points, outside the image, too far from the seed or on it, or one behind another; the text says which.
    """
    points = np.asarray(points_ras_mm, dtype=np.float64)
    if points.size == 0:
        return np.zeros((0, 3))
    if points.ndim != 2 or points.shape[1] != 3 or not np.isfinite(points).all():
        raise UsageError("Each point on the border needs three finite numbers (RAS mm).")
    largest = settings.largest_diameter_mm / 2
    for point in points:
        place = f"The border point ({point[0]:.1f}, {point[1]:.1f}, {point[2]:.1f}) mm"
        away = float(np.linalg.norm(point - seed_ras_mm))
        if not image.geometry.contains_ras(point):
            raise UsageError(f"{place} lies outside “{image.name}”.")
        if away > largest:
            raise UsageError(
                f"{place} is {away:.0f} mm from the point in the lesion, and the search ends at {largest:.0f} mm. "
                "Set it nearer, or allow a larger diameter."
            )
        if away < _AT_CENTER_MM:
            raise UsageError(f"{place} is the point in the lesion itself. Set it on the border.")
    return points


@dataclass(frozen=True, eq=False)
class BorderPoints:
    """Points on the border, in a volume.

    Attributes:
        ijk: [M, 3] continuous indices in the volume; M >= 1.
    """

    ijk: FloatArray

    def offsets_mm(self, volume: Volume, center_ijk: FloatArray) -> FloatArray:
        """[M, 3] mm from a centre, along the volume's axes; within the slice where there is only one."""
        offsets = volume.mm(self.ijk - center_ijk)
        if volume.is_flat:
            offsets[:, 2] = 0
        return offsets

    def fits(self, volume: Volume, center_ijk: FloatArray) -> bool:
        """Whether one radius a direction can go through all points, seen from a centre: none at it, none behind another."""
        offsets = self.offsets_mm(volume, center_ijk)
        radii = np.linalg.norm(offsets, axis=1)
        if (radii < _AT_CENTER_MM).any():
            return False
        near = _angles(offsets / radii[:, None], offsets / radii[:, None]) < _ONE_BEHIND_ANOTHER_RAD
        allowed = np.maximum(_SIMILAR_SHARE * np.minimum.outer(radii, radii), volume.in_plane_mm)
        return not bool((near & (np.abs(np.subtract.outer(radii, radii)) > allowed)).any())

    def require_fit(self, volume: Volume, seed_ijk: FloatArray) -> None:
        """Raises UsageError where :meth:`fits` is not so, seen from the seed."""
        if not self.fits(volume, seed_ijk):
            raise UsageError(
                "Two border points lie one behind the other, seen from the point in the lesion: the outline can go through "
                "one of them only. Take one away."
            )

    def largest_mm(self, volume: Volume, center_ijk: FloatArray) -> float:
        """Distance of the farthest point from a centre."""
        return float(np.linalg.norm(self.offsets_mm(volume, center_ijk), axis=1).max())

    def pull(
        self, volume: Volume, center_ijk: FloatArray, fan: Fan, radii_mm: FloatArray, size_mm: float
    ) -> FloatArray:
        """[T, P, R] what each radius of each ray costs for being off the nearby points."""
        offsets = self.offsets_mm(volume, center_ijk)
        wanted = np.linalg.norm(offsets, axis=1)
        weights = _gaussian(_angles(fan.directions, offsets / wanted[:, None]), _PULLED_RAD)
        off = np.abs(radii_mm[:, None] - wanted) / size_mm
        return np.asarray(_PULL * np.einsum("tpm,rm->tpr", weights, off))

    def bend(self, volume: Volume, center_ijk: FloatArray, fan: Fan, surface_mm: FloatArray) -> FloatArray:
        """[T, P] the surface with smooth bumps that bring it to the points."""
        offsets = self.offsets_mm(volume, center_ijk)
        wanted = np.linalg.norm(offsets, axis=1)
        directions = offsets / wanted[:, None]
        bumps = _gaussian(_angles(fan.directions, directions), _BENT_RAD)
        among = _gaussian(_angles(directions, directions), _BENT_RAD)
        out = surface_mm
        for _ in range(2):  # once more: between rays the bump is read a little too low
            missing = wanted - fan.interpolate(out, offsets)
            # Least squares: points close together share their bumps instead of fighting with huge ones.
            heights = np.linalg.lstsq(among, missing, rcond=0.05)[0]
            out = out + bumps @ heights
        return np.asarray(np.maximum(out, min(float(surface_mm.min()), 0.5 * float(wanted.min()))))

    def nearness(self, volume: Volume, center_ijk: FloatArray, offsets_mm: FloatArray) -> FloatArray:
        """[...] from 1 in a point's direction to 0 away from all, for offsets [..., 3] from the centre."""
        own = self.offsets_mm(volume, center_ijk)
        directions = own / np.linalg.norm(own, axis=1, keepdims=True)
        length = np.maximum(np.linalg.norm(offsets_mm, axis=-1, keepdims=True), 1e-6)
        return np.asarray(_gaussian(_angles(offsets_mm / length, directions), _BENT_RAD).max(axis=-1))


def _angles(directions: FloatArray, others: FloatArray) -> FloatArray:
    """[..., M] rad between unit vectors [..., 3] and [M, 3]."""
    return np.asarray(np.arccos(np.clip(directions @ others.T, -1.0, 1.0)))


def _gaussian(angles: FloatArray, sigma: float) -> FloatArray:
    return np.asarray(np.exp(-0.5 * (angles / sigma) ** 2))
