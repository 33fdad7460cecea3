"""From a job to the report: which rows, their work, and what is read from their marks."""

from __future__ import annotations

from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.core.progress import Progress

from ...learning.liver_ct.largest import PAPER_IOU, STRICT_IOU
from ..contract import Job, Report
from ..key_slices.data import parts_of
from ..wording import named
from .measured import one_box, regions
from .report import report
from .row_work import RowResult, RowWork
from .rows import REGION_ROW, LiverRow, chosen_rows
from .settings import ReproductionSettings
from .telling import Read, begin_line, row_line


def reproduce(job: Job, progress: Progress) -> Report:
    """Do what is not done yet of the rows, and put tables and figures together.

    ``job.folds`` are numbers of rows (see :data:`.rows.ALL_ROWS`), so that several processes can share them; all of them are
    shown, and ``job.fold`` is not asked for.

    Raises:
        UsageError: a row that there is not, or one that another process works on.
        InputError, OutputError, DeviceError: data, disk or device that do not suffice.
        Cancelled: see ``progress``; what is done stays.
    """
    if job.fold is not None:
        raise UsageError("liver-ct shows all rows that are worked on: choose these with --folds, and leave --fold out.")
    rows = rows_of(job)
    parts = parts_of(job.cohort)
    job.tell(begin_line(job, parts, rows))
    work, done = progress.part(0, 0.95), list[Read]()
    for n, row in enumerate(rows):
        part = named(work.part(n / len(rows), (n + 1) / len(rows)), f"Row {row.number}")
        done.append(read_of(job, RowWork(job, row, parts).do(part)))
        job.tell(row_line(done[-1], n + 1, len(rows)))
    progress(0.95, "Tables and figures")
    return report(job, done)


def rows_of(job: Job) -> tuple[LiverRow, ...]:
    """The rows that are worked on.

    Raises:
        UsageError: one of them is not there.
    """
    settings: ReproductionSettings = job.settings
    rows = chosen_rows(job.folds, front_ends=settings.front_ends)
    if not job.folds and 1 not in job.tables:  # what missing labels do is shown best by marks with scores
        return (REGION_ROW,)
    return rows


def read_of(job: Job, result: RowResult) -> Read:
    """The figures of a row."""
    settings: ReproductionSettings = job.settings
    samples, seed = settings.bootstraps, job.seed
    if not result.row.single_box:
        found = tuple(
            regions(result.test.outcomes(iou), iou, settings.threshold, samples, seed)
            for iou in (PAPER_IOU, STRICT_IOU)
        )
        return Read(result, {}, found)
    boxes = {
        part: one_box(looked.readable, looked.store, looked.outcomes(PAPER_IOU), samples, seed)
        for part, looked in result.parts
    }
    return Read(result, boxes, ())
