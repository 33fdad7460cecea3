"""Active lesions in a PET and its CT: what takes up tracer, where it lies, and what is reported of it.

Uptake is looked for and measured at the PET's own voxels. The sources of the method resample the PET to the CT; here the
lungs' hull is brought to the PET instead. Interpolation lowers every maximum that lies between the centres of the new
voxels, by an amount that depends on where these happen to lie, so that SUVmax, the ranking, and outlines at a share of it
would change with the CT's grid; and the result would take 20 times the memory and show no more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.core.detections import Detections, OperatingPoint
from LesionDetectionLib.core.errors import InputError, UsageError
from LesionDetectionLib.core.image import PET, SUV_BW, Image
from LesionDetectionLib.core.lesion import Lesion
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.imaging.geometry import to_axial
from LesionDetectionLib.imaging.hills import Triple
from LesionDetectionLib.imaging.lungs import LungMask, find_lungs

from ..run_record import Stopwatch, provenance
from . import METHOD
from .lesions import lesion_of
from .liver_reference import LiverReference, find_reference, reference_at
from .pairing import check_pair, usable_ct, usable_pet
from .places import LeftOut, in_box, in_lungs, require_something_in_box
from .search_region import SearchRegion, search_region
from .settings import PERCIST, SHARE, ActivePetCtSettings, settings_for
from .told import controls, left_out_record, liver_record, sentences
from .uptake import Uptake, find_uptake

_AROUND_MM = 60.0
"""So far around the hull the PET is looked at: a region's share in the hull needs what of it lies outside."""
_SEEN_SHARE = 0.98
_NO_CT_FOR_LUNGS = (
    "Looking in the lungs only needs the CT of the same examination. Give it, or switch “lungs only” off to look in the whole "
    "PET."
)
_NO_CT_FOR_LIVER = (
    "The rule PERCIST needs the CT of the same examination to find the liver. Give it, or a point in the liver "
    "(“liver_ras_mm”), or choose another rule."
)


def create(bundle: Bundle | None, device: str = "auto") -> ActivePetCtDetector:
    """Make the detector. It has no network: it computes on the processor, whatever ``device`` says.

    Raises:
        UsageError: a bundle was given.
    """
    if bundle is not None:
        raise UsageError(f"The method {METHOD.id} has no model: leave the bundle out.")
    return ActivePetCtDetector()


class ActivePetCtDetector:
    """Ready for scans at once: there is nothing to load."""

    def detect(
        self, images: Mapping[str, Image], settings: ActivePetCtSettings | None = None, progress: Progress | None = None
    ) -> Detections:
        """Find the active lesions of one patient at one time.

        Args:
            images: ``PT`` in SUV by body weight, and ``CT`` in HU of the same frame of reference (needed to look in the lungs
                only, and to find the liver); in any orientations, turned against each other or not.
            settings: None for the defaults.
            progress: told how far it is; asked for cancellation between stages and lesions.

        Returns:
            Lesions on the PET's own grid, the most avid first; their score is SUVmax.

        Raises:
            InputError: no PET, or images that cannot be used or do not belong together; the text says why.
            UsageError: the operating point is no number.
            Cancelled: when the user cancelled.
        """
        settings, progress, watch = settings or settings_for(None), progress or Progress(), Stopwatch()
        chosen = settings.chosen_suvmax
        progress(0.0, "Checking the images")
        pet, warnings = usable_pet(images)
        anatomy = _anatomy(images, pet, settings, progress)
        watch.lap("lungs")
        progress(0.5, "Finding uptake")
        liver = _liver(pet, anatomy, settings)
        least = _least_suvmax(liver, settings)
        shown = max(least, chosen or 0.0)
        part, start = _searched_part(to_axial(pet), anatomy.search, settings)
        regions = find_uptake(part.voxels, part.geometry, least, settings)
        regions, left_out = _placed(regions, part, anatomy.search, shown, settings)
        watch.lap("uptake")
        lesions = _lesions(pet, part, start, regions[: settings.most_lesions], progress.part(0.7, 1.0))
        watch.lap("measuring")
        lowest = min(least, settings.floor_suv) if settings.all_candidates else shown
        return Detections(
            lesions=lesions,
            geometry=pet.geometry,
            method=METHOD.id,
            image_name=pet.name,
            modality=PET,
            unit=SUV_BW,
            operating_point=OperatingPoint("chosen SUVmax" if shown > least else settings.rule, shown),
            provenance=provenance(
                None,
                settings,
                "cpu",
                watch,
                least_suvmax=shown,
                regions=len(regions),
                **liver_record(liver),
                left_out=left_out_record(left_out, part),
            ),
            warnings=sentences(settings, pet, (*warnings, *anatomy.warnings), liver, left_out, len(regions)),
            controls=controls(settings, shown, lowest),
        )


