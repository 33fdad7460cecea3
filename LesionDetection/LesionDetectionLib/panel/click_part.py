"""Section Click to measure: the mouse mode, what its clicks gave, undo and redo."""

from __future__ import annotations

from typing import Any

from slicer.i18n import tr as _

from LesionDetectionLib.app.worker.requests import MeasureRequest
from LesionDetectionLib.core.lesion import Point

from . import dependencies, icons
from .choices import chosen_in, fill
from .context import Context, quietly, told
from .message_line import MessageLine
from .place_mode import PlaceMode
from .shortcuts import on_key


class ClickPart:
    """Attributes:
    place: of the last click, RAS mm; None before the first.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self.place: Point | None = None
        self._waiting: Point | None = None
        self._mode = PlaceMode(context.scene, self.clicked, self._on_mode_ended)
        ui = context.ui
        self.message = MessageLine(ui.clickTextRow, ui.clickTextIcon, ui.clickText)
        self._connections = [
            (ui.clickButton, "toggled(bool)", self._on_toggled),
            (ui.undoButton, "clicked()", self._on_undo),
            (ui.redoButton, "clicked()", self._on_redo),
            (ui.measureOnComboBox, "activated(int)", self._on_measure_on),
        ]
        for widget, signal, slot in self._connections:
            widget.connect(signal, slot)
        self._keys = [
            on_key(ui.LesionDetection, "Ctrl+Z", self._on_undo),
            on_key(ui.LesionDetection, "Ctrl+Y", self._on_redo),
            on_key(ui.LesionDetection, "Ctrl+Shift+Z", self._on_redo),
        ]
        self.show_undo()
        self._hint()

    def close(self) -> None:
        self._mode.close()
        self.message.close()
        for widget, signal, slot in self._connections:
            widget.disconnect(signal, slot)

    def draw_again(self) -> None:
        ui = self._context.ui
        for button, name in ((ui.clickButton, "click"), (ui.undoButton, "undo"), (ui.redoButton, "redo")):
            button.setIcon(icons.icon(name))
        self.message.draw_again()

    def leave(self) -> None:
        """The person goes elsewhere: clicks are theirs again."""
        self._mode.end()

    def scene_closed(self) -> None:
        self.leave()
        self.place = self._waiting = None

    def refresh(self) -> None:
        ui, volumes = self._context.ui, self._context.volumes
        both = [("CT", _("CT")), ("PT", _("PET"))]
        fill(ui.measureOnComboBox, both, self._context.parameters.measureOn)
        ui.measureOnRow.setVisible(len(volumes) > 1)
        ui.clickButton.setEnabled(bool(volumes))
        ui.clickButton.toolTip = (
            _("Then click on lesions in the slice views; Escape ends it.")
            if volumes
            else _("Choose a CT or PET first.")
        )
        if not volumes:
            self._mode.end()

    @property
    def volume(self) -> Any | None:
        """In which a click measures."""
        volumes = self._context.volumes
        return volumes.get(self._context.parameters.measureOn) or next(iter(volumes.values()), None)

    def clicked(self, point_ras_mm: Point) -> None:
        """What a click at this place does: measure, correct, or select."""
        session = self._context.session
        self.place = point_ras_mm
        if session.busy and isinstance(session.job.request, MeasureRequest):  # type: ignore[union-attr]
            self._waiting = point_ras_mm  # the last of several quick clicks is done when the first one is
            return
        with told(self.message.warn):
            if dependencies.ensure("measure"):
                job = session.measure(self.volume, point_ras_mm)
                if job is None:
                    self.message.note(
                        _("{name} is chosen; click near its outline to correct it.").format(name=session.current)
                    )

    def show_job(self) -> None:
        session = self._context.session
        job = session.job
        if job is None or not isinstance(job.request, MeasureRequest):
            return
        if not job.finished:
            self.message.plain(_("Measuring; Escape stops it."))
        elif job.state == "failed":
            self.message.warn(session.message, job.details)
        elif job.state == "cancelled":
            self._hint()
        elif session.message:
            self.message.note(session.message)
        else:
            self._hint()
        if job.finished and self._waiting is not None:
            point, self._waiting = self._waiting, None
            if job.state == "done":
                self.clicked(point)

    def show_undo(self) -> None:
        ui, session = self._context.ui, self._context.session
        ui.undoButton.setEnabled(bool(session.undo_text))
        ui.redoButton.setEnabled(bool(session.redo_text))
        undo, redo = _("Undo: {what} (Ctrl+Z)"), _("Redo: {what} (Ctrl+Y)")
        ui.undoButton.toolTip = (
            undo.format(what=session.undo_text) if session.undo_text else _("Nothing to undo (Ctrl+Z)")
        )
        ui.redoButton.toolTip = (
            redo.format(what=session.redo_text) if session.redo_text else _("Nothing to redo (Ctrl+Y)")
        )

    def _hint(self) -> None:
        if self._mode.active:
            self.message.plain(
                _(
                    "Click inside a lesion. Click near its outline to move the border there, elsewhere for the next lesion."
                )
            )
        else:
            self.message.clear()

    def _on_toggled(self, on: bool) -> None:
        with told(self.message.warn):
            if on:
                self._mode.start()
                self._hint()
            else:
                self._mode.end()

    def _on_mode_ended(self) -> None:
        session = self._context.session
        self._waiting = None
        if session.busy and isinstance(session.job.request, MeasureRequest):  # type: ignore[union-attr]
            session.cancel()
        with quietly(self._context.ui.clickButton):
            self._context.ui.clickButton.setChecked(False)
        self._hint()

    def _on_undo(self) -> None:
        with told(self.message.warn):
            self._context.session.undo()

    def _on_redo(self) -> None:
        with told(self.message.warn):
            self._context.session.redo()

    def _on_measure_on(self, _index: int) -> None:
        self._context.parameters.measureOn = chosen_in(self._context.ui.measureOnComboBox)
