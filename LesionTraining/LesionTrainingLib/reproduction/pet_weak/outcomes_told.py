"""What outlines are worth: outcomes told from their features, or by 3D-RPET-Net, in the folds of the networks.

Nothing of a patient who is told can be learned from: the outline is of a network that did not learn from this patient, and what tells
the outcome, choice of features included, learned from the other folds alone. (An outline of another patient may be of a network
that saw this one's PET, label and point, but no outcome: no network of the first step is told any.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.progress import Progress

from ...cohorts.case import Case
from ...cohorts.cohort import LeftOut
from ...radiomics.cubes import Cubes
from ...radiomics.extraction import extract_cubes, extract_features_of
from ...radiomics.masks import MaskedCase
from ...radiomics.settings import RPET_NET, StudySettings
from ...radiomics.study import Study, nested_cross_validation
from ...radiomics.table import FeatureTable
from ..contract import Job
from ..wording import named
from .data import Told, label_of
from .fold_work import FoldResult, store_of
from .kept_studies import keep_study, kept_study, study_key
from .paper import LABELS
from .rows import ALL_ROWS, RPET_ROW, TableRow
from .settings import ReproductionSettings

FEATURES, STUDIES = "features", "studies"
"""In the job's folder: what was measured of lesions, and what was told from it."""


@dataclass(frozen=True, eq=False)
class RowTold:
    """Attributes:
    row: which.
    study: None where outcomes could not be told.
    why_not: a sentence then; else empty.
    left_out: patients that are not told, of those with an outcome, and why: those in whom nothing was found among them.
    """

    row: TableRow
    study: Study | None
    why_not: str = ""
    left_out: tuple[LeftOut, ...] = ()


def tell_outcomes(
    job: Job, table: int, told: Told, folds: Mapping[int, FoldResult], progress: Progress
) -> dict[str, RowTold]:
    """Row's name -> what it tells of the outcomes of a table's patients; those that are kept are not done again.

    Raises:
        DependencyError: MIRP or scikit-learn is not installed.
        OutputError: the disk is full.
        Cancelled: see ``progress``; what is kept stays.
    """
    rows = [row for row in ALL_ROWS if row.tells]
    if told.why_not or len(folds) < 2:
        why = told.why_not or "Outcomes are told from two folds at least."
        return {row.name: RowTold(row, None, why) for row in rows}
    found = {}
    for n, row in enumerate(rows):
        part = named(progress.part(n / len(rows), (n + 1) / len(rows)), f"{LABELS[table]}, {row.title}")
        try:
            found[row.name] = _row(job, table, row, told, folds, part)
        except InputError as error:
            found[row.name] = RowTold(row, None, str(error))
    return found


def _row(
    job: Job, table: int, row: TableRow, told: Told, folds: Mapping[int, FoldResult], progress: Progress
) -> RowTold:
    settings: ReproductionSettings = job.settings
    parts = [_patients(job, one, table, told) for one in folds.values()]
    cases = [case for part in parts for case in part]
    unseen = [LeftOut(case.id, "The network could not look at it.") for case in cases if not _seen(row, case, folds)]
    masked = [_masked(job, row, case) for case in cases if _seen(row, case, folds)]
    subjects, left_out = _measured(job, row, masked, progress.part(0, 0.6))
    names = [[case.patient for case in part] for part in parts]
    how = _how(job, row)
    more = (settings.radiomics.rpet,) if row == RPET_ROW else ()
    key = study_key(subjects, told.values, names, how, *more)
    path = job.folder / STUDIES / f"table{table}-{row.name}.json"
    study = kept_study(path, key, how)
    if study is None:
        keep_study(path, key, _study(job, subjects, told.values, names, how, progress.part(0.6, 1)))
        study = kept_study(path, key, how)
        assert study is not None
    return RowTold(row, study, left_out=(*unseen, *left_out))


def _how(job: Job, row: TableRow) -> StudySettings:
    """The study of a row. 3D-RPET-Net would be fitted anew for each permutation, and has none."""
    how: StudySettings = replace(job.settings.radiomics.study, seed=job.seed)
    return replace(how, classifier=RPET_NET, permutations=0) if row == RPET_ROW else how


def _patients(job: Job, one: FoldResult, table: int, told: Told) -> list[Case]:
    """Of a fold those who are told, or would be if anything had been found in them."""
    tested = set(one.fold.test)
    return [
        case
        for case in job.cohort.cases
        if case.id in tested and label_of(case) == LABELS[table] and case.patient in told.values
    ]


def _seen(row: TableRow, case: Case, folds: Mapping[int, FoldResult]) -> bool:
    """Whether the row's network has looked at a patient; drawn tumours need no network."""
    return not row.outlines or any(case.id == one.case for fold in folds.values() for one in fold.rows[row.name].found)


def _masked(job: Job, row: TableRow, case: Case) -> MaskedCase:
    return MaskedCase.of(case, drawn=store_of(job, row, "").detections(case.id) if row.outlines else None)


def _measured(
    job: Job, row: TableRow, cases: Sequence[MaskedCase], progress: Progress
) -> tuple[FeatureTable | Cubes, list[LeftOut]]:
    settings, kept = job.settings.radiomics, job.folder / FEATURES
    if row == RPET_ROW:
        return extract_cubes(cases, settings.rpet, settings.features.lesion, kept, job.workers, progress)
    return extract_features_of(cases, settings.features, kept, job.workers, progress)


def _study(
    job: Job,
    subjects: FeatureTable | Cubes,
    outcomes: Mapping[str, bool],
    folds: Sequence[Sequence[str]],
    how: StudySettings,
    progress: Progress,
) -> Study:
    if isinstance(subjects, FeatureTable):
        return nested_cross_validation(subjects, outcomes, how, progress, folds, job.workers)
    from ...radiomics.rpet_fitting import rpet_study

    rpet = replace(job.settings.radiomics.rpet, device=str(job.device))
    return rpet_study(subjects, outcomes, how, rpet, progress, folds)
