"""From a scan to the voxels that both networks see."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from LesionDetectionLib.core.image import CT, HU, Geometry, Image, require_usable
from LesionDetectionLib.imaging.boxes import Box, box_around, inside_box, require_box_in
from LesionDetectionLib.imaging.geometry import Part, resample, resampled_grid, to_axial
from LesionDetectionLib.imaging.lungs import LungMask, find_lungs, search_region

from ..intensities import scaled
from ..region import nothing_there
from .network import REDUCTION_INPUT_ZYX
from .settings import NoduleSettings

LEAST_SLICES = 5
"""With fewer slices a 3D network cannot tell a nodule from a vessel."""
REACH_IJK = np.array(REDUCTION_INPUT_ZYX[::-1]) / 2 + 1
"""So many voxels of the working grid around the searched places can be seen by a network: half the larger window."""
STRIDE_IJK = np.array((2, 2, 1))
"""Of the screening network's scores, and of what the second network's trunk pools."""


@dataclass(frozen=True, eq=False)
class PreparedScan:
    """The searched part of a scan on the working grid.

    Attributes:
        voxels: [k, j, i] float32 in [0, 1], in axial order; 0 is air. Outside the array all is 0.
        geometry: of the working grid.
        search: [k, j, i] bool; where a lesion's centre may lie.
    """

    voxels: npt.NDArray[np.float32]
    geometry: Geometry
    search: npt.NDArray[np.bool_]

    def box(self, start_kji: tuple[int, int, int], size_kji: tuple[int, int, int]) -> npt.NDArray[np.float32]:
        """A copy of the box of ``size_kji`` from ``start_kji`` on; 0, as air, wherever it leaves the array."""
        out = np.zeros(size_kji, dtype=np.float32)
        source, target = [], []
        for start, size, length in zip(start_kji, size_kji, self.voxels.shape, strict=True):
            low, high = max(start, 0), min(start + size, length)
            if low >= high:
                return out
            source.append(slice(low, high))
            target.append(slice(low - start, high - start))
        out[tuple(target)] = self.voxels[tuple(source)]
        return out


def prepare(image: Image, settings: NoduleSettings) -> PreparedScan:
    """Turn a CT to axial order, crop it to the lungs and what the networks see around them, resample and scale it.

    With ``settings.region_ras_mm`` only the part of that which the networks see around the searched places in the region.

    Raises:
        InputError: not a usable CT in Hounsfield units, too few slices, no lungs in it, or none in the region.
    """
    axial = to_axial(image)
    require_usable(axial, modality=CT, unit=HU, least_slices=LEAST_SLICES, for_what="lung nodule detection")
    if settings.region_ras_mm is not None:
        require_box_in(axial, settings.region_ras_mm)
    lungs = None
    if settings.lungs_only:
        lungs = search_region(find_lungs(axial), settings.closing_mm, settings.lung_margin_mm)
        axial = _crop_around(axial, lungs.geometry, settings.spacing_mm)
    grid, part = resampled_grid(axial.geometry, settings.spacing_mm), None
    if settings.region_ras_mm is not None:
        part = _seen_part(grid, lungs, settings.region_ras_mm)
        grid = grid.crop(*part)
    search = _searched(grid, lungs, settings.region_ras_mm)
    working = resample(axial, settings.spacing_mm, part)
    return PreparedScan(scaled(working.voxels, settings.window_hu), working.geometry, search)


def _searched(grid: Geometry, lungs: LungMask | None, region_ras_mm: Box | None) -> npt.NDArray[np.bool_]:
    """[k, j, i]: voxels in the lungs' region and in the box, where there are such."""
    search = np.ones(grid.shape_kji, dtype=bool) if lungs is None else lungs.on_grid(grid)
    if region_ras_mm is not None:
        search &= inside_box(grid, region_ras_mm)
    return search


def _seen_part(grid: Geometry, lungs: LungMask | None, region_ras_mm: Box) -> Part:
    """The part of the working grid that the networks see around the searched places in the box.

    It begins at a multiple of the screening network's stride, so that scores lie where the whole scan's lie.

    Raises:
        InputError: nothing is searched in the box.
    """
    around = box_around(grid, region_ras_mm)
    within = _searched(grid.crop(*around), lungs, region_ras_mm) if around is not None else np.zeros((1, 1, 1), bool)
    if around is None or not within.any():
        raise nothing_there(lungs_only=lungs is not None)
    filled = [np.flatnonzero(within.any(axis=others)) for others in ((0, 1), (0, 2), (1, 2))]  # along i, j, k
    first = np.array(around[0]) + [places[0] for places in filled]
    last = np.array(around[0]) + [places[-1] for places in filled]
    low = np.maximum(np.floor(first - REACH_IJK), 0).astype(int)
    low -= low % STRIDE_IJK
    high = np.minimum(np.ceil(last + REACH_IJK) + 1, grid.shape_kji[::-1]).astype(int)
    size = high - low
    return (int(low[0]), int(low[1]), int(low[2])), (int(size[0]), int(size[1]), int(size[2]))


def _crop_around(axial: Image, region: Geometry, spacing_mm: tuple[float, float, float]) -> Image:
    """The part of the scan within half a window of the second network, the larger one, around ``region``'s grid."""
    margin = REACH_IJK * spacing_mm / axial.spacing_mm
    corners = np.array([(0, 0, 0), region.shape_kji[::-1]]) - [(0, 0, 0), (1, 1, 1)]
    ends = axial.geometry.ijk_from_ras(region.ras_from_ijk(corners))
    low = np.maximum(np.floor(ends[0] - margin), 0).astype(int)
    high = np.minimum(np.ceil(ends[1] + margin) + 1, axial.shape_kji[::-1]).astype(int)
    size = high - low
    return axial.crop((int(low[0]), int(low[1]), int(low[2])), (int(size[0]), int(size[1]), int(size[2])))
