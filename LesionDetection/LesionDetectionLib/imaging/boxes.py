"""Boxes along the patient's axes, as a person draws a region of interest, on grids of any direction."""

from __future__ import annotations

from itertools import product

import numpy as np
import numpy.typing as npt

from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import Geometry, Image
from LesionDetectionLib.core.lesion import Point

from .geometry import Part

Box = tuple[Point, Point]
"""Lowest and highest corner, RAS mm."""


def require_box_in(image: Image, box_ras_mm: Box) -> None:
    """Raises InputError where the box lies outside the image."""
    if box_around(image.geometry, box_ras_mm) is None:
        raise InputError(f"The region to look in lies outside “{image.name}”. Move it onto the scan.")


def box_around(grid: Geometry, box_ras_mm: Box) -> Part | None:
    """First voxel and size, (i, j, k), of the part of the grid that holds all its voxels in the box; None where no voxel's
    place can be in it. On a grid that is askew it holds others too."""
    corners = grid.ijk_from_ras(np.array(list(product(*zip(*box_ras_mm, strict=True)))))
    low = np.maximum(np.ceil(corners.min(axis=0) - 1e-6), 0).astype(int)
    high = np.minimum(np.floor(corners.max(axis=0) + 1e-6) + 1, grid.shape_kji[::-1]).astype(int)
    size = high - low
    if (size < 1).any():
        return None
    return (int(low[0]), int(low[1]), int(low[2])), (int(size[0]), int(size[1]), int(size[2]))


def inside_box(grid: Geometry, box_ras_mm: Box) -> npt.NDArray[np.bool_]:
    """[k, j, i]: whether the voxel's centre lies in the box."""
    k, j, i = (np.arange(n) for n in grid.shape_kji)
    inside = np.ones(grid.shape_kji, dtype=bool)
    for axis, (low, high) in enumerate(zip(*box_ras_mm, strict=True)):
        along_i, along_j, along_k, origin = grid.ijk_to_ras[axis]
        place = origin + along_k * k[:, None, None] + along_j * j[:, None] + along_i * i
        inside &= (place >= low) & (place <= high)
    return inside
