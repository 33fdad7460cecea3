"""From a job to the report: which rows, their work, and what is read from their marks."""

from __future__ import annotations

from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.core.progress import Progress

from ..contract import Job, Report
from ..key_slices.data import COMPLETE_LIST, Parts, parts_of
from ..wording import named
from .measured import Measured, measured
from .optimised import optimised
from .report import report
from .row_work import RowResult, RowWork
from .rows import ALL_ROWS, UniversalRow, chosen_rows
from .settings import ReproductionSettings
from .telling import Results, begin_line, row_line

_LAST, _COMPLETE = ALL_ROWS[3], ALL_ROWS[5]
"""The paper's last row, and the same fitted with all lesions."""


def reproduce(job: Job, progress: Progress) -> Report:
    """Do what is not done yet of the rows, and put the table and figures together.

    ``job.folds`` are numbers of rows (see :data:`.rows.ALL_ROWS`), so that several processes can share them; ``job.fold`` is the
    row that pictures are of.

    Raises:
        UsageError: a row that there is not, or one that another process works on.
        InputError, OutputError, DeviceError: data, disk or device that do not suffice.
        Cancelled: see ``progress``; what is done stays.
    """
    settings: ReproductionSettings = job.settings
    parts = parts_of(job.cohort)
    rows = rows_of(job, parts)
    shown = _shown(job, rows)
    job.tell(begin_line(job, parts, rows))
    recipe = settings.recipe.with_anchors()
    anchors = optimised(
        job,
        parts.validation,
        recipe.architecture,
        recipe.size_px,
        search=settings.search_anchors,
        progress=progress.part(0, 0.02),
    )
    work, done = progress.part(0.02, 0.95), list[tuple[RowResult, Measured]]()
    for n, row in enumerate(rows):
        part = named(work.part(n / len(rows), (n + 1) / len(rows)), f"Row {row.number}")
        result = RowWork(job, row, parts, anchors.anchors).do(part)
        one = measured(result.listed, settings.bootstraps, job.seed)
        done.append((result, one))
        job.tell(row_line(result, one, n + 1, len(rows)))
    progress(0.95, "Tables and figures")
    by_all = [
        measured(result.complete, settings.bootstraps, job.seed, one.threshold)
        for result, one in done
        if result.complete
    ]
    picture = next(result for result, _ in done if result.row is shown)
    return report(job, Results(parts, anchors, tuple(done), tuple(by_all), picture))


def rows_of(job: Job, parts: Parts) -> tuple[UniversalRow, ...]:
    """The rows that are worked on.

    Raises:
        UsageError: one of them is not there, or needs a list that is not.
    """
    settings: ReproductionSettings = job.settings
    complete = settings.complete and bool(parts.complete)
    if settings.complete and not complete and _COMPLETE.number in job.folds:
        raise UsageError(f"Row {_COMPLETE.number} learns from {COMPLETE_LIST}, which these data do not have.")
    rows = chosen_rows(job.folds, resnet50=settings.resnet50, complete=complete)
    if not job.folds and 1 not in job.tables:  # what missing labels do needs the last row alone
        return tuple(row for row in rows if row in (_LAST, _COMPLETE))
    return rows


def _shown(job: Job, rows: tuple[UniversalRow, ...]) -> UniversalRow:
    """The row that pictures are of: the named one, else the paper's last of those that are worked on.

    Raises:
        UsageError: the named one is not worked on.
    """
    if job.fold is None:
        return max((row for row in rows if row.printed), key=lambda row: row.number, default=rows[-1])
    for row in rows:
        if row.number == job.fold:
            return row
    raise UsageError(
        f"Row {job.fold} is not among those that are worked on: {', '.join(str(row.number) for row in rows)}."
    )
