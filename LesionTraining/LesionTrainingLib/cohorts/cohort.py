"""A cohort: many cases, and a list of what was left out and why."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

from LesionDetectionLib.core.errors import Cancelled, InputError, LesionDetectionError, OutputError, kind_and_text
from LesionDetectionLib.core.progress import Progress

from .case import Case

Result = TypeVar("Result")


@dataclass(frozen=True)
class LeftOut:
    """A case, file or row that is not used, and the sentence that says why."""

    case: str
    reason: str


@dataclass(frozen=True)
class Cohort:
    """Cases in a fixed order; the same specification gives the same order on every machine.

    Attributes:
        spec: how to open it again (see :mod:`.spec`).
        title: what it is, in words.
        cases: those that can be used as far as listing them tells; voxels are not read for that.
        left_out: what listing found wrong.
        notes: sentences on the cohort as a whole.
        on_phantoms: whether all of it is computer-made; everything measured on it then says so.
    """

    spec: str
    title: str
    cases: tuple[Case, ...]
    left_out: tuple[LeftOut, ...] = ()
    notes: tuple[str, ...] = ()
    on_phantoms: bool = False

    @property
    def patients(self) -> tuple[str, ...]:
        """Each patient once, in the order of the cases."""
        return tuple(dict.fromkeys(case.patient for case in self.cases))

    def of_split(self, name: str) -> Cohort:
        """Only the cases of one part of the official split."""
        return replace(self, cases=tuple(case for case in self.cases if case.split == name))

    def select(self, ids: Iterable[str]) -> Cohort:
        """Only the cases of these ids, in the order of the cohort.

        Raises:
            InputError: an id is not in the cohort.
        """
        wanted = set(ids)
        missing = sorted(wanted - {case.id for case in self.cases})
        if missing:
            raise InputError(f"{self.spec} has no case “{missing[0]}” ({len(missing)} such). Was it written for it?")
        return replace(self, cases=tuple(case for case in self.cases if case.id in wanted))


def work_on(
    cases: Iterable[Case], work: Callable[[Case], Result], progress: Progress
) -> tuple[list[tuple[Case, Result]], list[LeftOut]]:
    """Do ``work`` for each case; one bad case does not stop the rest.

    A full disk is no fault of a case, and neither is the user's wish to stop: these go through.

    Returns:
        (case, result) of the good ones, in order; and what was left out.

    Raises:
        OutputError, Cancelled: see above.
    """
    cases = list(cases)
    done: list[tuple[Case, Result]] = []
    left_out: list[LeftOut] = []
    for index, case in enumerate(cases):
        progress(index / len(cases), case.id)
        try:
            done.append((case, work(case)))
        except (Cancelled, OutputError):
            raise
        except Exception as error:
            left_out.append(LeftOut(case.id, reason_of(error)))
    progress(1.0, "Done")
    return done, left_out


def reason_of(error: Exception) -> str:
    """The sentence of an error of ours; for any other its kind too, as it is a fault of the program or the machine."""
    if isinstance(error, LesionDetectionError):
        return str(error)
    return f"An unexpected error: {kind_and_text(error)}"
