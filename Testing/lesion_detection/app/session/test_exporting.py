"""What a session hands on: the worker gets all it needs, and writes what was reported."""

from __future__ import annotations

import csv
from dataclasses import replace

import pytest
from LesionDetectionLib.app.export_requests import IMAGE
from LesionDetectionLib.app.worker.engine import InProcess
from LesionDetectionLib.core.errors import OutputError, UsageError
from LesionDetectionLib.core.finding import Findings


def test_a_report_of_what_was_accepted(session, detected, tmp_path):
    detected(3, threshold=0.0)
    session.accept(["L2"])
    engine = InProcess()
    job = engine.submit(*session.report_request(tmp_path / "out"))
    assert job.state == "done", job.error
    assert set(job.result) == {"detections.json", "lesions.csv", "pictures", "report.html", "report.pdf"}
    assert "1 finding that a person accepted, of 3 that were listed." in (tmp_path / "out" / "report.html").read_text()
    with (tmp_path / "out" / "lesions.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 1
    again = engine.submit(*session.report_request(tmp_path / "out"))
    assert isinstance(again.error, OutputError)
    assert engine.submit(*session.report_request(tmp_path / "out", overwrite=True)).state == "done"


def test_a_report_knows_the_model_that_is_named_where_it_is_the_one(session, detected, tmp_path):
    from LesionDetectionLib.core.bundle import read_manifest
    from LesionDetectionLib.core.resources import demonstration_model

    detected(1, threshold=0.0)
    path, other = demonstration_model("nodule-ct-phantom"), demonstration_model("liver-ct-phantom")
    digest = read_manifest(path)[1]
    run = replace(session.findings.run, provenance={"model": {"name": "m", "sha256": digest}})
    session.results.change("", replace(session.findings, run=run))
    for model, known in ((path, True), (other, False), (tmp_path / "gone", False), (None, False)):
        request, images = session.report_request(tmp_path / "out", overwrite=True, model=model)
        assert InProcess().submit(request, images).state == "done"
        page = (tmp_path / "out" / "report.html").read_text()
        assert ("was not at hand" not in page) is known


def test_a_report_names_the_patient_of_the_files_that_it_is_told_to(session, detected, tmp_path):
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    detected(1, threshold=0.0)
    files = [tmp_path / "1.dcm", tmp_path / "2.dcm"]
    for file, name in zip(files, ("Doe^Jane", "Roe^Richard"), strict=True):
        header = Dataset()
        header.PatientName, header.file_meta = name, FileMetaDataset()
        header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        header.save_as(file, enforce_file_format=False)
    job = InProcess().submit(*session.report_request(tmp_path / "out", named_by=files[:1]))
    assert job.state == "done", job.error
    assert "Doe, Jane" in (tmp_path / "out" / "report.html").read_text()
    assert "Doe" not in (tmp_path / "out" / "detections.json").read_text()
    job = InProcess().submit(*session.report_request(tmp_path / "other", named_by=files))
    assert "2 different patients" in str(job.error)
    assert "Doe" not in str(job.error)
    assert not (tmp_path / "other").exists()


def test_dicom_gets_the_findings_as_they_are_now(session, detected, tmp_path):
    detected(2, threshold=0.0)
    session.accept(["L1"])
    request, images = session.dicom_request(tmp_path, [tmp_path / "a.dcm"])
    assert (request.sources, images) == ([str(tmp_path / "a.dcm")], {})
    sent = Findings.from_json(request.findings)
    assert [(item.id, item.status.value) for item in sent.items] == [("L1", "accepted"), ("L2", "new")]


def test_a_training_case_needs_decisions(session, detected, tmp_path):
    detected(2, threshold=0.0)
    with pytest.raises(UsageError, match="Accept or reject"):
        session.training_case_request(tmp_path)
    session.reject(["L1"])
    _, images = session.training_case_request(tmp_path)
    assert set(images) == {IMAGE}


def test_nothing_to_hand_on_is_a_sentence(session, tmp_path):
    for hand_on in (
        lambda: session.report_request(tmp_path),
        lambda: session.dicom_request(tmp_path, []),
        lambda: session.training_case_request(tmp_path),
    ):
        with pytest.raises(UsageError, match="no result yet"):
            hand_on()
