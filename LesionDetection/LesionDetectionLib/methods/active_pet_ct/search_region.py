"""Where lesions are looked for: the lungs' hull between base and apex, without the thick organs in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import FloatArray, Geometry, Image
from LesionDetectionLib.imaging.lungs import LungMask
from LesionDetectionLib.imaging.lungs_hull import between_base_and_apex, lungs_hull

from .coarse_ct import CoarseCt, on_grid
from .organs import thick_organs
from .settings import BOTH, ActivePetCtSettings

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class SearchRegion:
    """What a CT says of where lung lesions can be.

    Attributes:
        hull: the lungs' convex hull, slice by slice, between base and apex, with its margin.
        organs: thick tissue that is left out of it.
    """

    hull: LungMask
    organs: LungMask

    def seen_share(self, geometry: Geometry) -> float:
        """The share of the hull that lies in a grid's field of view."""
        ijk = geometry.ijk_from_ras(self.places_ras_mm())
        inside = ((ijk >= -0.5) & (ijk < np.array(geometry.shape_kji[::-1]) - 0.5)).all(axis=1)
        return float(np.mean(inside)) if inside.size else 0.0

    def places_ras_mm(self) -> FloatArray:
        """[N, 3] centres of every third voxel of the hull, at least one where there is any."""
        return self.hull.geometry.ras_from_ijk(np.argwhere(self.hull.voxels)[::3, ::-1])

    def hull_on(self, geometry: Geometry) -> BoolArray:
        """[k, j, i] on the voxels of a grid."""
        return on_grid(self.hull.voxels, self.hull.geometry, geometry)

    def organs_on(self, geometry: Geometry) -> BoolArray:
        """[k, j, i] on the voxels of a grid."""
        return on_grid(self.organs.voxels, self.organs.geometry, geometry)

    def box_on(self, geometry: Geometry, around_mm: float) -> tuple[slice, slice, slice]:
        """The part (k, j, i) of a grid that holds the hull and ``around_mm`` around it.

        Raises:
            InputError: none of it does.
        """
        # One voxel beyond the outermost centres: the nearest voxel's place may be as far away.
        places = np.argwhere(self.hull.voxels)
        if not len(places):
            raise InputError("The lungs are too small on this CT to look for lesions in them. Switch “lungs only” off.")
        low, high = places.min(axis=0) - 1, places.max(axis=0) + 1
        corners = np.array(np.meshgrid(*zip(low, high, strict=True))).reshape(3, -1).T[:, ::-1]
        ijk = geometry.ijk_from_ras(self.hull.geometry.ras_from_ijk(corners))
        reach = around_mm / np.array(geometry.spacing_mm)
        size = np.array(geometry.shape_kji[::-1])
        first = np.clip(np.floor(ijk.min(axis=0) - reach), 0, size).astype(int)
        last = np.clip(np.ceil(ijk.max(axis=0) + reach) + 1, 0, size).astype(int)
        if (last <= first).any():
            raise InputError("The lungs lie outside the PET. Are CT and PET of the same examination?")
        i, j, k = (slice(int(a), int(b)) for a, b in zip(first, last, strict=True))
        return k, j, i


def search_region(ct: Image, lungs: LungMask, settings: ActivePetCtSettings) -> SearchRegion:
    """The search region of a CT in HU whose lungs are known."""
    middle = between_base_and_apex(lungs, settings.least_lung_share)
    hull = lungs_hull(middle, together=settings.hull == BOTH, margin_mm=settings.hull_margin_mm)
    organs = thick_organs(CoarseCt.of(ct), middle, settings.organs_thicker_mm, settings.organ_margin_mm)
    return SearchRegion(hull, organs)
