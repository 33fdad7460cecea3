"""From a job to the report: folds, the networks' work in each, outcomes told from what they found, and what is said of it."""

from __future__ import annotations

from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.core.progress import Progress

from ...radiomics.dependencies import require
from ..contract import Job, Report
from ..folds import chosen_folds
from ..record import begin
from ..wording import named
from .data import folds_of, of_label, outcomes_of
from .fold_work import FoldResult, FoldWork
from .measured import outlined
from .outcomes_told import tell_outcomes
from .paper import LABELS
from .report import report
from .settings import ReproductionSettings
from .telling import Results, TableResults, begin_line, fold_line, table_line


def reproduce(job: Job, progress: Progress) -> Report:
    """Do what is not done yet, and put tables and figures together.

    Raises:
        UsageError: a fold that there is not, or one that another process works on.
        InputError, OutputError, DeviceError: data, disk or device that do not suffice.
        DependencyError: what radiomics needs is not installed.
        Cancelled: see ``progress``; what is done stays.
    """
    if job.fold is not None:
        raise UsageError(
            "pet-weak shows all folds that are worked on: choose these with --folds, and leave --fold out."
        )
    settings: ReproductionSettings = job.settings
    outcomes = outcomes_of(job.cohort, settings)
    if any(told.values for told in outcomes.values()):
        require("mirp", "sklearn")  # now, and not after hours of fitting
    begin(job.folder, {"outcomes": {str(table): sorted(told.values.items()) for table, told in outcomes.items()}})
    plan = folds_of(job.cohort, outcomes, settings, job.seed)
    numbers = chosen_folds(plan, job.folds)
    job.tell(begin_line(job, len(plan), outcomes))
    labels = {LABELS[table] for table in job.tables}
    work, folds = progress.part(0, 0.85), dict[int, FoldResult]()
    for done, number in enumerate(numbers):
        part = named(work.part(done / len(numbers), (done + 1) / len(numbers)), f"Fold {number}")
        folds[number] = FoldWork(job, plan[number], labels).do(part)
        job.tell(fold_line(folds[number], done + 1, len(numbers)))
    telling, tables = progress.part(0.85, 0.99), list[TableResults]()
    for done, table in enumerate(sorted(job.tables)):
        part = telling.part(done / len(job.tables), (done + 1) / len(job.tables))
        told = tell_outcomes(job, table, outcomes[table], folds, part)
        tested = {case for number in numbers for case in plan[number].test}
        patients = sum(case.id in tested for case in of_label(job.cohort, LABELS[table]))
        tables.append(TableResults(table, outcomes[table], outlined(table, folds), told, patients))
        job.tell(table_line(tables[-1]))
    progress(1.0, "Tables and figures")
    return report(job, Results(folds, len(plan), tuple(tables)))
