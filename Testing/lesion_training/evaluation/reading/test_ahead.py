"""Cases read by other processes give what they give when read here; what cannot be read is told."""

from __future__ import annotations

import pytest
from LesionDetectionLib.core.errors import Cancelled, InputError
from LesionDetectionLib.core.progress import Progress
from LesionTrainingLib.cohorts.spec import open_cohort
from LesionTrainingLib.evaluation.reading.ahead import work_on_read


@pytest.fixture(scope="module")
def tiny_phantoms():
    return open_cohort("phantoms:body?seeds=0-1&protocol=tiny", Progress()).cases


def what_was_read(read):
    return [len(read.truth.lesions), read.truth.lesions.kinds, int(read.images["CT"].voxels.astype(int).sum())]


def test_workers_read_what_one_process_reads(tiny_phantoms):
    alone, _ = work_on_read(tiny_phantoms, what_was_read, 1, Progress())
    together, left_out = work_on_read(tiny_phantoms, what_was_read, 2, Progress())
    assert [(case.id, read) for case, read in together] == [(case.id, read) for case, read in alone]
    assert not left_out


def test_a_case_that_cannot_be_worked_on_is_told_and_the_others_go_on(tiny_phantoms):
    calls = []

    def fail_once(_read):
        calls.append(1)
        if len(calls) == 1:
            raise InputError("This one cannot be used.")
        return True

    done, left_out = work_on_read(tiny_phantoms[:2], fail_once, 2, Progress())
    assert len(done) == 1
    assert [left.reason for left in left_out] == ["This one cannot be used."]


def test_a_cancel_goes_through(tiny_phantoms):
    def cancel(_fraction, _text):
        raise Cancelled

    with pytest.raises(Cancelled):
        work_on_read(tiny_phantoms, what_was_read, 2, Progress(cancel))
