"""The one contract of all training recipes, and how they are found: a folder here with a ``RECIPE`` is a method to train."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from LesionDetectionLib.core.bundle import Weights
from LesionDetectionLib.core.errors import InputError, UsageError
from LesionDetectionLib.core.late import declared, load
from LesionDetectionLib.core.progress import Progress

from ..cohorts.case import Case
from ..cohorts.cohort import LeftOut

if TYPE_CHECKING:
    import torch

    from ..cohorts.caching import Cache, Entry, Maker
    from .engine.distributed import Processes
    from .engine.history import Listener


@dataclass(eq=False)
class Run:
    """One training run: what it learns from, where it keeps what it needs to go on after it was stopped.

    Attributes:
        folder: of checkpoints, histories and logs.
        training, validation: the cases; those without labels are not among them.
        cache: of prepared cases.
        device: where the networks are fitted.
        processes: this process among those that fit together.
        workers: processes that prepare cases.
        seed: of everything random.
        resume: go on from what ``folder`` holds.
        left_out: cases that turned out to be unusable; a recipe adds to it.
        listeners: told each record of the history as it is made (live loss curves).
    """

    folder: Path
    training: tuple[Case, ...]
    validation: tuple[Case, ...]
    cache: Cache
    device: torch.device
    processes: Processes
    workers: int = 1
    seed: int = 0
    resume: bool = False
    left_out: list[LeftOut] = field(default_factory=list)
    listeners: tuple[Listener, ...] = ()

    def prepared(self, cases: Sequence[Case], wanted: Any, make: Maker, progress: Progress) -> list[Entry]:
        """The cache's entries of all cases that can be used; the others join ``left_out``. The first process prepares them;
        what it made the others find in the cache.

        Raises:
            OutputError: the disk is full.
            Cancelled: through ``progress``.
        """
        if not self.processes.is_main:
            self.processes.barrier()
        found, left_out = self.cache.prepare_all(cases, wanted, make, self.workers, progress)
        if self.processes.is_main:
            self.processes.barrier()
        self.left_out += left_out
        return [entry for _, entry in found]

    def require_cases(self, *parts: Sequence[Any]) -> None:
        """Refuse a run a part of which, training or validation, has no case that can be used. Raises InputError, with the first
        reason."""
        if not all(parts):
            first = f" The first: {self.left_out[0].case}: {self.left_out[0].reason}" if self.left_out else ""
            raise InputError(f"No case of a part can be used; {len(self.left_out)} were left out.{first}")


@dataclass(eq=False)
class Trained:
    """What a recipe gives.

    Attributes:
        weights, architecture, settings: as the bundle's manifest wants them; ``settings`` has the operating points.
        record: counts, losses, seconds and whatever else tells how it came about; for the manifest.
        metrics: what was measured on the validation cases; for the manifest.
        lines: sentences on the data and the fit, for the model card.
        limits: sentences on what this model cannot do, beside those of the method.
    """

    weights: Weights
    architecture: dict[str, Any]
    settings: dict[str, Any]
    record: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, Any] = field(default_factory=dict)
    lines: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()


TrainFunction = Callable[[Run, Any, Progress], Trained]
"""(run, settings of the recipe, progress) -> what goes into the bundle; what a process that is not the main one gives is
not looked at."""


@dataclass(frozen=True)
class Recipe:
    """How a method is trained. Importing this loads no heavy library.

    Attributes:
        method: id of the method.
        settings: ``module:name`` of a frozen dataclass of plain values with defaults, all that can be set of the recipe.
        train: ``module:name`` of a function (run, settings, progress) -> Trained.
    """

    method: str
    settings: str
    train: str

    def default_settings(self) -> Any:
        return load(self.settings)()

    def function(self) -> TrainFunction:
        function: TrainFunction = load(self.train)
        return function


def recipes() -> dict[str, Recipe]:
    """All recipes by the id of their method."""
    return {recipe.method: recipe for recipe in declared(__package__ or "", "RECIPE")}


def recipe(method: str) -> Recipe:
    """The recipe for a method.

    Raises:
        UsageError: there is none; the text names those that there are.
    """
    known = recipes()
    if method not in known:
        raise UsageError(f"There is no training recipe for “{method}”. There is one for: {', '.join(known)}.")
    return known[method]
