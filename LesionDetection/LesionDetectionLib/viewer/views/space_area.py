"""The 3D view in the page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from trame_slicer.views import ScheduledRenderStrategy

from LesionDetectionLib.core.lesion import Point

from .link import Event, ViewLink
from .painter import Frame, Painter, Turns
from .window import Window


class _Requests(ScheduledRenderStrategy):  # type: ignore[misc]
    def __init__(self, painter: Painter) -> None:
        super().__init__()
        self._painter = painter

    def schedule_render(self) -> None:
        self._painter.request()


_DEGREES_PER_PIXEL = 0.5
_PER_E = 250.0
_PATIENCE_S = 3.0
"""While a person works in the slices, the 3D view, which takes longest, waits."""


class SpaceArea:
    """Attributes:
    name: of its element.
    node: of the view.
    painter: draws it.
    clicked: called with where a click's line of sight begins and where it goes (RAS mm).
    moving: called with whether the view is being turned.
    """

    def __init__(self, name: str, view: Any, link: ViewLink, turns: Turns) -> None:
        self.name, self.view = name, view
        self.node = view.get_view_node()
        self.window = Window(view.render_window())
        self.painter = Painter(self._draw, self._send, turns, _PATIENCE_S)
        self.painter.paused = True
        self.clicked: Callable[[Point, Point], None] = lambda _eye, _beyond: None
        self._link, self._turns = link, turns
        view.set_scheduled_render(_Requests(self.painter))
        link.add(self)

    def clear(self) -> None:
        """Nothing is loaded any more."""

    def look_at(self, point_ras_mm: Point) -> None:
        """A place that was gone to."""

    def reset(self) -> None:
        """Look at all that is there, from the front."""
        self.view.reset_view()

    def on_event(self, event: Event) -> Any:
        kind = event.get("type")
        if kind == "size":
            if event.get("new"):
                self.painter.begin_anew()
            self._resize(float(event["w"]), float(event["h"]), float(event.get("ratio", 1.0)))
        elif kind == "shown":
            self.painter.arrived()
        elif kind in ("drag", "scroll", "click"):
            self._turns.prefer(self.painter)
            if kind == "click":
                self._on_click(event)
            else:
                self._on_hand(kind, event)

    def _resize(self, width: float, height: float, ratio: float) -> None:
        self.painter.paused = width < 1 or height < 1
        if not self.painter.paused:
            self.window.resize(width, height, min(ratio, 1.0))
            self.painter.request()

    def _on_hand(self, kind: str, event: Event) -> None:
        camera_node = self.view.get_camera_node()
        if camera_node is None:
            return
        camera = camera_node.GetCamera()
        x, y = float(event.get("dx", 0.0)), float(event.get("dy", 0.0))
        if kind == "scroll":
            self.view.zoom(1 - 0.9 ** float(event["steps"]))
        elif event["with"] == "pan":
            self._pan(camera, x, y)
        elif event["with"] == "zoom":
            self.view.zoom(y / _PER_E)
        else:
            camera.Azimuth(-x * _DEGREES_PER_PIXEL)
            camera.Elevation(y * _DEGREES_PER_PIXEL)
            camera.OrthogonalizeViewUp()
        camera_node.ResetClippingRange()
        self.painter.request()

    def _pan(self, camera: Any, x: float, y: float) -> None:
        """Move the camera so that what lies at its focus follows the hand."""

    def _on_click(self, event: Event) -> None:
        """Hand on the line of sight."""

    def _draw(self) -> Frame | None:
        return None if self.painter.paused else Frame(self.window.pixels(), {})

    def _send(self, picture: bytes, notes: Mapping[str, Any]) -> None:
        self._link.send(self.name, notes, picture)
