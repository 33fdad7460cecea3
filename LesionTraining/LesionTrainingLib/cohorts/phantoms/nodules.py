"""Nodules: their shape as a closed formula, what a voxel holds of it, and how they look."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.core.lesion import NODULE, Lesion, Mask

from .fields import Float32, Grid

Float64 = npt.NDArray[np.float64]

KINDS = ("solid", "part-solid", "ground-glass", "juxtapleural", "vascular")
_SPICULE = 60.0
"""Bumps sharper than this are spicules."""
_FINE = (4, 4, 4)
"""Sub-samples of a voxel along i, j, k where the surface passes: 64 a voxel, a share to 2 %."""


def _sphere(count: int) -> Float64:
    """Evenly spread directions, [count, 3] (Fibonacci lattice)."""
    n = np.arange(count) + 0.5
    z = 1 - 2 * n / count
    turn = np.pi * (1 + 5**0.5) * n
    flat = np.sqrt(1 - z * z)
    directions: Float64 = np.stack([flat * np.cos(turn), flat * np.sin(turn), z], axis=1)
    return directions


_DIRECTIONS = _sphere(4000)


@dataclass(frozen=True, eq=False)
class StarShape:
    """A body that every ray from its origin leaves once: an ellipsoid with bumps (lobes) and spikes (spicules).

    Attributes:
        origin: [3] RAS mm.
        axes: [3, 3]; rows are the ellipsoid's axes (unit vectors) over its half-lengths in mm.
        bumps: [n, 3] unit directions of the bumps.
        heights: [n] of the bumps, as a share of the radius there.
        sharpness: [n]; a bump's profile is exp(sharpness * (cosine - 1)).
    """

    origin: Float64
    axes: Float64
    bumps: Float64
    heights: Float64
    sharpness: Float64

    def radius(self, directions: npt.NDArray[np.floating]) -> npt.NDArray[np.floating]:
        """Distance in mm from the origin to the surface along unit ``directions``, [n, 3]."""
        inverse2 = sum((directions * axis).sum(axis=-1) ** 2 for axis in self.axes)
        swell = np.ones(directions.shape[0])
        for bump, height, sharp in zip(self.bumps, self.heights, self.sharpness, strict=True):
            swell += height * np.exp(sharp * ((directions * bump).sum(axis=-1) - 1))
        result: npt.NDArray[np.floating] = swell / np.sqrt(inverse2)
        return result

    def depth(self, points: Float64) -> Float64:
        """How far inside the surface points, [n, 3] RAS mm, lie along their ray; negative outside."""
        away = points - self.origin
        distance = np.sqrt((away**2).sum(axis=1))
        return np.asarray(self.radius(away / np.maximum(distance, 1e-9)[:, None]) - distance)

    def volume_mm3(self) -> float:
        return float((self.radius(_DIRECTIONS) ** 3).mean() * 4 * np.pi / 3)

    def centroid(self) -> Float64:
        """[3] RAS mm."""
        radius = self.radius(_DIRECTIONS)
        center: Float64 = self.origin + 0.75 * (_DIRECTIONS * (radius**4)[:, None]).mean(axis=0) / (radius**3).mean()
        return center

    @property
    def spicules(self) -> npt.NDArray[np.bool_]:
        """Which of the bumps are spicules, [n]."""
        return np.asarray(self.sharpness >= _SPICULE)

    def reach_mm(self) -> float:
        """Distance from the origin to the farthest point of the surface."""
        return float(self.radius(_DIRECTIONS).max())

    def of_size(self, diameter_mm: float, center: Float64) -> StarShape:
        """The same shape with the volume of a sphere of ``diameter_mm`` and its centroid at ``center``."""
        scale = float(np.cbrt(np.pi / 6 * diameter_mm**3 / self.volume_mm3()))
        shift = (self.centroid() - self.origin) * scale
        return replace(self, origin=center - shift, axes=self.axes / scale)


def random_shape(rng: np.random.Generator, spiculation: float) -> StarShape:
    """A shape of no particular size; ``spiculation`` from 0 (smooth) to 1 (many long spicules)."""
    turn, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    halves = 1 + rng.uniform(-0.25, 0.25, 3)
    lobes, knobs = int(rng.integers(4, 9)), int(rng.integers(0, 10))
    spikes = int(rng.integers(8, 20) * spiculation)
    directions = rng.standard_normal((lobes + knobs + spikes, 3))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    # Broad lobes and notches; knobs that roughen the outline; spicules.
    heights = [rng.uniform(-0.22, 0.4, lobes), rng.uniform(-0.08, 0.25, knobs), rng.uniform(0.25, 0.9, spikes)]
    sharp = [rng.uniform(3, 12, lobes), rng.uniform(15, 38, knobs), rng.uniform(_SPICULE, 140, spikes)]
    return StarShape(np.zeros(3), turn.T / halves[:, None], directions, np.concatenate(heights), np.concatenate(sharp))


@dataclass(frozen=True, eq=False)
class Covered:
    """What a shape covers of the grid, in its own box.

    Attributes:
        share: [k, j, i] float32, 0 to 1 of each voxel.
        slices_kji: where the box lies in the image.
        volume_mm3: sum of the shares.
        centroid: [3] RAS mm.
    """

    share: Float32
    slices_kji: tuple[slice, slice, slice]
    volume_mm3: float
    centroid: Float64


def coverage(
    grid: Grid,
    shape: StarShape,
    lung: Float32 | None = None,
    fine: tuple[int, int, int] = _FINE,
    cut_off: bool = False,
) -> Covered | None:
    """What the shape covers of each voxel, supersampled at its surface; None where it leaves the grid.

    Args:
        lung: coarse signed distance of the lungs (or of what else it may lie in); where given, what lies outside of them
            is cut off.
        fine: sub-samples of a voxel along i, j, k.
        cut_off: also what lies outside of the grid is; None where that is all.
    """
    geometry = grid.geometry
    spacing = np.array(geometry.spacing_mm)
    center = geometry.ijk_from_ras(shape.origin)
    reach = shape.reach_mm() / spacing + 1
    low, high = np.floor(center - reach).astype(int), np.ceil(center + reach).astype(int) + 1
    if cut_off:
        low, high = np.maximum(low, 0), np.minimum(high, geometry.shape_kji[::-1])
    if low.min() < 0 or (high > np.array(geometry.shape_kji[::-1])).any() or (high <= low).any():
        return None
    size = high - low
    kji = np.indices(size[::-1]).reshape(3, -1).T
    points = geometry.ras_from_ijk(kji[:, ::-1] + low)
    depth = shape.depth(points)
    if lung is not None:
        depth = np.minimum(depth, -grid.sample(lung, points))
    # A spike's side is much nearer than its tip along the ray: supersample generously.
    doubtful = np.abs(depth) < 1.5 * np.linalg.norm(spacing)
    share = (depth > 0).astype(np.float32)
    centroid = (points * (share * ~doubtful)[:, None]).sum(axis=0)
    offsets = (np.indices(fine).reshape(3, -1).T + 0.5) / fine - 0.5
    edge = points[doubtful]
    counts, moments = np.zeros(len(edge)), np.zeros((len(edge), 3))
    for offset in offsets * spacing:
        shifted = edge + offset
        inside = shape.depth(shifted) > 0
        if lung is not None:
            inside &= grid.sample(lung, shifted) < 0
        counts += inside
        moments += shifted * inside[:, None]
    share[doubtful] = counts / len(offsets)
    total = float(share.sum())
    if total == 0:
        return None
    centroid = (centroid + moments.sum(axis=0) / len(offsets)) / total
    box = share.reshape(tuple(size[::-1]))
    where = tuple(slice(int(a), int(b)) for a, b in zip(low[::-1], high[::-1], strict=True))
    return Covered(box, (where[0], where[1], where[2]), total * geometry.voxel_volume_mm3, centroid)


def truth(geometry: Geometry, covered: Covered, kind: str, extra: dict[str, float]) -> Lesion:
    """The lesion that a person who knows all would mark: mask where at least half the voxel is covered."""
    share = covered.share
    inside = share >= min(0.5, float(share.max()))  # the least nodule keeps its fullest voxel
    k, j, i = (s.start for s in covered.slices_kji)
    crop = Mask.from_full(inside)
    mask = Mask(crop.voxels, (crop.start_ijk[0] + i, crop.start_ijk[1] + j, crop.start_ijk[2] + k))
    first = np.array(mask.start_ijk) - 0.5
    corners = geometry.ras_from_ijk(np.stack([first, first + mask.voxels.shape[::-1]]))
    low, high = corners.min(axis=0), corners.max(axis=0)
    r, a, s = (float(n) for n in covered.centroid)
    diameter = float(np.cbrt(6 / np.pi * covered.volume_mm3))
    return Lesion(
        center_ras_mm=(r, a, s),
        diameter_mm=diameter,
        score=1.0,
        box_ras_mm=(
            (float(low[0]), float(low[1]), float(low[2])),
            (float(high[0]), float(high[1]), float(high[2])),
        ),
        mask=mask,
        measurements={"volume_mm3": covered.volume_mm3, **extra},
        meaning=NODULE,
        method="phantom",
        note=kind,
    )
