"""One trial: a method's own recipe with other settings, as far as the fit that is looked at; nothing of it is kept but the
history."""

from __future__ import annotations

import contextlib
import math
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from LesionDetectionLib.core.errors import DeviceError, UsageError
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.device import is_out_of_memory

from ..learning.engine.checkpoints import CHECKPOINTS
from ..learning.engine.history import STEP, VALIDATION, Record
from ..learning.recipe import Recipe, Run
from .measures import METRIC, Measure, has_learned
from .paths import steps_of

DONE, DIVERGED, FULL, REFUSED = "done", "did not converge", "out of memory", "refused"
STATES = (DONE, DIVERGED, FULL, REFUSED)
NOT_FINITE = "not a finite number"
"""How the engine tells of a loss that is none."""
NOT_LEARNED = "The loss ended no lower than it began."


@dataclass(frozen=True)
class Outcome:
    """How a trial ended.

    Attributes:
        state: one of :data:`STATES`.
        value: of the measure; NaN unless ``done``.
        seconds: of the fit that is looked at.
        steps: of this fit.
        text: a sentence on what was wrong, if anything.
    """

    state: str
    value: float = math.nan
    seconds: float = 0.0
    steps: int = 0
    text: str = ""


class _Enough(Exception):
    """The fit that is looked at is done: what the recipe does after it, such as finding thresholds, tells nothing here."""


@dataclass(frozen=True)
class _Watch:
    """Ends the recipe after the fit that is looked at. A listener of its history: the file has each record before.

    Attributes:
        steps: of this fit; 0 where they are not known before, and the recipe goes on to its end.
    """

    folder: Path
    measure: Measure
    steps: int

    def __call__(self, record: Record) -> None:
        if self._is_last(record) and self.measure.is_current(self.folder):
            raise _Enough

    def is_over(self) -> bool:
        """Whether the fit was done already, in a trial that was stopped just there."""
        return any(map(self._is_last, self.measure.history(self.folder).records))

    def _is_last(self, record: Record) -> bool:
        return record.kind == (VALIDATION if self.measure.name == METRIC else STEP) and record.step >= self.steps > 0


def run_trial(recipe: Recipe, run: Run, settings: Any, measure: Measure, progress: Progress) -> Outcome:
    """Fit with ``settings`` in the run's folder and look at what came of it. A trial that was stopped goes on from its last
    checkpoint. Its checkpoints are removed at the end.

    Raises:
        Cancelled: through ``progress``; a checkpoint was written.
        InputError, OutputError: of what no settings can mend: no usable case, a full disk.
    """
    watch = _Watch(run.folder, measure, steps_of(settings, measure.fit))
    state, text = DONE, ""
    try:
        with contextlib.suppress(_Enough):
            if not watch.is_over():
                recipe.function()(replace(run, listeners=(*run.listeners, watch)), settings, progress)
    except UsageError as error:
        state, text = (DIVERGED if NOT_FINITE in str(error) else REFUSED), str(error)
    except DeviceError as error:
        state, text = FULL, str(error)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        state, text = FULL, f"The memory is full: {error}"
    outcome = _looked_at(run.folder, measure, state, text)
    remove_checkpoints(run.folder)
    return outcome


def _looked_at(folder: Path, measure: Measure, state: str, text: str) -> Outcome:
    history = measure.history(folder)
    records = history.of_kind(STEP)
    value = measure.of(history) if state == DONE else math.nan
    if state == DONE and not math.isfinite(value):
        state, text = DIVERGED, f"There is no finite {measure.title}."
    if state == DONE and not has_learned(history):
        text = NOT_LEARNED
    seconds = history.records[-1].seconds if history.records else 0.0
    return Outcome(state, value, round(seconds, 3), records[-1].step if records else 0, text)


def remove_checkpoints(folder: Path) -> None:
    """What only a resume would need: weights are most of a trial's size."""
    for path in folder.glob(f"*/{CHECKPOINTS}"):
        shutil.rmtree(path, ignore_errors=True)
