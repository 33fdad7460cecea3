"""The one contract of all reproductions, and how they are found: what is asked for, and what comes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.core.late import declared, load
from LesionDetectionLib.core.progress import Progress

from ..cohorts.cohort import Cohort
from ..evaluation.output.figures import Plot
from ..evaluation.output.page import Section
from ..evaluation.output.tables import Table

if TYPE_CHECKING:
    import torch

    from ..cohorts.caching import Cache


@dataclass(frozen=True, eq=False)
class Job:
    """One reproduction at work.

    Attributes:
        folder: of the results, and of what each step keeps.
        cohort: the data, labelled.
        preset: name of the settings that were begun with.
        settings: of the method's reproduction.
        folds: that are asked for; empty for all that have scans.
        fold: that is asked for where a table needs one; None for the last that has scans.
        tables: numbers of the paper's tables that are asked for.
        cache: of prepared cases.
        device: where networks are fitted and run.
        workers: processes that prepare cases.
        seed: of everything random.
        tell: takes a sentence when a part is done.
    """

    folder: Path
    cohort: Cohort
    preset: str
    settings: Any
    folds: tuple[int, ...]
    fold: int | None
    tables: tuple[int, ...]
    cache: Cache
    device: torch.device
    workers: int = 1
    seed: int = 0
    tell: Callable[[str], None] = field(default=lambda _: None)


@dataclass(frozen=True, eq=False)
class Report:
    """What a reproduction gives, ours beside the paper's.

    Attributes:
        title, lead: of the page.
        warnings: what makes the figures mean less than they seem.
        sections: of the page, in order.
        tables: stem of a CSV file -> table.
        plots: stem of a PNG and a CSV file -> plot.
        values: plain values for programs: counts, thresholds, intervals.
    """

    title: str
    lead: str
    warnings: tuple[str, ...]
    sections: tuple[Section, ...]
    tables: Mapping[str, Table]
    plots: Mapping[str, Plot]
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Reproduction:
    """How the figures of a method's paper are made anew. Importing this loads no heavy library.

    Attributes:
        method: id of the method.
        paper: reference in words.
        kind: of cohort that the data are (``luna16``); ``--data`` names its folder.
        tables: number -> what the table shows.
        presets: name -> protocol of the phantoms that fit it, for data made on the spot.
        settings: ``module:name`` of a function (preset) -> frozen dataclass of plain values, all that can be set. It may have a
            method ``refuse_unfit``, which raises UsageError before anything is written where something must be set first.
        phantoms: ``module:name`` of a function (folder, count, protocol, seed, progress) that makes data in the paper's
            own format.
        function: ``module:name`` of a function (job, progress) -> Report.
        choose: ``module:name`` of a function (cohort, settings) -> Cohort: which cases of the data the paper is about; empty for
            all.
    """

    method: str
    paper: str
    kind: str
    tables: Mapping[int, str]
    presets: Mapping[str, str]
    settings: str
    phantoms: str
    function: str
    choose: str = ""

    def settings_of(self, preset: str) -> Any:
        """The settings of a preset.

        Raises:
            UsageError: there is no such preset.
        """
        if preset not in self.presets:
            raise UsageError(f"There is no preset “{preset}”. Choose one of: {', '.join(self.presets)}.")
        return load(self.settings)(preset)

    def make_phantoms(self, folder: Path, count: int, protocol: str, seed: int, progress: Progress) -> None:
        """Data in the paper's own format; the folder appears whole or not at all."""
        load(self.phantoms)(folder, count, protocol, seed, progress)

    def cases_of(self, cohort: Cohort, settings: Any) -> Cohort:
        """The data with only the cases that the paper is about. Raises UsageError and InputError as the method's choice does."""
        chosen: Cohort = load(self.choose)(cohort, settings) if self.choose else cohort
        return chosen

    def run(self, job: Job, progress: Progress) -> Report:
        """Do what is not done yet, and put the results together."""
        report: Report = load(self.function)(job, progress)
        return report


def reproductions() -> dict[str, Reproduction]:
    """All by the id of their method."""
    return {one.method: one for one in declared(__package__ or "", "REPRODUCTION")}


def reproduction(method: str) -> Reproduction:
    """That of a method.

    Raises:
        UsageError: there is none; the text names those that there are.
    """
    known = reproductions()
    if method not in known:
        raise UsageError(f"There is no reproduction of “{method}”. There is one of: {', '.join(known)}.")
    return known[method]
