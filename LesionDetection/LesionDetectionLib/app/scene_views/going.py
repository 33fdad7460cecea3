"""Going to a place in the slice views."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .slice_views import SceneViews, show


def go_to(views: SceneViews, point_ras_mm: Sequence[float], volume_node: Any | None) -> None:
    """Centre all slice views on a point (RAS mm); show the volume there first where no view shows it."""
    if volume_node is not None and not _shown(views, volume_node):
        show(views, volume_node)
    jump(views, point_ras_mm, centred=True)


def show_at(views: SceneViews, point_ras_mm: Sequence[float], volume_node: Any | None) -> None:
    """As :func:`go_to`, with the volume in the background even where a view shows it in front of another."""
    if volume_node is not None and any(
        view.composite.GetBackgroundVolumeID() != volume_node.GetID() for view in views.slices()
    ):
        show(views, volume_node)
    go_to(views, point_ras_mm, volume_node)


def jump(views: SceneViews, point_ras_mm: Sequence[float], centred: bool) -> None:
    """Let the planes of all slice views go through a point, RAS mm.

    Args:
        centred: move the point to the middle of each view; else each only goes forward or back.
    """
    r, a, s = (float(n) for n in point_ras_mm)
    for view in views.slices():
        if centred:
            view.node.JumpSliceByCentering(r, a, s)
        else:
            view.node.JumpSliceByOffsetting(r, a, s)


def _shown(views: SceneViews, volume_node: Any) -> bool:
    wanted = volume_node.GetID()
    composites = [view.composite for view in views.slices()]
    return any(wanted in (node.GetBackgroundVolumeID(), node.GetForegroundVolumeID()) for node in composites)
