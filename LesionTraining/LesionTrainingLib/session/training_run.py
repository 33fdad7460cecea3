"""A training run as a person steers it: start, watch, pause, go on, stop; one model, or those of all folds in turn.

What is learned lies in the run's folder at any time, so that pausing, closing Slicer, a crash and a power cut are alike: the
run goes on from its last checkpoint.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any

from LesionDetectionLib.app.worker.engine import Engine, Job
from LesionDetectionLib.core.errors import LesionDetectionError, UsageError

from .curves import LiveCurves
from .plan import ALL_FOLDS, Part, TrainingPlan
from .requests import PoolFoldsRequest, TrainRequest
from .results import TrainingResult, together
from .runs import RunFolder

_LEAST_S, _LEAST_DONE = 15.0, 0.02
"""Before so much time has passed and so much is done, how long it will take cannot be told."""
_LEAP = 0.03
"""More than this at once was not done, but found done, as when a run goes on: time is counted from there."""


class RunState(Enum):
    """What a run is doing."""

    NONE = "none"
    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    STOPPING = "stopping"
    FAILED = "failed"
    FINISHED = "finished"

    @property
    def is_busy(self) -> bool:
        return self in (RunState.RUNNING, RunState.PAUSING, RunState.STOPPING)


class TrainingRun:
    """One run at a time. All calls and callbacks are in the thread of the user interface.

    Args:
        engine: gives the engine that trains, when it is first needed.
        models: gives the model folder.
        on_change: called whenever state, progress or results change.

    Attributes:
        state: what it is doing.
        folder: of the run; None where there is none.
        part: the model that is being trained, or was last.
        error: why it failed.
        details: the same for a programmer.
        results: of the models that are done, in the order of the plan; behind them, of all folds together.
    """

    def __init__(self, engine: Callable[[], Engine], models: Callable[[], Path], on_change: Callable[[], None]) -> None:
        self._engine, self._models, self._on_change = engine, models, on_change
        self._forget()

    def _forget(self) -> None:
        self.state = RunState.NONE
        self.folder: RunFolder | None = None
        self.part: Part | None = None
        self.error: LesionDetectionError | None = None
        self.details = ""
        self.results: tuple[TrainingResult, ...] = ()
        self._remove = False
        self._job: Job | None = None
        self._begun = (0.0, 0.0)
        self._last_fraction = 0.0
        self._curves: LiveCurves | None = None

    # -- what can be done ---------------------------------------------------------------------------------------------

    @property
    def plan(self) -> TrainingPlan | None:
        return self.folder.plan if self.folder is not None else None

    @property
    def can_resume(self) -> bool:
        return self.state in (RunState.PAUSED, RunState.FAILED) and self.folder is not None

    def start(self, plan: TrainingPlan, runs: Path) -> None:
        """Begin a new run in the folder of all runs.

        Raises:
            UsageError: a run is going on, or the plan makes no sense.
            OutputError: a run of this name is there.
        """
        self._refuse_while_busy()
        folder = RunFolder.create(runs, plan)
        self._forget()
        self.folder = folder
        self._next()

    def open(self, folder: RunFolder) -> None:
        """Take up a run that is there, paused: its curves can be seen, and :meth:`resume` goes on. Raises UsageError."""
        self._refuse_while_busy()
        self._forget()
        self.folder, self.part = folder, folder.next_part
        self.results = tuple(_results(folder))
        self.state = RunState.PAUSED if self.part is not None else RunState.FINISHED
        self._curves = LiveCurves(folder.folder(self.part or folder.plan.parts[-1]))
        self._on_change()

    def resume(self) -> None:
        """Go on with a run that is paused or has failed. Raises UsageError where there is none."""
        if not self.can_resume:
            raise UsageError("There is no training run to go on with.")
        self._next()

    def pause(self) -> None:
        """Stop after the step that is being worked on; what was learned stays."""
        if self.state is RunState.RUNNING and self._job is not None:
            self.state = RunState.PAUSING
            self._on_change()
            self._job.cancel()

    def stop(self, remove: bool) -> None:
        """End the run for good.

        Args:
            remove: with all that was learned; else it can go on another day.

        Raises:
            OutputError: the folder cannot be removed.
        """
        if self.state in (RunState.RUNNING, RunState.PAUSING) and self._job is not None:
            self.state, self._remove = RunState.STOPPING, remove
            self._on_change()
            self._job.cancel()
        elif not self.state.is_busy and self.folder is not None:
            self._end(remove)

    # -- how it goes --------------------------------------------------------------------------------------------------

    @property
    def fraction(self) -> float:
        """How much of the whole run is done, 0 to 1."""
        if self.folder is None:
            return 0.0
        parts = self.folder.plan.parts
        done = len(parts) if self.state is RunState.FINISHED else parts.index(self.part) if self.part in parts else 0
        now = self._last_fraction if self.state is not RunState.FINISHED else 0.0
        return min(1.0, (done + now) / len(parts))

    @property
    def text(self) -> str:
        """What is being done, in words of the task; empty where nothing is."""
        return self._job.text if self._job is not None and self.state.is_busy else ""

    def seconds_left(self) -> float | None:
        """How long the model that is being trained will take yet, if it goes on as since it was started; None where that
        cannot be told."""
        if self._job is None or self.state is not RunState.RUNNING:
            return None
        since, first = self._begun
        passed, done = time.monotonic() - since, self._job.fraction - first
        if passed < _LEAST_S or done < _LEAST_DONE:
            return None
        return passed * (1 - self._job.fraction) / done

    @property
    def curves(self) -> LiveCurves | None:
        """Loss and metrics of :attr:`part`; call its ``update`` from time to time."""
        return self._curves

    # -- one model after another --------------------------------------------------------------------------------------

    def _next(self) -> None:
        assert self.folder is not None
        self.error, self.details, self._remove = None, "", False
        part = self.folder.next_part
        self.state = RunState.RUNNING
        if part is None:
            self._pool()
            return
        self.part, self._begun, self._last_fraction = part, (time.monotonic(), 0.0), 0.0
        self._curves = LiveCurves(self.folder.folder(part))
        self._submit(TrainRequest(str(self.folder.path), part.fold, str(self._models())), self._trained)

    def _submit(self, request: Any, done: Callable[[Any], None]) -> None:
        def changed(job: Job) -> None:
            if self._job is not None and job is not self._job:
                return  # of a run that was let go
            self._job = job
            self._count_from(job.fraction)
            if not job.finished:
                self._on_change()
            elif job.state == "done":
                self._job = None
                done(job.result)
            else:
                self._job = None
                self._not_done(job)

        self._job = None
        job = self._engine().submit(request, {}, changed)
        if not job.finished:
            self._job = job
            self._on_change()

    def _count_from(self, fraction: float) -> None:
        if fraction - self._last_fraction > _LEAP:
            self._begun = (time.monotonic(), fraction)
        self._last_fraction = fraction

    def _trained(self, bundle: Any) -> None:
        assert self.folder is not None
        self.results = tuple(_results(self.folder))
        if self.state is RunState.STOPPING:
            self._end(self._remove)
        elif self.state is RunState.PAUSING and self.folder.next_part is not None:
            self.state, self.part, self._last_fraction = RunState.PAUSED, self.folder.next_part, 0.0
            self._on_change()
        else:
            self._next()

    def _pool(self) -> None:
        """All models are there: put their figures together where they are of all folds."""
        assert self.folder is not None
        plan = self.folder.plan
        if plan.folds and plan.fold == ALL_FOLDS:
            self._submit(PoolFoldsRequest(str(self.folder.path)), self._pooled)
        else:
            self._finished()

    def _pooled(self, figures: dict[str, Any]) -> None:
        assert self.folder is not None
        models = tuple(_results(self.folder))
        self.results = (*models, together(self.folder.plan.name, models, figures))
        self._finished()

    def _finished(self) -> None:
        assert self.folder is not None
        self.folder.tidy()
        self.state = RunState.FINISHED
        self._on_change()

    def _not_done(self, job: Job) -> None:
        if self.state is RunState.STOPPING:
            self._end(self._remove)
            return
        if job.state == "cancelled":
            self.state = RunState.PAUSED
        else:
            self.state, self.error, self.details = RunState.FAILED, job.error, job.details
        self._on_change()

    def _end(self, remove: bool) -> None:
        """Let the run go; in its folder it stays, or not."""
        folder = self.folder
        self._forget()
        if folder is not None and remove:
            folder.remove()
        self._on_change()

    def _refuse_while_busy(self) -> None:
        if self.state.is_busy:
            raise UsageError("A training run is going on. Pause or cancel it first.")


def _results(folder: RunFolder) -> list[TrainingResult]:
    """Of the models that are done. Where a person removed one from the model folder, the run's own copy tells."""
    found = []
    for part in folder.plan.parts:
        installed = folder.installed(part)
        if installed is not None:
            found.append(TrainingResult.of(installed if installed.exists() else folder.bundle(part)))
    return found