@dataclass(frozen=True, eq=False)
class _Anatomy:
    """What is known from the CT; nothing where none is needed."""

    ct: Image | None = None
    lungs: LungMask | None = None
    search: SearchRegion | None = None
    warnings: tuple[str, ...] = ()


def _anatomy(images: Mapping[str, Image], pet: Image, settings: ActivePetCtSettings, progress: Progress) -> _Anatomy:
    for_liver = settings.rule == PERCIST and settings.liver_ras_mm is None
    if not (settings.lungs_only or for_liver):
        return _Anatomy()
    ct, warnings = usable_ct(images, _NO_CT_FOR_LUNGS if settings.lungs_only else _NO_CT_FOR_LIVER)
    doubts = check_pair(ct, pet, settings)
    progress(0.1, "Finding the lungs")
    lungs = find_lungs(ct)
    if not settings.lungs_only:
        return _Anatomy(ct, lungs, None, (*warnings, *doubts, *ct.notes))
    search = search_region(ct, lungs, settings)
    seen = search.seen_share(pet.geometry)
    if seen == 0:
        raise InputError(f"The lungs on “{ct.name}” lie outside of “{pet.name}”. Are they of the same examination?")
    unseen = f"“{pet.name}” shows {100 * seen:.0f} % of the lungs only; the rest was not looked at."
    told = (*warnings, *doubts, *([unseen] if seen < _SEEN_SHARE else []), *ct.notes)
    return _Anatomy(ct, lungs, search, told)


def _liver(pet: Image, anatomy: _Anatomy, settings: ActivePetCtSettings) -> LiverReference | None:
    if settings.rule != PERCIST:
        return None
    if settings.liver_ras_mm is not None:
        return reference_at(pet, settings.liver_ras_mm, settings)
    assert anatomy.ct is not None
    assert anatomy.lungs is not None
    return find_reference(pet, anatomy.ct, anatomy.lungs, settings)


def _least_suvmax(liver: LiverReference | None, settings: ActivePetCtSettings) -> float:
    if liver is not None:
        return liver.threshold(settings)
    return settings.floor_suv if settings.rule == SHARE else settings.seed_suv


def _searched_part(axial: Image, search: SearchRegion | None, settings: ActivePetCtSettings) -> tuple[Image, Triple]:
    """The part of the PET, in axial order, that is looked at, as float32, and where (k, j, i) it begins."""
    require_something_in_box(axial, search, settings)
    k, j, i = slice(0, axial.shape_kji[0]), slice(0, axial.shape_kji[1]), slice(0, axial.shape_kji[2])
    if search is not None:
        k, j, i = search.box_on(axial.geometry, _AROUND_MM)
    size = (i.stop - i.start, j.stop - j.start, k.stop - k.start)
    part = axial.crop((i.start, j.start, k.start), size)
    voxels = np.ascontiguousarray(part.voxels, dtype=np.float32)
    return part.with_voxels(voxels), (k.start, j.start, i.start)


def _placed(
    regions: list[Uptake], part: Image, search: SearchRegion | None, shown: float, settings: ActivePetCtSettings
) -> tuple[list[Uptake], list[LeftOut]]:
    """The regions that are reported, and those near them that are not and that a user should know of."""
    left_out: list[LeftOut] = []
    if search is not None:
        regions, left_out = in_lungs(regions, part, search, settings)
    regions = in_box(regions, part, settings)
    near = set(map(id, in_box([item.region for item in left_out], part, settings)))
    least_voxels = settings.least_volume_ml * 1000 / part.geometry.voxel_volume_mm3
    left_out = [
        item
        for item in left_out
        if id(item.region) in near and item.region.suvmax >= shown and item.region.count > least_voxels
    ]
    if not settings.all_candidates:
        regions = [region for region in regions if region.suvmax >= shown]
    return regions, left_out


def _lesions(
    pet: Image, part: Image, start_kji: Triple, regions: Sequence[Uptake], progress: Progress
) -> tuple[Lesion, ...]:
    lesions = []
    for count, region in enumerate(regions):
        progress(count / len(regions), "Measuring")
        lesions.append(lesion_of(pet, part, start_kji, region, METHOD.id))
    progress(1.0, "Done")
    return tuple(lesions)
