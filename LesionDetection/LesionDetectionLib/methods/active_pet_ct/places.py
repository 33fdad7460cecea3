"""Which regions of uptake lie where lung lesions are looked for, and which were left out though they lie near."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from LesionDetectionLib.core.image import Image

from ..region import nothing_there
from .lesions import peak_ras_mm
from .search_region import SearchRegion
from .settings import ActivePetCtSettings
from .uptake import Uptake

BoolArray = npt.NDArray[np.bool_]

_LATTICE = 12

ORGAN = "in thick tissue that continues into the abdomen (heart, liver, spleen, stomach)"
BEYOND = "mostly outside of the lungs' hull"


@dataclass(frozen=True)
class LeftOut:
    """A region whose peak lies in the lungs' hull and that is not reported all the same.

    Attributes:
        why: in words.
    """

    region: Uptake
    why: str


def in_lungs(
    regions: Sequence[Uptake], part: Image, search: SearchRegion, settings: ActivePetCtSettings
) -> tuple[list[Uptake], list[LeftOut]]:
    """Those of the regions with peak, and enough of their volume, in what is searched; and those with the peak alone in the
    hull.

    Args:
        part: of the PET, in axial order; what the regions were found in.
    """
    hull, organs = search.hull_on(part.geometry), search.organs_on(part.geometry)
    searched = hull & ~organs
    kept, left_out = [], []
    for region in regions:
        if not hull[region.peak_kji]:
            continue
        share = float(searched[region.slices][region.voxels].mean())
        if organs[region.peak_kji]:
            left_out.append(LeftOut(region, ORGAN))
        elif share < settings.least_share_inside:
            in_organ = float(organs[region.slices][region.voxels].mean())
            left_out.append(LeftOut(region, ORGAN if in_organ > 0.5 else BEYOND))
        else:
            kept.append(region)
    return kept, left_out


def in_box(regions: Sequence[Uptake], part: Image, settings: ActivePetCtSettings) -> list[Uptake]:
    """Those whose peak lies in the region that the user gave; all where there is none."""
    if settings.region_ras_mm is None:
        return list(regions)
    low, high = (np.array(corner) for corner in settings.region_ras_mm)
    places = [peak_ras_mm(part, region) for region in regions]
    return [region for region, at in zip(regions, places, strict=True) if (at >= low).all() and (at <= high).all()]


def require_something_in_box(axial: Image, search: SearchRegion | None, settings: ActivePetCtSettings) -> None:
    """Raises InputError where nothing of what is searched lies in the region that the user gave."""
    if settings.region_ras_mm is None:
        return
    low, high = (np.array(corner) for corner in settings.region_ras_mm)
    if search is not None:
        places = search.places_ras_mm()
        inside = ((places >= low) & (places <= high)).all(axis=1)
    else:
        within = [low + (high - low) * share for share in np.linspace(0, 1, _LATTICE)]
        places = np.stack(np.meshgrid(*np.transpose(within), indexing="ij"), axis=-1).reshape(-1, 3)
        ijk = axial.geometry.ijk_from_ras(places)
        inside = ((ijk >= -0.5) & (ijk < np.array(axial.shape_kji[::-1]) - 0.5)).all(axis=1)
    if not inside.any():
        raise nothing_there(settings.lungs_only)
