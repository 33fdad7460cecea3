"""Where a CT holds tissue, on a coarse grid: enough to know the body's outline and its thick organs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from LesionDetectionLib.core.image import Geometry, Image
from LesionDetectionLib.imaging.geometry import to_axial

BoolArray = npt.NDArray[np.bool_]

_GRID_MM = 5.0
_TISSUE_HU = -400.0
"""Half-way between lung and soft tissue, as for the lungs themselves: fat is tissue."""


@dataclass(frozen=True, eq=False)
class CoarseCt:
    """Every n-th voxel of a CT in axial order.

    Attributes:
        hu: [k, j, i].
        geometry: of these voxels.
    """

    hu: npt.NDArray[Any]
    geometry: Geometry

    @classmethod
    def of(cls, ct: Image) -> CoarseCt:
        axial = to_axial(ct)
        steps = [max(1, int(_GRID_MM / spacing)) for spacing in axial.spacing_mm]
        first = [(min(step, n) - 1) // 2 for step, n in zip(steps, axial.shape_kji[::-1], strict=True)]
        hu = np.ascontiguousarray(axial.voxels[first[2] :: steps[2], first[1] :: steps[1], first[0] :: steps[0]])
        matrix = np.array(axial.ijk_to_ras)
        matrix[:3, :3] *= steps
        matrix[:3, 3] = axial.geometry.ras_from_ijk(first)
        return cls(hu, Geometry((hu.shape[0], hu.shape[1], hu.shape[2]), matrix))

    @property
    def tissue(self) -> BoolArray:
        return np.asarray(self.hu > _TISSUE_HU)


def on_grid(mask: BoolArray, geometry: Geometry, target: Geometry) -> BoolArray:
    """A mask, [k, j, i] on ``geometry``, at the voxels of any other grid, turned or not: that of the nearest voxel; False
    outside."""
    matrix = geometry.ras_to_ijk @ target.ijk_to_ras
    linear, offset = matrix[:3, :3][::-1, ::-1], matrix[:3, 3][::-1]
    taken = ndimage.affine_transform(
        mask.view(np.uint8), linear, offset, output_shape=target.shape_kji, order=0, mode="grid-constant", cval=0
    )
    return np.asarray(taken, dtype=np.uint8).view(bool)
