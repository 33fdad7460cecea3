"""What is asked of a search, and whether a folder was begun with the same."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from LesionDetectionLib.core.atomic import atomic_file
from LesionDetectionLib.core.errors import InputError, OutputError, UsageError

from ..cohorts.case import Case
from ..learning.parts import PartsRequest
from .measures import AUTO

RECORD = "search.json"
_SHOWN = 3


@dataclass(frozen=True)
class TuningRequest:
    """What to search and where.

    Attributes:
        method: id of the method whose recipe is fitted.
        parts: where the cases come from; those of the part ``test`` are not looked at.
        output: folder of trials and results.
        vary: settings and their values, as :mod:`.varied` reads them.
        settings: of the recipe, that all trials begin from; None for its defaults.
        way: ``grid``, ``random``, ``tpe``; empty for a grid where all that is varied are lists, else ``tpe``.
        trials: so many; None for all points of a grid, and 20 of others.
        steps, samples: see :class:`.space.Budget`.
        cases: patients of each part at most, drawn with the seed; 0 for all.
        measure, fit: see :meth:`.measures.Measure.of_settings`.
        again: the best is fitted with so many other seeds at the end.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``.
        workers: processes that prepare cases.
        cache_folder, cache_gb: of prepared cases, which all trials share; None for a folder in the output.
        resume: go on with what the folder holds.
        command: how it was asked for, for the record.
        tell: takes a sentence when a trial has ended.
    """

    method: str
    parts: PartsRequest
    output: Path
    vary: tuple[str, ...]
    settings: Any = None
    way: str = ""
    trials: int | None = None
    steps: int = 0
    samples: int = 0
    cases: int = 0
    measure: str = AUTO
    fit: str = ""
    again: int = 0
    device: str = "auto"
    workers: int = 1
    cache_folder: Path | None = None
    cache_gb: float = 100.0
    resume: bool = False
    command: str = ""
    tell: Callable[[str], None] = field(default=lambda _: None)

    def refuse_unfit(self) -> None:
        """Raises UsageError for what makes no sense, OutputError for a folder that holds something, before anything is written."""
        if self.steps and self.samples:
            raise UsageError("--steps and --samples both say how long a trial is fitted: name one of them.")
        least = min(self.steps, self.samples, self.cases, self.again, self.parts.seed)
        if least < 0 or self.workers < 1 or not 0 < self.cache_gb < float("inf"):
            raise UsageError(
                "--steps, --samples, --cases, --again and --seed must be 0 or more, --workers 1 or more, and --cache-gb above 0."
            )
        if self.trials is not None and self.trials < 1:
            raise UsageError("--trials must be 1 or more.")
        if int(os.environ.get("WORLD_SIZE", "1") or 1) > 1:
            raise UsageError(
                "A search runs in one process. To use several GPUs, start one a GPU with the same --output: the first as it is, "
                "the others with --resume and --device cuda:1, cuda:2 and so on. They share the trials."
            )
        if self.output.is_file():
            raise OutputError(f"{self.output} is a file; name a folder to write to.")
        if (self.output / RECORD).exists() and not self.resume:
            raise OutputError(
                f"{self.output} holds a search already. Add --resume to go on with it, or name another folder with --output."
            )
        if not (self.output / RECORD).exists() and self.output.exists() and any(self.output.iterdir()):
            raise OutputError(f"{self.output} holds something else. Name a new folder with --output.")


def begin(folder: Path, what: Mapping[str, Any]) -> None:
    """Write down what the search is, or compare with what is written there.

    Args:
        what: plain JSON values by name; the names are what a refusal tells.

    Raises:
        UsageError: the folder was begun with other values.
        InputError: what is written there cannot be read.
        OutputError: it cannot be written.
    """
    path, now = folder / RECORD, json.loads(json.dumps(what))
    if not path.exists():
        with atomic_file(path) as temporary:
            temporary.write_text(json.dumps(now, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        return
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(before, dict):
            raise ValueError("it does not say what the search is")
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {error}. Name another folder with --output to begin anew.") from error
    differing = [name for name in now if before.get(name) != now[name]]
    if differing:
        raise UsageError(
            f"The search in {folder} was begun with other values for {' and '.join(differing[:_SHOWN])}: it can only go on as it "
            "was. Name another folder with --output to begin anew."
        )


def drawn(cases: Sequence[Case], most: int, seed: int) -> tuple[Case, ...]:
    """The cases of at most so many patients, each as likely, in their order; 0 for all. As in a split, a draw depends on the
    patients' names and the seed alone."""
    patients = {case.patient for case in cases}
    if not most or len(patients) <= most:
        return tuple(cases)
    chosen = set(sorted(patients, key=lambda patient: _digest(f"{seed} {patient}"))[:most])
    return tuple(case for case in cases if case.patient in chosen)


def cases_digest(cases: Sequence[Case]) -> str:
    """Which cases they are, without telling it."""
    return _digest("\n".join(sorted(case.id for case in cases)))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
