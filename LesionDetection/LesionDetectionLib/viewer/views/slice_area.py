"""A slice view in the page: what is drawn, what is written over it, what the hand does there."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from LesionDetectionLib.app.region import Box
from LesionDetectionLib.core.lesion import Point

from . import slice_moves as moves
from .box import slice_box
from .link import Event, ViewLink
from .marks import Mark, slice_labels, slice_lines
from .markups import Markup, slice_markups
from .notes import cross, slice_notes
from .pace import Pace
from .painter import Frame, Painter, Turns
from .schedule import follow
from .window import Window


class Hand(Protocol):
    """What is done with what a person points at."""

    @property
    def crosshair_ras_mm(self) -> Point | None:
        """Where the crosshair is; None where it is hidden."""
        ...

    @property
    def shown_marks(self) -> Sequence[Mark]:
        """The findings that are drawn."""
        ...

    @property
    def shown_markups(self) -> Sequence[Markup]:
        """What else was drawn in the scene."""
        ...

    def on_click(self, area: SliceArea, point_ras_mm: Point) -> None: ...

    def on_line(self, area: SliceArea, ends_ras_mm: tuple[Point, Point]) -> None:
        """Somebody drew a line."""
        ...

    def on_follow(self, area: SliceArea, point_ras_mm: Point) -> None:
        """The mouse moved with the shift key held."""
        ...

    def on_window(self) -> None:
        """Somebody dragged the window of the image."""
        ...

    @property
    def box_ras_mm(self) -> Box | None:
        """The box that is searched; None for none."""
        ...

    def on_box(self, area: SliceArea, handle: str, point_ras_mm: Point) -> None:
        """Somebody dragged a handle of that box."""
        ...

    def describe(self, point_ras_mm: Point) -> str:
        """What is there, in a line."""
        ...


class SliceArea:
    """Attributes:
    name: of its element: ``Red``, ``Green``, ``Yellow``.
    node, composite, logic: of the view, as Slicer has them.
    painter: draws it.
    fitted: the whole slice is shown, and stays so when the page changes its size.
    """

    def __init__(self, name: str, view: Any, logic: Any, link: ViewLink, turns: Turns, hand: Hand) -> None:
        self.name, self.view, self.logic = name, view, logic
        self.node, self.composite = view.get_view_node(), logic.GetSliceCompositeNode()
        self.window = Window(view.render_window())
        self.painter = Painter(self._draw, self._send, turns)
        self.painter.paused = True
        self.fitted = True
        self._pace, self._moved = Pace(), False
        self._link, self._turns, self._hand = link, turns, hand
        follow(view, logic, self.painter)
        link.add(self)

    def fit(self) -> None:
        """Show the whole of the background volume; the slice stays."""
        offset = self.logic.GetSliceOffset()
        self.logic.FitSliceToBackground()
        moves.set_offset(self.logic, offset)
        self.fitted = True

    def fit_middle(self) -> None:
        """Show the whole of the background volume, the middle slice of it."""
        self.logic.FitSliceToBackground()
        self.logic.SnapSliceOffsetToIJK()
        moves.scroll(self.logic, 0)
        self.fitted = True

    def resize(self, width: float, height: float, ratio: float) -> None:
        """The page's element has this size now, in its pixels; nothing of it where it is hidden."""
        self.painter.paused = width < 1 or height < 1
        if self.painter.paused:
            return
        if self.window.resize(width, height, ratio):
            self.logic.ResizeSliceNode(*self.window.size)
            if self.fitted:
                self.fit()
        self.painter.request()

    def tell_notes(self) -> None:
        """Let the page write what is so now over the picture that it has."""
        self._link.send(self.name, self.notes())

    def notes(self) -> dict[str, Any]:
        notes = slice_notes(self.node, self.logic)
        marks = self._hand.shown_marks
        notes["labels"] = slice_labels(marks, self.node, self.window.place)
        notes["lines"] = slice_lines(marks, self.node, notes.get("step", 0.0), self.window.place)
        lines, names = slice_markups(self._hand.shown_markups, self.node, notes.get("step", 0.0), self.window.place)
        notes["labels"], notes["lines"] = notes["labels"] + names, notes["lines"] + lines
        notes["box"] = slice_box(self._hand.box_ras_mm, self.node, self.window.place)
        notes["cross"] = cross(self.node, self._hand.crosshair_ras_mm, self.window.place)
        return notes

    def point_at(self, x: float, y: float) -> Point:
        """The place under a pixel of the page, RAS mm."""
        return moves.ras_of(self.node, self.window.xy(x, y))

    # What the hand does

    def on_event(self, event: Event) -> Any:
        kind = event.get("type")
        if kind == "size":
            if event.get("new"):
                self.painter.begin_anew()
            self.resize(float(event["w"]), float(event["h"]), float(event.get("ratio", 1.0)))
        elif kind == "shown":
            self.painter.arrived()
        elif self.logic.GetBackgroundLayer().GetVolumeNode() is None:
            return None
        elif kind == "hover":
            return self._on_hover(event)
        else:
            self._turns.prefer(self.painter)
            self._on_hand(kind, event)
        return None

    def _on_hover(self, event: Event) -> str:
        point = self.point_at(event["x"], event["y"])
        if event.get("shift"):
            self._hand.on_follow(self, point)
        return self._hand.describe(point)

    def _on_hand(self, kind: Any, event: Event) -> None:
        if kind == "scroll" and not self.node.GetSlabReconstructionEnabled():
            moves.scroll(self.logic, round(event["steps"]))
        elif kind == "slice":
            moves.set_offset(self.logic, float(event["value"]))
        elif kind == "zoom":
            moves.zoom(self.node, float(event["by"]), self.window.xy(event["x"], event["y"]))
            self.fitted = False
        elif kind == "drag":
            self._on_drag(event)
        elif kind == "box":
            self._hand.on_box(self, str(event.get("handle")), self.point_at(event["x"], event["y"]))
        elif kind == "line":
            ends = self.point_at(event["x"], event["y"]), self.point_at(event["x2"], event["y2"])
            self._hand.on_line(self, ends)
        elif kind == "click":
            self._hand.on_click(self, self.point_at(event["x"], event["y"]))

    def _on_drag(self, event: Event) -> None:
        x, y, scale = float(event["dx"]), float(event["dy"]), self.window.scale
        if event.get("with") == "window":
            display = self.logic.GetBackgroundLayer().GetVolumeNode().GetScalarVolumeDisplayNode()
            if display is not None:
                moves.drag_window(display, x, y)
                self._hand.on_window()
            return
        if event.get("with") == "pan":
            moves.pan(self.node, x * scale, -y * scale)
        elif event.get("with") == "zoom":
            moves.drag_zoom(self.node, y, self.window.xy(event["x"], event["y"]))
        self.fitted = False

    # Drawing

    def _draw(self) -> Frame | None:
        if self.painter.paused:
            return None
        moves = self.painter.moving
        if moves and not self._moved:
            self._pace.begin()
        self._moved = moves
        share = self._pace.share if moves else 1.0
        if self.window.draw_share(share):
            shown = self.node.GetFieldOfView()
            self.logic.ResizeSliceNode(*self.window.size)
            self.node.SetFieldOfView(*shown)
        began = time.monotonic()
        pixels = self.window.pixels()
        self._pace.took(time.monotonic() - began, share)
        return Frame(pixels, self.notes())

    def _send(self, picture: bytes, notes: Mapping[str, Any]) -> None:
        self._link.send(self.name, notes, picture)
