"""Where training runs lie, and what is left of one after it was paused, or Slicer was closed, or the computer stopped.

RUNS/my-model/plan.json      what is trained (:mod:`.plan`)
              settings.yaml  the settings' file that was chosen, as it was then
              run/           one model's run, with checkpoints and histories (:mod:`..learning.training`)
              run/model/     its bundle, when it is done
              cache/         prepared cases, for all folds
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

from LesionDetectionLib.app.models import default_models_folder
from LesionDetectionLib.core.atomic import atomic_file
from LesionDetectionLib.core.bundle import MANIFEST
from LesionDetectionLib.core.errors import InputError, LesionDetectionError, OutputError

from ..learning.engine.history import HISTORY, History
from .plan import Part, TrainingPlan, folder_name

PLAN, SETTINGS, MODEL, CACHE, TRAIN_RUN = "plan.json", "settings.yaml", "model", "cache", "run.json"
INSTALLED = "installed.json"
_CHECKPOINTS = "checkpoints"


def default_runs_folder() -> Path:
    """Where training runs lie where nobody chose a folder: beside the usual one for models."""
    return default_models_folder().parent / "Training"


@dataclass(frozen=True)
class RunFolder:
    """A training run on disk."""

    path: Path
    plan: TrainingPlan

    @classmethod
    def create(cls, runs: Path, plan: TrainingPlan) -> RunFolder:
        """A new run in the folder of all runs; one of this name that is done makes room for it.

        Raises:
            UsageError: the plan makes no sense.
            InputError: the settings' file cannot be read.
            OutputError: a run of this name is there, or the folder cannot be written.
        """
        plan.check()
        settings = _settings_of(plan)
        path = runs / folder_name(plan.name)
        if path.exists() and not _is_over(path):
            raise OutputError(
                f"There is a training run “{plan.name}” in {runs} already. Resume it, remove it, or give the model another name."
            )
        if path.exists():
            cls.open(path).remove()
        if plan.settings_file:
            plan = replace(plan, settings_file=str(path / SETTINGS))
            with atomic_file(path / SETTINGS) as temporary:
                temporary.write_bytes(settings)
        with atomic_file(path / PLAN) as temporary:
            temporary.write_text(json.dumps(plan.to_json(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        return cls(path, plan)

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """A run that is there. Raises InputError where it is none, or cannot be read."""
        try:
            content = json.loads((path / PLAN).read_text(encoding="utf-8"))
            if not isinstance(content, dict):
                raise ValueError("it holds no plan")
        except (OSError, ValueError) as error:
            raise InputError(f"{path} is no training run: {error}.") from error
        return cls(path, TrainingPlan.from_json(content))

    def folder(self, part: Part) -> Path:
        return self.path / part.folder

    def bundle(self, part: Part) -> Path:
        return self.folder(part) / MODEL

    @property
    def cache(self) -> Path:
        return self.path / CACHE

    def is_begun(self, part: Part) -> bool:
        """Whether there is something to go on with."""
        return (self.folder(part) / TRAIN_RUN).is_file()

    def is_trained(self, part: Part) -> bool:
        return (self.bundle(part) / MANIFEST).is_file()

    def installed(self, part: Part) -> Path | None:
        """Where its bundle was installed; None where that is still to do."""
        try:
            return Path(json.loads((self.folder(part) / INSTALLED).read_text(encoding="utf-8"))["bundle"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def note_installed(self, part: Part, bundle: Path) -> None:
        """Raises OutputError."""
        with atomic_file(self.folder(part) / INSTALLED) as temporary:
            temporary.write_text(json.dumps({"bundle": str(bundle)}) + "\n", encoding="utf-8")

    @property
    def next_part(self) -> Part | None:
        """What is to be trained next; None when all is done."""
        return next((part for part in self.plan.parts if self.installed(part) is None), None)

    @property
    def steps_done(self) -> int:
        """Optimiser steps that the histories of all parts tell of."""
        found = (History.read(path.parent).records for path in self.path.glob(f"*/*/{HISTORY}"))
        return sum(records[-1].step for records in found if records)

    def remove(self) -> None:
        """Delete the run with all checkpoints; its models in the model folder stay. Raises OutputError."""
        if not (self.path / PLAN).is_file():
            return
        try:
            shutil.rmtree(self.path)
        except OSError as error:
            raise OutputError(f"{self.path} could not be removed: {error}. Is it in use?") from error

    def tidy(self) -> None:
        """After all is done: without prepared cases and checkpoints, which are large; histories and scores stay."""
        for path in (self.cache, *self.path.glob(f"*/*/{_CHECKPOINTS}"), *self.path.glob("*/provisional")):
            shutil.rmtree(path, ignore_errors=True)


def unfinished(runs: Path) -> tuple[RunFolder, ...]:
    """The runs that can go on, the one that was last worked on first; what cannot be read is passed over."""
    found = []
    for path in runs.iterdir() if runs.is_dir() else ():
        try:
            run = RunFolder.open(path)
        except LesionDetectionError:
            continue
        if run.next_part is not None:
            found.append(run)
    return tuple(sorted(found, key=_last_change, reverse=True))


def _last_change(run: RunFolder) -> float:
    return max((path.stat().st_mtime for path in (run.path / PLAN, *run.path.glob(f"*/*/{HISTORY}"))), default=0.0)


def _settings_of(plan: TrainingPlan) -> bytes:
    """What the settings' file holds now: it may be changed before the run goes on. Raises InputError."""
    if not plan.settings_file:
        return b""
    try:
        return Path(plan.settings_file).expanduser().read_bytes()
    except OSError as error:
        raise InputError(f"The settings {plan.settings_file} cannot be read: {error.strerror or error}.") from error


def _is_over(path: Path) -> bool:
    try:
        return RunFolder.open(path).next_part is None
    except LesionDetectionError:
        return False
