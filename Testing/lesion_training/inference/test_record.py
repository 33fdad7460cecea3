"""What a finished case depends on: a change in any of it means another result."""

from __future__ import annotations

import dataclasses
import os

import pytest
from LesionDetectionLib.core.errors import InputError
from LesionTrainingLib.inference.job import Outcome
from LesionTrainingLib.inference.record import RECORD, Record, dependencies


@pytest.fixture
def a_case(a_cohort):
    return a_cohort("good").cases[0]


def test_a_record_reads_back(tmp_path):
    record = Record({"method": "m", "settings": {"a": [1, 2.5]}}, True, True, Outcome("x", 3, 0.1 + 0.2, 1.5))
    record.save(tmp_path)
    assert Record.load(tmp_path) == record


def test_no_record_is_none(tmp_path):
    assert Record.load(tmp_path / "nowhere") is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": "lesion-cohort-case", "schema_version": 99}', "\udcff"])
def test_what_is_no_record_is_said(tmp_path, text):
    (tmp_path / RECORD).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError, match="no record"):
        Record.load(tmp_path)


def test_the_same_again_depends_on_the_same(a_job, a_case):
    assert dependencies(a_job, a_case) == dependencies(a_job, a_case)


CHANGES = {
    "method": lambda job, case: (
        dataclasses.replace(job, info=dataclasses.replace(job.info, id="other")),
        case,
    ),
    "model": lambda job, case: (dataclasses.replace(job, digest="abc"), case),
    "settings": lambda job, case: (
        dataclasses.replace(job, settings=dataclasses.replace(job.settings, operating_point="0.3")),
        case,
    ),
    "case": lambda job, case: (job, dataclasses.replace(case, modalities=("CT", "PT"))),
    "files": lambda job, case: (os.utime(case.path, ns=(1, 1)), (job, case))[1],
}


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_is_seen_where_it_is(a_job, a_case, what):
    before = dependencies(a_job, a_case)
    after = dependencies(*CHANGES[what](a_job, a_case))
    assert [name for name in before if before[name] != after[name]] == [what]


def test_a_file_in_a_folder_counts_and_a_missing_one_too(a_job, a_case, tmp_path):
    folder = tmp_path / "series"
    (folder / "deeper").mkdir(parents=True)
    case = dataclasses.replace(a_case, path=folder)
    seen = [dependencies(a_job, case)["files"]]
    (folder / "deeper" / "1.dcm").write_bytes(b"1")
    seen.append(dependencies(a_job, case)["files"])
    (folder / "deeper" / "1.dcm").write_bytes(b"12")
    seen.append(dependencies(a_job, case)["files"])
    seen.append(dependencies(a_job, dataclasses.replace(a_case, path=tmp_path / "gone"))["files"])
    assert len(set(seen)) == 4


def test_a_record_answers_only_while_results_are_there(tmp_path):
    wanted = {"method": "m"}
    (tmp_path / "detections.json").touch()
    assert not Record(wanted, False, True).answers(wanted, False, tmp_path)
    (tmp_path / "lesions.csv").touch()
    assert Record(wanted, False, True).answers(wanted, False, tmp_path)
    assert not Record(wanted, False, False).answers(wanted, False, tmp_path), "unfinished"
    assert not Record(wanted, False, True).answers({"method": "n"}, False, tmp_path), "something else"
    assert not Record(wanted, False, True).answers(wanted, True, tmp_path), "pictures are asked for"
    assert Record(wanted, True, True).answers(wanted, False, tmp_path), "more than is asked for"
