"""What the slice views show: going to a place, a volume."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import slicer


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
