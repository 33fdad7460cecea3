"""Cases read by other processes give what they give when read here; what cannot be read is told."""

from __future__ import annotations

import numpy as np
import pytest
from LesionDetectionLib.core.errors import Cancelled, InputError
from LesionDetectionLib.core.image import CT, HU, Image
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.io.files import write_image
from LesionTrainingLib.cohorts.spec import open_cohort
from LesionTrainingLib.evaluation.reading.ahead import work_on_read


@pytest.fixture(scope="module")
def two_cases(tmp_path_factory):
    """Files of noise, with one lesion and with two."""
    folder = tmp_path_factory.mktemp("scans")
    for number in (1, 2):
        voxels = np.random.default_rng(number).integers(-1000, 400, (6, 20, 24), np.int16)
        labels = np.zeros(voxels.shape, np.uint8)
        for label in range(1, number + 1):
            labels[2:4, 6 * label : 6 * label + 3, 5:9] = label
        write_image(Image(voxels, np.eye(4), CT, HU), folder / f"{number}.nrrd")
        write_image(Image(labels, np.eye(4)), folder / f"{number}.label.nrrd")
    return open_cohort(f"folder:{folder}", Progress()).cases


def what_was_read(read):
    return read.truth.lesions.centers_ras_mm.tolist(), read.images["CT"].voxels.tobytes()


def test_workers_read_what_one_process_reads(two_cases):
    alone, _ = work_on_read(two_cases, what_was_read, 1, Progress())
    together, left_out = work_on_read(two_cases, what_was_read, 2, Progress())
    assert [(case.id, read) for case, read in together] == [(case.id, read) for case, read in alone]
    assert [len(places) for _case, (places, _voxels) in together] == [1, 2]
    assert not left_out


def test_a_case_that_cannot_be_worked_on_is_told_and_the_others_go_on(two_cases):
    calls = []

    def fail_once(_read):
        calls.append(1)
        if len(calls) == 1:
            raise InputError("This one cannot be used.")
        return True

    done, left_out = work_on_read(two_cases, fail_once, 2, Progress())
    assert len(done) == 1
    assert [left.reason for left in left_out] == ["This one cannot be used."]


def test_a_cancel_goes_through(two_cases):
    def cancel(_fraction, _text):
        raise Cancelled

    with pytest.raises(Cancelled):
        work_on_read(two_cases, what_was_read, 2, Progress(cancel))
