"""What a click on uptake does to findings: which of them moves there, which one is there already."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from LesionDetectionLib.core.finding import CLICKED, Finding, Findings, Status, new_tracking_uid
from LesionDetectionLib.core.image import Geometry, Image
from LesionDetectionLib.core.lesion import Lesion, Point


def to_move(findings: Findings, current: str) -> str:
    """Id of the finding that is moved; empty where a new one is made instead.

    It is the one that is looked at (``current``), or where none is, the only one in question. What a person accepted or
    rejected stays where it is; and where several could be meant, none is taken away by guessing.
    """
    undecided = [item.id for item in findings.drawn if item.status is Status.NEW]
    if current:
        return current if current in undecided else ""
    return undecided[0] if len(undecided) == 1 else ""


def several_in_question(findings: Findings, current: str) -> bool:
    """Whether none is looked at and more than one could be moved."""
    return not current and sum(item.status is Status.NEW for item in findings.drawn) > 1


def holder_of(findings: Findings, point_ras_mm: Point, besides: str = "") -> str:
    """Id of the finding in whose outline the point lies, but for ``besides``; empty for none."""
    ijk = findings.run.geometry.ijk_from_ras(point_ras_mm)
    for item in findings.drawn:
        if item.id != besides and item.lesion.mask is not None and item.lesion.mask.holds(ijk):
            return item.id
    return ""


def hottest_ras_mm(image: Image, lesion: Lesion) -> Point:
    """Centre of the lesion's voxel with the highest value, RAS mm; its own centre where it has no outline."""
    mask = lesion.mask
    if mask is None:
        return lesion.center_ras_mm
    values = np.where(mask.voxels, image.voxels[mask.slices_kji], -np.inf)
    kji = np.unravel_index(np.argmax(values), values.shape)
    r, a, s = image.geometry.ras_from_ijk(np.array(kji[::-1]) + np.array(mask.start_ijk))
    return float(r), float(a), float(s)


def moved_to(item: Finding, lesion: Lesion, point_ras_mm: Point, geometry: Geometry) -> Finding:
    """The finding at another place: outline, sizes, values and method are of there; score, model and meaning are those it had.

    As a person said where it lies, it counts as theirs: no threshold hides it, and its score is not shown as if it were of
    this place. Outside its old outline it is another lesion, which must not go into exports and follow-ups as the old one.
    """
    was = item.lesion
    same = was.mask is not None and was.mask.holds(geometry.ijk_from_ras(point_ras_mm))
    kept = replace(lesion, score=was.score, evidence=was.evidence, meaning=was.meaning, model=was.model)
    return replace(
        item,
        lesion=kept,
        origin=CLICKED,
        corrected=True,
        tracking_uid=item.tracking_uid if same else new_tracking_uid(),
        seed_ras_mm=point_ras_mm,
        border_ras_mm=(),
    )
