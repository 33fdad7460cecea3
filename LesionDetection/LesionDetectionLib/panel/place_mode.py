"""One click after the other in the views, through Slicer's own place mode."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qt
import slicer
import vtk

from LesionDetectionLib.core.lesion import Point

from .shortcuts import on_key

_NAME = "Lesion click"


class PlaceMode:
    """Hands on the place of each click, until it is ended here, with Escape, or in Slicer's tool bar.

    Slicer's place mode ends by itself after each click (of a line: after both ends) and is begun again when the event loop comes
    round: the persistent one keeps a preview point in the list that must not be removed from inside its own events.

    Args:
        on_click: called with RAS mm.
        on_end: called when the mode ended, for whatever reason.
    """

    def __init__(self, scene: Any, on_click: Callable[[Point], None], on_end: Callable[[], None]) -> None:
        self._scene, self._on_click, self._on_end = scene, on_click, on_end
        self._node: Any = None
        self._observed: list[tuple[Any, int]] = []
        self._clicked: Point | None = None
        self._escape: Any = None
        self._settle = qt.QTimer()
        self._settle.setSingleShot(True)
        self._settle.setInterval(0)
        self._settle.connect("timeout()", self._settled)

    @property
    def active(self) -> bool:
        return self._node is not None

    def start(self) -> None:
        """Let the next clicks in the views be ours."""
        if self.active:
            return
        self._take(self._made())
        logic = slicer.app.applicationLogic()
        self._observe(
            logic.GetInteractionNode(), slicer.vtkMRMLInteractionNode.InteractionModeChangedEvent, self._on_mode
        )
        self._observe(logic.GetSelectionNode(), vtk.vtkCommand.ModifiedEvent, self._on_mode)
        window = slicer.util.mainWindow()
        if window is not None:
            # The keyboard belongs to the views while a person clicks in them.
            self._escape = on_key(window, "Escape", self.end, everywhere=True)
        self._arm()

    def end(self) -> None:
        """Let clicks be Slicer's again."""
        if not self.active:
            return
        self._settle.stop()
        for node, tag in self._observed:
            node.RemoveObserver(tag)
        self._observed = []
        ours = self._placing
        node, self._node, self._clicked = self._node, None, None
        if self._escape is not None:
            self._escape.setEnabled(False)
            self._escape.deleteLater()
            self._escape = None
        if ours:
            interaction = slicer.app.applicationLogic().GetInteractionNode()
            interaction.SetCurrentInteractionMode(interaction.ViewTransform)
        if node.GetScene() is not None and not self._is_kept(node):
            self._scene.RemoveNode(node)
        self._on_end()

    def close(self) -> None:
        self.end()
        self._settle.disconnect("timeout()", self._settled)

    # What is placed

    def _made(self) -> Any:
        """A new node to place points in."""
        node = self._scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", _NAME)
        node.SetHideFromEditors(True)
        node.SetSaveWithScene(False)
        node.CreateDefaultDisplayNodes()
        display = node.GetDisplayNode()
        if display is not None:
            display.SetPointLabelsVisibility(False)
            display.SetSaveWithScene(False)
        return node

    def _is_kept(self, node: Any) -> bool:
        """Whether it stays in the scene when the mode ends."""
        return False

    def _placed(self, node: Any, point: Point) -> None:
        """A point was placed in the node."""
        node.RemoveAllControlPoints()
        self._on_click(point)

    # How

    def _take(self, node: Any) -> None:
        """Let points be placed in this node from here on."""
        self._node = node
        self._observe(node, slicer.vtkMRMLMarkupsNode.PointPositionDefinedEvent, self._on_point)

    def _observe(self, node: Any, event: int, call: Callable[..., None]) -> None:
        self._observed.append((node, node.AddObserver(event, call)))

    def _arm(self) -> None:
        # Not by the logic's StartPlaceMode: that is for fiducials alone, and would let the ends of a line become points of a
        # new list.
        slicer.modules.markups.logic().SetActiveListID(self._node)
        interaction = slicer.app.applicationLogic().GetInteractionNode()
        interaction.SetPlaceModePersistence(0)
        interaction.SetCurrentInteractionMode(interaction.Place)

    def _on_point(self, node: Any, _event: str) -> None:
        point = node.GetNthControlPointPositionWorld(node.GetNumberOfControlPoints() - 1)
        r, a, s = (float(n) for n in point)
        self._clicked = (r, a, s)
        self._settle.start()

    def _on_mode(self, _node: Any, _event: str) -> None:
        if not self._placing:
            self._settle.start()

    def _settled(self) -> None:
        """After Slicer's own events: a click was made, or the person chose another mouse mode."""
        if not self.active:
            return
        if self._node.GetScene() is None:
            self.end()
            return
        clicked, self._clicked = self._clicked, None
        if clicked is None:
            if not self._placing:
                self.end()
            return
        self._placed(self._node, clicked)
        if self.active and not self._placing:
            self._arm()

    @property
    def _placing(self) -> bool:
        """Whether clicks go into our node now, not into what the person chose to place instead."""
        logic = slicer.app.applicationLogic()
        interaction, selection = logic.GetInteractionNode(), logic.GetSelectionNode()
        if self._node is None or interaction is None or selection is None:
            return False
        if interaction.GetCurrentInteractionMode() != interaction.Place:
            return False
        ours = (self._node.GetClassName(), self._node.GetID())
        return (selection.GetActivePlaceNodeClassName(), selection.GetActivePlaceNodeID()) == ours
