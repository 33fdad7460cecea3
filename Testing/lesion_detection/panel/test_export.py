"""Section Export: what is offered, asked and written."""

from __future__ import annotations

import csv

import pytest
from LesionDetectionLib.app.export_requests import DicomRequest, ReportRequest, TrainingCaseRequest
from LesionDetectionLib.app.features_request import FeaturesRequest, FindingFeatures
from LesionDetectionLib.io.lesion_table import Column

from .shared_panel import *  # noqa: F403 (fixtures)


@pytest.fixture
def answers(slicer_app, monkeypatch):
    """What the person answers where a file, a folder or a yes is asked for; a test sets its items."""
    from LesionDetectionLib.panel import ask

    given = {"folder": None, "file": None, "confirm": False, "asked": []}

    def confirm(text, title=""):
        given["asked"].append(text)
        return given["confirm"]

    monkeypatch.setattr(ask, "choose_folder", lambda *_: given["folder"])
    monkeypatch.setattr(ask, "choose_new_file", lambda *_: given["file"])
    monkeypatch.setattr(ask, "confirm", confirm)
    return given


@pytest.fixture
def from_dicom(slicer_app, panel, ct, tmp_path, monkeypatch):
    """The CT came from a series of two files in the DICOM database."""
    import slicer

    files = {}
    for uid in ("1.2.3", "1.2.4"):
        files[uid] = tmp_path / f"{uid}.dcm"
        files[uid].write_bytes(b"DICM")
    ct.SetAttribute("DICOM.instanceUIDs", " ".join(files))

    class Database:
        isOpen = True

        def fileForInstance(self, uid):
            return str(files[uid])

        def __getattr__(self, name):
            return getattr(slicer_app.database, name)

    monkeypatch.setattr(slicer, "dicomDatabase", Database())
    panel.refresh()
    return list(files.values())


def offered(ui, button):
    return getattr(ui, button).isVisibleTo(ui.exportSection)


@pytest.fixture
def opened(ui):
    ui.exportSection.collapsed = False


def test_nothing_to_export_yet(ui, opened):
    assert ui.exportText.text == "Nothing to export yet."
    assert not ui.csvButton.isEnabled()
    assert not ui.reportButton.isEnabled()
    assert not offered(ui, "dicomFolderButton")


def test_what_is_exported_is_said(panel, ui, detected, opened):
    assert ui.exportText.text == "Nothing was accepted yet, so all 2 findings that are drawn are exported."
    panel.session.accept(["L2"])
    assert ui.exportText.text == "1 accepted finding is exported."


