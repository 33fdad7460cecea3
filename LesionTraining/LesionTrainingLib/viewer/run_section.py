"""Section Run: start, pause, resume, stop; how far it is, and its curves."""

from __future__ import annotations

from collections.abc import Callable

from LesionDetectionLib.app import packages
from LesionDetectionLib.core.detector import method
from trame.widgets import html
from trame.widgets import vuetify3 as v3

from ..session.run_texts import curve_texts, failed_text, plan_text, progress_text, trained_names, why_not_start
from ..session.runs import RunFolder, unfinished
from ..session.training_run import RunState
from ..session.training_session import CHECK, MEASURE, RUN
from .chart_box import chart_box
from .charts import EMPTY, loss_chart, validation_chart
from .data_section import DataSection
from .plan_section import PlanSection
from .question import Answer
from .section import WARNING, Section, select
from .training_context import TrainingContext

_WORDS = {
    RunState.NONE: "",
    RunState.RUNNING: "Training",
    RunState.PAUSING: "Pausing",
    RunState.PAUSED: "Paused",
    RunState.STOPPING: "Stopping",
    RunState.FAILED: "Failed",
    RunState.FINISHED: "Finished",
}
_BEFORE = (
    "Check the data, look at the plan, then start. Training goes on when this page is closed or loaded anew. When the viewer "
    "itself ends, what was learned so far is kept, and the run can go on another day."
)
_CAN_START = (RunState.NONE, RunState.FINISHED)


