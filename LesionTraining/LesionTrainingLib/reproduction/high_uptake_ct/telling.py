"""What is said of the results: the lead, warnings, a line for each fold, and what each row was measured on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...cohorts.cohort import LeftOut
from ...evaluation.blob_detection import FULL, JudgedSlice, verification
from ..contract import Job
from ..spread import Spread
from ..wording import counted, unused
from .data import Roles, data_name, label
from .fold_work import FoldResult
from .measured import Measured
from .paper import SUBSET, TABLE_1, TEST, TRAINING
from .pet_ct import PetCtCase
from .settings import ReproductionSettings, preset_settings


@dataclass(frozen=True, eq=False)
class Results:
    """All that was done.

    Attributes:
        roles: of the cases.
        folds: what each fold gave, in order.
        every: how many folds there are.
        shown: the fold whose filters are drawn; None where none was worked on.
        pet_ct: what active-pet-ct found.
        left_out: cases that could not be used.
    """

    roles: Roles
    folds: tuple[FoldResult, ...]
    every: int
    shown: int | None
    pet_ct: tuple[PetCtCase, ...]
    left_out: tuple[LeftOut, ...]


def lead_of(job: Job, results: Results, rows: Sequence[Measured]) -> str:
    row = next(each for each in rows if (each.data, each.variant) == (TEST, FULL))
    printed = TABLE_1[TEST, FULL]
    precision, recall = Spread.of(row.precision).mean, Spread.of(row.recall).mean
    text = (
        f"With full verification precision {_number(precision)} and recall {_number(recall)} on {measured_on(job, results)[TEST]} (the "
        f"paper on its own data: {printed.precision[0]:.3f} and {printed.recall[0]:.3f})"
    )
    images, scans = Spread.of(row.images).mean, Spread.of(row.scans).mean
    if images != images:
        return f"{text}."
    return (
        f"{text}; false positives in {100 * images:.1f} % of the slices and {100 * scans:.1f} % of the scans without active "
        "lesions (the paper on LOLA: 6.6 % of the images)."
    )


def warnings_of(job: Job, results: Results) -> tuple[str, ...]:
    """What makes the figures mean less than they seem."""
    told = list[str]()
    settings: ReproductionSettings = job.settings
    if job.cohort.on_phantoms:
        told.append(
            "Measured on computer-made phantoms, no patients: our figures say nothing about patients. Active and inactive "
            "lesions of phantoms differ in texture and margin because they were made so; whether patients’ do is the paper’s "
            "question, and not answered here. The paper’s figures are of its own data; the two cannot be compared."
        )
    if job.preset != "paper":
        told.append(
            f"Preset “{job.preset}”: a smaller network and fewer steps than the paper’s. “--preset paper” has its sizes."
        )
    if settings != preset_settings(job.preset):
        told.append(f"Some settings are not those of the preset “{job.preset}”; tables.json has all.")
    if results.folds and results.every < settings.folds:
        told.append(f"{results.every} folds, not {settings.folds}: there are no more patients with active lesions.")
    if results.folds and not results.roles.without:
        told.append("No scan is without active lesions: false positives on such scans were not measured.")
    unhit = [str(one.fold.number) for one in results.folds if not _hit(one.slices.training)]
    if unhit:
        folds = f"fold{'s' if len(unhit) > 1 else ''} {', '.join(unhit)}"
        told.append(
            f"In {folds} no candidate touches a lesion of the training slices: no threshold could be found there, and nothing "
            "is verified."
        )
    if results.left_out:
        first, count = results.left_out[0], len({one.case for one in results.left_out})
        told.append(f"{counted(count, 'scan')} could not be used. The first, {first.case}: {first.reason}")
    return (*told, *unused(job.cohort.left_out), *job.cohort.notes)


def fold_line(one: FoldResult, done: int, every: int) -> str:
    """``Fold 3 (1 of 10): T_R 0.912, T_S 40 pixels; 9 test slices, 12 lesions: precision 0.812, recall 0.667.``"""
    slices = one.slices
    counts = verification(slices.test, slices.least_response, slices.least_area)
    return (
        f"Fold {one.fold.number} ({done} of {every}): T_R {slices.least_response:.3f}, T_S {round(slices.least_area)} pixels; "
        f"{counted(len(slices.test), 'test slice')}, {counted(len(counts.hit), 'lesion')}: precision {_number(counts.precision)}, "
        f"recall {_number(counts.recall)}."
    )


def measured_on(job: Job, results: Results) -> dict[str, str]:
    """Part of Table 1 -> what ours was measured on."""
    numbers = [one.fold.number for one in results.folds]
    which = numbers if len(numbers) < results.every else []
    parts = {
        part: [each for one in results.folds for each in one.slices.of(part, results.roles.subset)]
        for part in (TRAINING, TEST, SUBSET)
    }
    found = {}
    for part, slices in parts.items():
        once = {each.case: each for each in slices}
        lesions = sum(len(each.lesion_mm) for each in once.values())
        found[part] = label(data_name(job.cohort), len(once), lesions, which)
    return found


def without_active(job: Job, results: Results) -> str:
    """The scans without active lesions, in words; empty where none was looked at."""
    slices = {one.fold.number: one.slices.without for one in results.folds}
    scans = {each.case for some in slices.values() for each in some}
    if not scans:
        return ""
    most = max(len(some) for some in slices.values())
    text = f"{data_name(job.cohort)}: {counted(len(scans), 'scan')} without active lesions, {counted(most, 'slice')}"
    return f"{text}, seen by the network of each of {counted(len(slices), 'fold')}"


def _hit(slices: Sequence[JudgedSlice]) -> bool:
    return any(each.touches.any() for each in slices)


def _number(value: float) -> str:
    return f"{value:.3f}" if value == value else "not defined"
