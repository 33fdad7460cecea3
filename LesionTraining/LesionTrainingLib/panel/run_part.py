"""Section 3: one button that starts, pauses and resumes, one that ends; how far it is, and its curves."""

from __future__ import annotations

from collections.abc import Callable

import qt
import slicer
from LesionDetectionLib.core.detector import method
from LesionDetectionLib.panel import ask, dependencies
from LesionDetectionLib.panel.choices import chosen_in, fill
from LesionDetectionLib.panel.context import told
from LesionDetectionLib.panel.message_line import MessageLine
from slicer.i18n import tr as _

from ..session.plot_nodes import LOSS, VALIDATION
from ..session.run_texts import curve_texts, failed_text, progress_text, trained_names, why_not_start
from ..session.runs import RunFolder, unfinished
from ..session.training_run import RunState
from .curves_view import CurvesView
from .data_part import DataPart
from .places import runs_folder
from .plan_part import PlanPart
from .training_context import TrainingContext

_POLL_MS = 1000
KEEP, DELETE = 0, 1


class RunPart:
    """Args:
    context: of the panel.
    data, plan: say what is to be trained.
    curves: show it.
    on_finished: called when a run has ended with its models.
    """

    def __init__(
        self,
        context: TrainingContext,
        data: DataPart,
        plan: PlanPart,
        curves: CurvesView,
        on_finished: Callable[[], None],
    ) -> None:
        self._context, self._data, self._plan, self._curves = context, data, plan, curves
        self._on_finished, ui = on_finished, context.ui
        self._earlier: dict[str, RunFolder] = {}
        self._last_state = RunState.NONE
        self.message = MessageLine(ui.runMessageRow, ui.runMessageIcon, ui.runMessage)
        self._timer = qt.QTimer()
        self._timer.setInterval(_POLL_MS)
        self._slots = (
            (ui.startButton, "clicked(bool)", self._on_start),
            (ui.cancelButton, "clicked(bool)", self._on_cancel),
            (ui.openRunButton, "clicked(bool)", self._on_open),
            (ui.removeRunButton, "clicked(bool)", self._on_remove),
            (ui.curveComboBox, "currentIndexChanged(int)", self._on_curve),
            (ui.plotCheckBox, "toggled(bool)", self._on_plot),
            (self._timer, "timeout()", self.poll),
        )
        for widget, signal, slot in self._slots:
            widget.connect(signal, slot)

    def close(self) -> None:
        self._timer.stop()
        for widget, signal, slot in self._slots:
            widget.disconnect(signal, slot)
        self.message.close()

    # -- showing ------------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        self.show_run()
        self.list_earlier()
        self._show_curves()

    def list_earlier(self) -> None:
        """The runs that can go on, but for the one that is open."""
        ui, run = self._context.ui, self._context.session.run
        own = run.folder.path if run.folder is not None else None
        found = [one for one in unfinished(runs_folder()) if one.path != own] if not run.state.is_busy else []
        self._earlier = {str(one.path): one for one in found}
        fill(ui.earlierComboBox, [(path, one.plan.name) for path, one in self._earlier.items()], "")
        ui.earlierFrame.setVisible(bool(found))

    def show_run(self) -> None:
        """Buttons, bar and texts, as the run is now."""
        ui, run, state = self._context.ui, self._context.session.run, self._context.session.run.state
        text, tip = _button(state)
        why_not = why_not_start(self._context.session) if state in (RunState.NONE, RunState.FINISHED) else ""
        ui.startButton.text = text
        ui.startButton.toolTip = why_not or tip
        ui.startButton.setEnabled(state not in (RunState.PAUSING, RunState.STOPPING) and not why_not)
        can_end = state.is_busy or run.can_resume
        ui.cancelButton.setVisible(can_end)
        ui.cancelButton.setEnabled(state is not RunState.STOPPING)
        ui.cancelButton.text = _("Cancel") if state.is_busy else _("Close")
        busy_or_open = can_end or state is RunState.FINISHED
        ui.progressBar.setVisible(state.is_busy or (can_end and run.fraction > 0))
        ui.progressBar.setValue(round(1000 * run.fraction))
        ui.progressText.setText(progress_text(run))
        ui.progressText.setVisible(bool(ui.progressText.text))
        ui.plotRow.setVisible(busy_or_open)
        self._plan.enable(state in (RunState.NONE, RunState.FINISHED))
        self._say(state)
        if state.is_busy and not self._timer.isActive():
            self._timer.start()
        if not state.is_busy:
            self._timer.stop()
        if state is not self._last_state:
            before, self._last_state = self._last_state, state
            self.poll()
            self._show_curves()
            self.list_earlier()
            if state is RunState.FINISHED and before.is_busy:
                self._on_finished()

    def poll(self) -> None:
        """Read what the run has written since, and draw it."""
        run = self._context.session.run
        if run.curves is not None and run.curves.update():
            self._show_curves()
        if run.state.is_busy:
            self._context.ui.progressText.setText(progress_text(run))

    def _say(self, state: RunState) -> None:
        run = self._context.session.run
        if state is RunState.FAILED:
            self.message.warn(failed_text(run), run.details)
        elif state is RunState.PAUSED:
            self.message.note(_("Paused. It can go on now or another day, after Slicer was closed too."))
        elif state is RunState.FINISHED and run.results:
            text = _("Trained: {names}. In the model folder, ready for Lesion Detection.")
            self.message.note(text.format(names=trained_names(run)))
        elif state.is_busy or (state is RunState.NONE and self._last_state is not RunState.NONE):
            self.message.clear()

    def _show_curves(self) -> None:
        ui, curves = self._context.ui, self._context.session.run.curves
        losses = curves.losses if curves is not None else ()
        ui.curveText.setVisible(bool(losses))
        ui.curveComboBox.setVisible(bool(losses))
        if curves is None or not losses:
            ui.curveText.setText("")
            return
        loss = self._curves.update_loss(curves)
        kinds = [(LOSS, _("Loss"))]
        if curves.validations:
            kinds.append((VALIDATION, _("Metrics on validation cases")))
        kind = fill(ui.curveComboBox, kinds, chosen_in(ui.curveComboBox) or LOSS)
        node = self._curves.update_validation(curves) if curves.validations else loss
        if self._context.parameters.plotShown and slicer.app.layoutManager() is not None:
            self._curves.show(loss if kind == LOSS else node)
        ui.curveText.setText("\n".join(curve_texts(curves)))

    # -- what the person does -----------------------------------------------------------------------------------------

    def _on_start(self, _checked: bool = False) -> None:
        """Start, Pause or Resume, whichever the button says."""
        run = self._context.session.run
        with told(self.message.warn):
            if run.state is RunState.RUNNING:
                run.pause()
            elif run.can_resume:
                if _has_libraries(run.plan.method):  # type: ignore[union-attr]
                    run.resume()
            elif not run.state.is_busy:
                self.message.clear()
                plan = self._plan.plan(self._data.cohort())
                if _has_libraries(plan.method):
                    self._context.session.start(plan)

    def _on_cancel(self, _checked: bool = False) -> None:
        run = self._context.session.run
        text = _("End the training run “{name}”?\n\nWhat it has learned can be kept, to go on another day, or deleted.")
        name = run.plan.name if run.plan is not None else ""
        answer = ask.choose(text.format(name=name), [_("Keep"), _("Delete")], _("End training?"))
        if answer is not None:
            with told(self.message.warn):
                self._context.session.stop(remove=answer == DELETE)

    def _on_open(self, _checked: bool = False) -> None:
        folder = self._earlier.get(chosen_in(self._context.ui.earlierComboBox))
        if folder is not None:
            with told(self.message.warn):
                self._context.session.run.open(folder)

    def _on_remove(self, _checked: bool = False) -> None:
        folder = self._earlier.get(chosen_in(self._context.ui.earlierComboBox))
        if folder is None:
            return
        text = _("Delete the training run “{name}” with all that it has learned ({steps} steps)?")
        if ask.confirm(text.format(name=folder.plan.name, steps=folder.steps_done), _("Delete?")):
            with told(self.message.warn):
                folder.remove()
            self.list_earlier()

    def _on_curve(self, _index: int) -> None:
        self._show_curves()

    def _on_plot(self, on: bool) -> None:
        if not on:
            self._curves.hide()
        elif self._context.parameters is not None:
            self._context.parameters.plotShown = True
            self._show_curves()


def _button(state: RunState) -> tuple[str, str]:
    """What the button says in this state, and what it would do."""
    start = (_("Start training"), _("Train in the background; Slicer stays free."))
    resume = (_("Resume"), _("Go on where it stopped."))
    return {
        RunState.NONE: start,
        RunState.FINISHED: start,
        RunState.RUNNING: (_("Pause"), _("Stop after the step that is under way; what was learned is kept.")),
        RunState.PAUSING: (_("Pausing"), _("It ends the step that is under way.")),
        RunState.PAUSED: resume,
        RunState.FAILED: resume,
        RunState.STOPPING: (_("Ending"), _("It is being ended.")),
    }[state]


def _has_libraries(method_id: str) -> bool:
    """Whether all that training this method needs is there; asks for what is not."""
    return dependencies.ensure("train", method(method_id).packages)
