"""Section Result: how good a model is, its card, and what can be done with it."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from LesionDetectionLib.app import packages
from LesionDetectionLib.core.detector import method
from trame.widgets import client, html
from trame.widgets import vuetify3 as v3

from ..session.chosen_result import ChosenResult, item_of
from ..session.plan import folder_name
from ..session.result_texts import (
    cpm_texts,
    few_scans_text,
    measured_text,
    measuring_warning,
    scans_text,
)
from ..session.results import TrainingResult, export_zip
from ..session.training_session import MEASURE, RUN
from .card import card_html
from .chart_box import chart_box
from .charts import EMPTY, froc_chart
from .data_section import DataSection
from .question import Answer
from .section import WARNING, Section, select
from .training_context import TrainingContext

_FETCH = "training_fetch"
"""What has the browser save what is at an address."""
_CPM = (
    "CPM is the mean of the sensitivities at 1/8, 1/4, 1/2, 1, 2, 4 and 8 false marks per scan, as LUNA16 has it: 1 is the "
    "best that there is. It says how well lesions like those of the test scans are found, and nothing about other patients, "
    "scanners or kinds of lesions."
)
_PHANTOMS = "On computer-made phantoms only. These figures show how the program works; they say nothing about patients."


class ResultSection(Section):
    """Args:
    context: of the page.
    data: says what a model is measured on.
    """

    NAME, TITLE = "result", "Result"

    def __init__(self, context: TrainingContext, data: DataSection) -> None:
        super().__init__(context)
        self._data = data
        self._chosen = ChosenResult(context.session.run, lambda text: self.tell(text, WARNING))
        context.state.update(
            {
                "training_models": [],
                "training_model": "",
                "training_has_result": False,
                "training_is_whole": False,
                "training_can_use": False,
                "training_can_export": False,
                "training_cpm": "",
                "training_cpm_bounds": "",
                "training_measured": "",
                "training_few": "",
                "training_on_phantoms": False,
                "training_froc": EMPTY,
                "training_card": "",
                "training_measuring": False,
            }
        )
        self.follow("training_model", self._on_model)

    @property
    def result(self) -> TrainingResult | None:
        """Of the chosen model."""
        return self._chosen.result

    # -- showing ------------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        state, context = self.context.state, self.context
        items = dict(self._chosen.items(context.shelf, context.method.id))
        state.training_models = [{"value": value, "title": title} for value, title in items.items()]
        if state.training_model not in items:
            state.training_model = next(iter(items), "")
        self._chosen.read(str(state.training_model))
        self._show()

    def on_session(self, change: str) -> None:
        if change == MEASURE or (
            change == RUN and self.context.state.training_measuring != self.context.session.measuring.busy
        ):
            self._show_measuring()

    def show_trained(self) -> None:
        """A run has ended: show its last result."""
        results = self.context.session.run.results
        if results:
            last = results[-1]
            self.context.state.training_method = last.method
            self.context.state.training_model = item_of(last)
        self.refresh()

    def _show_measuring(self) -> None:
        measuring, state = self.context.session.measuring, self.context.state
        state.training_measuring = measuring.busy
        if measuring.busy:
            self.tell(f"{measuring.text or 'Loading the model'} ({100 * measuring.fraction:.0f} %)")
        elif measuring.error is not None:
            self.tell(str(measuring.error), WARNING)

    def _show(self) -> None:
        state, result = self.context.state, self._chosen.result
        state.training_has_result = result is not None
        if result is None:
            state.training_froc, state.training_card = EMPTY, ""
            return
        state.training_cpm, state.training_cpm_bounds = cpm_texts(result)
        state.training_measured, state.training_few = measured_text(result), few_scans_text(result)
        state.training_on_phantoms = result.on_phantoms
        whole = result.path is not None
        state.training_is_whole = whole
        state.training_can_use = whole and self.context.use is not None
        state.training_can_export = whole and self.context.offer is not None
        # Of folds: each model's own curve beside the one of all.
        shown = [result] if whole else list(self.context.session.run.results)
        state.training_froc = froc_chart(shown)
        state.training_card = card_html(result.card)

    # -- what the person does -----------------------------------------------------------------------------------------

    def _on_model(self) -> None:
        wanted = str(self.context.state.training_model)
        if wanted != self._chosen.item:
            self.tell("")
        self._chosen.read(wanted)
        self._show()

    def _on_use(self) -> None:
        result = self._chosen.result
        if result is not None and result.path is not None and self.context.use is not None:
            with self.told():
                self.context.use(result.method, result.path)

    def _on_export(self) -> None:
        result = self._chosen.result
        if result is None or result.path is None or self.context.offer is None:
            return
        with self.told():
            name = f"{folder_name(result.name) or 'model'}.zip"
            address = self.context.offer(name, partial(export_zip, result.path))
            self.context.server.js_call(_FETCH, "exec", address)

    def _on_measure(self) -> None:
        session, result = self.context.session, self._chosen.result
        if session.measuring.busy:
            session.measuring.cancel()
            self._show_measuring()
            self.tell("Cancelled. The card stays as it was.")
            self.context.choices_changed()
            return
        if result is None or result.path is None:
            return
        with self.told():
            self.tell("")
            path, cohort = result.path, self._data.cohort()
            packages.require("train", also=method(result.method).packages)
            answer = Answer("measure", "Measure", lambda: self._measure(path, cohort))
            self.context.question.ask("Measure the model?", f"{measuring_warning(result.name)} ({cohort})", (answer,))

    def _measure(self, path: Path, cohort: str) -> None:
        form, session = self.context.form, self.context.session
        with self.told():
            workers = form.number("workers", "The number of processes", least=1)
            session.measure(path, cohort, form.text("device") or "auto", workers, self._on_measured)

    def _on_measured(self, result: TrainingResult) -> None:
        self.context.models_changed()
        self.context.state.training_model = str(result.path)
        self.refresh()
        self.tell(f"The card has the new figures. {scans_text(result.scans)}")

    # -- widgets ------------------------------------------------------------------------------------------------------

    def build_inside(self) -> None:
        client.JSEval(ref=_FETCH, exec="window.lesionFiles.fetch($event)")
        html.P("There is no model yet. Train one above.", v_if=("!training_models.length",), classes="training-quiet")
        with html.Div(v_if=("training_models.length",)):
            select("model", "Model", "models")
        self.build_message()
        with html.Div(v_if=("training_has_result",), classes="training-result"):
            html.P(_PHANTOMS, v_if=("training_on_phantoms",), id="training-phantoms", classes="training-warning")
            with html.Div(classes="training-figure", id="training-cpm"):
                html.Span("{{ training_cpm }}", classes="training-cpm")
                html.Span("{{ training_cpm_bounds }}", classes="training-cpm-bounds")
            html.P("{{ training_measured }}", id="training-measured")
            html.P("{{ training_few }}", v_if=("training_few",), id="training-few", classes="training-warning")
            html.P(_CPM, classes="training-quiet")
            self._build_buttons()
            with html.Div(classes="training-judged"):
                chart_box("froc", "FROC", "Sensitivity by false marks per scan, with its 95 % band")
                html.Article(v_html=("training_card",), classes="training-card", id="training-card", tabindex="0")

    def _build_buttons(self) -> None:
        with html.Div(classes="training-buttons"):
            v3.VBtn(
                "Use it for detecting",
                id="training-use",
                click=self._on_use,
                disabled=("!training_can_use",),
                variant="tonal",
                color="primary",
            )
            v3.VBtn(
                "Export",
                id="training-export",
                click=self._on_export,
                v_if=("training_can_export",),
                variant="tonal",
                title="As a zip file, to pass on",
            )
            v3.VBtn(
                "{{ training_measuring ? 'Cancel' : 'Measure on the data above' }}",
                id="training-measure",
                click=self._on_measure,
                disabled=("!training_is_whole || (training_can_pause && !training_measuring)",),
                variant="tonal",
            )
