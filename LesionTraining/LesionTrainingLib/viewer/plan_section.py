"""Section Plan: which method learns, with which settings, and how it is measured."""

from __future__ import annotations

import importlib.util
from typing import Any

from trame.widgets import html

from ..session.new_plan import check_new, folds_text, free_name, method_text
from ..session.plan import ALL_FOLDS, MOST_FOLDS, TrainingPlan
from ..session.presets import STANDARD, presets
from ..session.training_session import DEVICES, RUN
from ..session.trying import PHANTOMS, TRIAL
from .data_section import DataSection
from .section import Section, field, fold, select
from .training_context import TrainingContext

_NEXT = "A run is open. This is the plan of the next one; it can be changed when the open one has ended."
_FIRST_DEVICES = {"auto": "Automatic", "cpu": "CPU"}


class PlanSection(Section):
    """Args:
    context: of the page.
    data: is told of another method.
    """

    NAME, TITLE = "plan", "Plan"

    def __init__(self, context: TrainingContext, data: DataSection) -> None:
        super().__init__(context)
        self._data = data
        self._shown_method = ""
        self._preset = TRIAL
        self._asked_devices = False
        known = context.known
        context.state.update(
            {
                "training_methods": [{"value": name, "title": info.title} for name, info in known.items()],
                "training_method": "nodule-ct" if "nodule-ct" in known else next(iter(known)),
                "training_method_text": "",
                "training_presets": [],
                "training_preset": TRIAL,
                "training_preset_text": "",
                "training_name": "",
                "training_name_hint": "",
                "training_folds": "0",
                "training_folds_text": "",
                "training_fold": str(ALL_FOLDS),
                "training_fold_list": [],
                "training_validation": "",
                "training_test": "",
                "training_devices": _items(_FIRST_DEVICES),
                "training_device": "auto",
                "training_seed": "0",
                "training_workers": "1",
                "training_settings_file": "",
                "training_locked": False,
                "training_more_open": False,
            }
        )
        self.follow("training_method", self._on_method)
        self.follow("training_preset", self._show_presets)
        self.follow("training_kind", self._suggest_preset)
        self.follow("training_folds", self._show_folds)

    # -- the plan -----------------------------------------------------------------------------------------------------

    def plan(self, cohort: str) -> TrainingPlan:
        """What is entered, to be trained on this cohort. Raises UsageError where it makes no sense."""
        form, context = self.context.form, self.context
        folds = form.number("folds", "The number of folds")
        plan = TrainingPlan(
            name=form.text("name") or self._free_name(),
            method=context.method.id,
            cohort=cohort,
            validation=form.text("validation") if not folds else "",
            test=form.text("test") if not folds else "",
            preset=form.text("preset"),
            settings_file=form.text("settings_file"),
            folds=folds,
            fold=self._fold(folds),
            device=form.text("device") or "auto",
            seed=form.number("seed", "The seed"),
            workers=form.number("workers", "The number of processes", least=1),
        )
        check_new(plan, context.shelf)
        return plan

    def _fold(self, folds: int) -> int:
        chosen = self.context.form.text("fold")
        return int(chosen) if chosen.isdecimal() and int(chosen) < folds else ALL_FOLDS

    def _free_name(self) -> str:
        return free_name(self.context.method.id, self.context.shelf, self.context.session.runs())

    # -- showing ------------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        self._shown_method = self.context.method.id
        self.context.state.training_method_text = method_text(self.context.method)
        self.context.state.training_name_hint = self._free_name()
        self._show_presets()
        self._show_folds()
        self._show_devices()
        self._lock()

    def on_session(self, change: str) -> None:
        if change == DEVICES:
            self._show_devices()
        elif change == RUN:
            self._lock()

    def find_devices(self) -> None:
        """Ask once what there is to compute on, where torch is installed."""
        if not self._asked_devices and importlib.util.find_spec("torch") is not None:
            self._asked_devices = True
            self.context.session.find_devices()

    def _show_presets(self) -> None:
        state, known = self.context.state, presets(self.context.method.id)
        state.training_presets = [{"value": one.name, "title": one.title} for one in known.values()]
        if self.context.form.text("preset") not in known:
            state.training_preset = STANDARD
        state.training_preset_text = known[self.context.form.text("preset")].about

    def _show_devices(self) -> None:
        devices = self.context.session.devices or _FIRST_DEVICES
        chosen = self.context.form.text("device")
        self.context.state.training_devices = _items(devices if chosen in devices else {**devices, chosen: chosen})

    def _lock(self) -> None:
        """While a run goes on, its plan stays as it is."""
        run = self.context.session.run
        self.context.state.training_locked = run.state.is_busy or run.can_resume

    def _show_folds(self) -> None:
        state, text = self.context.state, str(self.context.state.training_folds).strip()
        folds = int(text) if text.isdecimal() and len(text) < 4 else 0
        each = [{"value": str(n), "title": f"Only fold {n + 1}"} for n in range(min(folds, MOST_FOLDS))]
        state.training_fold_list = [{"value": str(ALL_FOLDS), "title": "All in turn"}, *each] if folds > 1 else []
        state.training_folds_text = folds_text(folds)

    # -- what the person does -----------------------------------------------------------------------------------------

    def _on_method(self) -> None:
        if self.context.method.id == self._shown_method:
            return
        self._data.method_chosen()
        self._suggest_preset()
        self.context.refresh()

    def _suggest_preset(self) -> None:
        """Minutes for phantoms, else the recipe's own settings; what the person has chosen stays."""
        state, known = self.context.state, presets(self.context.method.id)
        if self.context.form.text("preset") in known and self.context.form.text("preset") != self._preset:
            return
        phantoms = self._data.source.kind == PHANTOMS
        state.training_preset = self._preset = TRIAL if phantoms and TRIAL in known else STANDARD

    # -- widgets ------------------------------------------------------------------------------------------------------

    def build_inside(self) -> None:
        locked = {"disabled": ("training_locked",)}
        html.P(_NEXT, v_if=("training_locked",), classes="training-message training-note")
        with html.Div(classes="training-plan"):
            select("method", "Method", "methods", **locked)
            html.P("{{ training_method_text }}", classes="training-quiet")
            select("preset", "Preset", "presets", **locked)
            html.P("{{ training_preset_text }}", classes="training-quiet")
            field(
                "name", "Name of the model", placeholder=("training_name_hint",), persistent_placeholder=True, **locked
            )
            with html.Div(classes="training-row"):
                select("device", "Compute on", "devices", **locked)
                field("folds", "Folds", inputmode="numeric", title="Cross-validation; 0 for none", **locked)
                with html.Div(v_if=("training_fold_list.length",)):
                    select("fold", "Which", "fold_list", **locked)
            html.P("{{ training_folds_text }}", classes="training-quiet")
            self._build_more(locked)
        self.build_message()

    @staticmethod
    def _build_more(locked: dict[str, Any]) -> None:
        with fold("more", "More"):
            hint = "KIND:PATH, as in luna16:/data/LUNA16?subset=9, or a YAML file"
            without_folds = ("training_locked || training_fold_list.length > 0",)
            for name, title in (("validation", "Validation on"), ("test", "Test on")):
                field(name, title, placeholder=hint, disabled=without_folds, spellcheck="false")
            html.P(
                "Cohorts of their own to set thresholds and to measure with; empty: parts of the data above.",
                classes="training-quiet",
            )
            field("settings_file", "File of settings (YAML)", spellcheck="false", **locked)
            html.P("On this computer; what it names takes the place of the preset’s.", classes="training-quiet")
            with html.Div(classes="training-row"):
                field("seed", "Seed", inputmode="numeric", **locked)
                field("workers", "Processes", inputmode="numeric", title="That prepare cases", **locked)


def _items(table: dict[str, str]) -> list[dict[str, str]]:
    return [{"value": value, "title": title} for value, title in table.items()]
