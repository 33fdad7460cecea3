"""The search: check, draw the cases, work on trials until none is left, write what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from LesionDetectionLib.core.errors import Cancelled, UsageError
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.device import choose_device, describe_device

from ..cohorts.caching import Cache
from ..cohorts.case import Case
from ..cohorts.cohort import LeftOut
from ..learning.engine.distributed import Processes
from ..learning.parts import open_parts
from ..learning.provenance import without_folders
from ..learning.recipe import Recipe, Run, recipe
from ..reproduction.wording import named
from .journal import GRID, TPE, WAYS, Journal, Trial
from .measures import Measure
from .paths import plain
from .request import TuningRequest, begin, cases_digest, drawn
from .space import Budget, Space, parse_space
from .trial import DONE, run_trial
from .varied import shown

CACHE = "cache"
TRIALS = 20
"""Where neither the user nor a grid says how many [choice]."""
_TEXT = 60


@dataclass(frozen=True)
class Search:
    """A search as far as it is.

    Attributes:
        request: what was asked for.
        space: what was varied.
        measure: by which trials are compared.
        way: grid, random or tpe.
        trials: those that are there, repeats included, by number.
        best: of these; None where none is done.
        wanted: trials, without repeats.
        cases: of training and validation.
        on_phantoms: whether all of them are computer-made.
        device: in words.
        left_out: cases that could not be used.
    """

    request: TuningRequest
    space: Space
    measure: Measure
    way: str
    trials: tuple[Trial, ...]
    best: Trial | None
    wanted: int
    cases: tuple[int, int]
    on_phantoms: bool
    device: str
    left_out: tuple[LeftOut, ...] = ()

    @property
    def candidates(self) -> tuple[Trial, ...]:
        """The trials that are no repeats."""
        return tuple(trial for trial in self.trials if not trial.again)

    @property
    def repeats(self) -> tuple[Trial, ...]:
        """The best's values with other seeds."""
        best = self.best
        return tuple(trial for trial in self.trials if best and trial.again and trial.values == best.values)


@dataclass(eq=False)
class _Work:
    """What all trials share."""

    request: TuningRequest
    recipe: Recipe
    space: Space
    measure: Measure
    way: str
    journal: Journal
    device: torch.device
    training: tuple[Case, ...]
    validation: tuple[Case, ...]
    on_phantoms: bool
    left_out: list[LeftOut] = field(default_factory=list)

    def search(self) -> Search:
        trials = tuple(self.journal.all())
        return Search(
            request=self.request,
            space=self.space,
            measure=self.measure,
            way=self.way,
            trials=trials,
            best=self.journal.best(trials),
            wanted=self.journal.wanted,
            cases=(len(self.training), len(self.validation)),
            on_phantoms=self.on_phantoms,
            device=describe_device(self.device),
            left_out=tuple({left.case: left for left in self.left_out}.values()),
        )


def run_tuning(request: TuningRequest, progress: Progress) -> Search:
    """Fit what is not fitted yet and write the results into the folder.

    Several processes, on one machine or several that see one folder, may work on one search: all but the first with ``resume``.

    Raises:
        UsageError: no recipe, an unknown setting, a value that cannot be, options that contradict each other, or a resume
            with others than before.
        InputError: data that cannot be used, or a folder with foreign content.
        OutputError: the folder holds a search already and ``resume`` is not set, or cannot be written.
        DeviceError: the device is missing.
        Cancelled: through ``progress``; what is done stays, with results so far, and ``resume`` goes on from there.
    """
    from .report import write_results

    request.refuse_unfit()
    work = _begin(request, progress.part(0, 0.02))
    try:
        _all_trials(work, progress.part(0.02, 0.99))
    except Cancelled as stopped:
        search = work.search()
        if any(trial.ended for trial in search.trials):
            write_results(search)
        raise Cancelled(
            f"Cancelled. What was done so far is in {request.output}: the same command with --resume goes on."
        ) from stopped
    search = work.search()
    write_results(search)
    progress(1.0, "Done")
    return search


