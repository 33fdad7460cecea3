"""Lesions from a labelled mask: one for each connected part, or one for the whole."""

from __future__ import annotations

import numpy as np
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.core.lesion import LESION, Code, Lesion, Mask
from LesionDetectionLib.imaging.measurements import equivalent_diameter_mm
from scipy import ndimage

_TOUCHING = np.ones((3, 3, 3), dtype=bool)
"""Voxels that share a face, an edge or a corner belong to one part (26-connected)."""


def lesions_of_mask(
    mask: Mask, geometry: Geometry, *, parts: bool, meaning: Code = LESION, note: str = ""
) -> tuple[Lesion, ...]:
    """What a mask on the grid ``geometry`` says, as lesions of score 1.

    Args:
        parts: one lesion for each connected part (26-connected), in the order in which they begin in the array;
            else one for the whole mask.
        meaning, note: of each of them.

    Returns:
        With centroid, box around the voxels' edges (RAS mm), volume, and as diameter that of the sphere of this volume.
    """
    masks = _parts(mask) if parts else [mask]
    return tuple(_lesion(each, geometry, meaning, note) for each in masks)


def _parts(mask: Mask) -> list[Mask]:
    labels, _ = ndimage.label(mask.voxels, structure=_TOUCHING)
    i, j, k = mask.start_ijk
    found = []
    for number, box in enumerate(ndimage.find_objects(labels), 1):
        start = (i + box[2].start, j + box[1].start, k + box[0].start)
        found.append(Mask(labels[box] == number, start))
    return found


def _lesion(mask: Mask, geometry: Geometry, meaning: Code, note: str) -> Lesion:
    volume = mask.count * geometry.voxel_volume_mm3
    return Lesion(
        center_ras_mm=mask.centroid_ras_mm(geometry),
        diameter_mm=equivalent_diameter_mm(volume),
        score=1.0,
        box_ras_mm=mask.box_ras_mm(geometry),
        mask=mask,
        measurements={"volume_mm3": volume},
        meaning=meaning,
        note=note,
    )