class RunSection(Section):
    """Args:
    context: of the page.
    data, plan: say what is to be trained.
    on_finished: called when a run has ended with its models.
    """

    NAME, TITLE = "run", "Run"

    def __init__(
        self, context: TrainingContext, data: DataSection, plan: PlanSection, on_finished: Callable[[], None]
    ) -> None:
        super().__init__(context)
        self._data, self._plan, self._on_finished = data, plan, on_finished
        self._earlier: dict[str, RunFolder] = {}
        self._last_state = RunState.NONE
        self._drawn = True
        context.state.update(
            {
                "training_state": RunState.NONE.value,
                "training_state_text": "",
                "training_why_not": "",
                "training_can_start": True,
                "training_can_pause": False,
                "training_can_resume": False,
                "training_can_stop": False,
                "training_fraction": 0.0,
                "training_text": "",
                "training_plan_text": "",
                "training_loss": EMPTY,
                "training_validation_curves": EMPTY,
                "training_curve_texts": [],
                "training_earlier_list": [],
                "training_earlier": "",
            }
        )

    # -- showing ------------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        self.show()
        self._list_earlier()

    def on_session(self, change: str) -> None:
        if change in (RUN, MEASURE, CHECK):
            self.show()

    def show(self) -> None:
        """Buttons, bar and texts, as the run is now."""
        run, state = self.context.session.run, self.context.state
        now = run.state
        why_not = why_not_start(self.context.session) if now in _CAN_START else ""
        state.training_why_not = why_not
        state.training_state, state.training_state_text = now.value, _WORDS[now]
        state.training_can_start = now in _CAN_START and not why_not
        state.training_can_pause = now is RunState.RUNNING
        state.training_can_resume = run.can_resume and not self.context.session.measuring.busy
        state.training_can_stop = (now.is_busy and now is not RunState.STOPPING) or run.can_resume
        state.training_plan_text = plan_text(run.plan) if run.plan is not None else ""
        self._show_progress()
        if now is not self._last_state:
            self._entered(now)

    def poll(self) -> None:
        """Read what the run has written since, and show it; the curves only while somebody looks."""
        run = self.context.session.run
        self._show_progress()
        if run.curves is not None and run.curves.update():
            self._drawn = False
        if not self._drawn and self.context.seen:
            self._show_curves()

    def _entered(self, now: RunState) -> None:
        before, self._last_state = self._last_state, now
        run = self.context.session.run
        if now is RunState.FAILED:
            self.tell(failed_text(run), WARNING, run.details)
        elif now is RunState.PAUSED:
            self.tell("Paused. It can go on now or another day, after the viewer was closed too.")
        elif now is RunState.FINISHED and run.results:
            self.tell(f"Trained: {trained_names(run)}. In the model folder, ready to detect with.")
        else:
            self.tell("")
        self._drawn = False
        self.poll()
        self._list_earlier()
        if now is RunState.FINISHED and before.is_busy:
            self._on_finished()

    def _show_progress(self) -> None:
        run, state = self.context.session.run, self.context.state
        shown = run.state.is_busy or run.can_resume or run.state is RunState.FINISHED
        state.training_fraction = round(100 * run.fraction, 1) if shown else 0.0
        state.training_text = progress_text(run)

    def _show_curves(self) -> None:
        self._drawn = True
        state, curves = self.context.state, self.context.session.run.curves
        state.training_loss = loss_chart(curves) if curves is not None else EMPTY
        state.training_validation_curves = validation_chart(curves) if curves is not None else EMPTY
        state.training_curve_texts = curve_texts(curves) if curves is not None else []

    def _list_earlier(self) -> None:
        """The runs that can go on, but for the one that is open."""
        run, state = self.context.session.run, self.context.state
        own = run.folder.path if run.folder is not None else None
        found = [] if run.state.is_busy else unfinished(self.context.session.runs())
        self._earlier = {one.path.name: one for one in found if one.path != own}
        state.training_earlier_list = [{"value": name, "title": one.plan.name} for name, one in self._earlier.items()]
        if state.training_earlier not in self._earlier:
            state.training_earlier = next(iter(self._earlier), "")

    # -- what the person does -----------------------------------------------------------------------------------------

    def _on_start(self) -> None:
        session = self.context.session
        with self.told():
            if session.run.state not in _CAN_START:
                return
            self.tell("")
            plan = self._plan.plan(self._data.cohort())
            packages.require("train", also=method(plan.method).packages)
            session.start(plan)

    def _on_pause(self) -> None:
        with self.told():
            self.context.session.run.pause()

    def _on_resume(self) -> None:
        run = self.context.session.run
        with self.told():
            if run.plan is not None and run.can_resume:
                packages.require("train", also=method(run.plan.method).packages)
            run.resume()

    def _on_stop(self) -> None:
        plan = self.context.session.run.plan
        if plan is None:
            return
        self.context.question.ask(
            "Stop training?",
            f"End the training run “{plan.name}”? What it has learned can be kept, to go on another day, or removed.",
            (
                Answer("keep", "Stop and keep", lambda: self._stop(remove=False)),
                Answer("remove", "Stop and remove", lambda: self._stop(remove=True), dangerous=True),
            ),
        )

    def _stop(self, remove: bool) -> None:
        with self.told():
            self.context.session.stop(remove)

    def _on_open(self) -> None:
        folder = self._earlier.get(str(self.context.state.training_earlier))
        if folder is not None:
            with self.told():
                self.context.session.run.open(folder)

    def _on_remove(self) -> None:
        folder = self._earlier.get(str(self.context.state.training_earlier))
        if folder is None:
            return

        def remove() -> None:
            with self.told():
                folder.remove()
            self._list_earlier()

        self.context.question.ask(
            "Remove the run?",
            f"Remove the training run “{folder.plan.name}” with all that it has learned ({folder.steps_done} steps)? "
            "Models that it has made stay.",
            (Answer("remove", "Remove", remove, dangerous=True),),
        )

    # -- widgets ------------------------------------------------------------------------------------------------------

    def build_inside(self) -> None:
        with html.Div(classes="training-buttons", raw_attrs=['role="toolbar"']):
            color = ("training_can_start ? 'primary' : undefined",)
            _button("start", "Start", "mdi-play", self._on_start, "can_start", color=color)
            _button("pause", "Pause", "mdi-pause", self._on_pause, "can_pause")
            _button("resume", "Resume", "mdi-play-pause", self._on_resume, "can_resume")
            _button("stop", "Stop", "mdi-stop", self._on_stop, "can_stop")
            html.Span("{{ training_why_not }}", classes="training-quiet")
            html.Span(
                "{{ training_state_text }}",
                v_if=("training_state_text",),
                id="training-state",
                classes=("'training-state training-state-' + training_state",),
            )
        html.P("{{ training_plan_text }}", id="training-plan-text", classes="training-quiet training-plan-text")
        with html.Div(classes="training-progress", v_if=("training_fraction > 0 || training_can_pause",)):
            v3.VProgressLinear(
                id="training-progress",
                model_value=("training_fraction",),
                height=6,
                rounded=True,
                color="primary",
                raw_attrs=['aria-label="Progress of the training run"'],
            )
            html.Span("{{ training_fraction.toFixed(0) }} %", classes="training-percent")
        html.P("{{ training_text }}", id="training-text", classes="training-now", v_show=("training_text",))
        html.P(_BEFORE, v_if=("training_state === 'none'",), classes="training-quiet")
        self.build_message()
        with html.Div(classes="training-charts", id="training-curves"):
            chart_box("loss", "Training loss", "Training loss by step")
            chart_box("validation_curves", "On validation cases", "Metrics on validation cases by step")
        html.P(
            "{{ line }}",
            classes="training-quiet training-ends",
            v_for="(line, n) in training_curve_texts",
            key="n",
        )
        self._build_earlier()

    def _build_earlier(self) -> None:
        with html.Div(classes="training-earlier", v_if=("training_earlier_list.length && !training_can_pause",)):
            html.P("Earlier runs that are not finished", classes="training-quiet")
            with html.Div(classes="training-row"):
                select("earlier", "Run", "earlier_list")
                v3.VBtn("Open", id="training-open", click=self._on_open, variant="tonal")
                v3.VBtn("Remove", id="training-remove", click=self._on_remove, variant="text")


def _button(name: str, title: str, icon: str, click: Callable[[], None], enabled: str, **more: object) -> None:
    v3.VBtn(
        title,
        id=f"training-{name}",
        click=click,
        disabled=(f"!training_{enabled}",),
        prepend_icon=icon,
        variant="tonal",
        **more,
    )
