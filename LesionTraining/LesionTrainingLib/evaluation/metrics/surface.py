"""Distances between the surfaces of two masks in mm: mean, Hausdorff, percentiles, surface Dice.

*Surface*: where the eight voxels around a corner of the grid are neither all inside nor all outside, marching cubes puts
triangles between them. Together they are one surface element: it lies at their centroid, and its weight is their area at
this spacing, so a mean does not depend on how finely or in which direction a surface is sampled. A mask that reaches the
image's border has its surface there. An element's distance is the one to the nearest element of the other surface. An
oblique grid is a turned one: only the spacing counts.

Elements, areas and percentiles over the area are those of S. Nikolov et al., J. Med. Internet Res. 23 (2021) e26151,
"Surface Dice". Their program leaves each element at the grid's corner, which makes of the surface a layer as thick as a
voxel and distances too small. Spheres of 10 and 11 mm in voxels of 1 mm: 0.77 mm there, 1.00 mm here, 1.08 mm between the
centres of border voxels; with 2.5 mm between slices 0.59, 0.99 and 0.79 mm (Testing/benchmarks/surface_distance.py).
``at_corners`` gives their figures, to compare with published ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.errors import InputError

from .checks import BoolArray, FloatArray, Mask, masks, spacing
from .regions import bounding_region

_CORNERS = np.array([(k, j, i) for i in (0, 1) for j in (0, 1) for k in (0, 1)])
"""[8, 3] voxel of each bit in a corner's code: the first bit is (0, 0, 0), the second (1, 0, 0)."""
_CODES = 256
_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class SurfaceDistances:
    """Distances of surface elements, sorted from near to far. A, B = elements of the first and second surface.

    Where both masks are empty there is nothing to disagree on: every distance is 0. Where one is, there is no distance:
    every one is infinite.

    Attributes:
        first_mm: [A] from the first surface to the second.
        second_mm: [B] from the second surface to the first.
        first_mm2: [A] area of each element, in the same order.
        second_mm2: [B] likewise.
    """

    first_mm: FloatArray
    second_mm: FloatArray
    first_mm2: FloatArray
    second_mm2: FloatArray

    @property
    def mean_mm(self) -> float:
        """Average symmetric surface distance: over all area of both surfaces."""
        if self._empty:
            return self._undefined
        distance = self.first_mm @ self.first_mm2 + self.second_mm @ self.second_mm2
        return float(distance / (self.first_mm2.sum() + self.second_mm2.sum()))

    @property
    def hausdorff_mm(self) -> float:
        """The largest distance of either surface to the other."""
        return self._undefined if self._empty else float(max(self.first_mm[-1], self.second_mm[-1]))

    def percentile_mm(self, percent: float = 95.0) -> float:
        """The distance that this share of a surface's area keeps to; the larger of both directions.

        ``percentile_mm(100)`` is :attr:`hausdorff_mm`.

        Raises:
            ValueError: not a percentage.
        """
        if not 0 <= percent <= 100:
            raise ValueError(f"{percent} is not a percentage")
        if self._empty:
            return self._undefined
        first = _weighted_percentile(self.first_mm, self.first_mm2, percent)
        return max(first, _weighted_percentile(self.second_mm, self.second_mm2, percent))

    def surface_dice(self, tolerance_mm: float) -> float:
        """Share of both surfaces' area that is no farther than this from the other; 1 where both masks are empty."""
        if self._empty:
            return 1.0 if self._undefined == 0 else 0.0
        near = (
            self.first_mm2[self.first_mm <= tolerance_mm].sum() + self.second_mm2[self.second_mm <= tolerance_mm].sum()
        )
        return float(near / (self.first_mm2.sum() + self.second_mm2.sum()))

    @property
    def _empty(self) -> bool:
        return not (self.first_mm.size and self.second_mm.size)

    @property
    def _undefined(self) -> float:
        return float("inf") if self.first_mm.size or self.second_mm.size else 0.0


def surface_distances(
    first: Mask, second: Mask, spacing_mm: npt.ArrayLike, *, at_corners: bool = False
) -> SurfaceDistances:
    """Distances between the surfaces of two masks of one grid.

    Args:
        first: [k, j, i] everything but 0 is inside.
        second: [k, j, i] likewise.
        spacing_mm: distance of neighbouring voxels along k, j, i (Image.spacing_mm is i, j, k: turn it round).
        at_corners: leave each element at the grid's corner, as Nikolov's program does.

    Raises:
        InputError: masks of different shape or not three-dimensional, or a spacing that is none.
    """
    a, b = masks(first, second)
    if a.ndim != 3:
        raise InputError(f"Surface distances need masks of three dimensions; these have {a.ndim}.")
    size = spacing(spacing_mm, 3)
    points_a, areas_a = surface_elements(a, size, at_corners=at_corners)
    points_b, areas_b = surface_elements(b, size, at_corners=at_corners)
    if not (len(points_a) and len(points_b)):
        return SurfaceDistances(np.full(len(points_a), np.inf), np.full(len(points_b), np.inf), areas_a, areas_b)
    first_mm, first_mm2 = _sorted(_nearest(points_a, points_b), areas_a)
    second_mm, second_mm2 = _sorted(_nearest(points_b, points_a), areas_b)
    return SurfaceDistances(first_mm, second_mm, first_mm2, second_mm2)


