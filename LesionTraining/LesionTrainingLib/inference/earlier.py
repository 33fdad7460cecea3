"""What an earlier run has left in a cohort's results folder: which cases need not be done again, and what must not be lost."""

from __future__ import annotations

from LesionDetectionLib.app.export import RESULT_NAMES
from LesionDetectionLib.core.errors import InputError, OutputError

from ..cohorts.case import Case
from .ending import NAMES
from .job import Job, Outcome
from .record import Record, dependencies

_FORBIDDEN = frozenset('/\\:*?"<>|\0')


def earlier_outcome(job: Job, case: Case) -> Outcome | None:
    """What an earlier run has found in the case; None where it has to be done.

    Raises:
        OutputError: the folder holds results that would be lost: of another method, or not of such a run.
    """
    folder = job.output / case.id
    try:
        record = Record.load(folder)
    except InputError as error:
        raise OutputError(f"{error} Choose another folder, or add --overwrite.") from error
    if record is None:
        taken = [name for name in RESULT_NAMES if (folder / name).exists()]
        if taken:
            raise OutputError(
                f"{folder} already holds {taken[0]}, which is not of a cohort's run. Choose another folder, or add "
                "--overwrite."
            )
        return None
    if record.depends_on.get("method") != job.info.id:
        raise OutputError(
            f"{job.output} holds results of {record.depends_on.get('method')}. Choose another folder for {job.info.id}, or "
            "add --overwrite."
        )
    return record.outcome if record.answers(dependencies(job, case), job.full, folder) else None


def fit_for_a_folder(case_id: str) -> bool:
    return bool(case_id) and not case_id.startswith(".") and not _FORBIDDEN & set(case_id) and case_id not in NAMES
