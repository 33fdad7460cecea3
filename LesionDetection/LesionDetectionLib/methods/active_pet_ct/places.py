"""Which regions of uptake lie where lung lesions are looked for, and which were left out though they lie near."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

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

ORGAN = "in heart, liver, spleen, stomach or kidney, by thickness and place"
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
        inside = None if organs[region.peak_kji] else _mostly_in(region, searched, part.voxels, settings)
        if inside is not None:
            kept.append(inside)
        else:
            in_organ = float(organs[region.slices][region.voxels].mean())
            left_out.append(LeftOut(region, ORGAN if in_organ > 0.5 or organs[region.peak_kji] else BEYOND))
    return kept, left_out


def _mostly_in(
    region: Uptake, searched: BoolArray, suv: npt.NDArray[Any], settings: ActivePetCtSettings
) -> Uptake | None:
    """The region, its outline raised where else too little of it lies in what is searched; None where it always does.

    A lesion that touches the liver, at less than twice its uptake, flows into it at 41 %: without a higher outline the
    lesion would count as liver, and be lost.
    """

    def is_inside(outlined: Uptake) -> bool:
        return float(searched[outlined.slices][outlined.voxels].mean()) >= settings.least_share_inside

    if is_inside(region):
        return region
    surroundings = region.share
    for share in settings.higher_shares:
        if share > region.share:
            if is_inside(region.raised_to(suv, share)):
                return region.raised_to(suv, settings.above_surroundings(surroundings))
            surroundings = share
    return None


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
