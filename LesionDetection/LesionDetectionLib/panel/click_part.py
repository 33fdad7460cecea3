"""Section Click to measure: the mouse mode, what its clicks gave, undo and redo."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from LesionDetectionLib.app.scene_views.projections import Projections
from LesionDetectionLib.app.session.clicking import Clicking, measure_on_ways, pet_ways, redo_tip, undo_tip
from LesionDetectionLib.core.lesion import Point

from . import dependencies, icons
from .choices import chosen_in, fill
from .context import Context, quietly, told
from .message_line import MessageLine
from .place_mode import PlaceMode
from .shortcuts import on_key


class ClickPart:
    def __init__(self, context: Context) -> None:
        self._context = context
        ui = context.ui
        self.message = MessageLine(ui.clickTextRow, ui.clickTextIcon, ui.clickText)
        self._clicking = Clicking(
            context.session,
            _Chosen(context),
            Projections(context.scene, context.views),
            context.foreground,
            self.message,
            partial(dependencies.ensure, "measure"),
        )
        self._mode = PlaceMode(context.scene, self.clicked, self._on_mode_ended)
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
        self._clicking.hint()

    def close(self) -> None:
        self._clicking.projections.end()
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
        self._clicking.end_projections()
        self._show_projections()

    def scene_closed(self) -> None:
        self.leave()
        self._clicking.forget()

    def refresh(self) -> None:
        ui, volumes, chosen = self._context.ui, self._context.volumes, self._context.parameters
        fill(ui.measureOnComboBox, measure_on_ways(), chosen.measureOn)
        ui.measureOnRow.setVisible(len(volumes) > 1)
        ui.clickButton.setEnabled(bool(volumes))
        ui.clickButton.toolTip = self._clicking.tip
        if not volumes:
            self._mode.end()
        fill(ui.petClickComboBox, pet_ways(), chosen.petClick)
        for widget in (ui.petClickRow, ui.projectionsCheckBox):
            widget.setVisible(self._clicking.on_pet)
        self._clicking.refresh()
        self._show_projections()

    def show_undo(self) -> None:
        ui, session = self._context.ui, self._context.session
        ui.undoButton.setEnabled(bool(session.undo_text))
        ui.redoButton.setEnabled(bool(session.redo_text))
        ui.undoButton.toolTip, ui.redoButton.toolTip = undo_tip(session.undo_text), redo_tip(session.redo_text)

    def show_job(self) -> None:
        self._clicking.show_job()

    def _show_projections(self) -> None:
        """Whether they are shown."""
        box = self._context.ui.projectionsCheckBox
        with quietly(box):
            box.setChecked(self._clicking.projections.shown)

    @property
    def place(self) -> Point | None:
        """Of the last click, RAS mm; None before the first."""
        return self._clicking.place

    @property
    def volume(self) -> Any | None:
        """In which a click measures."""
        return self._clicking.volume

    # What is done

    def clicked(self, point_ras_mm: Point) -> None:
        """See :meth:`.Clicking.clicked`."""
        with told(self.message.warn):
            self._clicking.clicked(point_ras_mm)

    def _on_toggled(self, on: bool) -> None:
        with told(self.message.warn):
            if on:
                self._mode.start()
                self._clicking.begin()
            else:
                self._mode.end()

    def _on_mode_ended(self) -> None:
        with quietly(self._context.ui.clickButton):
            self._context.ui.clickButton.setChecked(False)
        self._clicking.end()

    def _on_undo(self) -> None:
        with told(self.message.warn):
            self._context.session.undo()

    def _on_redo(self) -> None:
        with told(self.message.warn):
            self._context.session.redo()

    def _on_measure_on(self, _index: int) -> None:
        self._context.parameters.measureOn = chosen_in(self._context.ui.measureOnComboBox)

    def _on_pet_click(self, _index: int) -> None:
        self._context.parameters.petClick = chosen_in(self._context.ui.petClickComboBox)
        self._clicking.hint()

    def _on_projections(self, on: bool) -> None:
        with told(self.message.warn):
            if on:
                self._clicking.show_projections()
            else:
                self._clicking.end_projections()
        self._show_projections()


class _Chosen:
    """The panel's choices, as :class:`.ClickChoices`."""

    def __init__(self, context: Context) -> None:
        self._context = context

    @property
    def volumes(self) -> Mapping[str, Any]:
        return self._context.volumes

    @property
    def measure_on(self) -> str:
        return str(self._context.parameters.measureOn)

    @property
    def pet_click(self) -> str:
        return str(self._context.parameters.petClick)

    @pet_click.setter
    def pet_click(self, value: str) -> None:
        self._context.parameters.petClick = value
