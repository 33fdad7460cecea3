"""Which part of the scan is searched: the whole, inside a region of interest, or around a place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.core.lesion import Point

from .session.review import Review
from .translation import tr as _

WHOLE, INSIDE, AROUND = "WHOLE", "INSIDE", "AROUND"
"""The whole scan, inside a region of interest, around a place."""

Box = tuple[Point, Point]
"""Opposite corners (lowest, highest), axis-aligned in RAS mm."""


@dataclass(frozen=True)
class SearchRegion:
    """What the person chose to search.

    Attributes:
        kind: :data:`WHOLE`, :data:`INSIDE` or :data:`AROUND`.
        roi: region of interest, a markups node, to search inside of.
        place_ras_mm: to search around.
        side_mm: of the cube around it.
    """

    kind: str = WHOLE
    roi: Any | None = None
    place_ras_mm: Point | None = None
    side_mm: float = 0.0

    @property
    def box(self) -> Box | None:
        """That a lesion's centre must lie in; None for the whole scan. Raises UsageError where something is missing."""
        if self.kind == INSIDE:
            return box_of_roi(self.roi)
        return box_around(self.place_ras_mm, self.side_mm) if self.kind == AROUND else None


def place_to_search(session: Review, clicked: Point | None) -> Point | None:
    """What a search around a place is about, RAS mm: the last click (``clicked``), else the finding that is looked at."""
    if clicked is not None:
        return clicked
    findings, current = session.findings, session.current
    return findings.get(current).lesion.center_ras_mm if findings is not None and current else None


def around_text(place_ras_mm: Point | None) -> str:
    """Around what is searched, after the length of the cube's edge."""
    return _("around the last click") if place_ras_mm else _("around a click, or the chosen finding")


def box_of_roi(roi: Any | None) -> Box:
    """The box around a region of interest, in the scene's RAS mm. Raises UsageError where there is no region."""
    if roi is None:
        raise UsageError(_("Choose a region to search in, or make one with New."))
    bounds = [0.0] * 6
    roi.GetRASBounds(bounds)
    low, high = (bounds[0], bounds[2], bounds[4]), (bounds[1], bounds[3], bounds[5])
    if not all(a < b for a, b in zip(low, high, strict=True)):
        raise UsageError(_("The region “{name}” is empty. Drag its handles in the views.").format(name=roi.GetName()))
    return low, high


def box_around(point_ras_mm: Point | None, side_mm: float) -> Box:
    """A cube around a place, RAS mm. Raises UsageError where there is none."""
    if point_ras_mm is None:
        raise UsageError(_("Click on a place first (Click to measure), or choose a finding in the table."))
    r, a, s = point_ras_mm
    half = side_mm / 2
    return (r - half, a - half, s - half), (r + half, a + half, s + half)


def put_box(roi: Any, box: Box) -> None:
    """Let a region of interest be this box, straight along the axes of the scene's RAS."""
    low, high = np.array(box[0]), np.array(box[1])
    changing = roi.StartModify()
    roi.GetObjectToNodeMatrix().Identity()
    roi.SetCenterWorld(*map(float, (low + high) / 2))
    roi.SetSizeWorld(*map(float, high - low))
    roi.EndModify(changing)


def new_roi(scene: Any, volume_node: Any | None) -> Any:
    """Add a region of interest in the middle of the volume, half as long as it along each side, with handles."""
    roi = scene.AddNewNodeByClass("vtkMRMLMarkupsROINode", _("Search region"))
    roi.CreateDefaultDisplayNodes()
    bounds = [-50.0, 50.0] * 3
    if volume_node is not None:
        volume_node.GetRASBounds(bounds)
    low, high = np.array(bounds[::2]), np.array(bounds[1::2])
    roi.SetCenter(*map(float, (low + high) / 2))
    roi.SetSize(*map(float, (high - low) / 2))
    display = roi.GetDisplayNode()
    if display is not None:
        display.SetFillVisibility(False)
        display.SetHandlesInteractive(True)
    return roi
