"""Section Findings: which result, how many of it, the table, and what a person does with findings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from trame.widgets import client, html
from trame.widgets import vuetify3 as v3

from LesionDetectionLib.app.finding_texts import MEANINGS, about_finding, neighbour
from LesionDetectionLib.app.session.result_set import ResultSet
from LesionDetectionLib.app.session.session import CURRENT, FINDINGS, RESULTS
from LesionDetectionLib.app.threshold_text import score_of
from LesionDetectionLib.core.detector import Score

from ..context import Context
from ..marked import marked
from .findings_table import FindingsTable
from .part import Part
from .thresholds_part import ThresholdsPart

EMPTY = "Nothing yet. Press Detect, or measure a lesion by click."
HINT = "Choose a finding. Enter or a double click shows it in the views; a heading sorts."


class FindingsPart(Part):
    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.table = FindingsTable(context, self._on_chosen, self.go_to)
        self.thresholds = ThresholdsPart(context)
        self._results: list[ResultSet] = []
        self._left_at: int | None = None
        session, table = context.session, self.table
        self._actions: Mapping[str, Callable[[], object]] = {
            "P": lambda: self.step(-1),
            "N": lambda: self.step(1),
            "G": self.go_to,
            "A": lambda: session.accept(table.chosen),
            "R": lambda: session.reject(table.chosen),
            "U": lambda: session.undecide(table.chosen),
            "M": lambda: session.merge(table.chosen),
            "Delete": lambda: session.delete(table.chosen),
            "Ctrl+Z": session.undo,
            "Ctrl+Y": session.redo,
        }
        self._keys = {
            **self._actions,
            "Ctrl+ArrowUp": self._actions["P"],
            "Ctrl+ArrowDown": self._actions["N"],
            "Ctrl+Shift+Z": session.redo,
        }
        self._forget()
        state = context.state
        state.rejected_shown, state.relabel = context.choices.rejected_shown, ""
        state.meanings = [{"value": code.value, "title": code.meaning} for code in MEANINGS]
        state.change("rejected_shown")(self._on_rejected_shown)
        state.change("relabel")(self._on_relabel)
        state.change("result_chosen")(self._on_result)

    def close(self) -> None:
        self.thresholds.close()

    def scene_closed(self) -> None:
        self._forget()
        self.table.scene_closed()
        self.thresholds.scene_closed()

    def _forget(self) -> None:
        self._results, self._left_at = [], None
        self.context.state.update(
            {
                "result_names": [],
                "result_chosen": "",
                "result_warnings": [],
                "result_there": False,
                "finding_text": "",
                "warnings_unfolded": False,
            }
        )

    # The widgets

    def build(self) -> None:
        # A result that has come is seen, also where the window is too low for all sections.
        client.ClientStateChange(
            value="result_names.length", change="result_there && window.lesionPage.showSection('section-findings')"
        )
        html.P(EMPTY, classes="section-text", v_if=("!result_there",), id="findings-empty")
        with html.Div(classes="field", v_if=("result_names.length > 1",)):
            html.Label("Result", raw_attrs=['for="result-select"'])
            with html.Select(
                id="result-select",
                v_model=("result_chosen",),
                title="Which result is reviewed; each Detect makes one.",
            ):
                html.Option(
                    "{{ one.title }}", v_for="one in result_names", key="one.value", v_bind_value=("one.value",)
                )
        self._build_warnings()
        self.thresholds.build()
        with html.Div(classes="findings-box", v_show=("result_there",)):
            self._build_actions()
            html.P(
                "{{ finding_text }}",
                id="finding-text",
                classes="finding-text",
                v_show=("current",),
                raw_attrs=marked("status"),
            )
            html.P(f"{{{{ order.length ? '{HINT}' : '' }}}}", classes="finding-text", v_show=("!current",))
            self.table.build()
            self._build_below()

    def _build_warnings(self) -> None:
        with html.Div(classes="line line-warning", v_if=("result_warnings.length",), id="result-warning"):
            v3.VIcon("mdi-alert-outline", size=18)
            with html.Div(classes="line-text line-foldable"):
                html.Div(
                    "{{ result_warnings.join('\\n') }}",
                    classes=("warnings_unfolded ? 'all-lines' : 'one-line'",),
                )
                html.Button(
                    "{{ warnings_unfolded ? 'Less' : 'More' }}",
                    v_if=("result_warnings.join().length > 40",),
                    click="warnings_unfolded = !warnings_unfolded",
                    type="button",
                    classes="link quiet",
                    raw_attrs=[':aria-expanded="warnings_unfolded"'],
                )

    def _build_actions(self) -> None:
        with html.Div(classes="actions", raw_attrs=marked("toolbar", "Findings")):
            self._button("previous-button", "P", "mdi-chevron-up", "", "Previous finding (P, Ctrl+Up)", "!order.length")
            self._button("go-to-button", "G", "mdi-crosshairs", "", "Show the chosen finding in the views (Enter, G)")
            self._button("next-button", "N", "mdi-chevron-down", "", "Next finding (N, Ctrl+Down)", "!order.length")
            html.Div(classes="bar-space")
            self._button("accept-button", "A", "mdi-check", "Accept", "Accept the chosen findings (A)")
            self._button("reject-button", "R", "mdi-close", "Reject", "Reject the chosen findings (R)")
            self._button(
                "undecide-button", "U", "mdi-circle-outline", "", "Take the decision on the chosen findings back (U)"
            )

    def _build_below(self) -> None:
        with html.Div(classes="actions"):
            with html.Select(
                id="relabel",
                v_model=("relabel",),
                change="window.lesionPage.focus('findings')",  # where keys are heard again
                disabled=("!chosen.length",),
                title="What the chosen findings are; the coded term goes into segments, DICOM and reports.",
                raw_attrs=marked(label="Relabel"),
            ):
                html.Option("Relabel", value="")
                html.Option("{{ one.title }}", v_for="one in meanings", key="one.value", v_bind_value=("one.value",))
            self._button(
                "merge-button",
                "M",
                "mdi-set-merge",
                "Merge",
                "Make one finding of the chosen ones (M)",
                "chosen.length < 2",
            )
            self._button(
                "delete-button",
                "Delete",
                "mdi-trash-can-outline",
                "Delete",
                "Delete the chosen findings (Del). Undo brings them back.",
            )
        with html.Label(classes="check", title="Rejected findings are never drawn in the views."):
            html.Input(type="checkbox", id="rejected-shown", v_model=("rejected_shown",))
            html.Span("List rejected findings too")

    def _button(self, name: str, key: str, icon: str, text: str, tip: str, disabled: str = "!chosen.length") -> None:
        def press() -> None:
            with self.context.told():
                self._actions[key]()

        with v3.VBtn(
            id=name,
            click=press,
            disabled=(disabled,),
            title=tip,
            size="small",
            variant="text",
            density="comfortable",
            classes="action" if text else "action action-icon",
            raw_attrs=marked(label="" if text else tip),
        ):
            v3.VIcon(icon, size=18)
            if text:
                html.Span(text)

    # What is shown

    def on_session(self, change: str) -> None:
        if change == RESULTS:
            self.show_results()
        elif change == FINDINGS:
            self.show_findings()
        elif change == CURRENT:
            self.show_current()

    def refresh(self) -> None:
        self.show_results()
        self.show_findings()

    def show_results(self) -> None:
        """The results that there are, and which is looked at."""
        state, session = self.context.state, self.context.session
        self._results = list(session.results_in_scene())
        active = session.results
        state.result_names = [
            {"value": str(number), "title": result.title} for number, result in enumerate(self._results)
        ]
        state.result_chosen = next((str(n) for n, result in enumerate(self._results) if result is active), "")
        state.result_there = active is not None
        state.result_warnings = list(active.findings.run.warnings) if active else []

    def show_findings(self) -> None:
        """The findings of the active result, and how many of them."""
        findings = self.context.session.findings
        score = Score() if findings is None else score_of(findings.run)
        before, current = self.table.shown, self.context.state.current
        self.table.show(findings, self.context.choices.rejected_shown, score)
        if current in before and current not in self.table.shown:
            self._left_at = before.index(current)
        self.thresholds.show(findings, score)
        self.show_current()

    def show_current(self) -> None:
        """The finding that is looked at, in the table and in words."""
        session, state, table = self.context.session, self.context.state, self.table
        if session.current and session.current not in table.chosen:
            table.choose([session.current])
        if not session.current and table.chosen:
            table.choose([])
        findings, current = session.findings, session.current
        if current in self.table.shown:
            self._left_at = None
        state.current = current
        state.finding_text = "" if findings is None or not current else about_finding(findings.get(current), findings)

    # What is done

    def key(self, name: str) -> bool:
        action = self._keys.get(name)
        if action is None or self.context.session.results is None:
            return False
        with self.context.told():
            action()
        return True

    def go_to(self) -> None:
        """Centre the views on the current finding."""
        session = self.context.session
        if session.findings is not None and session.results is not None and session.current:
            with self.context.told():
                center = session.findings.get(session.current).lesion.center_ras_mm
                self.context.go_to(center, session.results.volume_node)

    def step(self, by: int) -> None:
        """Look at the next or previous row's finding, the first after the last, and go there.

        Where the one that was looked at has left the table, as it was rejected, its neighbours are where it was.
        """
        session, shown = self.context.session, self.table.shown
        if session.current not in shown and self._left_at is not None and shown:
            there = shown[(self._left_at - (by < 0)) % len(shown)]
        else:
            there = neighbour(shown, session.current, by)
        if there:
            session.select(there)
            self.table.choose([session.current])
            self.go_to()

    def _on_chosen(self) -> None:
        with self.context.told():
            chosen, session = self.table.chosen, self.context.session
            if session.results is not None and session.current not in chosen:
                session.select(chosen[0] if chosen else "")

    def _on_rejected_shown(self, rejected_shown: Any, **_state: Any) -> None:
        if bool(rejected_shown) != self.context.choices.rejected_shown:
            self.context.choices.rejected_shown = bool(rejected_shown)
            with self.context.told():
                self.show_findings()

    def _on_relabel(self, relabel: Any, **_state: Any) -> None:
        meaning = next((code for code in MEANINGS if code.value == relabel), None)
        self.context.state.relabel = ""
        if meaning is not None:
            with self.context.told():
                self.context.session.relabel(self.table.chosen, meaning)

    def _on_result(self, result_chosen: Any, **_state: Any) -> None:
        there = {str(number): result for number, result in enumerate(self._results)}
        if result_chosen in there:
            with self.context.told():
                self.context.session.activate(there[result_chosen])
