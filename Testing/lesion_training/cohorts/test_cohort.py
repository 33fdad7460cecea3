"""Cases and cohorts: what is chosen of them, and one bad case that does not stop the rest."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from pathlib import Path

import pytest
from LesionDetectionLib.core.errors import Cancelled, InputError, OutputError
from LesionDetectionLib.core.progress import Progress
from LesionTrainingLib.cohorts.case import TEST, TRAINING, Truth
from LesionTrainingLib.cohorts.cohort import LeftOut, reason_of, work_on
from plain_cases import PlainCase, a_case, a_cohort

COHORT = a_cohort(a_case("b", "p", TEST), a_case("a", "q", TRAINING), a_case("c", "p", TEST), spec="folder:/x")


def test_patients_and_parts_keep_the_order():
    assert COHORT.patients == ("p", "q")
    assert [case.id for case in COHORT.of_split(TEST).cases] == ["b", "c"]
    assert COHORT.of_split("validation").cases == ()


def test_cases_are_chosen_by_their_ids():
    assert [case.id for case in COHORT.select(["c", "b", "b"]).cases] == ["b", "c"]
    assert COHORT.select([]).cases == ()
    with pytest.raises(InputError, match=r"folder:/x has no case “y” \(2 such\)"):
        COHORT.select(["a", "z", "y"])


def test_a_bad_case_is_left_out_and_the_rest_goes_on():
    def work(case):
        if case.id == "a":
            raise InputError("It is damaged.")
        if case.id == "b":
            return 1 // 0
        return case.id * 2

    done, left_out = work_on(COHORT.cases, work, Progress())
    assert [(case.id, result) for case, result in done] == [("c", "cc")]
    assert left_out == [
        LeftOut("b", "An unexpected error: ZeroDivisionError: integer division or modulo by zero"),
        LeftOut("a", "It is damaged."),
    ]


@pytest.mark.parametrize("error", [Cancelled(), OutputError("The disk is full.")])
def test_what_is_no_fault_of_a_case_goes_through(error):
    def work(_case):
        raise error

    with pytest.raises(type(error)):
        work_on(COHORT.cases, work, Progress())


def test_progress_names_the_cases_and_can_cancel():
    said = []
    work_on(iter(COHORT.cases), lambda case: case, Progress(lambda fraction, text: said.append((fraction, text))))
    assert said == [(0.0, "b"), (1 / 3, "a"), (2 / 3, "c"), (1.0, "Done")]
    progress = Progress()
    with pytest.raises(Cancelled):
        work_on(COHORT.cases, lambda _case: progress.cancel(), progress)
    assert work_on([], lambda case: case, Progress()) == ([], [])


def test_reasons():
    assert reason_of(InputError("It is damaged.")) == "It is damaged."
    assert reason_of(KeyError("x")) == "An unexpected error: KeyError: 'x'"
    lost = FileNotFoundError(errno.ENOENT, "No such file or directory", "/scans/DOE^JANE/1.dcm")
    assert reason_of(lost) == "An unexpected error: FileNotFoundError: No such file or directory"


@dataclass(frozen=True)
class FileCase(PlainCase):
    file: Path = Path("a")
    more: tuple[Path, ...] = (Path("b"),)
    none: tuple[Path, ...] = ()
    number: int = 3


def test_values_are_what_is_no_path():
    values = FileCase("i", "p", "", ("CT",), True).values()
    assert values["number"] == 3
    assert values["id"] == "i"
    assert isinstance(values["known"], Truth)
    assert "file" not in values
    assert "more" not in values
    assert values["none"] == ()
