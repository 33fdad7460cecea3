"""Masks from the grid that they were made on to that of the image."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from LesionDetectionLib.core.image import Geometry, Image
from LesionDetectionLib.core.lesion import Mask

from .geometry import AxialOrder, to_axial

_TIE = 1e-6
"""A place half-way between two voxels goes to the higher one, however it was rounded."""

BoolArray = npt.NDArray[np.bool_]


def mask_from_axial(image: Image, voxels: BoolArray, start_ijk: npt.ArrayLike) -> Mask:
    """The mask on the image's own grid, trimmed.

    Args:
        voxels: [k, j, i], a box of the image in axial order, with one voxel at least.
        start_ijk: where in that the box begins.
    """
    order, start = AxialOrder.of(image.geometry), np.asarray(start_ijk)
    corner = np.zeros(3, dtype=int)
    for axial_axis in range(3):
        source, index = order.axes[axial_axis], start[2 - axial_axis]
        if order.flips[axial_axis]:
            index = image.shape_kji[source] - index - voxels.shape[axial_axis]
        corner[2 - source] = index
    trimmed = Mask.from_full(order.undo_array(voxels))  # of the box only: the whole image is 1000 times larger
    i, j, k = corner + np.array(trimmed.start_ijk)
    return Mask(trimmed.voxels, (int(i), int(j), int(k)))


def mask_from_grid(image: Image, grid: Geometry, voxels: BoolArray, start_ijk: tuple[int, int, int]) -> Mask:
    """The mask on the image's own grid: each of its voxels as the nearest one on ``grid``, at its border the outermost.

    Where the grids have the same voxels the mask is the same. A mask that lies between the voxels of a coarser image
    becomes those of the image that are nearest to it.

    Args:
        grid: over the image's extent, its axes parallel to the image's in axial order, as that of a resampled image is.
        voxels: [k, j, i], a box of ``grid`` with one voxel at least.
        start_ijk: where in ``grid`` the box begins.
    """
    axial = to_axial(image).geometry
    box, begins = [], []
    for axis, size in zip((2, 1, 0), voxels.shape, strict=True):  # k, j, i
        nearest = _nearest(axial, grid, axis) - start_ijk[axis]
        taken = np.flatnonzero((nearest >= 0) & (nearest < size))
        box.append(nearest[taken])
        begins.append(taken[0] if len(taken) else 0)
    found = voxels[np.ix_(*box)]
    if found.any():
        return mask_from_axial(image, found, begins[::-1])
    kji = np.argwhere(voxels) + start_ijk[::-1]
    places = np.stack([_nearest(grid, axial, 2 - n)[kji[:, n]] for n in range(3)])
    first = places.min(axis=1)
    small = np.zeros(places.max(axis=1) - first + 1, dtype=bool)
    small[tuple(places - first[:, None])] = True
    return mask_from_axial(image, small, first[::-1])


def _nearest(of: Geometry, on: Geometry, axis: int) -> npt.NDArray[Any]:
    """Along ``axis`` (0 is i) for each voxel of one grid the index of the nearest one on the other."""
    to_other = on.ras_to_ijk @ of.ijk_to_ras
    places = to_other[axis, axis] * np.arange(of.shape_kji[2 - axis]) + to_other[axis, 3]
    return np.asarray(np.clip(np.floor(places + 0.5 + _TIE).astype(int), 0, on.shape_kji[2 - axis] - 1))
