"""What lies over the image in the slice views: one volume at a time, as a slice view has one foreground."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import slicer

from .slice_views import SceneViews, put_layers

PET, MAP = "PET", "map"
"""Who wants to show something over the image; where both do, it is the last one."""
_ORDER = (MAP, PET)
_PET_COLORS = "vtkMRMLPETProceduralColorNodePET-Heat"
_OTHER_PET_COLORS = "vtkMRMLColorTableNodeFileHotToColdRainbow.txt"
"""Where the first is not in the scene."""


@dataclass(frozen=True)
class Layer:
    """Attributes:
    background: volume node of the image.
    node: volume node that lies over it.
    opacity: of that, 0 to 1.
    most: its value in full colour, where it is to be shown as a PET: in hot colours, from 0. None to leave its look as it is.
    legend: show beside the views which colour means which value.
    """

    background: Any
    node: Any
    opacity: float
    most: float | None = None
    legend: bool = False


@dataclass(frozen=True)
class _Look:
    """How a volume was shown before."""

    color: str | None
    window: float
    level: float


class Foreground:
    """Shows what is wanted most; how a volume looked before comes back when it is no longer shown.

    Args:
        views: to show it in.
    """

    def __init__(self, views: SceneViews) -> None:
        self._views = views
        self._wanted: dict[str, Layer] = {}
        self._shown: Layer | None = None
        self._before: _Look | None = None
        self._legend: Any = None

    def want(self, owner: str, layer: Layer | None) -> None:
        """Show something over the image, or no longer, on behalf of :data:`PET` or :data:`MAP`."""
        if self._wanted.get(owner) == layer:
            return
        if layer is None:
            del self._wanted[owner]
        else:
            self._wanted[owner] = layer
        wanted = next((self._wanted[one] for one in _ORDER if one in self._wanted), None)
        if wanted == self._shown:
            return
        if self._shown is not None and (wanted is None or wanted.node is not self._shown.node):
            self._end(self._shown)
        if wanted is not None:
            self._show(wanted)
        self._shown = wanted

    def show_again(self) -> None:
        """What the views showed may have been changed elsewhere."""
        if self._shown is not None:
            put_layers(self._views, self._shown.background, self._shown.node, self._shown.opacity)

    def forget(self) -> None:
        """The scene is another one: there is nothing to bring back."""
        self._wanted, self._shown, self._before, self._legend = {}, None, None, None

    def _show(self, layer: Layer) -> None:
        node, begins = layer.node, self._shown is None or layer.node is not self._shown.node
        if layer.most is not None:
            if node.GetDisplayNode() is None:
                node.CreateDefaultDisplayNodes()
            display = node.GetDisplayNode()
            if begins:
                self._before = _Look(display.GetColorNodeID(), display.GetWindow(), display.GetLevel())
                known = node.GetScene().GetNodeByID(_PET_COLORS) is not None
                display.SetAndObserveColorNodeID(_PET_COLORS if known else _OTHER_PET_COLORS)
            display.AutoWindowLevelOff()
            display.SetWindowLevel(layer.most, layer.most / 2)
        if layer.legend and begins:
            self._legend = slicer.vtkSlicerColorLogic.AddDefaultColorLegendDisplayNode(node)
        put_layers(self._views, layer.background, layer.node, layer.opacity)

    def _end(self, layer: Layer) -> None:
        put_layers(self._views, None, None, 0.0)
        before, self._before = self._before, None
        legend, self._legend = self._legend, None
        if legend is not None and legend.GetScene() is not None:
            legend.GetScene().RemoveNode(legend)
        display = layer.node.GetDisplayNode() if layer.node.GetScene() is not None else None
        if before is not None and display is not None:
            display.SetAndObserveColorNodeID(before.color)
            display.SetWindowLevel(before.window, before.level)
