"""From a scan to the voxels that both networks see."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from LesionDetectionLib.core.image import CT, HU, Geometry, Image, require_usable
from LesionDetectionLib.imaging.geometry import resample, to_axial
from LesionDetectionLib.imaging.lungs import find_lungs, search_region

from .network import REDUCTION_INPUT_ZYX
from .settings import NoduleSettings

LEAST_SLICES = 5
"""With fewer slices a 3D network cannot tell a nodule from a vessel."""
REACH_IJK = np.array(REDUCTION_INPUT_ZYX[::-1]) / 2 + 1
"""So many voxels of the working grid around the searched places can be seen by a network: half the larger window."""


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

    Raises:
        InputError: not a usable CT in Hounsfield units, too few slices, or no lungs in it.
    """
    axial = to_axial(image)
    require_usable(axial, modality=CT, unit=HU, least_slices=LEAST_SLICES, for_what="lung nodule detection")
    region = None
    if settings.lungs_only:
        region = search_region(find_lungs(axial), settings.closing_mm, settings.lung_margin_mm)
        axial = _crop_around(axial, region.geometry, settings.spacing_mm)
    working = resample(axial, settings.spacing_mm)
    search = np.ones(working.shape_kji, dtype=bool) if region is None else region.on_grid(working.geometry)
    return PreparedScan(scaled(working.voxels, settings.window_hu), working.geometry, search)


def _crop_around(axial: Image, region: Geometry, spacing_mm: tuple[float, float, float]) -> Image:
    """The part of the scan within half a window of the second network, the larger one, around ``region``'s grid."""
    margin = REACH_IJK * spacing_mm / axial.spacing_mm
    corners = np.array([(0, 0, 0), region.shape_kji[::-1]]) - [(0, 0, 0), (1, 1, 1)]
    ends = axial.geometry.ijk_from_ras(region.ras_from_ijk(corners))
    low = np.maximum(np.floor(ends[0] - margin), 0).astype(int)
    high = np.minimum(np.ceil(ends[1] + margin) + 1, axial.shape_kji[::-1]).astype(int)
    size = high - low
    return axial.crop((int(low[0]), int(low[1]), int(low[2])), (int(size[0]), int(size[1]), int(size[2])))


def scaled(hu: npt.NDArray[np.floating | np.integer], window_hu: tuple[float, float]) -> npt.NDArray[np.float32]:
    """Hounsfield units as the networks take them: the window becomes 0 to 1, what lies beyond is clipped."""
    low, high = window_hu
    unit: npt.NDArray[np.float32] = np.subtract(hu, np.float32(low), dtype=np.float32)
    unit *= np.float32(1 / (high - low))  # in place: a whole chest on the working grid has 130 MB
    return np.clip(unit, 0, 1, out=unit)
