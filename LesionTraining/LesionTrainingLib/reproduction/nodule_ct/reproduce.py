"""From a job to the report: which folds need which networks, the work, and what is said of the results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from LesionDetectionLib.core.progress import Progress

from ...cohorts.case import Case
from ...evaluation.froc import cpm, froc
from ...evaluation.matching.luna16 import Luna16
from ...evaluation.matching.outcome import Outcome
from ...evaluation.output.page import Section
from ...evaluation.output.plots import Plot
from ...evaluation.output.tables import Cell, Table
from ...learning.nodule_ct.settings import PAPER_THRESHOLD
from ..contract import Job, Report
from ..folds import Fold, chosen_folds, fold_plan
from ..wording import counted, named, unused
from .data import label
from .figures import figure_2, figure_of_folds
from .fold_work import FoldResult, FoldWork
from .networks import FCN_OSF, FOR_TABLE_1, FOR_TABLE_2, REDUCTION, RESNET_HL, SCREENING
from .paper import OURS, TABLE_1, TABLE_2
from .settings import ReproductionSettings, preset_settings
from .tables import Measured, cross_validation, reduced, screened, table_1, table_2

ALL_FOLDS = 10
CHOICES = (
    "The paper does not say which scans its thresholds were set on: here a share of the patients of the nine other subsets, "
    "drawn by the seed, that no network learns from.",
    "The paper’s only intervals are those of Fig. 2, and it does not say how they were drawn: here as many scans as there are "
    "are drawn with replacement, again and again, as LUNA16’s script does it.",
    "Scans are resampled to one voxel size; batch normalisation follows the convolutions of the first stage; the branches of "
    "the second stage are pooled before their fully connected layers. The settings in tables.json have all values.",
)


def reproduce(job: Job, progress: Progress) -> Report:
    """Do what is not done yet of the folds that the tables need, and put the tables and figures together.

    Work that both tables need is done once.

    Raises:
        UsageError: a fold without scans, or one that another process works on.
        InputError, OutputError, DeviceError: data, disk or device that do not suffice.
        Cancelled: see ``progress``; what is done stays.
    """
    settings: ReproductionSettings = job.settings
    plan = fold_plan(job.cohort, _subset, settings.validation_share, job.seed)
    work = wanted_work(job, plan)
    results: dict[int, FoldResult] = {}
    for done, (number, networks) in enumerate(work.items()):
        part = named(progress.part(done / len(work), (done + 1) / len(work)), f"Fold {number}")
        results[number] = FoldWork(job, plan[number], settings.recipe).do(networks, part)
        job.tell(fold_line(results[number], done + 1, len(work)))
    progress(1.0, "Tables and curves")
    return report(job, results, chosen_folds(plan, job.folds) if 1 in job.tables else ())


def wanted_work(job: Job, plan: dict[int, Fold]) -> dict[int, tuple[str, ...]]:
    """Fold -> the networks that the tables need of it; the fold of Table 2 first, as its figures say most the soonest.

    Raises:
        UsageError: a fold that is named has no scans.
    """
    work: dict[int, tuple[str, ...]] = {}
    if 2 in job.tables:
        work[table_2_fold(job, plan)] = FOR_TABLE_2
    if 1 in job.tables:
        for number in chosen_folds(plan, job.folds):
            work.setdefault(number, FOR_TABLE_1)
    return work


def table_2_fold(job: Job, plan: dict[int, Fold]) -> int:
    """The fold that is named, else the last. Raises UsageError where it has no scans."""
    return max(plan) if job.fold is None else chosen_folds(plan, (job.fold,))[0]


def report(job: Job, results: dict[int, FoldResult], folds: Sequence[int]) -> Report:
    """The page and its parts.

    Args:
        results: of all folds that were worked on.
        folds: of Table 1, empty where it was not asked for.
    """
    settings: ReproductionSettings = job.settings
    preset = job.preset if settings == preset_settings(job.preset) else f"{job.preset}, changed"
    name, on_phantoms = f"this program ({preset})", job.cohort.on_phantoms
    tables, plots, sections = dict[str, Table](), dict[str, Plot](), list[Section]()
    values: dict[str, Any] = {"folds": {str(number): fold_values(one) for number, one in sorted(results.items())}}
    lead = list[str]()
    if folds:
        outcomes = [one for number in folds for one in results[number].outcomes[RESNET_HL]]
        data = _label(on_phantoms, outcomes, folds if len(folds) < ALL_FOLDS else ())
        figures = cross_validation(outcomes, settings.bootstraps, job.seed)
        tables["table1"] = table_1(figures, name, data)
        plots["froc_folds"] = figure_of_folds(outcomes, data, settings.bootstraps, job.seed)
        values["table1"] = {"measured_on": data, **asdict(figures)}
        sections.append(Section("Table 1: cross-validation", (tables["table1"], plots["froc_folds"])))
        lead.append(f"CPM {figures.cpm:.3f} (the paper on LUNA16: {TABLE_1[OURS][-1]:.3f}) on {data}.")
    for number, one in results.items():
        if not set(FOR_TABLE_2) <= set(one.outcomes) or 2 not in job.tables:
            continue
        data = _label(on_phantoms, one.outcomes[RESNET_HL], (number,))
        rows = ablations(one, settings.bootstraps, job.seed)
        tables["table2"] = table_2(rows, one.thresholds, name, data)
        plots["froc"] = figure_2(one.outcomes, data, settings.bootstraps, job.seed)
        values["table2"] = {"measured_on": data, **{network: asdict(row) for network, row in rows.items()}}
        sections.append(Section("Table 2 and Fig. 2: what each part adds", (tables["table2"], plots["froc"])))
        found, printed = rows[RESNET_HL].sensitivity, TABLE_2[RESNET_HL][0]
        lead.append(
            f"At one false positive per scan ResNet+HL finds {100 * found:.1f} % (the paper on LUNA16: {100 * printed:.1f} %) "
            f"on {data}."
        )
    tables["folds"] = folds_table(list(results.values()))
    sections.append(Section("Folds", (tables["folds"],)))
    rules = (f"Scoring: {Luna16.title}. {Luna16.rule}", threshold_rule(settings), *CHOICES)
    sections.append(Section("Rules and choices", rules))
    title = "nodule-ct: the paper’s tables and figure"
    return Report(title, " ".join(lead), warnings_of(job, results), tuple(sections), tables, plots, values)


def threshold_rule(settings: ReproductionSettings) -> str:
    """How candidates are told from other places, in words."""
    recipe = settings.recipe
    if recipe.least_candidate_threshold >= PAPER_THRESHOLD:
        return f"Candidates: probability {PAPER_THRESHOLD:g} or more, as in the paper."
    return (
        f"Candidates: the lowest probability from {recipe.least_candidate_threshold:g} to the paper’s {PAPER_THRESHOLD:g} with at "
        f"most {recipe.candidates_per_scan:g} false ones per scan on the scans that thresholds are set on, for each first stage "
        "by itself."
    )


def ablations(one: FoldResult, samples: int, seed: int) -> dict[str, Measured]:
    """The rows of Table 2."""
    first = {network: screened(one.outcomes[network], samples, seed) for network in SCREENING}
    return {**first, **{network: reduced(one.outcomes[network], samples, seed) for network in REDUCTION}}


def warnings_of(job: Job, results: dict[int, FoldResult]) -> tuple[str, ...]:
    """What makes the figures mean less than they seem."""
    told = list[str]()
    if job.cohort.on_phantoms:
        told.append(
            "Measured on computer-made phantoms, no patients: our figures say nothing about patients. The paper’s were "
            "measured on the patients’ scans of LUNA16; the two cannot be compared."
        )
    if job.preset != "paper":
        told.append(
            f"Preset “{job.preset}”: smaller networks and fewer steps than the paper’s. “--preset paper” has its sizes."
        )
    if job.settings != preset_settings(job.preset):
        told.append(f"Some settings are not those of the preset “{job.preset}”; tables.json has all.")
    untested = [left for one in results.values() for left in one.left_out if left.case in one.fold.test]
    if untested:
        told.append(
            f"{counted(len(untested), 'test scan')} could not be looked at and count as scans without marks. The first, "
            f"{untested[0].case}: {untested[0].reason}"
        )
    lost = [left for one in results.values() for left in one.left_out if left.case not in one.fold.test]
    if lost:
        told.append(
            f"{counted(len({left.case for left in lost}), 'scan')} could not be learned from. The first, {lost[0].case}: "
            f"{lost[0].reason}"
        )
    told += unused(job.cohort.left_out)
    return (*told, *job.cohort.notes)


def fold_values(one: FoldResult) -> dict[str, Any]:
    """Plain values of a fold."""
    return {
        "test": list(one.fold.test),
        "training_scans": one.used[0],
        "validation_scans": one.used[1],
        "candidate_thresholds": one.thresholds,
        "cpm": {name: cpm(froc(one.outcomes[name])) for name in REDUCTION if name in one.outcomes},
        "fits": one.records,
        "left_out": [[left.case, left.reason] for left in one.left_out],
    }


def folds_table(results: Sequence[FoldResult]) -> Table:
    """One row a fold, of FCN+OSF and ResNet+HL."""
    rows: list[tuple[Cell, ...]] = []
    for one in sorted(results, key=lambda each: each.fold.number):
        first, last = screened(one.outcomes[FCN_OSF], 0, 0), one.outcomes[RESNET_HL]
        rows.append(
            (
                one.fold.number,
                *one.used,
                len(one.fold.test),
                _nodules(last),
                one.thresholds[FCN_OSF],
                first.sensitivity,
                first.false_positives,
                reduced(last, 0, 0).sensitivity,
                cpm(froc(last)),
            )
        )
    columns = ("fold", "training scans", "validation scans", "test scans", "nodules", "candidate threshold")
    more = ("candidates: sensitivity", "candidates: FP/scan", "sensitivity at 1 FP/scan", "CPM")
    return Table((*columns, *more), tuple(rows), "FCN+OSF gives the candidates, ResNet+HL the marks.")


def fold_line(one: FoldResult, done: int, every: int) -> str:
    """``Fold 3 (1 of 10): 88 scans, 112 nodules; candidates 97.1 % at 219.1 per scan; marks 90.5 % at 1 per scan, CPM 0.839.``"""
    first, last = screened(one.outcomes[FCN_OSF], 0, 0), one.outcomes[RESNET_HL]
    return (
        f"Fold {one.fold.number} ({done} of {every}): {counted(len(one.fold.test), 'scan')}, {counted(_nodules(last), 'nodule')}; "
        f"candidates {100 * first.sensitivity:.1f} % at {first.false_positives:.1f} false ones per scan; marks "
        f"{100 * reduced(last, 0, 0).sensitivity:.1f} % at 1 per scan, CPM {cpm(froc(last)):.3f}."
    )


def _label(on_phantoms: bool, outcomes: Sequence[Outcome], folds: Sequence[int]) -> str:
    return label(on_phantoms, len(outcomes), _nodules(outcomes), folds)


def _nodules(outcomes: Sequence[Outcome]) -> int:
    return sum(len(outcome.lesion_marks) for outcome in outcomes)


def _subset(case: Case) -> int:
    number: int = case.subset  # type: ignore[attr-defined]
    return number
