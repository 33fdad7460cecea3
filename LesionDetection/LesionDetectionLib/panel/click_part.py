"""Section Click to measure: the mouse mode, what its clicks gave, undo and redo."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from slicer.i18n import tr as _

from LesionDetectionLib.app.focus_request import FocusRequest
from LesionDetectionLib.app.scene_views.projections import Projections
from LesionDetectionLib.app.worker.requests import MeasureRequest
from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.core.lesion import Point

from . import dependencies, icons
from .choices import chosen_in, fill
from .context import Context, quietly, told
from .message_line import MessageLine
from .place_mode import PlaceMode
from .shortcuts import on_key

_CLICKS = (MeasureRequest, FocusRequest)
"""What a click can ask for."""
_BORDER, _FOCUS, _NEW_FOCUS = "border", "focus", "new focus"
"""What a click in a PET does."""


class ClickPart:
    """Attributes:
    place: of the last click, RAS mm; None before the first.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self.place: Point | None = None
        self._waiting: tuple[Point, str] | None = None
        self._projections = Projections(context.scene, context.views)
        self._mode = PlaceMode(context.scene, self.clicked, self._on_mode_ended)
        ui = context.ui
        self.message = MessageLine(ui.clickTextRow, ui.clickTextIcon, ui.clickText)
        self._connections = [
            (ui.clickButton, "toggled(bool)", self._on_toggled),
            (ui.undoButton, "clicked()", self._on_undo),
            (ui.redoButton, "clicked()", self._on_redo),
            (ui.measureOnComboBox, "activated(int)", self._on_measure_on),
            (ui.petClickComboBox, "activated(int)", self._on_pet_click),
            (ui.projectionsCheckBox, "toggled(bool)", self._on_projections),
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
        self._projections.end()
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
        """The person goes elsewhere: clicks and views are theirs again."""
        self._mode.end()
        self._end_projections()

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
        self._show_pet_row()

    @property
    def volume(self) -> Any | None:
        """In which a click measures."""
        volumes = self._context.volumes
        return volumes.get(self._context.parameters.measureOn) or next(iter(volumes.values()), None)

    @property
    def _on_pet(self) -> bool:
        """Whether a click measures in a PET."""
        return self.volume is not None and self.volume is self._context.volumes.get("PT")

    @property
    def _does(self) -> str:
        """What a click does."""
        return str(self._context.parameters.petClick) if self._on_pet else _BORDER

    def clicked(self, point_ras_mm: Point) -> None:
        """What a click at this place does: measure, correct, move, or select."""
        self._click(point_ras_mm, self._projections.clicked_through(point_ras_mm))

    def _click(self, point_ras_mm: Point, through: str) -> None:
        """
        Args:
            through: the projection that was clicked, as in :class:`.FocusRequest`; empty for none.
        """
        session, focus = self._context.session, self._does != _BORDER
        if session.busy and isinstance(session.job.request, _CLICKS):  # type: ignore[union-attr]
            self._waiting = point_ras_mm, through  # the last of several quick clicks is done when the first one is
            return
        with told(self.message.warn):
            if through and not focus:
                raise UsageError(
                    _("A projection has no depth to outline a border in. Let a click take the uptake at the focus.")
                )
            if not through:
                self.place = point_ras_mm
            if not dependencies.ensure("measure"):
                return
            if focus:
                job = session.focus(self.volume, point_ras_mm, through, add=self._does == _NEW_FOCUS)
                chosen = _("{name} is chosen.")
            else:
                job = session.measure(self.volume, point_ras_mm)
                chosen = _("{name} is chosen; click near its outline to correct it.")
            if job is None:
                self.message.note(chosen.format(name=session.current))

    def show_job(self) -> None:
        session = self._context.session
        job = session.job
        if job is None or not isinstance(job.request, _CLICKS):
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
        if job.state == "done" and isinstance(job.request, FocusRequest) and job.request.through:
            self._go_to_focus()
        if job.finished and self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            if job.state == "done":
                self._click(*waiting)

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
        if not self._mode.active:
            self.message.clear()
        elif self._does == _FOCUS:
            self.message.plain(_("Click on uptake: the chosen finding moves there. Undo brings it back."))
        elif self._does == _NEW_FOCUS:
            self.message.plain(_("Click on uptake: it becomes a new finding."))
        else:
            self.message.plain(
                _(
                    "Click inside a lesion. Click near its outline to move the border there, elsewhere for the next lesion."
                )
            )

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
        if session.busy and isinstance(session.job.request, _CLICKS):  # type: ignore[union-attr]
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

    # In a PET

    def _show_pet_row(self) -> None:
        """Offer what a click in a PET can do, only where it is one; projections of another volume, or of none, end."""
        ui, on_pet = self._context.ui, self._on_pet
        fill(ui.petClickComboBox, _ways(), self._context.parameters.petClick)
        ui.petClickRow.setVisible(on_pet)
        ui.projectionsCheckBox.setVisible(on_pet)
        if not self._projections.shown:
            return
        if on_pet and self._projections.volume is self.volume:
            self._projections.show_again()
        else:
            self._end_projections()

    def _on_pet_click(self, _index: int) -> None:
        self._context.parameters.petClick = chosen_in(self._context.ui.petClickComboBox)
        self._hint()

    def _on_projections(self, on: bool) -> None:
        with told(self.message.warn):
            if not on:
                self._end_projections()
            elif not self._projections.show(self.volume):
                self._end_projections()
                raise UsageError(
                    _("No coronal or sagittal slice view is there. Choose a layout with one, such as Four-Up.")
                )
            elif self._does == _BORDER:
                # A border cannot be outlined where there is no depth.
                self._context.parameters.petClick = _FOCUS
                self._hint()

    def _end_projections(self) -> None:
        if self._projections.shown:
            self._projections.end()
            self._context.foreground.show_again()
        with quietly(self._context.ui.projectionsCheckBox):
            self._context.ui.projectionsCheckBox.setChecked(False)

    def _go_to_focus(self) -> None:
        """Let the views show the depth that a click on a projection does not tell."""
        session = self._context.session
        if session.findings is not None and session.current:
            item = session.findings.get(session.current)
            self.place = item.seed_ras_mm or item.lesion.center_ras_mm
            self._projections.go_to(self.place)


def _ways() -> Sequence[tuple[str, str]]:
    return (
        (_BORDER, _("Outlines by its border")),
        (_FOCUS, _("Moves the finding to the uptake (40 %)")),
        (_NEW_FOCUS, _("Adds the uptake (40 %)")),
    )
