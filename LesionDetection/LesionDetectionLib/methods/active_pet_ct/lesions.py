"""A region of uptake as a lesion: its mask on the PET's own grid, and what is measured on it."""

from __future__ import annotations

import numpy as np

from LesionDetectionLib.core.image import FloatArray, Image
from LesionDetectionLib.core.lesion import LESION, Lesion
from LesionDetectionLib.imaging.mask_grids import mask_from_axial
from LesionDetectionLib.imaging.measurements import extent_note, measure_mask

from .suv_peak import suv_peak
from .uptake import MOST_CUT, Triple, Uptake

_CUT = "It hardly stands out from what surrounds it: the outline was cut off at a distance. Check it, or measure it by click."
_RAISED = "Outlined at {share:.0f} % of its SUVmax, as at less it flows into what surrounds it: check the outline."


def lesion_of(pet: Image, part: Image, start_kji: Triple, region: Uptake, method: str) -> Lesion:
    """The lesion of a region.

    Args:
        pet: marked as PET in SUV by body weight; any orientation.
        part: a part of it, in axial order.
        start_kji: where in the whole PET, in axial order, the part begins.
        region: in ``part``.

    Returns:
        A lesion whose score is its SUVmax, with ``peak_suvbw`` (in a sphere of 1 mL), ``mtv_ml`` (metabolic tumour volume) and
        ``tlg_g`` (total lesion glycolysis: mean SUV in g/mL times volume in mL) besides the measurements of any mask.
    """
    start = np.array(start_kji) + region.start_kji
    mask = mask_from_axial(pet, region.voxels, start[::-1])
    measured = measure_mask(pet, mask)
    volume_ml = measured.values["volume_mm3"] / 1000
    values = {
        **measured.values,
        "peak_suvbw": suv_peak(part.voxels, region.voxels, region.start_kji, part.spacing_mm),
        "mtv_ml": volume_ml,
        "tlg_g": measured.values["mean_suvbw"] * volume_ml,
    }
    notes = [extent_note(pet, measured.touches_border)]
    if region.cut_share > MOST_CUT:
        notes.append(_CUT)
    elif region.is_raised:
        notes.append(_RAISED.format(share=100 * region.share))
    return Lesion(
        center_ras_mm=measured.center_ras_mm,
        diameter_mm=measured.recist.long_mm,
        score=region.suvmax,
        box_ras_mm=measured.box_ras_mm,
        mask=mask,
        recist=measured.recist,
        measurements=values,
        meaning=LESION,
        method=method,
        note=" ".join(filter(None, notes)),
        evidence=((region.suvmax, volume_ml),),
    )


def peak_ras_mm(part: Image, region: Uptake) -> FloatArray:
    """[3] where its maximum is, in RAS mm."""
    return part.geometry.ras_from_ijk(region.peak_kji[::-1])
