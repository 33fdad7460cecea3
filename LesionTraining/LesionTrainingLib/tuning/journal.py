"""Which trials there are, and which is next: Optuna's journal in a file, which processes that share the folder share.

The file is JSON, a line an event; nothing of it is ever unpickled (Optuna does so for a journal in Redis only). Whoever looks
into it or writes to it holds the folder's lock for that moment, and whoever works on a trial holds the trial's: both are
the operating system's, so that a killed process holds nothing, and its trial is taken up by the next who looks.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import optuna
from LesionDetectionLib.core.atomic import atomic_file
from LesionDetectionLib.core.errors import InputError
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from ..cohorts.caching.locks import FileLock
from .measures import Measure
from .space import Space
from .trial import DONE, STATES, Outcome
from .varied import Varied

JOURNAL, LOCK, TRIALS, OUTCOME = "journal.jsonl", ".lock", "trials", "outcome.json"
GRID, RANDOM, TPE = "grid", "random", "tpe"
WAYS = (GRID, RANDOM, TPE)
WAITING, RUNNING = "waiting", "running"
_STUDY, _SEED = "lesion-tuning", "seed"
_STARTUP = 10
"""Trials that TPE draws at random at first, Optuna's own number; of fewer than twice as many trials the first half [choice]."""

_FOREIGN = (ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError)
"""What Optuna raises over lines that are not its own."""

optuna.logging.set_verbosity(optuna.logging.ERROR)  # it would tell each trial on standard error


@dataclass(frozen=True)
class Trial:
    """One trial as the journal has it.

    Attributes:
        number: from 0, in the order of the asking.
        folder: of its fits.
        values: by path; empty where a process was killed while it asked.
        seed: of the fit.
        again: whether it repeats the best with another seed, and is no candidate itself.
        state: ``waiting``, ``running``, or one of :data:`.trial.STATES`.
        outcome: of one that has ended.
    """

    number: int
    folder: Path
    values: dict[str, Any]
    seed: int
    again: bool
    state: str
    outcome: Outcome = field(default_factory=lambda: Outcome(WAITING))

    @property
    def ended(self) -> bool:
        return self.state in STATES


