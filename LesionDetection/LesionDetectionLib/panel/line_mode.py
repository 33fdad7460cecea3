"""Two diameters drawn one after the other in a slice view, as line markups that stay in the scene."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slicer.i18n import tr as _

from LesionDetectionLib.core.lesion import Point

from .place_mode import PlaceMode

_LINES = 2


class LineMode(PlaceMode):
    """Places the ends of two lines, and ends by itself when both are there; a line that is not whole then goes.

    Args:
        on_end: called when the mode ended, for whatever reason.
        on_line: called when a line is whole.
    """

    def __init__(self, scene: Any, on_end: Callable[[], None], on_line: Callable[[], None]) -> None:
        super().__init__(scene, lambda _point: None, on_end)
        self._on_line = on_line
        self.drawn = 0

    def start(self) -> None:
        """Let the next four clicks in the views be the ends of two new lines."""
        if not self.active:
            self.drawn = 0
        super().start()

    def _made(self) -> Any:
        node = self._scene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", self._scene.GenerateUniqueName(_("Diameter")))
        node.CreateDefaultDisplayNodes()
        return node

    def _is_kept(self, node: Any) -> bool:
        return bool(node.GetNumberOfDefinedControlPoints() == 2)

    def _placed(self, node: Any, point: Point) -> None:
        if not self._is_kept(node):
            return
        self.drawn += 1
        if self.drawn == _LINES:
            self.end()
        else:
            self._take(self._made())
        self._on_line()
