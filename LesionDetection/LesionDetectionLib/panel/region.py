"""Which part of the scan is searched: the whole, inside a region of interest, or around a place."""

from __future__ import annotations

from typing import Any

import numpy as np
from slicer.i18n import tr as _

from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.core.lesion import Point

WHOLE, INSIDE, AROUND = "WHOLE", "INSIDE", "AROUND"
"""Names of the parameter ``region``."""

Box = tuple[Point, Point]
"""Opposite corners (lowest, highest), axis-aligned in RAS mm."""


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
    """A cube around a place. Raises UsageError where there is none."""
    if point_ras_mm is None:
        raise UsageError(_("Click on a place first (Click to measure), or choose a finding in the table."))
    r, a, s = point_ras_mm
    half = side_mm / 2
    return (r - half, a - half, s - half), (r + half, a + half, s + half)


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
