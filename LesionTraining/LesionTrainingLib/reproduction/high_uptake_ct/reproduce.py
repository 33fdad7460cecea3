"""From a job to the report: who plays which role, the folds' work, and what is said of the results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from LesionDetectionLib.core.errors import InputError, UsageError
from LesionDetectionLib.core.progress import Progress

from ...cohorts.cohort import LeftOut
from ...learning.high_uptake_ct.slices import prepared_slices
from ..contract import Job, Report
from ..folds import Fold, chosen_folds
from ..kept import keep_json, kept_json
from ..record import begin
from ..units import run_of
from ..wording import named
from .data import Roles, folds_of, looked_at, read_subset
from .fold_work import FoldResult, FoldWork
from .pet_ct import PetCtCase, look_in_pet_ct, with_pet
from .report import report
from .settings import ReproductionSettings
from .telling import Results, fold_line

ROLES = "roles.json"
"""In the job's folder: who has active lesions, and who cannot be used."""


@dataclass(frozen=True)
class Known:
    """What the label maps say.

    Attributes:
        roles: of the cases.
        left_out: cases that cannot be used.
    """

    roles: Roles
    left_out: tuple[LeftOut, ...]


def reproduce(job: Job, progress: Progress) -> Report:
    """Do what is not done yet, and put the tables and figures together.

    Raises:
        UsageError: a fold that there is not, or one that another process works on.
        InputError, OutputError, DeviceError: data, disk or device that do not suffice.
        Cancelled: see ``progress``; what is done stays.
    """
    settings: ReproductionSettings = job.settings
    known = known_cases(job, progress.part(0, 0.15))
    plan = folds_of(job.cohort, known.roles, settings, job.seed)
    numbers = chosen_folds(plan, job.folds) if 1 in job.tables else ()
    shown = _shown_fold(job, numbers)
    results: dict[int, FoldResult] = {}
    work = progress.part(0.15, 0.9)
    for done, number in enumerate(numbers):
        part = named(work.part(done / len(numbers), (done + 1) / len(numbers)), f"Fold {number}")
        results[number] = _fold(job, plan[number], known.roles, part)
        job.tell(fold_line(results[number], done + 1, len(numbers)))
    found, failed = _pet_ct(job, known.roles, progress.part(0.9, 0.99))
    progress(1.0, "Tables and figures")
    left_out = (*known.left_out, *failed)
    return report(job, Results(known.roles, tuple(results.values()), len(plan), shown, found, left_out))


def known_cases(job: Job, progress: Progress) -> Known:
    """Which cases have active lesions: found by preparing all of them, once, and kept in the job's folder.

    Raises:
        InputError: no case can be used, or the subset list names what there is not.
        UsageError: the subset list is another than the folder was begun with.
        Cancelled: see ``progress``.
    """
    settings: ReproductionSettings = job.settings
    subset = read_subset(job.cohort, settings.subset_list)
    begin(job.folder, {"subset": list(subset)})
    kept = kept_json(job.folder / ROLES)
    if kept is None:
        run = run_of(job, job.folder)
        labelled = [case for case in job.cohort.cases if case.labelled]
        found = prepared_slices(labelled, run, settings.recipe.method(), settings.measured_slices, progress)
        if not found:
            first = run.left_out[0]
            raise InputError(f"No case can be used. The first, {first.case}: {first.reason}")
        kept = {
            "active": sorted(one.name for one in found if one.has_active),
            "without": sorted(one.name for one in found if not one.has_active),
            "left_out": [[left.case, left.reason] for left in run.left_out],
        }
        keep_json(job.folder / ROLES, kept)
    active = tuple(kept["active"])
    roles = Roles(active, tuple(kept["without"]), tuple(case for case in subset if case in set(active)))
    return Known(roles, tuple(LeftOut(case, reason) for case, reason in kept["left_out"]))


def _shown_fold(job: Job, numbers: Sequence[int]) -> int | None:
    """The fold whose filters are drawn: the named one, else the first. Raises UsageError where it is not worked on."""
    if job.fold is None or not numbers:
        return min(numbers, default=None)
    if job.fold not in numbers:
        raise UsageError(f"Fold {job.fold} is not among those that are worked on: {', '.join(map(str, numbers))}.")
    return job.fold


def _fold(job: Job, fold: Fold, roles: Roles, progress: Progress) -> FoldResult:
    return FoldWork(job, fold, looked_at(job.cohort.cases, roles, fold)).do(progress)


def _pet_ct(job: Job, roles: Roles, progress: Progress) -> tuple[tuple[PetCtCase, ...], tuple[LeftOut, ...]]:
    """What active-pet-ct finds, where that is asked for and there are PET images."""
    cases = with_pet(job.cohort.cases, roles.active, roles.subset) if 2 in job.tables else ()
    return look_in_pet_ct(job, cases, progress) if cases else ((), ())
