"""From a scan to the stacks of slices that the patch network sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from LesionDetectionLib.core.image import CT, HU, Geometry, Image, require_usable
from LesionDetectionLib.imaging.boxes import inside_box, require_box_in
from LesionDetectionLib.imaging.geometry import resample, resampled_grid, to_axial
from LesionDetectionLib.imaging.lungs import LungMask, find_lungs
from LesionDetectionLib.imaging.lungs_hull import lungs_hull

from ..intensities import scaled
from ..region import nothing_there
from .network import CENTER_ZYX, PATCH_ZYX
from .settings import HighUptakeSettings

_SLICES_AT_ONCE = 16
"""So many slices of the working grid are interpolated together: as floats they fill 32 MB."""


@dataclass(frozen=True, eq=False)
class PreparedSlices:
    """A scan on the working grid, and where in it is looked.

    Attributes:
        voxels: [k, j, i], Hounsfield units in axial order: those of the scan itself (a view), or int16 where it was resampled.
        geometry: of the working grid.
        search: [k, j, i] bool; pixels whose response is wanted.
        settings: with which it was prepared.
    """

    voxels: npt.NDArray[Any]
    geometry: Geometry
    search: npt.NDArray[np.bool_]
    settings: HighUptakeSettings

    def stack(self, k: int) -> npt.NDArray[np.float32]:
        """[5, j, i] in [0, 1]: slice ``k`` with the two below and the two above it. Beyond the first and the last slice of the
        scan these are repeated [choice]: the paper classifies slices in the middle of scans."""
        before = CENTER_ZYX[0]
        slices = np.clip(np.arange(k - before, k - before + PATCH_ZYX[0]), 0, len(self.voxels) - 1)
        return scaled(self.voxels[slices], self.settings.unit_window_hu)

    @property
    def slices(self) -> list[int]:
        """Those in which anything is searched."""
        return [int(k) for k in np.flatnonzero(self.search.any(axis=(1, 2)))]


def prepare(image: Image, settings: HighUptakeSettings) -> PreparedSlices:
    """Turn a CT to axial order, resample it where the settings say so, and find where to look.

    The scan is neither copied nor turned to floats where it is not resampled; a single slice will do.

    Raises:
        InputError: not a usable CT in Hounsfield units, no lungs in it, or none in the region.
    """
    axial = to_axial(image)
    require_usable(axial, modality=CT, unit=HU, for_what="looking for active lung lesions")
    if settings.region_ras_mm is not None:
        require_box_in(axial, settings.region_ras_mm)
    hull = lungs_hull(find_lungs(axial), margin_mm=settings.hull_margin_mm) if settings.lungs_only else None
    grid = working_grid(axial.geometry, settings)
    search = _searched(grid, hull, settings)
    return PreparedSlices(_on_grid(axial, grid, settings), grid, search, settings)


def working_grid(axial: Geometry, settings: HighUptakeSettings) -> Geometry:
    """The grid that the network sees of a scan whose grid, in axial order, is ``axial``."""
    wanted = _spacing_mm(axial, settings)
    return axial if wanted == axial.spacing_mm else resampled_grid(axial, wanted)


def _spacing_mm(axial: Geometry, settings: HighUptakeSettings) -> tuple[float, float, float]:
    i, j, k = (mm or own for mm, own in zip(settings.spacing_mm, axial.spacing_mm, strict=True))
    return i, j, k


def _searched(grid: Geometry, hull: LungMask | None, settings: HighUptakeSettings) -> npt.NDArray[np.bool_]:
    search = np.ones(grid.shape_kji, dtype=bool) if hull is None else hull.on_grid(grid)
    if settings.region_ras_mm is not None:
        search &= inside_box(grid, settings.region_ras_mm)
    if not search.any():
        raise nothing_there(lungs_only=hull is not None)
    return search


def _on_grid(axial: Image, grid: Geometry, settings: HighUptakeSettings) -> npt.NDArray[Any]:
    if grid.shape_kji == axial.shape_kji:  # the extent is the same, so is the grid
        return axial.voxels
    slices, rows, columns = grid.shape_kji
    spacing_mm = _spacing_mm(axial.geometry, settings)
    out = np.empty(grid.shape_kji, dtype=np.int16)
    for k in range(0, slices, _SLICES_AT_ONCE):
        count = min(_SLICES_AT_ONCE, slices - k)
        some = resample(axial, spacing_mm, ((0, 0, k), (columns, rows, count))).voxels
        # Whole units, as scanners store them: a quarter of the memory of two float copies, 1/4095 of the window.
        out[k : k + count] = np.clip(np.rint(some), -32768, 32767)
    return out
