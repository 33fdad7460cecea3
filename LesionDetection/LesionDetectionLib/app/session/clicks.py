"""What a click means: a new lesion, a correction of the current one, or the choice of one that is there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from LesionDetectionLib.core.finding import Finding, Findings
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.core.lesion import Point

from .focus import holder_of

_NEAR_MM, _NEAR_SHARE = 5.0, 0.5
"""A click is about the current outline when it is nearer to it than this, or than this share of the lesion's diameter: a
leak is corrected inside the outline, a part that was missed just outside."""


@dataclass(frozen=True)
class Click:
    """Attributes:
    seed_ras_mm: the point in the lesion.
    border_ras_mm: points on its border.
    corrects: id of the finding to replace; empty for a new one.
    selected: id of a finding to select, and nothing to measure; empty otherwise.
    """

    seed_ras_mm: Point
    border_ras_mm: tuple[Point, ...] = ()
    corrects: str = ""
    selected: str = ""


def click_on(findings: Findings | None, current: str, point_ras_mm: Point) -> Click:
    """What a click at ``point_ras_mm`` means where these findings are drawn and ``current`` is looked at."""
    if findings is None:
        return Click(point_ras_mm)
    geometry = findings.run.geometry
    inside = holder_of(findings, point_ras_mm, besides=current)
    if inside:
        return Click(point_ras_mm, selected=inside)
    at = next((item for item in findings.drawn if item.id == current), None)
    if at is None or not _near(at, geometry, point_ras_mm):
        return Click(point_ras_mm)
    if at.lesion.mask is None:
        return Click(point_ras_mm, corrects=at.id)
    seed = at.seed_ras_mm or at.lesion.center_ras_mm
    return Click(seed, (*at.border_ras_mm, point_ras_mm), corrects=at.id)


def _near(item: Finding, geometry: Geometry, point_ras_mm: Point) -> bool:
    mask, lesion = item.lesion.mask, item.lesion
    reach = max(_NEAR_MM, _NEAR_SHARE * lesion.diameter_mm)
    if mask is None:
        return bool(np.linalg.norm(np.subtract(point_ras_mm, lesion.center_ras_mm)) < lesion.diameter_mm / 2 + reach)
    voxels = np.argwhere(mask.voxels)[:, ::-1] + np.array(mask.start_ijk)
    distance = np.linalg.norm(geometry.ras_from_ijk(voxels) - np.asarray(point_ras_mm), axis=1).min()
    return bool(distance < reach)
