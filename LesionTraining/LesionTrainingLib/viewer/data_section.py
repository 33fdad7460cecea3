"""Section Data: what to learn from, by kind and path; and what checking it found."""

from __future__ import annotations

from typing import Any

from LesionDetectionLib.app import packages
from trame.widgets import html
from trame.widgets import vuetify3 as v3

from ..cohorts.phantoms.phantom import anatomies
from ..session.cohort_choice import FILE, NAME, CohortChoice, CohortSummary, Source, sources
from ..session.data_texts import (
    DATABASE,
    no_labels,
    sentence,
    short_case,
    source_title,
    summary_notes,
    summary_rows,
)
from ..session.training_session import CHECK
from ..session.trying import PHANTOMS, phantoms_for
from .section import NOTE, WARNING, Section, field, fold, select
from .training_context import TrainingContext

_FIRST = (PHANTOMS, "folder", "dicom", DATABASE)
"""Kinds in the order in which they are offered; the others follow."""
_MOST_PROBLEMS = 200
_NOTHING: dict[str, Any] = {"rows": [], "notes": [], "sizes": []}


class DataSection(Section):
    NAME, TITLE = "data", "Data"

    def __init__(self, context: TrainingContext) -> None:
        super().__init__(context)
        known = {source.kind: source for source in sources()}
        self._sources = {kind: known[kind] for kind in (*_FIRST, *(kind for kind in known if kind not in _FIRST))}
        self._entered: dict[str, CohortChoice] = {}
        self._suggested = phantoms_for("")
        self._shown_kind = ""
        self._chosen_as: CohortChoice | None = None
        context.state.update(
            {
                "training_kinds": [{"value": k, "title": source_title(s)} for k, s in self._sources.items()],
                "training_anatomies": [{"value": one, "title": one.capitalize()} for one in anatomies()],
                "training_kind": PHANTOMS,
                "training_kind_text": "",
                "training_named": True,
                "training_path": "",
                "training_path_label": "",
                "training_path_hint": "",
                "training_option_list": [],
                "training_options": {},
                "training_options_text": "",
                "training_options_open": False,
                "training_checking": False,
                "training_summary": _NOTHING,
                "training_problems": [],
                "training_problems_title": "",
            }
        )
        self._entered[PHANTOMS] = self._suggested
        self.follow("training_kind", self._show_kind)
        self.follow("training_path", self._changed)
        self.follow("training_options", self._changed)

    def build_inside(self) -> None:
        select("kind", "Kind of data", "kinds")
        html.P("{{ training_kind_text }}", classes="training-quiet")
        with html.Div(v_if=("training_named",)):
            select("path", "Anatomy", "anatomies")
        with html.Div(v_if=("!training_named",)):
            field("path", ("training_path_label",), placeholder=("training_path_hint",), spellcheck="false")
        self._build_options()
        with html.Div(classes="training-buttons"):
            v3.VBtn(
                "{{ training_checking ? 'Stop checking' : 'Check' }}",
                id="training-check",
                click=self._on_check,
                variant="tonal",
                color="primary",
                title="Reads the labels, and tells what there is and what cannot be used",
            )
        self.build_message()
        self._build_summary()
        self._build_problems()

    # -- the cohort ---------------------------------------------------------------------------------------------------

    @property
    def source(self) -> Source:
        """The chosen kind; the first where the choice is not known here."""
        return self._sources.get(self.context.form.text("kind"), self._sources[PHANTOMS])

    @property
    def choice(self) -> CohortChoice:
        form = self.context.form
        return CohortChoice(self.source.kind, form.text("path"), form.texts("options"))

    def cohort(self) -> str:
        """The specification of what is chosen. Raises UsageError where nothing is."""
        return str(self.choice.spec())

    def method_chosen(self) -> None:
        """Phantoms of another method are others, where the person has not changed them."""
        suggested, before = phantoms_for(self.context.method.id), self._suggested
        self._suggested = suggested
        if self._entered.get(PHANTOMS) == before:
            self._entered[PHANTOMS] = suggested
            if self.source.kind == PHANTOMS:
                self._show_entered()

    # -- showing ------------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        self._show_kind()
        self._show_check()

    def on_session(self, change: str) -> None:
        if change == CHECK:
            self._show_check()

    def _show_kind(self) -> None:
        source, state = self.source, self.context.state
        if source.kind == self._shown_kind:
            return
        self._shown_kind = source.kind
        state.training_named = source.path_form == NAME
        title = sentence(source.title)
        state.training_kind_text = "" if title == source_title(source) else f"{title}."
        state.training_path_label = "File on this computer" if source.path_form == FILE else "Folder on this computer"
        state.training_path_hint = sentence(source.path_is)
        state.training_option_list = [
            {"name": one.name, "default": one.default, "meaning": sentence(one.meaning)} for one in source.options
        ]
        self._show_entered()

    def _show_entered(self) -> None:
        state, entered = self.context.state, self._entered.get(self.source.kind)
        state.training_path = entered.path if entered is not None else ""
        state.training_options = dict(entered.options) if entered is not None else {}
        self._changed()

    def _changed(self) -> None:
        """The person entered something: what was found in one cohort says nothing of another."""
        if self.source.kind != self._shown_kind:
            return  # another kind was chosen, whose values are not shown yet
        self._entered[self.source.kind] = self.choice
        given = ", ".join(f"{name} {text}" for name, text in self.choice.options.items() if text.strip())
        self.context.state.training_options_text = f": {given}" if given else ""
        if self.choice != self._chosen_as:
            self._chosen_as = self.choice
            self.context.session.forget_check()
            self._show_check()
            self.context.choices_changed()

    def _show_check(self) -> None:
        session, state = self.context.session, self.context.state
        checking, summary = session.checking, session.summary
        state.training_checking = checking.busy
        if checking.busy:
            self.tell(f"{checking.text or 'Reading'} ({100 * checking.fraction:.0f} %)")
        elif checking.error is not None:
            self.tell(str(checking.error), WARNING)
        elif summary is not None and not summary.labelled:
            self.tell(no_labels(), WARNING)
        else:
            self.tell("", NOTE)
        state.training_summary = _NOTHING if summary is None else _shown(summary)
        problems = summary.problems if summary is not None else ()
        state.training_problems = [
            {"case": short_case(one.case), "whole": one.case, "reason": one.reason} for one in problems[:_MOST_PROBLEMS]
        ]
        more = f", the first {_MOST_PROBLEMS} of them" if len(problems) > _MOST_PROBLEMS else ""
        state.training_problems_title = f"Left out and other problems ({len(problems)}{more})"

    # -- what the person does -----------------------------------------------------------------------------------------

    def _on_check(self) -> None:
        session = self.context.session
        if session.checking.busy:
            session.forget_check()
            self._show_check()
            return
        with self.told():
            cohort = self.cohort()
            if self.source.kind in (DATABASE, "dicom"):
                packages.require("dicom")
            session.check(cohort)

    # -- widgets ------------------------------------------------------------------------------------------------------

    def _build_options(self) -> None:
        with (
            fold("options", "Options{{ training_options_text }}"),
            html.Div(classes="training-option", v_for="one in training_option_list", key="one.name"),
        ):
            v3.VTextField(
                v_model=("training_options[one.name]",),
                update_modelValue="flushState('training_options')",
                label=("one.name",),
                placeholder=("one.default",),
                persistent_placeholder=True,
                density="compact",
                variant="outlined",
                hide_details=True,
                spellcheck="false",
                autocomplete="off",
                raw_attrs=[":id=\"'training-option-' + one.name\""],
            )
            html.P("{{ one.meaning }}", classes="training-quiet")

    def _build_summary(self) -> None:
        summary = "training_summary"
        with html.Div(v_if=(f"{summary}.rows.length",), id="training-summary"):
            with html.Dl(classes="training-facts"), html.Template(v_for=f"row in {summary}.rows", key="row.name"):
                html.Dt("{{ row.name }}")
                html.Dd("{{ row.text }}")
            with html.Div(
                classes="training-sizes", v_if=(f"{summary}.sizes.length",), raw_attrs=['aria-hidden="true"']
            ):
                html.P("Lesions by size in mm", classes="training-quiet")
                with html.Div(classes="training-size", v_for=f"one in {summary}.sizes", key="one.band"):
                    html.Span("{{ one.band }}", classes="training-size-band")
                    with html.Span(classes="training-size-room"):
                        html.Span(
                            classes="training-size-bar", raw_attrs=[":style=\"{ width: 100 * one.share + '%' }\""]
                        )
                    html.Span("{{ one.count }}", classes="training-size-count")
            html.P("{{ note }}", classes="training-quiet", v_for=f"note in {summary}.notes", key="note")

    def _build_problems(self) -> None:
        with html.Details(
            classes="training-fold", id="training-problems", v_if=("training_problems.length",), raw_attrs=["open"]
        ):
            html.Summary("{{ training_problems_title }}")
            with (
                html.Div(classes="training-scroll"),
                html.Table(classes="training-table"),
                html.Tbody(),
                html.Tr(v_for="(one, n) in training_problems", key="n"),
            ):
                html.Td("{{ one.case }}", raw_attrs=[':title="one.whole"'])
                html.Td("{{ one.reason }}")


def _shown(summary: CohortSummary) -> dict[str, Any]:
    """A summary as the page has it; sizes as bars, the longest over the whole width."""
    most = max((*summary.sizes.values(), 1))
    sizes = [{"band": band, "count": count, "share": count / most} for band, count in summary.sizes.items()]
    rows = [
        {"name": name, "text": text if name != "Lesions" or not sizes else str(summary.lesions)}
        for name, text in summary_rows(summary)
    ]
    return {"rows": rows, "notes": summary_notes(summary), "sizes": sizes if summary.lesions > 0 else []}
