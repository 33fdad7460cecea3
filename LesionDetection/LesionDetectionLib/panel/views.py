"""What the slice views show: going to a place, a volume, a PET in colour over a CT."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import slicer

_FUSION_COLORS = "vtkMRMLPETProceduralColorNodePET-Heat"
_COLD_FUSION_COLORS = "vtkMRMLColorTableNodeFileHotToColdRainbow.txt"
"""Where the first is not in the scene."""


def go_to(scene: Any, point_ras_mm: Sequence[float], volume_node: Any | None) -> None:
    """Centre all slice views on a point; show the volume there first where no view shows it."""
    if volume_node is not None and not _shown(scene, volume_node):
        show(volume_node)
    slicer.modules.markups.logic().JumpSlicesToLocation(*(float(n) for n in point_ras_mm), True)


def show_at(scene: Any, point_ras_mm: Sequence[float], volume_node: Any | None) -> None:
    """As :func:`go_to`, with the volume in the background even where a view shows it in front of another."""
    if volume_node is not None:
        composites = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode", scene)
        if any(node.GetBackgroundVolumeID() != volume_node.GetID() for node in composites):
            show(volume_node)
    go_to(scene, point_ras_mm, volume_node)


def show(volume_node: Any) -> None:
    """Make a volume the background of the slice views."""
    if slicer.app.layoutManager() is not None:
        slicer.util.setSliceViewerLayers(background=volume_node, fit=True)


def _shown(scene: Any, volume_node: Any) -> bool:
    composites = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode", scene)
    wanted = volume_node.GetID()
    return any(wanted in (node.GetBackgroundVolumeID(), node.GetForegroundVolumeID()) for node in composites)


@dataclass
class _Look:
    """How a volume was shown before the fusion."""

    node: Any
    color: str | None
    window: float
    level: float


class Fusion:
    """A PET in colour over a CT; what was shown before comes back when it ends."""

    def __init__(self) -> None:
        self._before: _Look | None = None

    @property
    def shown(self) -> bool:
        return self._before is not None

    def show(self, ct_node: Any, pet_node: Any, opacity: float, most: float) -> None:
        """Args:
        opacity: of the PET, 0 to 1.
        most: the PET's value in full colour.
        """
        if self._before is not None and self._before.node is not pet_node:
            self.end()
        display = pet_node.GetDisplayNode()
        if display is None:
            pet_node.CreateDefaultDisplayNodes()
            display = pet_node.GetDisplayNode()
        if self._before is None:
            self._before = _Look(pet_node, display.GetColorNodeID(), display.GetWindow(), display.GetLevel())
            known = pet_node.GetScene().GetNodeByID(_FUSION_COLORS) is not None
            display.SetAndObserveColorNodeID(_FUSION_COLORS if known else _COLD_FUSION_COLORS)
        display.AutoWindowLevelOff()
        display.SetWindowLevel(most, most / 2)
        if slicer.app.layoutManager() is not None:
            slicer.util.setSliceViewerLayers(background=ct_node, foreground=pet_node, foregroundOpacity=opacity)

    def end(self) -> None:
        """Show the CT alone again."""
        before, self._before = self._before, None
        if before is None:
            return
        if slicer.app.layoutManager() is not None:
            slicer.util.setSliceViewerLayers(foreground=None, foregroundOpacity=0.0)
        display = before.node.GetDisplayNode() if before.node.GetScene() is not None else None
        if display is not None:
            display.SetAndObserveColorNodeID(before.color)
            display.SetWindowLevel(before.window, before.level)

    def forget(self) -> None:
        """The scene is another one: there is nothing to bring back."""
        self._before = None
