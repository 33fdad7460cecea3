"""What is measured of a lesion in a PET beyond what any mask has: SUVpeak, metabolic volume, total lesion glycolysis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.lesion import LESION, Lesion

from .basins import BoolArray
from .mask_grids import mask_from_axial
from .measurements import extent_note, measure_mask
from .suv_peak import suv_peak


def pet_lesion(
    pet: Image,
    part: Image,
    part_start_kji: Sequence[int],
    voxels: BoolArray,
    start_kji: Sequence[int],
    *,
    score: float,
    method: str,
    notes: Sequence[str] = (),
) -> Lesion:
    """A lesion whose voxels are known, measured.

    Args:
        pet: marked as PET in SUV by body weight; any orientation.
        part: a part of it, in axial order.
        part_start_kji: where in the whole PET, in axial order, the part begins.
        voxels: [k, j, i] bool, a box of ``part`` with one voxel at least.
        start_kji: where in ``part`` that begins.
        notes: sentences for its note, after one on its extent; empty ones are left out.

    Returns:
        With ``peak_suvbw`` (in a sphere of 1 mL), ``mtv_ml`` (metabolic tumour volume) and ``tlg_g`` (total lesion glycolysis:
        mean SUV in g/mL times volume in mL) besides the measurements of any mask.
    """
    start = np.asarray(part_start_kji) + np.asarray(start_kji)
    mask = mask_from_axial(pet, voxels, start[::-1])
    measured = measure_mask(pet, mask)
    volume_ml = measured.values["volume_mm3"] / 1000
    values = {
        **measured.values,
        "peak_suvbw": suv_peak(part.voxels, voxels, start_kji, part.spacing_mm),
        "mtv_ml": volume_ml,
        "tlg_g": measured.values["mean_suvbw"] * volume_ml,
    }
    return Lesion(
        center_ras_mm=measured.center_ras_mm,
        diameter_mm=measured.recist.long_mm,
        score=score,
        box_ras_mm=measured.box_ras_mm,
        mask=mask,
        recist=measured.recist,
        measurements=values,
        meaning=LESION,
        method=method,
        note=" ".join(filter(None, (extent_note(pet, measured.touches_border), *notes))),
    )
