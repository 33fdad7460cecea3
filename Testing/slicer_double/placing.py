"""A click in place mode, as the views' markups displayable manager does it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import slicer
import vtk

_BEFORE_ALL_OTHERS = 1000.0


def click(scene: Any, application_logic: Any, ras: Sequence[float], slice_node: Any = None) -> None:
    """Define a point of the active list at ``ras`` (RAS mm); the mode ends unless it is persistent.

    Args:
        slice_node: of the view that is clicked, in whose plane ``ras`` lies: the mouse is there then. None for a click that
            no mouse made.

    Real Slicer shows a preview point while the mouse moves: PointAddedEvent fires for it, before the click. Who takes that
    event for the click gets a point that is not there yet.

    Raises:
        AssertionError: Slicer is not in place mode, so that a click would place nothing.
    """
    interaction = application_logic.GetInteractionNode()
    assert interaction.GetCurrentInteractionMode() == interaction.Place, "Slicer is not in place mode"
    point_at(scene, ras, slice_node)
    node = scene.GetNodeByID(application_logic.GetSelectionNode().GetActivePlaceNodeID() or "")
    assert node is not None, "No list is active: SetActiveListID was not called"
    # vtkMRMLMarkupsDisplayableManager::GetActiveMarkupsNodeForPlacement; StartPlaceMode wants fiducials, whatever is active.
    wanted = application_logic.GetSelectionNode().GetActivePlaceNodeClassName()
    assert node.GetClassName() == wanted, f"Slicer places a point in a new {wanted}, not in this {node.GetClassName()}"
    index = preview(node, [float(coordinate) + 1.0 for coordinate in ras])
    node.SetNthControlPointPosition(index, *map(float, ras), node.PositionDefined)
    required = (
        node.GetRequiredNumberOfControlPoints()
    )  # vtkSlicerMarkupsWidget::PlacePoint: of a line both, then it ends
    if not interaction.GetPlaceModePersistence() and node.GetNumberOfControlPoints() >= required:
        interaction.SetCurrentInteractionMode(interaction.ViewTransform)


def point_at(scene: Any, ras: Sequence[float], slice_node: Any) -> None:
    """Move the mouse over a place in a slice view, or out of all views: Slicer's views write that into the crosshair node.

    Raises:
        AssertionError: the view does not show the place.
    """
    crosshair = scene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
    if slice_node is None:
        if crosshair is not None:
            crosshair.SetCursorPositionInvalid()
        return
    if crosshair is None:
        crosshair = slicer.vtkMRMLCrosshairNode()
        crosshair.SetSingletonTag("default")
        crosshair = scene.AddNode(crosshair)
    to_view = vtk.vtkMatrix4x4()
    vtk.vtkMatrix4x4.Invert(slice_node.GetXYToRAS(), to_view)
    x, y, z, _one = to_view.MultiplyPoint((*map(float, ras), 1.0))
    assert abs(z) < 0.5, f"{slice_node.GetName()} shows another slice"
    crosshair.SetCursorPositionXYZ([x, y, z], slice_node)


def preview(node: Any, ras: Sequence[float]) -> int:
    """Add the point that follows the mouse; its index. Only PointAddedEvent and PointModifiedEvent fire."""
    markups = slicer.vtkMRMLMarkupsNode

    def added(caller: Any, _event: str) -> None:
        last = caller.GetNumberOfControlPoints() - 1
        caller.SetNthControlPointPosition(last, *ras, caller.PositionPreview)

    tag = node.AddObserver(markups.PointAddedEvent, added, _BEFORE_ALL_OTHERS)
    with _silent(node, markups.PointPositionDefinedEvent), _silent(node, markups.PointPositionUndefinedEvent):
        node.AddControlPoint(list(ras))
    node.RemoveObserver(tag)
    return int(node.GetNumberOfControlPoints() - 1)


@contextlib.contextmanager
def _silent(node: Any, event: int) -> Iterator[None]:
    """No other observer hears of ``event``."""
    tags: list[int] = []
    tags.append(
        node.AddObserver(event, lambda caller, _: caller.GetCommand(tags[0]).SetAbortFlag(1), _BEFORE_ALL_OTHERS)
    )
    try:
        yield
    finally:
        node.RemoveObserver(tags[0])
