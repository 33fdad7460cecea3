"""Axes and grids: standing an image in axial order, resampling it, and coming back.

*Axial order* means that i runs most nearly to the patient's left, j to posterior and k to superior, as the rows and
columns of an axial CT do. Turning an image into it only flips and swaps axes (a view, no interpolation); an oblique
image stays as oblique as it was.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from LesionDetectionLib.core.image import Geometry, Image

Triple = tuple[int, int, int]
Part = tuple[Triple, Triple]
"""First voxel and size, (i, j, k)."""

_AXIAL_RAS = np.array([[-1.0, 0, 0], [0, -1.0, 0], [0, 0, 1.0]])
"""RAS direction of i, j, k (columns) in axial order: left, posterior, superior."""


@dataclass(frozen=True)
class AxialOrder:
    """How to turn an image's axes into axial order and back.

    Attributes:
        axes: axial array axis (k, j, i order) -> source array axis.
        flips: for each axial array axis, whether it runs against the source axis.
    """

    axes: tuple[int, int, int]
    flips: tuple[bool, bool, bool]

    @classmethod
    def of(cls, geometry: Geometry) -> AxialOrder:
        directions = geometry.ijk_to_ras[:3, :3] / np.array(geometry.spacing_mm)
        alignment = _AXIAL_RAS.T @ directions  # [axial i j k, source i j k]: cosine
        order = _best_permutation(np.abs(alignment))
        signs = [bool(alignment[axial, order[axial]] < 0) for axial in range(3)]
        # Array axes count backwards: axis 0 is k.
        return cls((2 - order[2], 2 - order[1], 2 - order[0]), (signs[2], signs[1], signs[0]))

    @property
    def is_identity(self) -> bool:
        return self.axes == (0, 1, 2) and not any(self.flips)

    def apply(self, image: Image) -> Image:
        """The image in axial order; its voxels are a view of the same memory."""
        voxels = self.apply_array(image.voxels)
        matrix = np.array(image.ijk_to_ras)
        result = np.eye(4)
        start = np.zeros(3)
        for array_axis in range(3):
            source, flipped = 2 - self.axes[array_axis], self.flips[array_axis]
            result[:3, 2 - array_axis] = -matrix[:3, source] if flipped else matrix[:3, source]
            if flipped:
                start[source] = image.voxels.shape[self.axes[array_axis]] - 1
        result[:3, 3] = image.geometry.ras_from_ijk(start)
        return replace(image, voxels=voxels, ijk_to_ras=result)

    def apply_array(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """A source array, [k, j, i], in axial order (a view)."""
        return _flip(array.transpose(self.axes), self.flips)

    def undo_array(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """An array in axial order back in the source's (a view)."""
        inverse = np.argsort(self.axes)
        return _flip(array, self.flips).transpose(tuple(int(axis) for axis in inverse))


def to_axial(image: Image) -> Image:
    """The image with i to the left, j to posterior, k to superior, as nearly as its axes allow; a view."""
    return AxialOrder.of(image.geometry).apply(image)


def obliquity_degrees(geometry: Geometry) -> float:
    """Largest angle between an image axis and the patient axis it is nearest to, in degrees; 0 for a straight scan."""
    directions = geometry.ijk_to_ras[:3, :3] / np.array(geometry.spacing_mm)
    order = _best_permutation(np.abs(directions))
    cosines = [min(1.0, abs(float(directions[ras, order[ras]]))) for ras in range(3)]
    return float(np.degrees(np.arccos(min(cosines))))


def resampled_grid(grid: Geometry, spacing_mm: tuple[float, float, float]) -> Geometry:
    """The grid of about ``spacing_mm`` (i, j, k) that :func:`resample` uses for an image on ``grid``."""
    shape = tuple(
        max(1, round(n * old / new))
        for n, old, new in zip(grid.shape_kji, grid.spacing_mm[::-1], spacing_mm[::-1], strict=True)
    )
    scale_ijk = np.array([old / new for old, new in zip(grid.shape_kji, shape, strict=True)])[::-1]
    matrix = np.array(grid.ijk_to_ras)
    matrix[:3, :3] *= scale_ijk
    # Voxel *edges* coincide: new centre 0 lies at old index (scale - 1) / 2.
    matrix[:3, 3] = grid.ras_from_ijk((scale_ijk - 1) / 2)
    return Geometry((shape[0], shape[1], shape[2]), matrix)


