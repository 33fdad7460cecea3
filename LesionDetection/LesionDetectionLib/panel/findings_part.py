"""Section Findings: which result, how many of it, the table, and what a person does with findings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from slicer.i18n import tr as _

from LesionDetectionLib.app.finding_texts import (
    MEANINGS,
    about_controls,
    about_finding,
    about_threshold,
    neighbour,
)
from LesionDetectionLib.app.operating_scale import BY_CONTROLS, BY_SCORE, moved_by
from LesionDetectionLib.app.scene_views.going import go_to
from LesionDetectionLib.app.session.result_set import ResultSet
from LesionDetectionLib.app.threshold_text import score_of
from LesionDetectionLib.core.detector import Score
from LesionDetectionLib.core.finding import Findings

from . import icons
from .choices import fill
from .context import Context, quietly, told
from .controls_view import ControlsView
from .findings_table import FindingsTable
from .map_view import MapView
from .message_line import MessageLine
from .operating_slider import OperatingSlider
from .shortcuts import on_key

_NO_MEANING = ""
_ICONS = ("previous", "next", "accept", "reject", "undecided", "merge", "delete")


class FindingsPart:
    def __init__(self, context: Context) -> None:
        self._context = context
        ui = context.ui
        self.table = FindingsTable(ui.findingsTable, self._on_chosen, self.go_to)
        self.slider = OperatingSlider(ui.operatingSlider, self._on_threshold)
        self.controls = ControlsView(ui, self._on_controls)
        self.map = MapView(context)
        self._warning = MessageLine(ui.resultWarningRow, ui.resultWarningIcon, ui.resultWarning)
        ui.findingsEmptyText.setText(_("Nothing yet. Press Detect, or measure a lesion by click."))
        meanings = [(_NO_MEANING, _("Relabel")), *((code.value, _(code.meaning)) for code in MEANINGS)]
        fill(ui.meaningComboBox, meanings, _NO_MEANING)
        session = context.session
        actions: tuple[tuple[str, tuple[str, ...], Callable[[], object]], ...] = (
            ("previousButton", ("P", "Ctrl+Up"), lambda: self.step(-1)),
            ("nextButton", ("N", "Ctrl+Down"), lambda: self.step(1)),
            ("goToButton", ("G",), self.go_to),
            ("acceptButton", ("A",), lambda: session.accept(self.table.chosen)),
            ("rejectButton", ("R",), lambda: session.reject(self.table.chosen)),
            ("undecidedButton", ("U",), lambda: session.undecide(self.table.chosen)),
            ("mergeButton", ("M",), lambda: session.merge(self.table.chosen)),
            ("deleteButton", ("Del",), lambda: session.delete(self.table.chosen)),
        )
        self._connections: list[tuple[Any, str, Callable[..., None]]] = [
            (ui.resultsComboBox, "activated(int)", self._on_result),
            (ui.meaningComboBox, "activated(int)", self._on_meaning),
        ]
        self._keys = []
        for button, keys, action in actions:
            slot = _telling(action)
            self._connections.append((getattr(ui, button), "clicked()", slot))
            # A key presses its button, so that it does nothing where that is disabled.
            self._keys += [on_key(ui.findingsBox, key, getattr(ui, button).click) for key in keys]
        for widget, signal, slot in self._connections:
            widget.connect(signal, slot)
        self._results: list[ResultSet] = []
        self._active: ResultSet | None = None
        self._looked_at: tuple[str, tuple[str, ...]] = ("", ())

    def close(self) -> None:
        self._warning.close()
        self.table.close()
        self.slider.close()
        self.controls.close()
        self.map.close()
        for widget, signal, slot in self._connections:
            widget.disconnect(signal, slot)

    # What is shown

    def draw_again(self) -> None:
        ui = self._context.ui
        for name in _ICONS:
            getattr(ui, f"{name}Button").setIcon(icons.icon(name))
        ui.goToButton.setIcon(icons.icon("show"))
        self._warning.draw_again()
        self.table.draw_again()

    def refresh(self) -> None:
        """Show all of the active result anew."""
        self.show_results()
        self.show_findings()

    def show_results(self) -> None:
        """The results that there are, and which is looked at."""
        ui, session = self._context.ui, self._context.session
        self._results = list(session.results_in_scene())
        active = session.results
        if active is not self._active:
            self._active, self._looked_at = active, ("", ())  # its findings have the same names
        names = [(str(number), result.title) for number, result in enumerate(self._results)]
        at = next((str(n) for n, result in enumerate(self._results) if result is active), "")
        fill(ui.resultsComboBox, names, at)
        ui.resultsRow.setVisible(len(names) > 1)
        ui.findingsEmptyText.setVisible(active is None)
        ui.findingsBox.setVisible(active is not None)
        warnings = list(active.findings.run.warnings) if active else []
        self._warning.warn("\n".join(warnings)) if warnings else self._warning.clear()
        self.map.show()

    def show_findings(self) -> None:
        """The findings of the active result, and how many of them."""
        findings, chosen = self._context.session.findings, self._context.parameters
        score = Score() if findings is None else score_of(findings.run)
        self.table.show(findings, rejected=chosen is not None and chosen.rejectedShown, score=score)
        self._show_thresholds(findings, score)
        self.show_current()

    def _show_thresholds(self, findings: Findings | None, score: Score) -> None:
        """By the result's own controls, where it has some; else by its score."""
        ui, session = self._context.ui, self._context.session
        by = moved_by(findings)
        for widget in (ui.operatingRow, ui.operatingText):
            widget.setVisible(by == BY_SCORE)
        if findings is None or session.results is None or by != BY_CONTROLS:
            self.controls.show((), (), "")
        else:
            self.controls.show(session.controls, session.results.first_control_values, about_controls(findings))
        if findings is not None and by == BY_SCORE:
            curve, model = session.curve, self._context.model_of(findings)
            self.slider.show(findings, curve)
            on_phantoms = model is not None and model.on_phantoms
            ui.operatingText.setText(about_threshold(findings, curve, on_phantoms, score))

    def show_current(self) -> None:
        """The finding that is looked at, in the table and in words."""
        session, ui = self._context.session, self._context.ui
        if session.current and session.current not in self.table.chosen:
            self.table.choose([session.current])
        if not session.current and self.table.chosen:
            self.table.choose([])
        if session.current in self.table.shown:
            self._looked_at = session.current, self.table.shown
        findings = session.findings
        text = "" if findings is None or not session.current else about_finding(findings.get(session.current), findings)
        ui.findingText.setText(text)
        ui.findingText.setVisible(bool(text))
        self._enable()

    def _enable(self) -> None:
        ui, count = self._context.ui, len(self.table.chosen)
        for name in ("goTo", "accept", "reject", "undecided", "delete"):
            getattr(ui, f"{name}Button").setEnabled(count > 0)
        ui.meaningComboBox.setEnabled(count > 0)
        ui.mergeButton.setEnabled(count > 1)
        for name in ("previous", "next"):
            getattr(ui, f"{name}Button").setEnabled(bool(self.table.shown))

    # What is done

    def go_to(self) -> None:
        """Centre the views on the current finding."""
        session = self._context.session
        if session.findings is not None and session.results is not None and session.current:
            with told():
                center = session.findings.get(session.current).lesion.center_ras_mm
                go_to(self._context.views, center, session.results.volume_node)

    def step(self, by: int) -> None:
        """Look at the next or previous row's finding, the first after the last, and go there."""
        session = self._context.session
        there = neighbour(self.table.shown, session.current, by, *self._looked_at)
        if not there:
            return
        session.select(there)
        self.table.choose([session.current])
        self.go_to()

    def _on_chosen(self) -> None:
        with told():
            chosen, session = self.table.chosen, self._context.session
            if session.results is not None and session.current not in chosen:
                session.select(chosen[0] if chosen else "")
            self._enable()

    def _on_threshold(self, threshold: float) -> None:
        with told():
            self._context.session.set_threshold(threshold)

    def _on_controls(self, values: tuple[float, ...]) -> None:
        with told():
            self._context.session.set_control_values(values)

    def _on_result(self, index: int) -> None:
        with told():
            self._context.session.activate(self._results[index])

    def _on_meaning(self, index: int) -> None:
        with quietly(self._context.ui.meaningComboBox):
            self._context.ui.meaningComboBox.setCurrentIndex(0)
        if index > 0:
            with told():
                self._context.session.relabel(self.table.chosen, MEANINGS[index - 1])


def _telling(action: Callable[[], object]) -> Callable[[], None]:
    def slot() -> None:
        with told():
            action()

    return slot
