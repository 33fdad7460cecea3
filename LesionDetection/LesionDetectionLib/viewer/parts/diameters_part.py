"""A lesion outlined from its two diameters, each drawn with the mouse in an axial slice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from trame.widgets import html
from trame.widgets import vuetify3 as v3

from LesionDetectionLib.app.recist_request import RecistRequest
from LesionDetectionLib.app.session.clicking import Clicking
from LesionDetectionLib.app.session.session import JOB
from LesionDetectionLib.core.errors import LesionDetectionError
from LesionDetectionLib.core.lesion import Point

from ..context import Context
from ..marked import marked
from ..message_line import MessageLine
from ..views.factory import AXIAL
from ..views.slice_area import SliceArea
from .part import Part

_FIRST = "Draw the longest diameter of the lesion: press at one end, drag to the other."
_SECOND = "Now the longest diameter across it, in the same slice."
_TIP = "Draw the two diameters of a lesion in an axial slice: it is outlined from them (D); Escape ends it."


class DiametersPart(Part):
    """Args:
    clicking: knows in which of two volumes is measured.
    message: where it is said what to do, and what came of it.
    begins: called when drawing begins: clicks are measured no longer.

    Attributes:
        active: whether dragging in a slice draws.
    """

    def __init__(self, context: Context, clicking: Clicking, message: MessageLine, begins: Callable[[], None]) -> None:
        super().__init__(context)
        self._clicking, self.message, self._begins = clicking, message, begins
        self._lines: list[Any] = []
        self.active = False
        context.state.drawing = False
        context.stage.drawn = self._on_drawn

    def build(self) -> None:
        with v3.VBtn(
            click=self.toggle,
            id="diameters-button",
            title=_TIP,
            disabled=("!click_possible",),
            active=("drawing",),
            color=("drawing ? 'primary' : undefined",),
            size="small",
            variant="text",
            classes="tool",
            raw_attrs=marked(label="Two diameters", aria_pressed="drawing"),
        ):
            v3.VIcon("mdi-ruler", start=True)
            html.Span("Two diameters", classes="tool-text")

    def refresh(self) -> None:
        if not self.context.choices.volumes and self.active:
            self.end()

    def on_session(self, change: str) -> None:
        session = self.context.session
        job = session.job
        if change != JOB or job is None or not isinstance(job.request, RecistRequest):
            return
        if not job.finished:
            self.message.plain(job.text or "Outlining")
            return
        self._forget_lines()
        if job.state == "failed":
            self.message.warn(session.message, job.details)
        elif job.state == "cancelled":
            self.message.note("Cancelled. Nothing was added.")
        else:
            self.message.note(session.message)

    def key(self, name: str) -> bool:
        if name == "D" and self.context.choices.volumes:
            self.toggle()
            return True
        if name == "Escape" and self.active:
            self.end()
            return True
        return False

    def scene_closed(self) -> None:
        self.end()

    def close(self) -> None:
        self.context.stage.drawn = lambda _area, _ends: None

    def toggle(self) -> None:
        """Dragging draws from here on, or no longer."""
        if self.active:
            self.end()
            return
        self._begins()
        self.active = self.context.state.drawing = True
        self.message.plain(_FIRST)

    def end(self) -> None:
        """Dragging changes brightness and contrast again; an outline that is being made is not made."""
        if self.active:
            self.active = self.context.state.drawing = False
            self.message.clear()
        job = self.context.session.job
        if job is not None and not job.finished and isinstance(job.request, RecistRequest):
            self.context.session.cancel()
        self._forget_lines()

    def _on_drawn(self, area: SliceArea, ends_ras_mm: tuple[Point, Point]) -> None:
        if not self.active or self.context.session.busy:
            return
        if area.name != AXIAL:
            self.message.warn("Diameters are drawn in the axial view.")
            return
        scene = self.context.scene
        line = scene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", f"Diameter {len(self._lines) + 1}")
        line.CreateDefaultDisplayNodes()
        for point in ends_ras_mm:
            line.AddControlPoint(list(point))
        self._lines.append(line)
        self.context.stage.show_markups()
        if len(self._lines) < 2:
            self.message.plain(_SECOND)
            return
        with self.context.told():
            try:
                self.context.session.outline(self._clicking.volume, self._lines)
            except LesionDetectionError as error:
                self._forget_lines()
                self.message.warn(str(error))

    def _forget_lines(self) -> None:
        """The result has its own."""
        for line in self._lines:
            if line.GetScene() is not None:
                self.context.scene.RemoveNode(line)
        self._lines = []
        self.context.stage.show_markups()