def resample(image: Image, spacing_mm: tuple[float, float, float], part: Part | None = None) -> Image:
    """The image on a grid of about ``spacing_mm`` (i, j, k) over the same extent, as float32.

    Linear interpolation where the grid gets finer, area averaging where it gets coarser (no aliasing). The extent is
    divided into whole voxels, so that the true spacing, in the result's geometry, differs from the wish by less than
    half a voxel over the whole image.

    Args:
        part: first voxel and size, (i, j, k), of a box of the new grid: only that is computed, with the same values.
    """
    grid = resampled_grid(image.geometry, spacing_mm)
    rows, columns = grid.shape_kji[1:]
    (i, j, k), (ni, nj, nk) = part or ((0, 0, 0), (columns, rows, grid.shape_kji[0]))
    voxels = image.voxels
    if grid.shape_kji[0] == voxels.shape[0]:
        voxels = voxels[k : k + nk]
    else:
        weights = _axis_weights(voxels.shape[0], grid.shape_kji[0])[k : k + nk]
        used = slice(int(weights.indices.min()), int(weights.indices.max()) + 1)
        flat = np.ascontiguousarray(voxels[used], dtype=np.float32).reshape(used.stop - used.start, -1)
        voxels = (weights[:, used] @ flat).reshape(nk, *voxels.shape[1:])
    out = np.empty((nk, nj, ni), dtype=np.float32)
    for plane, target in zip(voxels, out, strict=True):
        plane = np.ascontiguousarray(plane, dtype=np.float32)
        target[...] = _resize_plane(plane, (rows, columns))[j : j + nj, i : i + ni]
    return replace(image, voxels=out, ijk_to_ras=grid.crop((i, j, k), (ni, nj, nk)).ijk_to_ras)


def _resize_plane(plane: npt.NDArray[np.float32], shape: tuple[int, int]) -> npt.NDArray[Any]:
    if plane.shape == shape:
        return plane
    # OpenCV's area mode interpolates linearly in no axis when one shrinks and one grows; so one axis at a time.
    import cv2  # late: Slicer may not have it yet when a panel is opened

    def mode(old: int, new: int) -> int:
        return int(cv2.INTER_AREA if new < old else cv2.INTER_LINEAR)

    rows = cv2.resize(plane, (plane.shape[1], shape[0]), interpolation=mode(plane.shape[0], shape[0]))
    return np.asarray(cv2.resize(rows, (shape[1], shape[0]), interpolation=mode(plane.shape[1], shape[1])))


def _axis_weights(old: int, new: int) -> sparse.csr_matrix:
    """[new, old] float32; each row sums to 1."""
    scale = old / new
    if new < old:  # share of each old voxel that lies in the new one
        edges_low = np.arange(new)[:, None] * scale
        overlap = np.minimum(edges_low + scale, np.arange(old) + 1) - np.maximum(edges_low, np.arange(old))
        return sparse.csr_matrix(np.maximum(overlap, 0).astype(np.float32) / np.float32(scale))
    position = np.clip((np.arange(new) + 0.5) * scale - 0.5, 0, old - 1)
    low = np.minimum(position.astype(int), max(old - 2, 0))
    part = (position - low).astype(np.float32)
    rows = np.arange(new)
    weights = sparse.coo_matrix((1 - part, (rows, low)), (new, old)) + sparse.coo_matrix(
        (part, (rows, np.minimum(low + 1, old - 1))), (new, old)
    )
    return weights.tocsr().astype(np.float32)


def _best_permutation(strength: npt.NDArray[np.float64]) -> tuple[int, int, int]:
    """For each row the column, all different, with the greatest total strength."""
    best = max(permutations(range(3)), key=lambda p: sum(float(strength[row, p[row]]) for row in range(3)))
    return best[0], best[1], best[2]


def _flip(array: npt.NDArray[Any], flips: tuple[bool, bool, bool]) -> npt.NDArray[Any]:
    return array[tuple(slice(None, None, -1) if flip else slice(None) for flip in flips)]