def test_the_table_is_written_with_the_accepted_findings(panel, ui, detected, opened, answers, tmp_path):
    panel.session.accept(["L2"])
    answers["file"] = tmp_path / "lesions.csv"
    ui.csvButton.click()
    with (tmp_path / "lesions.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["score"] for row in rows] == ["0.81"]
    assert ui.exportMessage.text == f"1 finding is in {tmp_path / 'lesions.csv'}."


def test_cancelling_the_choice_of_a_file_does_nothing(panel, ui, detected, opened, answers):
    panel.session.accept(["L1"])
    for button in (ui.csvButton, ui.sceneButton, ui.reportButton, ui.trainingCaseButton):
        button.click()
    assert not ui.exportMessageRow.isVisible()


def test_the_scene_is_written(ui, detected, opened, answers, tmp_path):
    answers["file"] = tmp_path / "later.mrb"
    ui.sceneButton.click()
    assert (tmp_path / "later.mrb").is_file()


def test_a_report_is_the_workers_work_and_can_be_cancelled(panel, ui, detected, opened, answers, engine, tmp_path):
    answers["folder"] = tmp_path
    ui.reportButton.click()
    assert isinstance(engine.request, ReportRequest)
    assert engine.request.folder == str(tmp_path)
    assert len(engine.request.findings["findings"]) == 4
    assert engine.request.named_by == []
    assert engine.jobs[-1][2]["image"].name == "chest"
    assert ui.exportProgressRow.isVisible()
    assert not ui.reportButton.isEnabled()
    engine.go_on(0.5, "Drawing picture 1 of 3")
    assert ui.exportProgressBar.value == 500
    ui.exportCancelButton.click()
    engine.end_cancelled()
    assert ui.exportMessage.text == "Cancelled. Nothing was written."
    assert ui.reportButton.isEnabled()


def test_a_report_names_the_patient_where_the_person_wants_it_and_the_scan_can_say(
    slicer_app, panel, ui, detected, opened, answers, engine, tmp_path, monkeypatch, request
):
    from LesionDetectionLib.panel import dependencies

    monkeypatch.setattr(dependencies, "ensure", lambda *_: True)
    answers["folder"] = tmp_path
    assert not offered(ui, "namePatientCheckBox")  # a file says of no patient
    files = request.getfixturevalue("from_dicom")
    assert offered(ui, "namePatientCheckBox")
    assert not ui.namePatientCheckBox.isChecked()
    ui.namePatientCheckBox.setChecked(True)
    ui.reportButton.click()
    assert engine.request.named_by == [str(file) for file in files]
    engine.end_cancelled()
    files[1].unlink()
    ui.reportButton.click()
    assert "1 of the 2 DICOM files of “chest” are gone" in ui.exportMessage.text
    slicer_app.scene.Clear(0)
    assert not ui.namePatientCheckBox.isChecked()


def test_features_go_into_a_file_and_a_table_beside_the_findings(
    slicer_app, panel, ui, detected, opened, answers, engine, tmp_path, monkeypatch
):
    from LesionDetectionLib.panel import dependencies

    wanted = []
    monkeypatch.setattr(dependencies, "ensure", lambda feature: bool(wanted.append(feature)) or True)
    panel.session.accept(["L2"])
    answers["file"] = tmp_path / "features.csv"
    for value in (2.5, 3.5):
        ui.featuresButton.click()
        assert isinstance(engine.request, FeaturesRequest)
        assert engine.jobs[-1][2]["image"].name == "chest"
        columns = (Column("finding", str, ("L2",)), Column("stat_mean", float, (value,)))
        engine.finish(FindingFeatures(columns, {"L3": "It has no outline."}))
        table = detected.nodes.text.GetNodeReference("features").GetTable()
        assert table.GetValueByName(0, "stat_mean").ToDouble() == value
    assert (tmp_path / "features.csv").read_text().split() == ["finding,stat_mean", "L2,3.5"]
    assert "1 features of 1 finding are in" in ui.exportMessage.text
    assert ui.exportMessage.text.endswith("Left out: L3: It has no outline.")
    tables = slicer_app.scene.GetNodesByClass("vtkMRMLTableNode")
    tables.UnRegister(None)
    assert tables.GetNumberOfItems() == 2  # that of the findings, and one of features
    assert wanted == ["radiomics", "radiomics"]


def test_earlier_results_are_replaced_only_after_asking(ui, detected, opened, answers, engine, tmp_path):
    (tmp_path / "report.html").write_text("old")
    answers["folder"] = tmp_path
    before = len(engine.jobs)
    ui.reportButton.click()
    assert answers["asked"] == [f"{tmp_path} holds earlier results. Replace them?"]
    assert len(engine.jobs) == before
    answers["confirm"] = True
    ui.reportButton.click()
    assert engine.request.overwrite


def test_the_report_is_opened_and_a_missing_pdf_told(
    panel, ui, detected, opened, answers, engine, tmp_path, monkeypatch
):
    import qt
    from LesionDetectionLib.panel import dependencies, export_part

    answers["folder"] = tmp_path
    opened_urls, asked = [], []
    monkeypatch.setattr(qt.QDesktopServices, "openUrl", opened_urls.append)
    ui.reportButton.click()
    engine.finish({"report.html": str(tmp_path / "report.html"), "report.pdf": str(tmp_path / "report.pdf")})
    assert ui.exportMessage.text == f"Everything is in {tmp_path}."
    assert len(opened_urls) == 1
    # Who does not want the library for it gets the page alone, and is asked once.
    monkeypatch.setattr(dependencies, "ensure", lambda feature: asked.append(feature))
    for _ in range(2):
        ui.reportButton.click()
        engine.finish({"report.html": str(tmp_path / "report.html")})
        assert "There is no PDF: the library reportlab is not installed." in ui.exportMessage.text
    assert asked == ["report"]
    monkeypatch.setattr(export_part.packages, "can_do", lambda feature: False)
    before = len(engine.jobs)
    ui.reportButton.click()
    assert len(engine.jobs) == before


def test_dicom_is_offered_for_what_came_from_dicom(ui, detected, from_dicom, opened, answers, engine, tmp_path):
    assert offered(ui, "dicomFolderButton")
    answers["folder"] = tmp_path / "out"
    ui.dicomFolderButton.click()
    assert isinstance(engine.request, DicomRequest)
    assert engine.request.sources == [str(path) for path in from_dicom]
    assert len(engine.request.findings["findings"]) == 4
    engine.finish([])
    assert ui.exportMessage.text == f"DICOM files are in {tmp_path / 'out'}."


def test_dicom_into_the_database_is_copied_and_the_folder_goes(
    slicer_app, ui, detected, from_dicom, opened, answers, engine
):
    from pathlib import Path

    ui.dicomDatabaseButton.click()
    folder = Path(engine.request.folder)
    assert folder.is_dir()
    engine.finish([])
    assert [(Path(one), copied) for one, copied in slicer_app.imports] == [(folder, True)]
    assert not folder.exists()
    assert "beside the scan" in ui.exportMessage.text


def test_missing_dicom_files_are_told(ui, detected, from_dicom, opened, answers):
    from_dicom[0].unlink()
    ui.dicomFolderButton.click()
    assert "1 of the 2 DICOM files of “chest” are gone" in ui.exportMessage.text


def test_a_failed_export_is_a_sentence(ui, detected, opened, answers, engine, tmp_path):
    answers["folder"] = tmp_path
    ui.reportButton.click()
    engine.fail("The disk is full.")
    assert "The disk is full." in ui.exportMessage.text


def test_findings_become_a_training_case(panel, ui, detected, opened, answers, engine, tmp_path):
    answers["folder"] = tmp_path
    ui.trainingCaseButton.click()
    assert "Accept or reject findings first" in ui.exportMessage.text
    panel.session.accept(["L1"])
    ui.trainingCaseButton.click()
    assert isinstance(engine.request, TrainingCaseRequest)
    assert (engine.request.folder, engine.request.overwrite) == (str(tmp_path), False)
    assert len(engine.request.findings["findings"]) == 4
    engine.finish(str(tmp_path / "a1b2"))
    assert ui.exportMessage.text == f"The case is in {tmp_path / 'a1b2'}; Lesion Training reads the folder."


def test_an_earlier_review_is_replaced_only_after_asking(panel, ui, detected, opened, answers, engine, tmp_path):
    from LesionDetectionLib.core.errors import OutputError

    panel.session.accept(["L1"])
    answers["folder"] = tmp_path
    ui.trainingCaseButton.click()
    engine._end("failed", error=OutputError("a1b2 is there already: add --overwrite."))
    assert answers["asked"] == [f"This scan is a case of {tmp_path} already. Replace it?"]
    assert ui.exportMessage.text == ""
    answers["confirm"] = True
    ui.trainingCaseButton.click()
    engine._end("failed", error=OutputError("a1b2 is there already: add --overwrite."))
    assert engine.request.overwrite
    assert ui.exportProgressRow.isVisible()