def _begin(request: TuningRequest, progress: Progress) -> _Work:
    """Everything that can be refused is, before the folder is made."""
    chosen = recipe(request.method)
    base = request.settings if request.settings is not None else chosen.default_settings()
    space = parse_space(base, request.vary, Budget(request.steps, request.samples))
    measure = Measure.of_settings(base, request.measure, request.fit)
    way, trials = _way_and_trials(request, space)
    device = choose_device(request.device)
    parts = open_parts(request.parts, progress)
    seed = request.parts.seed
    training, validation = (drawn(cases, request.cases, seed) for cases in (parts.training, parts.validation))
    what = {
        "method": request.method,
        "cohort": without_folders(request.parts.cohort),
        "validation": without_folders(request.parts.validation) if request.parts.validation else None,
        "cases": cases_digest((*training, *validation)),
        "seed": seed,
        "settings": plain(base),
        "varied": {one.path: one.told() for one in space.varied},
        "way": way,
        "steps": request.steps,
        "samples": request.samples,
        "measure": measure.title,
        "fit": measure.fit,
    }
    begin(request.output, what)
    journal = Journal(request.output, space, measure, way, seed, trials)
    return _Work(
        request,
        chosen,
        space,
        measure,
        way,
        journal,
        device,
        training,
        validation,
        parts.on_phantoms,
        [*parts.left_out],
    )


def _way_and_trials(request: TuningRequest, space: Space) -> tuple[str, int | None]:
    """How points are found, and how many: None for all of a grid. Raises UsageError."""
    way = request.way or (GRID if space.is_grid else TPE)
    if way not in WAYS:
        raise UsageError(f"There is no way “{way}” to search. Choose one of {', '.join(WAYS)}.")
    if way == GRID and not space.is_grid:
        path = next(one.path for one in space.varied if one.is_range)
        raise UsageError(
            f"A grid needs values, and “{path}” is a range. Say how many it is divided into, such as “1e-5..1e-1 log 5”, or take "
            "--way random or tpe."
        )
    return way, request.trials if way == GRID else request.trials or TRIALS


def _all_trials(work: _Work, progress: Progress) -> None:
    journal, again = work.journal, work.request.again
    total = journal.wanted + again
    while True:
        if progress.cancelled:
            raise Cancelled
        with journal.next(again) as trial:
            if trial is None:
                return
            done = _done(work)
            own = progress.part(min(done / total, 1), min((done + 1) / total, 1))
            _one_trial(work, trial, total, own)


def _done(work: _Work) -> int:
    return sum(trial.ended for trial in work.journal.all())


def _one_trial(work: _Work, trial: Trial, total: int, progress: Progress) -> None:
    """Fit it and write down how it ended."""
    run = Run(
        folder=trial.folder,
        training=work.training,
        validation=work.validation,
        cache=Cache(work.request.cache_folder or work.request.output / CACHE, round(work.request.cache_gb * 1e9)),
        device=work.device,
        processes=Processes(device=work.device),
        workers=work.request.workers,
        seed=trial.seed,
        resume=True,
    )
    settings = work.space.settings(trial.values)
    name = f"{trial.number + 1}/{max(total, trial.number + 1)}"
    outcome = run_trial(work.recipe, run, settings, work.measure, named(progress, name))
    work.left_out += run.left_out
    work.journal.finish(trial, outcome)
    found = f"{work.measure.short} {outcome.value:.4g}" if outcome.state == DONE else outcome.state
    values = ", ".join(f"{path} {shown(value)}" for path, value in trial.values.items())
    seed = f", seed {trial.seed}" if trial.again else ""
    note = f" {outcome.text}" if outcome.text and outcome.state == DONE else ""
    work.request.tell(f"Trial {name}: {values}{seed}: {found} ({outcome.seconds:.0f} s).{note}")
