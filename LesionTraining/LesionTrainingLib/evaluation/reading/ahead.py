"""Cases read by several processes while another works on those that are read: on a GPU, reading takes longer than detecting."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from LesionDetectionLib.core.errors import Cancelled, InputError, OutputError
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.progress import Progress

from ...cohorts.caching.workers import Died, work_in_processes
from ...cohorts.case import Case
from ...cohorts.cohort import LeftOut, reason_of, work_on
from .from_cohort import truth_of
from .sets import ImageTruth

Result = TypeVar("Result")

_DIED = "The process that read it was killed, most likely for want of memory. Use fewer workers."


@dataclass(frozen=True, eq=False)
class ReadCase:
    """The labels and the images of a case, in memory."""

    truth: ImageTruth
    images: dict[str, Image]


def read_case(case: Case) -> ReadCase:
    """Raises InputError where labels or images cannot be used."""
    truth = truth_of(case)  # before the voxels: missing labels are the commoner fault, and found at once
    return ReadCase(truth, case.images())


def work_on_read(
    cases: Sequence[Case], work: Callable[[ReadCase], Result], workers: int, progress: Progress
) -> tuple[list[tuple[Case, Result]], list[LeftOut]]:
    """Do ``work`` in this process for each case, which ``workers`` processes read; with one worker, this one does.

    One bad case does not stop the rest. At most one case a worker waits to be worked on.

    Returns:
        (case, result) of the good ones and what was left out, both in the order of ``cases``.

    Raises:
        OutputError, Cancelled: as :func:`...cohorts.cohort.work_on`.
    """
    if workers < 2:
        return work_on(cases, lambda case: work(read_case(case)), progress)
    done: dict[int, Result] = {}
    left_out: dict[int, LeftOut] = {}

    def check() -> None:
        progress((len(done) + len(left_out)) / len(cases), f"{len(done) + len(left_out)} of {len(cases)} cases")

    for index, read in work_in_processes(_read, cases, min(workers, len(cases)), check):
        try:
            if isinstance(read, Died):
                raise InputError(_DIED)
            if isinstance(read, LeftOut):
                left_out[index] = read
            else:
                done[index] = work(read)
        except (Cancelled, OutputError):
            raise
        except Exception as error:
            left_out[index] = LeftOut(cases[index].id, reason_of(error))
    progress(1.0, "Done")
    return [(cases[index], done[index]) for index in sorted(done)], [left_out[index] for index in sorted(left_out)]


def _read(case: Case) -> ReadCase | LeftOut:
    """In another process, which must answer whatever happens."""
    try:
        return read_case(case)
    except Exception as error:
        return LeftOut(case.id, reason_of(error))