class Journal:
    """The trials of a search in its folder.

    Args:
        folder: of the search.
        space: what is varied.
        measure: by which trials are compared.
        way: one of :data:`WAYS`.
        seed: of the draws, and of all trials but repeats.
        trials: so many; of a grid None for all points.

    Raises:
        InputError: the file is no journal of such a search.
        OutputError: it cannot be written.
    """

    def __init__(self, folder: Path, space: Space, measure: Measure, way: str, seed: int, trials: int | None) -> None:
        self.folder, self._space, self._measure, self._way, self._seed = folder, space, measure, way, seed
        self._points = space.points(trials, seed) if way == GRID else []
        self.wanted = len(self._points) if way == GRID else trials or 0
        self._lock = FileLock(folder / LOCK)
        folder.mkdir(parents=True, exist_ok=True)
        with self._lock.held():
            _cut_torn_line(folder / JOURNAL)
            try:
                self._study = self._open()
                self._all()
            except _FOREIGN as error:
                raise _foreign(folder / JOURNAL, str(error) or type(error).__name__) from error

    def _open(self) -> optuna.Study:
        backend = JournalFileBackend(str(self.folder / JOURNAL), lock_obj=_Nothing())  # type: ignore[arg-type]
        direction = StudyDirection.MAXIMIZE if self._measure.higher_is_better else StudyDirection.MINIMIZE
        storage = JournalStorage(backend)
        return optuna.create_study(storage=storage, study_name=_STUDY, direction=direction, load_if_exists=True)

    def all(self) -> list[Trial]:
        """All trials so far; those that a killed process lost while it asked are left out."""
        with self._lock.held():
            return self._all()

    @contextlib.contextmanager
    def next(self, repeats: int = 0) -> Iterator[Trial | None]:
        """A trial to work on, held for this process until the end of the block; None where there is none left.

        One that a process began and did not end is taken up first. When all have ended, the best is repeated.

        Args:
            repeats: with so many other seeds.
        """
        held = self._take(repeats)
        try:
            yield held[0] if held else None
        finally:
            if held:
                held[1].release(remove=True)

    def finish(self, trial: Trial, outcome: Outcome) -> None:
        """Write down how a trial ended, for this process and all others. Raises OutputError."""
        with atomic_file(trial.folder / OUTCOME) as temporary:
            plain = {**asdict(outcome), "value": outcome.value if math.isfinite(outcome.value) else None}
            temporary.write_text(json.dumps(plain, ensure_ascii=False) + "\n", encoding="utf-8")
        with self._lock.held():
            self._tell(trial, outcome)

    def best(self, trials: Sequence[Trial] | None = None) -> Trial | None:
        """The best of those that are no repeats; of two alike the first."""
        found: Trial | None = None
        for trial in self.all() if trials is None else trials:
            if trial.state == DONE and not trial.again:
                value = trial.outcome.value
                found = trial if found is None or self._measure.is_better(value, found.outcome.value) else found
        return found

    # -- taking ---------------------------------------------------------------------------------------------------------

    def _take(self, repeats: int) -> tuple[Trial, FileLock] | None:
        with self._lock.held():
            while True:
                trials = self._all()
                for trial in trials:
                    if trial.state == RUNNING and (lock := _locked(trial.folder)):
                        if not (trial.folder / OUTCOME).exists():
                            return trial, lock
                        lock.release(remove=True)
                        self._tell(trial, _read_outcome(trial.folder))  # its process was killed between the two
                        break
                else:
                    return self._new(trials, repeats)

    def _tell(self, trial: Trial, outcome: Outcome) -> None:
        if outcome.state == DONE:
            self._study.tell(trial.number, outcome.value)
        else:  # of what is pruned TPE learns to keep away; of what failed it would learn nothing
            self._study.tell(trial.number, state=TrialState.PRUNED)

    def _new(self, trials: list[Trial], repeats: int) -> tuple[Trial, FileLock] | None:
        """Ask for another trial, if more are wanted."""
        self._enqueue(trials, repeats)
        candidates = [trial for trial in trials if not trial.again]
        waiting = any(frozen.state == TrialState.WAITING for frozen in self._study.get_trials(deepcopy=False))
        if not waiting and (self._way == GRID or len(candidates) >= self.wanted):
            return None
        number = len(self._study.get_trials(deepcopy=False))
        # A sampler for each trial: a search that was stopped and goes on draws what one that was not would have drawn.
        self._study.sampler = self._sampler(number)
        asked = self._study.ask({one.path: _distribution(one) for one in self._space.varied})
        trial = next(trial for trial in self._all() if trial.number == asked.number)
        lock = _locked(trial.folder)
        assert lock is not None, "another process works on a trial that has just been made"
        return trial, lock

    def _enqueue(self, trials: list[Trial], repeats: int) -> None:
        """Points of a grid that no trial has yet; repeats of the best, when all else has ended."""
        if self._way == GRID:
            there = [trial.values for trial in trials if not trial.again]
            for point in self._points:
                if self._space.values(point) not in there:
                    self._study.enqueue_trial(dict(point))
        candidates = [trial for trial in trials if not trial.again]
        best = self.best(trials)
        if best is None or len(candidates) < self.wanted or not all(trial.ended for trial in candidates):
            return
        same = [trial for trial in trials if trial.again and trial.values == best.values]
        drawn = self._study.get_trials(deepcopy=False)[best.number].params
        for n in range(len(same), repeats):
            self._study.enqueue_trial(dict(drawn), user_attrs={_SEED: self._seed + n + 1})

    def _sampler(self, number: int) -> BaseSampler:
        seed = int.from_bytes(hashlib.sha256(f"{self._seed} {number}".encode()).digest()[:4], "big")
        if self._way == TPE:
            return TPESampler(n_startup_trials=max(1, min(_STARTUP, self.wanted // 2)), seed=seed)
        return RandomSampler(seed=seed)

    # -- reading --------------------------------------------------------------------------------------------------------

    def _all(self) -> list[Trial]:
        found = [self._trial(frozen) for frozen in self._study.get_trials(deepcopy=False)]
        return [trial for trial in found if trial.values]

    def _trial(self, frozen: FrozenTrial) -> Trial:
        drawn = frozen.system_attrs.get("fixed_params") or frozen.params
        folder = self.folder / TRIALS / f"{frozen.number:04d}"
        try:
            seed = int(frozen.user_attrs.get(_SEED, self._seed))
            lost = len(drawn) < len(self._space.varied)
            values = {} if lost else self._space.values(drawn)
        except (ValueError, KeyError, TypeError) as error:
            raise _foreign(self.folder / JOURNAL, f"trial {frozen.number} is of another search") from error
        again = _SEED in frozen.user_attrs
        if not frozen.state.is_finished():
            state = WAITING if frozen.state == TrialState.WAITING else RUNNING
            return Trial(frozen.number, folder, values, seed, again, state)
        outcome = _read_outcome(folder)
        return Trial(frozen.number, folder, values, seed, again, outcome.state, outcome)


class _Nothing:
    """In place of the lock that Optuna would make beside the file: the folder's own is held, and outlives no process."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        """Nothing."""


def _distribution(one: Varied) -> BaseDistribution:
    if not one.is_range:
        return CategoricalDistribution(one.labels)
    if one.integer:
        return IntDistribution(int(one.low), int(one.high), log=one.logarithmic)
    return FloatDistribution(one.low, one.high, log=one.logarithmic)


def _locked(folder: Path) -> FileLock | None:
    """The lock of a trial, if nobody holds it."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / LOCK)
    return lock if lock.try_acquire() else None


def _read_outcome(folder: Path) -> Outcome:
    """Raises InputError."""
    path = folder / OUTCOME
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        value = math.nan if plain["value"] is None else float(plain["value"])
        outcome = Outcome(str(plain["state"]), value, float(plain["seconds"]), int(plain["steps"]), str(plain["text"]))
        if outcome.state not in STATES or (outcome.state == DONE) != math.isfinite(value):
            raise ValueError("it does not say how the trial ended")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _foreign(path, str(error)) from error
    return outcome


def _cut_torn_line(path: Path) -> None:
    """What a process that was killed while it wrote left of a line: another line after it would spoil both."""
    if path.exists() and (text := path.read_bytes()) and not text.endswith(b"\n"):
        with path.open("r+b") as file:
            file.truncate(text.rfind(b"\n") + 1)


def _foreign(path: Path, why: str) -> InputError:
    return InputError(f"{path} cannot be used ({why}). Name another folder with --output to begin anew.")
