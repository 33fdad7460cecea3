"""Masks from one voxel grid on another that has the same voxels, be its axes in another order, reversed or longer.

A scan that went through other programs may come back with its slices the other way round, or cropped; its voxels are still
those of the DICOM series. What would need resampling is refused: a segmentation keeps its voxels or is not written.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from LesionDetectionLib.core.errors import GeometryError
from LesionDetectionLib.core.image import FloatArray, Geometry
from LesionDetectionLib.core.lesion import Mask

_SAME_VOXEL = 0.1
"""Of the smallest voxel side: how far a voxel may lie from its counterpart. Headers round; half a voxel would be another."""

Indices = npt.NDArray[np.int_]


@dataclass(frozen=True, eq=False)
class GridMap:
    """Which voxel of one grid is which of another.

    Attributes:
        turn: [3, 3], each row and column with a single 1 or -1.
        offset: [3]; target (i, j, k) = ``turn`` @ source (i, j, k) + ``offset``.
    """

    turn: Indices
    offset: Indices

    def ijk(self, mask: Mask) -> Indices:
        """[n, 3] indices (i, j, k) in the target of the voxels of ``mask``, which lies on the source."""
        own = np.argwhere(mask.voxels)[:, ::-1] + np.array(mask.start_ijk)
        return np.asarray(own @ self.turn.T + self.offset)


def grid_map(source: Geometry, target: Geometry) -> GridMap:
    """The map from ``source`` to ``target``, of which it may be a part.

    Raises:
        GeometryError: voxels of ``source`` are none of ``target``; the text says by how many millimetres they miss.
    """
    between = target.ras_to_ijk @ source.ijk_to_ras
    turn, offset = np.rint(between[:3, :3]).astype(int), np.rint(between[:3, 3]).astype(int)
    if not (np.abs(turn).sum(axis=0) == 1).all() or not (np.abs(turn).sum(axis=1) == 1).all():
        raise GeometryError(_refusal(source, target, "they differ in voxel size or direction"))
    corners = np.array(list(product(*((0, n - 1) for n in source.shape_kji[::-1]))))
    mapped = corners @ turn.T + offset
    miss = float(np.linalg.norm(source.ras_from_ijk(corners) - target.ras_from_ijk(mapped), axis=1).max())
    if miss > _SAME_VOXEL * min(target.spacing_mm):
        raise GeometryError(_refusal(source, target, f"their voxels lie up to {miss:.2f} mm apart"))
    outside = np.maximum(-mapped, mapped - (np.array(target.shape_kji[::-1]) - 1)).max(axis=0)
    if (outside > 0).any():
        far = float((outside * target.spacing_mm).max())
        raise GeometryError(_refusal(source, target, f"the findings' grid reaches {far:.1f} mm beyond the files"))
    return GridMap(turn, offset)


def slices_of(ijk: Indices) -> dict[int, Indices]:
    """Voxels [n, 3] by slice k, in rising order: their (i, j), [m, 2]."""
    ordered = ijk[np.argsort(ijk[:, 2], kind="stable")]
    numbers, starts = np.unique(ordered[:, 2], return_index=True)
    parts = np.split(ordered[:, :2], starts[1:])
    return {int(k): part for k, part in zip(numbers, parts, strict=True)}


def _refusal(source: Geometry, target: Geometry, why: str) -> str:
    return (
        f"The findings are not on the voxel grid of these DICOM files: {why} (findings: {_described(source)}; files: "
        f"{_described(target)}). Choose the files of the series that the findings were made on, all of them, or detect in the "
        "series again."
    )


def _described(geometry: Geometry) -> str:
    size = " x ".join(str(n) for n in geometry.shape_kji[::-1])
    spacing = " x ".join(f"{mm:.3g}" for mm in geometry.spacing_mm)
    return f"{size} voxels of {spacing} mm"


def first_voxels_ras(geometry: Geometry) -> FloatArray:
    """[slices, 3] RAS mm of the centre of the first voxel of each slice."""
    k = np.arange(geometry.shape_kji[0])
    zeros: npt.NDArray[Any] = np.zeros_like(k)
    return geometry.ras_from_ijk(np.stack([zeros, zeros, k], axis=1))
