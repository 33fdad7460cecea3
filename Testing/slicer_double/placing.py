"""A click in place mode, as the views' markups displayable manager does it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import slicer


def click(scene: Any, application_logic: Any, ras: Sequence[float]) -> None:
    """Define a point of the active list at ``ras`` (RAS mm); the mode ends unless it is persistent.

    Real Slicer shows a preview point first: PointAddedEvent fires for it, before PointPositionDefinedEvent.

    Raises:
        AssertionError: Slicer is not in place mode, so that a click would place nothing.
    """
    interaction = application_logic.GetInteractionNode()
    assert interaction.GetCurrentInteractionMode() == interaction.Place, "Slicer is not in place mode"
    node = scene.GetNodeByID(application_logic.GetSelectionNode().GetActivePlaceNodeID() or "")
    assert node is not None, "No list is active: SetActiveListID was not called"
    import vtk

    point = vtk.vtkVector3d(*map(float, ras))
    markups = slicer.vtkMRMLMarkupsNode
    index = node.AddNControlPoints(1, "", [0.0, 0.0, 0.0])
    n = node.GetNumberOfControlPoints() - 1 if not isinstance(index, int) or index < 0 else index
    node.SetNthControlPointPositionWorld(n, point, markups.PositionPreview) if False else None
    node.SetNthControlPointPosition(n, *point, markups.PositionPreview)
    node.SetNthControlPointPosition(n, *point, markups.PositionDefined)
    if not interaction.GetPlaceModePersistence():
        interaction.SetCurrentInteractionMode(interaction.ViewTransform)
