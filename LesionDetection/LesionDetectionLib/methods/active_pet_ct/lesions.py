"""A region of uptake as a lesion: its mask on the PET's own grid, and what is measured on it."""

from __future__ import annotations

from dataclasses import replace

from LesionDetectionLib.core.image import FloatArray, Image
from LesionDetectionLib.core.lesion import Lesion
from LesionDetectionLib.imaging.hills import Triple
from LesionDetectionLib.imaging.pet_lesion import pet_lesion

from .uptake import MOST_CUT, Uptake

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
        A lesion whose score is its SUVmax, measured as any in a PET.
    """
    note = ""
    if region.cut_share > MOST_CUT:
        note = _CUT
    elif region.is_raised:
        note = _RAISED.format(share=100 * region.share)
    lesion = pet_lesion(
        pet, part, start_kji, region.voxels, region.start_kji, score=region.suvmax, method=method, notes=(note,)
    )
    return replace(lesion, evidence=((region.suvmax, lesion.measurements["mtv_ml"]),))


def peak_ras_mm(part: Image, region: Uptake) -> FloatArray:
    """[3] where its maximum is, in RAS mm."""
    return part.geometry.ras_from_ijk(region.peak_kji[::-1])
