"""A missed lesion or a false mark as a picture: three planes of the image, with what was true and what was marked."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from LesionDetectionLib.app.drawing import jpeg
from LesionDetectionLib.app.pictures import Marked, marked_picture
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.lesion import Lesion, Mask
from LesionDetectionLib.io.display import Color

from ..matching.findings import Findings, ImageFindings
from ..picturing import MARKED, TRUE, Wanted

UNKNOWN_MM = 10.0
"""The circle around what has neither outline nor size, as LUNA16 takes an unknown diameter."""
_NEAR_VOXELS = 2.0
"""A mask's middle lies at most so many voxels, or its lesion's radius, from the lesion's centre; else it is of another grid."""


def finding_picture(images: Mapping[str, Image], wanted: Wanted) -> bytes:
    """A JPEG of four panels. True lesions are drawn in blue, marks in orange; what the picture is of lies on top.

    Args:
        images: of the case, the main one first; the one that the detector worked on is shown.
    """
    findings = wanted.findings
    image = _image_of(images, findings)
    every = [(findings.truth, index, TRUE, True) for index in range(len(findings.truth))]
    every += [(findings.marks, index, MARKED, False) for index in np.flatnonzero(wanted.marks).tolist()]
    others = [
        _marked(image, group, index, color)
        for group, index, color, is_lesion in every
        if (is_lesion, index) != (wanted.is_lesion, wanted.index)
    ]
    group, color = (findings.truth, TRUE) if wanted.is_lesion else (findings.marks, MARKED)
    return jpeg(marked_picture(image, _marked(image, group, wanted.index, color), wanted.name, wanted.text, others))


def _image_of(images: Mapping[str, Image], findings: ImageFindings) -> Image:
    """Of several images the one that the detector worked on, as it was misled there; else that of the outlines, else the first."""
    listed = list(images.values())
    for geometry in (findings.seen_geometry, findings.geometry):
        for image in listed:
            if geometry is not None and image.geometry.same_grid(geometry):
                return image
    return listed[0]


def _marked(image: Image, findings: Findings, index: int, color: Color) -> Marked:
    r, a, s = (float(part) for part in findings.centers_ras_mm[index])
    diameter = float(findings.diameters_mm[index])
    mask = findings.masks[index] if findings.masks else None
    diameter = diameter if math.isfinite(diameter) else UNKNOWN_MM
    lesion = Lesion((r, a, s), diameter, float(findings.scores[index]))
    if mask is None or not _fits(image, mask, lesion):
        return Marked(lesion, color)
    return Marked(Lesion(lesion.center_ras_mm, lesion.diameter_mm, lesion.score, mask=mask), color)


def _fits(image: Image, mask: Mask, lesion: Lesion) -> bool:
    """Whether a mask lies on this image's grid, as far as its place tells."""
    start = np.array(mask.start_ijk)
    if (start < 0).any() or (start + mask.voxels.shape[::-1] > np.array(image.shape_kji[::-1])).any():
        return False
    off = math.dist(mask.centroid_ras_mm(image.geometry), lesion.center_ras_mm)
    return off <= max(lesion.diameter_mm / 2, _NEAR_VOXELS * max(image.spacing_mm))
