"""The 3D view in the page: the lesions' surfaces, and the scan around them."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from trame_slicer.views import ScheduledRenderStrategy

from LesionDetectionLib.core.finding import Findings
from LesionDetectionLib.core.image import PET, Image
from LesionDetectionLib.core.lesion import Point

from .link import Event, ViewLink
from .marks import Mark, space_labels
from .painter import Frame, Painter, Turns
from .space_lesions import SpaceLesions
from .space_scan import SpaceScan, reduced
from .window import Window

_DEGREES_PER_PIXEL = 0.5
_PER_E = 250.0
_ROOM = 1.05
_PATIENCE_S = 3.0
"""While a person works in the slices, the 3D view, which takes longest, waits."""
_MAKE_AFTER_S = 1.5
"""The slices are there first."""
_LONGEST_S = 0.3
"""For one picture; where it takes longer, rays are cast for fewer pixels."""
_COARSER_MOVING, _COARSEST = 2.0, 3.0


class SpaceArea:
    """Attributes:
    name: of its element.
    node: of the view.
    painter: draws it.
    lesions: their surfaces.
    clicked: called with where a click's line of sight begins and a place on it (RAS mm).
    """

    def __init__(self, name: str, view: Any, link: ViewLink, turns: Turns, marks: Callable[[], Sequence[Mark]]) -> None:
        self.name, self.view = name, view
        self.node = view.get_view_node()
        self.window = Window(view.render_window())
        self.painter = Painter(self._draw, self._send, turns, _PATIENCE_S)
        self.painter.paused = True
        self.clicked: Callable[[Point, Point], None] = lambda _eye, _beyond: None
        self._link, self._turns, self._marks = link, turns, marks
        self.lesions = SpaceLesions(view.renderer())
        self._findings: tuple[Findings | None, str] = (None, "")
        self._scan: SpaceScan | None = None
        self._scan_shown = True
        self._making: asyncio.Task[None] | None = None
        self._coarseness = 1.0
        # Surfaces are opaque here: sorting what is seen through costs several drawings of each picture.
        view.renderer().SetUseDepthPeeling(False)
        view.renderer().SetUseDepthPeelingForVolumes(False)
        view.set_scheduled_render(_Requests(self.painter))
        link.add(self)

    # What is shown

    def show(self, image: Image, most: float) -> None:
        """Show a scan around the lesions, a little later; look at it from the front.

        Args:
            most: value of a PET that is drawn brightest.
        """
        self.clear()
        self.look_from_front(image)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return
        self._making = loop.create_task(self._make(image, most))

    async def _make(self, image: Image, most: float) -> None:
        await asyncio.sleep(_MAKE_AFTER_S)
        self.put(image, await asyncio.to_thread(reduced, image.voxels, image.modality == PET), most)

    def put(self, image: Image, copy: tuple[Any, Any], most: float) -> None:
        """Show this copy of a scan (of :func:`.reduced`)."""
        self._take_away()
        self._scan = SpaceScan(image, copy, most)
        self._coarseness = 1.0
        if self._scan_shown:
            self.view.renderer().AddVolume(self._scan.volume)
        self.painter.request()

    def show_findings(self, findings: Findings | None, current: str) -> None:
        """Show the surfaces of what is drawn of these findings; None for none. They are made when the view is drawn: a slider
        that brings many of them does not wait for it."""
        self._findings = findings, current
        if findings is None:
            self.lesions.show(None, "")
        self.painter.request()

    def show_scan(self, shown: bool) -> None:
        """Show the scan around the lesions, or the lesions alone."""
        self._scan_shown = shown
        if self._scan is not None:
            renderer = self.view.renderer()
            (renderer.AddVolume if shown else renderer.RemoveVolume)(self._scan.volume)
        self.painter.request()

    @property
    def scan_drawn(self) -> bool:
        """Whether a scan is drawn around the lesions."""
        return self._scan is not None and self._scan_shown

    def clear(self) -> None:
        """Nothing is loaded any more."""
        if self._making is not None:
            self._making.cancel()
            self._making = None
        self._take_away()
        self.painter.request()

    def _take_away(self) -> None:
        if self._scan is not None:
            self.view.renderer().RemoveVolume(self._scan.volume)
            self._scan.volume.ReleaseGraphicsResources(self.view.render_window())
            self._scan = None

    def look_from_front(self, image: Image) -> None:
        """All of the image, seen from the front."""
        corners = image.geometry.ras_from_ijk(
            np.array([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)])
            * (np.array(image.shape_kji[::-1]) - 1)
        )
        middle, extent = corners.mean(axis=0), np.ptp(corners, axis=0)
        camera_node = self.view.get_camera_node()
        if camera_node is None:
            return
        camera = camera_node.GetCamera()
        width, height = self.window.size if min(self.window.size) else (1, 1)
        high = max(extent[2], extent[0] * height / max(width, 1), 1.0) * _ROOM
        away = high / 2 / math.tan(math.radians(camera.GetViewAngle() / 2)) + extent[1] / 2
        camera.SetFocalPoint(*middle)
        camera.SetPosition(middle[0], middle[1] + away, middle[2])
        camera.SetViewUp(0.0, 0.0, 1.0)

    # What the hand does

    def on_event(self, event: Event) -> Any:
        kind = event.get("type")
        if kind == "size":
            if event.get("new"):
                self.painter.begin_anew()
            self.resize(float(event["w"]), float(event["h"]))
        elif kind == "shown":
            self.painter.arrived()
        elif kind in ("drag", "scroll", "zoom"):
            self._turns.prefer(self.painter)
            self._on_hand(str(kind), event)
        elif kind == "click":
            self.clicked(*self.sight(event["x"], event["y"]))

    def resize(self, width: float, height: float) -> None:
        """The page's element has this size now, in its pixels; nothing of it where it is hidden. A dense screen gets no denser
        picture."""
        self.painter.paused = width < 1 or height < 1
        if not self.painter.paused:
            self.window.resize(width, height, 1.0)
            self.painter.request()

    def sight(self, x: float, y: float) -> tuple[Point, Point]:
        """Where the line of sight through a place of the page begins, and another place on it, RAS mm."""
        column, row = self.window.xy(x, y)
        renderer = self.view.renderer()
        ends: list[Point] = []
        for depth in (0.0, 1.0):
            renderer.SetDisplayPoint(column, row, depth)
            renderer.DisplayToWorld()
            r, a, s, w = renderer.GetWorldPoint()
            ends.append((r / w, a / w, s / w))
        return ends[0], ends[1]

    def _on_hand(self, kind: str, event: Event) -> None:
        camera_node = self.view.get_camera_node()
        if camera_node is None:
            return
        camera = camera_node.GetCamera()
        x, y = float(event.get("dx", 0.0)), float(event.get("dy", 0.0))
        if kind == "scroll":
            self.view.zoom(1 - 0.9 ** float(event["steps"]))
        elif kind == "zoom":
            self.view.zoom(1 - 1 / max(float(event["by"]), 1e-3))
        elif event.get("with") == "pan":
            self._pan(camera, x, y)
        elif event.get("with") == "zoom":
            self.view.zoom(1 - math.exp(-y / _PER_E))
        else:
            camera.Azimuth(-x * _DEGREES_PER_PIXEL)
            camera.Elevation(y * _DEGREES_PER_PIXEL)
            camera.OrthogonalizeViewUp()
        self.painter.request()

    def _pan(self, camera: Any, x: float, y: float) -> None:
        """Move the camera so that what lies at its focus follows the hand."""
        eye, focus, up = (np.array(one) for one in (camera.GetPosition(), camera.GetFocalPoint(), camera.GetViewUp()))
        ahead = focus - eye
        high = 2 * np.linalg.norm(ahead) * math.tan(math.radians(camera.GetViewAngle() / 2))
        per_pixel = high / max(self.window.size[1] / self.window.scale, 1.0)
        right = np.cross(ahead, up)
        right = right / max(float(np.linalg.norm(right)), 1e-12)
        by = (-x * right + y * up / max(float(np.linalg.norm(up)), 1e-12)) * per_pixel
        camera.SetFocalPoint(*(focus + by))
        camera.SetPosition(*(eye + by))

    # Drawing

    def labels(self) -> list[dict[str, Any]]:
        """The findings' names, each where the page shall write it."""
        width, height = self.window.size
        camera = self.view.renderer().GetActiveCamera()
        matrix = camera.GetCompositeProjectionTransformMatrix(width / max(height, 1), -1.0, 1.0)
        to_view = np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])
        return space_labels(self._marks(), to_view, self.window.size, self.window.scale)

    def tell_notes(self) -> None:
        """Let the page write what is so now over the picture that it has."""
        self._link.send(self.name, {"labels": self.labels()})

    def _draw(self) -> Frame | None:
        if self.painter.paused:
            return None
        self.lesions.show(*self._findings)
        began = time.monotonic()
        if self._scan is not None:
            self._scan.set_coarseness(self._coarseness * (_COARSER_MOVING if self.painter.moving else 1.0))
        self.view.renderer().ResetCameraClippingRange()
        pixels = self.window.pixels()
        took = time.monotonic() - began
        if self.scan_drawn and not self.painter.moving:
            self._coarseness = min(max(self._coarseness * math.sqrt(took / _LONGEST_S), 1.0), _COARSEST)
        return Frame(pixels, {"labels": self.labels()})

    def _send(self, picture: bytes, notes: Mapping[str, Any]) -> None:
        self._link.send(self.name, notes, picture)


class _Requests(ScheduledRenderStrategy):  # type: ignore[misc]
    def __init__(self, painter: Painter) -> None:
        super().__init__()
        self._painter = painter

    def schedule_render(self) -> None:
        self._painter.request()
