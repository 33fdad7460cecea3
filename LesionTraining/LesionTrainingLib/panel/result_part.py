"""Section 4: how good a model is, its card, and what can be done with it."""

from __future__ import annotations

import re
from pathlib import Path

import slicer
from LesionDetectionLib.core.detector import method
from LesionDetectionLib.panel import ask, dependencies, icons
from LesionDetectionLib.panel.choices import chosen_in, fill
from LesionDetectionLib.panel.context import told
from LesionDetectionLib.panel.message_line import MessageLine
from slicer.i18n import tr as _

from ..session.chosen_result import ChosenResult, item_of
from ..session.plan import folder_name
from ..session.result_texts import cpm_texts, measured_text, measuring_warning, scans_text
from ..session.results import TrainingResult, export_zip
from .curves_view import CurvesView
from .data_part import DataPart
from .training_context import TrainingContext

DETECTION = "LesionDetection"
_CHANGED = "LesionTraining.Models"
"""Attribute of Lesion Detection's parameter node; another value tells it to look at the models anew."""


class ResultPart:
    """Args:
    context: of the panel.
    data: says what a model is measured on.
    curves: show its FROC curve.
    """

    def __init__(self, context: TrainingContext, data: DataPart, curves: CurvesView) -> None:
        self._context, self._data, self._curves, ui = context, data, curves, context.ui
        self._chosen = ChosenResult(context.session.run, lambda text: self.message.warn(text))
        self._shown_for = ("", "")
        self._announced = 0
        self.message = MessageLine(ui.resultMessageRow, ui.resultMessageIcon, ui.resultMessage)
        self.draw_again()
        self._slots = (
            (ui.modelComboBox, "currentIndexChanged(int)", self._on_model),
            (ui.useButton, "clicked(bool)", self._on_use),
            (ui.frocButton, "clicked(bool)", self._on_froc),
            (ui.exportButton, "clicked(bool)", self._on_export),
            (ui.measureButton, "clicked(bool)", self._on_measure),
            (ui.measureCancelButton, "clicked(bool)", self._on_measure_cancel),
        )
        for widget, signal, slot in self._slots:
            widget.connect(signal, slot)

    def close(self) -> None:
        for widget, signal, slot in self._slots:
            widget.disconnect(signal, slot)
        self.message.close()

    def draw_again(self) -> None:
        """The icon, in the colours of the theme."""
        self._context.ui.phantomWarningIcon.setPixmap(icons.picture("warning", 20))

    @property
    def result(self) -> TrainingResult | None:
        """Of the chosen model."""
        return self._chosen.result

    # -- showing ------------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        ui, chosen = self._context.ui, self._context.parameters
        items = self._chosen.items(self._context.shelf, self._context.method.id)
        wanted = fill(ui.modelComboBox, items, chosen.model)
        self._shown_for = (chosen.model, self._context.method.id)
        self._chosen.read(wanted)
        self._show()

    def refresh_choice(self) -> None:
        """Another model may have been chosen; the folder is not looked into."""
        chosen = self._context.parameters
        if (chosen.model, self._context.method.id) != self._shown_for:
            self.refresh()

    def show_trained(self) -> None:
        """A run has ended: show its last result, and tell Lesion Detection."""
        results = self._context.session.run.results
        if results:
            last = results[-1]
            self._context.parameters.model = item_of(last)
        self.announce()
        self.refresh()
        self._context.ui.resultSection.collapsed = False

    def show_measuring(self) -> None:
        """How far the measuring is."""
        ui, measuring = self._context.ui, self._context.session.measuring
        ui.measureCancelButton.setVisible(measuring.busy)
        ui.measureButton.setEnabled(not measuring.busy)
        if measuring.busy:
            text = measuring.text or _("Loading the model")
            self.message.plain(_("{text} ({percent} %)").format(text=text, percent=round(100 * measuring.fraction)))
        elif measuring.error is not None:
            self.message.warn(str(measuring.error))

    def announce(self) -> None:
        """Let an open Lesion Detection know that there are other models now; otherwise it looks when it is entered."""
        node = self._context.scene.GetSingletonNode(DETECTION, "vtkMRMLScriptedModuleNode")
        if node is not None:
            self._announced += 1
            node.SetAttribute(_CHANGED, str(self._announced))

    def _show(self) -> None:
        ui, result = self._context.ui, self._chosen.result
        there = result is not None
        for widget in (ui.cpmText, ui.measuredText, ui.cardBrowser, ui.resultRow, ui.measureRow):
            widget.setVisible(there)
        ui.phantomWarning.setVisible(result is not None and result.on_phantoms)
        ui.measureCancelButton.setVisible(self._context.session.measuring.busy)
        if result is None:
            self.message.plain(_("There is no model yet. Train one above."))
            return
        ui.cpmText.setText(_cpm_text(result))
        ui.measuredText.setText(measured_text(result))
        ui.phantomWarningText.setText(
            _(
                "<b>On computer-made phantoms only.</b> These figures show how the program works; they say nothing about patients."
            )
        )
        whole = result.path is not None
        ui.frocButton.setEnabled(bool(result.froc))
        for widget in (ui.useButton, ui.exportButton, ui.measureButton):
            widget.setEnabled(whole and not (widget == ui.measureButton and self._context.session.measuring.busy))
        if str(ui.cardBrowser.property("ofCard")) != result.card:
            ui.cardBrowser.setProperty("ofCard", result.card)
            ui.cardBrowser.setMarkdown(_for_panel(result.card))

    # -- what the person does -----------------------------------------------------------------------------------------

    def _on_model(self, _index: int) -> None:
        self.message.clear()
        self._context.parameters.model = chosen_in(self._context.ui.modelComboBox)

    def _on_froc(self, _checked: bool = False) -> None:
        result = self._chosen.result
        if result is None or not result.froc:
            return
        shown = [result]
        if result.path is None:  # of folds: each model's own curve beside the one of all
            shown = list(self._context.session.run.results)
        self._curves.show(self._curves.update_froc(shown))

    def _on_use(self, _checked: bool = False) -> None:
        result = self._chosen.result
        if result is None or result.path is None:
            return
        with told(self.message.warn):
            detection = slicer.util.getModuleWidget(DETECTION)
            chosen = detection.logic.getParameterNode()
            chosen.method = result.method
            chosen.model = str(result.path)
            self.announce()
            slicer.util.selectModule(DETECTION)

    def _on_export(self, _checked: bool = False) -> None:
        result = self._chosen.result
        if result is None or result.path is None:
            return
        suggestion = f"{folder_name(result.name) or 'model'}.zip"
        target: Path | None = ask.choose_new_file(_("Export the model"), _("Models (*.zip)"), suggestion)
        if target is not None:
            with told(self.message.warn):
                export_zip(result.path, target)
                self.message.note(_("Written: {path}").format(path=target))

    def _on_measure(self, _checked: bool = False) -> None:
        result = self._chosen.result
        if result is None or result.path is None:
            return
        self.message.clear()
        with told(self.message.warn):
            cohort = self._data.cohort()
            packages = method(result.method).packages
            if ask.confirm(measuring_warning(result.name), _("Measure the model?")) and dependencies.ensure(
                "train", packages
            ):
                chosen = self._context.parameters
                self._context.session.measure(result.path, cohort, chosen.device, chosen.workers, self._measured)

    def _on_measure_cancel(self, _checked: bool = False) -> None:
        self._context.session.measuring.cancel()
        self.show_measuring()
        self.message.note(_("Cancelled. The card stays as it was."))

    def _measured(self, result: TrainingResult) -> None:
        self._context.parameters.model = str(result.path)
        self.announce()
        self.refresh()
        self.message.note(_("The card has the new figures.") + " " + scans_text(result.scans))


def _cpm_text(result: TrainingResult) -> str:
    figure, bounds = cpm_texts(result)
    if result.cpm is None:
        return f'<span style="font-size:large">{figure}</span>'
    return f'<span style="font-size:x-large"><b>{figure}</b></span>' + (f"&nbsp; {bounds}" if bounds else "")


def _for_panel(markdown: str) -> str:
    """The card's headings are those of a page, too large in a panel; and its commands wrap as text does, as blocks do not."""
    smaller = re.sub(r"^(#{1,2}) ", r"##\1 ", markdown, flags=re.MULTILINE)
    return re.sub(r"^ {4}(\S.*)$", r"`\1`", smaller, flags=re.MULTILINE)
