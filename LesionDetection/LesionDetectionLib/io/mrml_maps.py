"""Maps: what a method made of the image's places, as volumes to look at beside a result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from LesionDetectionLib.core.image import Image

from .mrml_volume import volume_node

_TITLE = "LesionDetection.map"
"""Attribute of a map's volume: its title. By it, a map is told from a scan."""
_COLORS = ("vtkMRMLColorTableNodeFileInferno.txt", "vtkMRMLColorTableNodeIron")
"""Even in lightness, so that equal steps look equal and no edge appears where there is none. The second is in scenes
outside Slicer too, which lack its colour files."""
_ABOVE_ZERO = float(np.finfo(np.float32).tiny)


def map_node(scene: Any, image: Image, title: str, result: str) -> Any:
    """Add a map to the scene as a scalar volume on its own grid: in colour from 0 to 1, or to its largest value where that
    is more; what is not above 0 is not drawn.

    Args:
        title: of the map ("Lesion similarity").
        result: name of the result that it belongs to; the volume is called ``<result> <title>``.
    """
    node = volume_node(scene, replace(image, name=f"{result} {title}"))
    node.SetAttribute(_TITLE, title)
    display = node.GetDisplayNode()
    known = [name for name in _COLORS if scene.GetNodeByID(name) is not None]
    if known:
        display.SetAndObserveColorNodeID(known[0])
    highest = max(1.0, float(image.voxels.max()))
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(0.0, highest)
    display.AutoThresholdOff()
    display.SetThreshold(_ABOVE_ZERO, highest)
    display.ApplyThresholdOn()
    return node


def map_nodes(scene: Any, maps: Mapping[str, Image], result: str) -> dict[str, Any]:
    """Add each map; the volumes by title."""
    return {title: map_node(scene, image, title, result) for title, image in maps.items()}


def is_map(node: Any) -> bool:
    """Whether a volume node is a map: nothing to detect in."""
    return bool(map_title(node))


def map_title(node: Any) -> str:
    """The title of a map's volume node; empty for any other node."""
    return str(node.GetAttribute(_TITLE) or "")


def by_title(nodes: Iterable[Any]) -> dict[str, Any]:
    """Maps' volume nodes by title."""
    return {map_title(node): node for node in nodes}
