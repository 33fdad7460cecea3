"""What is said of a training run while it goes on and when it has ended."""

from __future__ import annotations

from LesionDetectionLib.app.translation import tr as _

from .curves import LiveCurves
from .plan import TrainingPlan
from .presets import STANDARD, presets
from .training_run import RunState, TrainingRun
from .training_session import TrainingSession

_NOTES = 2
"""Of what the engine wrote down, so many are told, the last ones."""


def why_not_start(session: TrainingSession) -> str:
    """Why nothing can be trained now, in a sentence; empty where it can."""
    if session.measuring.busy:
        return _("A model is being measured.")
    if session.summary is not None and not session.summary.labelled:
        return _("The chosen data has no labels.")
    return ""


def progress_text(run: TrainingRun) -> str:
    """What is trained, what is done now, and how long it takes yet; empty where nothing is to go on with."""
    if run.folder is None or not (run.state.is_busy or run.can_resume):
        return ""
    parts = run.folder.plan.parts
    words = [run.folder.plan.name if len(parts) == 1 or run.part is None else run.part.name]
    if run.state is RunState.PAUSING:
        words.append(_("ends the step that is under way"))
    elif run.state is RunState.STOPPING:
        words.append(_("is being ended"))
    elif run.text:
        words.append(run.text)
    left = run.seconds_left()
    if left is not None:
        words.append(_("about {time} left").format(time=duration(left)))
    return " · ".join(words)


def plan_text(plan: TrainingPlan) -> str:
    """What a run learns from, and how."""
    known = presets(plan.method).get(plan.preset or STANDARD)
    chosen = plan.settings_file or (known.title if known is not None else plan.preset)
    text = _("{method} learns from {cohort}; {settings}; seed {seed}.").format(
        method=plan.method, cohort=plan.cohort, settings=chosen, seed=plan.seed
    )
    if plan.folds:
        return text + " " + _("{models} of {folds} folds.").format(models=len(plan.parts), folds=plan.folds)
    return text


def failed_text(run: TrainingRun) -> str:
    """Why a run ended, and what is left of it."""
    return _("{error} What was learned so far is kept: Resume goes on from there.").format(error=run.error)


def trained_names(run: TrainingRun) -> str:
    """The models that a run has made, in the order of its plan."""
    return ", ".join(result.name for result in run.results if result.path is not None)


def curve_texts(curves: LiveCurves) -> list[str]:
    """How far each stage has come down, and what the engine wrote down last."""
    ends = [
        _("{stage}: loss {last:.3g} after {steps} steps, {first:.3g} at first").format(
            stage=curve.name, last=curve.smooth[-1], steps=int(curve.steps[-1]), first=curve.values[0]
        )
        for curve in curves.losses
    ]
    return [*ends, *curves.notes[-_NOTES:]]


def duration(seconds: float) -> str:
    """In the unit that a person would say."""
    if seconds < 90:
        return _("{n} s").format(n=max(5, 5 * round(seconds / 5)))
    if seconds < 5400:
        return _("{n} min").format(n=round(seconds / 60))
    return _("{n} h").format(n=round(seconds / 3600, 1))