def surface_elements(
    mask: BoolArray, spacing_mm: FloatArray, *, at_corners: bool = False
) -> tuple[FloatArray, FloatArray]:
    """Surface elements of a mask: [N, 3] positions along k, j, i in mm from the centre of voxel 0, and [N] areas in mm2.

    Args:
        mask: [k, j, i].
        spacing_mm: [3] along k, j, i.
        at_corners: see :func:`surface_distances`.
    """
    region = bounding_region(mask)
    if region is None:
        return np.zeros((0, 3)), np.zeros(0)
    code_map = _corner_codes(np.pad(mask[region], 1))
    where = np.argwhere((code_map > 0) & (code_map < _CODES - 1))
    codes = code_map[tuple(where.T)]
    areas_mm2, offsets_mm = _elements_mm(tuple(float(mm) for mm in spacing_mm))
    start = np.array([part.start for part in region]) - 1  # of the padding
    offsets = spacing_mm / 2 if at_corners else offsets_mm[codes]
    return (where + start) * spacing_mm + offsets, areas_mm2[codes]


def _corner_codes(mask: BoolArray) -> npt.NDArray[np.uint8]:
    """Which of the eight voxels around each inner corner of the grid are inside, as bits; see ``_CORNERS``."""
    code: npt.NDArray[np.uint8] = mask.view(np.uint8)
    for axis, shift in enumerate((1, 2, 4)):
        low = tuple(slice(None, -1) if other == axis else slice(None) for other in range(3))
        high = tuple(slice(1, None) if other == axis else slice(None) for other in range(3))
        code = code[low] | (code[high] << np.uint8(shift))
    return code


@cache
def _triangles() -> tuple[FloatArray, npt.NDArray[np.intp]]:
    """Marching cubes of each code: [T, 3, 3] corners of triangles in voxels along k, j, i, and [T] the code of each."""
    from skimage.measure import marching_cubes

    triangles, codes = list[FloatArray](), list[int]()
    for code in range(1, _CODES - 1):
        cell = np.zeros((2, 2, 2), dtype=np.float32)
        cell[tuple(_CORNERS.T)] = [(code >> bit) & 1 for bit in range(8)]
        vertices, faces, _, _ = marching_cubes(cell, 0.5)  # type: ignore[no-untyped-call]
        triangles.append(vertices[faces].astype(np.float64))
        codes += [code] * len(faces)
    return np.concatenate(triangles), np.array(codes)


@cache
def _elements_mm(spacing_mm: tuple[float, ...]) -> tuple[FloatArray, FloatArray]:
    """[256] area in mm2 of the surface element of each code, and [256, 3] its place in mm from the first of the eight
    voxels; 0 where all voxels are alike."""
    triangles, codes = _triangles()
    corners = triangles * np.array(spacing_mm)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    triangle_areas = np.linalg.norm(normals, axis=1) / 2
    areas, places = np.zeros(_CODES), np.zeros((_CODES, 3))
    np.add.at(areas, codes, triangle_areas)
    np.add.at(places, codes, triangle_areas[:, None] * corners.mean(axis=1))
    places[1:-1] /= areas[1:-1, None]
    return areas, places


def _nearest(points: FloatArray, others: FloatArray) -> FloatArray:
    """[N] distance of each point to the nearest of the others."""
    from scipy.spatial import cKDTree

    distances: FloatArray = cKDTree(others).query(points)[0]
    return distances


def _sorted(distances: FloatArray, areas: FloatArray) -> tuple[FloatArray, FloatArray]:
    order = np.argsort(distances, kind="stable")
    return distances[order], areas[order]


def _weighted_percentile(distances: FloatArray, areas: FloatArray, percent: float) -> float:
    """The smallest distance within which at least this share of the area lies."""
    share = np.cumsum(areas) / areas.sum()
    # Sums in another order differ in the last digit, which must not decide between two elements.
    place = min(int(np.searchsorted(share, percent / 100 - _ROUNDING)), len(distances) - 1)
    return float(distances[place])
