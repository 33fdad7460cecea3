"""Smooth shapes on a coarse grid: signed distances that are cheap to combine and are interpolated to each slice.

Big organs are smooth, so their signed distance (mm, negative inside) is computed every few millimetres and interpolated
linearly: on a 4 mm grid an edge of 30 mm radius is off by h^2 / 8R = 0.07 mm.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.image import Geometry
from scipy import ndimage

Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Grid:
    """The scan's grid and a coarse one over the same field of view (the outer edges of both coincide).

    Attributes:
        geometry: of the scan; axial order, straight axes.
        step_mm: about the coarse voxel size.
    """

    geometry: Geometry
    step_mm: float = 4.0

    @cached_property
    def axes(self) -> tuple[Float32, Float32, Float32]:
        """R [ni], A [nj], S [nk] in mm of the scan's voxel centres."""
        return self._axes(self.geometry.shape_kji)

    @cached_property
    def coarse_shape(self) -> tuple[int, int, int]:
        spacing, shape = self.geometry.spacing_mm[::-1], self.geometry.shape_kji
        nk, nj, ni = (max(4, round(n * mm / self.step_mm)) for n, mm in zip(shape, spacing, strict=True))
        return nk, nj, ni

    @cached_property
    def coarse(self) -> tuple[Float32, Float32, Float32]:
        """R [1, 1, ni], A [1, nj, 1], S [nk, 1, 1] in mm of the coarse voxel centres, to be broadcast."""
        r, a, s = self._axes(self.coarse_shape)
        return r[None, None, :], a[None, :, None], s[:, None, None]

    @cached_property
    def coarse_spacing_kji(self) -> tuple[float, float, float]:
        spacing, shape = self.geometry.spacing_mm[::-1], self.geometry.shape_kji
        k, j, i = (n * mm / m for n, mm, m in zip(shape, spacing, self.coarse_shape, strict=True))
        return k, j, i

    def _axes(self, shape_kji: tuple[int, int, int]) -> tuple[Float32, Float32, Float32]:
        axes = []
        for axis, n in enumerate(shape_kji[::-1]):
            index = (np.arange(n) + 0.5) * self.geometry.shape_kji[2 - axis] / n - 0.5
            row = self.geometry.ijk_to_ras[axis]
            axes.append((row[axis] * index + row[3]).astype(np.float32))
        return axes[0], axes[1], axes[2]

    def plane(self, field: Float32, k: int) -> Float32:
        """A coarse field, interpolated to the scan's slice ``k``: [nj, ni]."""
        position = self._coarse_slice(k)
        low = int(position)
        part = np.float32(position - low)
        high = min(low + 1, field.shape[0] - 1)
        between = field[low] if part == 0 or high == low else field[low] + part * (field[high] - field[low])
        nj, ni = self.geometry.shape_kji[1:]
        return np.asarray(cv2.resize(between, (ni, nj), interpolation=cv2.INTER_LINEAR), dtype=np.float32)

    def near(self, field: Float32, k: int, below: float) -> bool:
        """Whether the field falls below ``below`` anywhere in slice ``k``; much cheaper than the slice itself."""
        low = int(self._coarse_slice(k))
        return bool(min(float(field[low].min()), float(field[min(low + 1, field.shape[0] - 1)].min())) < below)

    def _coarse_slice(self, k: int) -> float:
        scale = self.coarse_shape[0] / self.geometry.shape_kji[0]
        return float(np.clip((k + 0.5) * scale - 0.5, 0, self.coarse_shape[0] - 1))

    def sample(self, field: Float32, points_ras_mm: npt.ArrayLike) -> Float32:
        """A coarse field, interpolated at positions in RAS mm, [..., 3]; as :meth:`plane` does."""
        points = np.asarray(points_ras_mm, dtype=np.float64)
        ijk = self.geometry.ijk_from_ras(points)
        coarse = [
            (ijk[..., axis] + 0.5) * self.coarse_shape[2 - axis] / self.geometry.shape_kji[2 - axis] - 0.5
            for axis in (2, 1, 0)
        ]
        shape = ijk.shape[:-1]
        flat = [np.atleast_1d(axis).ravel() for axis in coarse]
        values = ndimage.map_coordinates(field, flat, order=1, mode="nearest")
        return np.asarray(values.reshape(shape), dtype=np.float32)

    def distance(self, level: Float32) -> Float32:
        """Signed distance near the zero level of any smooth function: the function over the size of its slope."""
        slopes = np.gradient(level, *self.coarse_spacing_kji)
        size = np.sqrt(slopes[0] ** 2 + slopes[1] ** 2 + slopes[2] ** 2)
        return np.asarray(level / np.maximum(size, 1e-4), dtype=np.float32)

    def noise(self, rng: np.random.Generator, scale_mm: float) -> Float32:
        """Smooth random field of mean 0 and standard deviation 1 with bumps of about ``scale_mm`` (Gaussian sigma)."""
        # Broad bumps are made on a grid of their own, of half their sigma: 30 mm bumps cost a fiftieth.
        fewer = [max(1.0, scale_mm / (2 * mm)) for mm in self.coarse_spacing_kji]
        shape = tuple(int(np.ceil(n / by)) + 1 for n, by in zip(self.coarse_shape, fewer, strict=True))
        white = rng.standard_normal(shape, dtype=np.float32)
        sigmas = [scale_mm / mm / by for mm, by in zip(self.coarse_spacing_kji, fewer, strict=True)]
        smooth = ndimage.gaussian_filter(white, sigmas, mode="wrap", truncate=3.0)
        if max(fewer) > 1:
            smooth = ndimage.zoom(smooth, fewer, order=1, grid_mode=True, mode="nearest")
        smooth = smooth[tuple(slice(n) for n in self.coarse_shape)]
        return np.asarray((smooth - smooth.mean()) / max(float(smooth.std()), 1e-6), dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Layers(Grid):
    """Some coarse slices of another grid, to compute fields on that are needed nowhere else.

    Its own ``geometry`` is that of the whole: only the coarse grid is a part.

    Attributes:
        first, end: the coarse slices are those from ``first`` to before ``end``.
    """

    first: int = 0
    end: int = 0

    @classmethod
    def between(cls, whole: Grid, low_mm: float, high_mm: float) -> Layers:
        """The coarse slices with centres between two heights, S in mm; at least four."""
        heights = whole.coarse[2].ravel()
        inside = np.flatnonzero((heights > low_mm) & (heights < high_mm))
        first = int(inside[0]) if inside.size else 0
        end = max(int(inside[-1]) + 1 if inside.size else 0, first + 4)
        first = max(0, min(first, len(heights) - 4))
        return cls(whole.geometry, whole.step_mm, first, min(end, len(heights)))

    @cached_property
    def _whole(self) -> Grid:
        return Grid(self.geometry, self.step_mm)

    @cached_property
    def coarse_shape(self) -> tuple[int, int, int]:
        _, nj, ni = self._whole.coarse_shape
        return self.end - self.first, nj, ni

    @cached_property
    def coarse(self) -> tuple[Float32, Float32, Float32]:
        r, a, s = self._whole.coarse
        return r, a, s[self.first : self.end]

    @cached_property
    def coarse_spacing_kji(self) -> tuple[float, float, float]:
        return self._whole.coarse_spacing_kji

    def on_whole(self, field: Float32) -> Float32:
        """A field of these slices on the whole grid; the first and the last slice are repeated beyond."""
        after = self._whole.coarse_shape[0] - self.end
        return np.pad(field, ((self.first, after), (0, 0), (0, 0)), mode="edge")


def centred(shape_ijk: tuple[int, int, int], spacing: np.ndarray, center: np.ndarray) -> Geometry:
    """A grid in axial order round ``center``, [3] RAS mm, with ``spacing``, [3] mm along i, j, k."""
    i, j, k = spacing
    ni, nj, nk = shape_ijk
    matrix = np.diag([-i, -j, k, 1.0])
    matrix[:3, 3] = center + np.array((i * (ni - 1), j * (nj - 1), -k * (nk - 1))) / 2
    return Geometry((nk, nj, ni), matrix)


def join(a: Float32, b: Float32, blend_mm: float) -> Float32:
    """Union of two signed distances with a fillet of about ``blend_mm`` (polynomial smooth minimum)."""
    h = np.clip(0.5 + 0.5 * (b - a) / blend_mm, 0, 1)
    return np.asarray(b + (a - b) * h - blend_mm * h * (1 - h), dtype=np.float32)


def cut(a: Float32, b: Float32, blend_mm: float) -> Float32:
    """Intersection of two signed distances with an edge rounded by about ``blend_mm``."""
    return -join(-a, -b, blend_mm)


def cover(distance: Any, width_mm: float) -> Any:
    """Share of a voxel of ``width_mm`` that lies inside a surface at this signed distance: 0 to 1."""
    return np.clip(0.5 - distance * (1 / width_mm), 0, 1)


def ellipsoid(
    grid: Grid, center: tuple[float, float, float], radii: tuple[float, float, float], tilt_degrees: float = 0.0
) -> Float32:
    """Signed distance of an ellipsoid, turned by ``tilt_degrees`` from right towards anterior (about the S axis)."""
    r, a, s = grid.coarse
    r, a, s = r - center[0], a - center[1], s - center[2]
    cosine, sine = np.cos(np.radians(tilt_degrees)), np.sin(np.radians(tilt_degrees))
    u, v = r * cosine + a * sine, a * cosine - r * sine
    level = np.sqrt((u / radii[0]) ** 2 + (v / radii[1]) ** 2 + (s / radii[2]) ** 2) - 1
    return grid.distance(np.asarray(level, dtype=np.float32))


def polyline(grid: Grid, points: npt.NDArray[np.float64], radii: npt.NDArray[np.float64]) -> Float32:
    """Signed distance of a tube through ``points``, [n, 3] RAS mm, of ``radii``, [n] mm."""
    r, a, s = grid.coarse
    best = np.full(grid.coarse_shape, 1e3, dtype=np.float32)
    for start, end, r0, r1 in zip(points[:-1], points[1:], radii[:-1], radii[1:], strict=True):
        axis = end - start
        share = ((r - start[0]) * axis[0] + (a - start[1]) * axis[1] + (s - start[2]) * axis[2]) / float(
            axis @ axis + 1e-9
        )
        share = np.clip(share, 0, 1).astype(np.float32)
        away = np.sqrt(
            (r - start[0] - share * axis[0]) ** 2
            + (a - start[1] - share * axis[1]) ** 2
            + (s - start[2] - share * axis[2]) ** 2
        )
        np.minimum(best, away - (r0 + share * (r1 - r0)), out=best, casting="same_kind")
    return best


_FAR = 60.0
"""What :func:`near_ellipsoid` and :func:`near_polyline` give far away, in mm."""
_NEAR = 14.0
"""How far from a shape they still tell its distance, in mm: more than a coarse voxel and an edge's rounding."""


def near_ellipsoid(
    grid: Grid, center: npt.ArrayLike, radii: npt.ArrayLike, axes: npt.NDArray[np.float64] | None = None
) -> Float32:
    """Signed distance of an ellipsoid near its surface and within, 60 mm elsewhere: cheap for a small organ.

    Args:
        center, radii: [3] mm; the radii are along the rows of ``axes``, [3, 3] unit vectors in RAS (None: R, A, S).
    """
    center, radii = np.asarray(center, dtype=np.float64), np.asarray(radii, dtype=np.float64)
    axes = np.eye(3) if axes is None else axes
    reach = np.sqrt(((axes * radii[:, None]) ** 2).sum(axis=0)) + _NEAR
    out = np.full(grid.coarse_shape, _FAR, dtype=np.float32)
    box = _coarse_box(grid, center - reach, center + reach)
    if box is not None:
        r, a, s = (axis - n for axis, n in zip(_boxed(grid, box), center, strict=True))
        along = [(r * x + a * y + s * z) for x, y, z in axes]
        level = np.sqrt(sum((n / radius) ** 2 for n, radius in zip(along, radii, strict=True)))
        slope = np.sqrt(sum((n / radius**2) ** 2 for n, radius in zip(along, radii, strict=True)))
        out[box] = np.minimum(level * (level - 1) / np.maximum(slope, 1e-6), _FAR)
        # In the very middle the formula is 0 / 0.
        out[box][level < 0.05] = -float(radii.min())
    return out


def near_polyline(
    grid: Grid, points: npt.NDArray[np.float64], radii: npt.NDArray[np.float64], near_mm: float = _NEAR
) -> Float32:
    """As :func:`polyline` within ``near_mm`` of the tube, 60 mm elsewhere: cheap for what is short or winds about."""
    out = np.full(grid.coarse_shape, _FAR, dtype=np.float32)
    for start, end, r0, r1 in zip(points[:-1], points[1:], radii[:-1], radii[1:], strict=True):
        reach = max(r0, r1) + near_mm
        box = _coarse_box(grid, np.minimum(start, end) - reach, np.maximum(start, end) + reach)
        if box is None:
            continue
        r, a, s = (axis - n for axis, n in zip(_boxed(grid, box), start, strict=True))
        axis = end - start
        share = np.clip((r * axis[0] + a * axis[1] + s * axis[2]) / float(axis @ axis + 1e-9), 0, 1)
        away = np.sqrt((r - share * axis[0]) ** 2 + (a - share * axis[1]) ** 2 + (s - share * axis[2]) ** 2)
        np.minimum(out[box], away - (r0 + share * (r1 - r0)), out=out[box], casting="same_kind")
    return out


def _coarse_box(
    grid: Grid, low: npt.NDArray[np.float64], high: npt.NDArray[np.float64]
) -> tuple[slice, slice, slice] | None:
    """The coarse voxels with centres between two corners in RAS mm; None where there is none."""
    slices = []
    for axis, a, b in zip(grid.coarse, low, high, strict=True):
        inside = np.flatnonzero((axis.ravel() > a) & (axis.ravel() < b))
        if not inside.size:
            return None
        slices.append(slice(int(inside[0]), int(inside[-1]) + 1))
    return slices[2], slices[1], slices[0]


def _boxed(grid: Grid, box: tuple[slice, slice, slice]) -> tuple[Float32, Float32, Float32]:
    r, a, s = grid.coarse
    return r[:, :, box[2]], a[:, box[1], :], s[box[0], :, :]
