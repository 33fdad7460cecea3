"""What a session hands on: the worker gets all it needs, and writes what was reported."""

from __future__ import annotations

import csv

import pytest
from LesionDetectionLib.app.session.exporting import IMAGE
from LesionDetectionLib.app.session.session import Session
from LesionDetectionLib.app.worker.engine import InProcess
from LesionDetectionLib.core.errors import OutputError, UsageError
from LesionDetectionLib.core.finding import Findings


@pytest.fixture
def here(scene, detected, session):
    """A second session on the same scene that does its work in this process."""
    detected(3, threshold=0.0)
    direct = Session(scene, InProcess())
    direct.activate(direct.results_in_scene()[0])
    return direct


def test_a_report_of_what_was_accepted(here, tmp_path):
    here.accept(["L2"])
    job = here.write_report(tmp_path / "out")
    assert job.state == "done", job.error
    assert set(job.result) == {"detections.json", "lesions.csv", "pictures", "report.html"}
    with (tmp_path / "out" / "lesions.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 1
    again = here.write_report(tmp_path / "out")
    assert isinstance(again.error, OutputError)
    assert "already holds" in here.message
    assert here.write_report(tmp_path / "out", overwrite=True).state == "done"


def test_dicom_gets_the_findings_as_they_are_now(session, engine, detected, tmp_path):
    detected(2, threshold=0.0)
    session.accept(["L1"])
    session.write_dicom(tmp_path, [tmp_path / "a.dcm"], observer="Reader 1")
    job, images, _ = engine.jobs[-1]
    assert (job.request.sources, job.request.observer, images) == ((str(tmp_path / "a.dcm"),), "Reader 1", {})
    sent = Findings.from_json(job.request.findings)
    assert [(item.id, item.status.value) for item in sent.items] == [("L1", "accepted"), ("L2", "new")]


def test_a_training_case_needs_decisions(session, engine, detected, tmp_path):
    detected(2, threshold=0.0)
    with pytest.raises(UsageError, match="Accept or reject"):
        session.write_training_case(tmp_path, "case1")
    session.reject(["L1"])
    session.write_training_case(tmp_path, "case1")
    job, images, _ = engine.jobs[-1]
    assert job.request.case_id == "case1"
    assert set(images) == {IMAGE}


def test_nothing_to_hand_on_is_a_sentence(session, tmp_path):
    for hand_on in (
        lambda: session.write_report(tmp_path),
        lambda: session.write_dicom(tmp_path, []),
        lambda: session.write_training_case(tmp_path, "a"),
    ):
        with pytest.raises(UsageError, match="no result yet"):
            hand_on()
