"""Section 1: the database as a tree, other cohorts by their paths, and what checking finds."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from LesionDetectionLib.core.errors import InputError
from LesionTrainingLib.cohorts.cohort import LeftOut


def rows(tree):
    """(text, kind, images, labels) of all lines, as they are nested."""
    found = []

    def walk(item, depth):
        found.append((depth, item.text(0), item.text(1), item.text(2), item.text(3)))
        for n in range(item.childCount()):
            walk(item.child(n), depth + 1)

    for n in range(tree.topLevelItemCount):
        walk(tree.topLevelItem(n), 0)
    return found


def test_entering_lists_the_database_in_the_background(engines, panel, ui, tmp_path):
    _engine, job = engines.last("ListDatabaseRequest")
    assert job.request.folder == str(tmp_path / "database")
    engines.tell("ListDatabaseRequest", 0.5, "Reading labels' headers (3 of 9)")
    assert ui.countsText.text == "Reading labels' headers (3 of 9)"


def test_patients_studies_and_series(listed, ui):
    assert rows(ui.databaseTree)[:5] == [
        (0, "2ec717f95411", "", "", ""),
        (1, "2024-03-11  PET CT", "", "", ""),
        (2, "Thorax 1.0 lung", "CT", "120", "SEG"),
        (2, "PET AC", "PT", "267", "RTSTRUCT"),
        (0, "7b4860ee5e93", "", "", ""),
    ]
    assert rows(ui.databaseTree)[-2:] == [
        (1, "Study without a date", "", "", ""),
        (2, "(no description)", "CT", "120", "–"),
    ]
    assert ui.countsText.text == "6 of 6 series shown, 4 of all have labels. None is chosen."
    assert ui.problemsTable.isVisible()
    assert ui.problemsTable.item(0, 1).text() == "The SEG refers to a series that is not here."


def test_filters(listed, ui, chosen, slicer_app):
    ui.descriptionEdit.setText("lung*")
    assert [row[1] for row in rows(ui.databaseTree) if row[0] == 2] == ["Lung 1.0", "Lung 1.0"]
    ui.descriptionEdit.setText("")
    ui.modalityComboBox.setCurrentIndex(ui.modalityComboBox.findData("PT"))
    assert [row[1] for row in rows(ui.databaseTree) if row[0] == 2] == ["PET AC"]
    ui.modalityComboBox.setCurrentIndex(0)
    ui.labelledCheckBox.click()
    assert ui.countsText.text.startswith("4 of 6 series shown")
    assert ui.modalityComboBox.itemText(1) == "CT (5)"


def test_a_tick_on_a_study_takes_its_series(listed, ui, chosen):
    import qt

    study = ui.databaseTree.topLevelItem(0).child(0)
    study.setCheckState(0, qt.Qt.Checked)
    assert chosen.series == ["1.1.1", "1.1.2"]
    assert ui.databaseTree.topLevelItem(0).checkState(0) == qt.Qt.Checked
    assert ui.countsText.text == "Chosen: 2 series of 1 patients, 2 with labels. Not used, as no CT: 1."
    study.child(1).setCheckState(0, qt.Qt.Unchecked)
    assert chosen.series == ["1.1.1"]
    assert ui.databaseTree.topLevelItem(0).checkState(0) == qt.Qt.PartiallyChecked


def test_what_is_hidden_stays_chosen_and_is_told(listed, ui, chosen):
    ui.allButton.click()
    assert len(chosen.series) == 6
    ui.descriptionEdit.setText("scout")
    assert "5 of them are not shown." in ui.countsText.text
    ui.noneButton.click()
    assert chosen.series == []


def test_only_shown_ones_are_added(listed, ui, chosen):
    ui.labelledCheckBox.click()
    ui.allButton.click()
    assert chosen.series == ["1.1.1", "1.1.2", "2.1.1", "2.2.1"]


def test_patient_ids_are_shown_on_demand_only(listed, ui, panel, monkeypatch):
    from LesionTrainingLib.panel import data_part

    monkeypatch.setattr(data_part, "patient_ids", lambda _database: {"2ec717f95411": "P-4711"})
    ui.patientIdCheckBox.click()
    assert rows(ui.databaseTree)[0][1] == "P-4711"
    ui.patientIdCheckBox.click()
    assert "P-4711" not in str(rows(ui.databaseTree))
    assert "P-4711" not in str(panel.context.parameters.series)


def test_the_chosen_series_are_checked_and_summed_up(listed, ui, engines, summary, panel):
    ui.labelledCheckBox.click()
    ui.allButton.click()
    ui.checkButton.click()
    _engine, job = engines.last("CohortSummaryRequest")
    assert job.request.cohort == f"dicomdb:{listed.folder}?modality=CT&series=1.1.1,2.1.1,2.2.1"
    assert ui.checkButton.text == "Stop checking"
    engines.tell("CohortSummaryRequest", 0.4, "1.1.1")
    assert ui.dataMessage.text == "1.1.1 (40 %)"
    engines.end("CohortSummaryRequest", result=replace(summary, problems=(LeftOut("2.1.1", "Its SEG is empty."),)))
    assert ui.checkButton.text == "Check the data"
    for part in ("3 of 2 patients, 3 with labels", "17 (0-6 mm: 4, 6-10 mm: 9, 10-20 mm: 4)", "A note."):
        assert part in ui.summaryText.text
    assert [ui.problemsTable.item(0, column).text() for column in (0, 1)] == ["2.1.1", "Its SEG is empty."]


def test_another_choice_makes_the_summary_go(listed, ui, engines, summary, panel):
    ui.allButton.click()
    ui.checkButton.click()
    engines.end("CohortSummaryRequest", result=summary)
    assert ui.summaryText.isVisible()
    ui.noneButton.click()
    assert not ui.summaryText.isVisible()
    assert panel.session.summary is None
    ui.checkButton.click()
    assert "Choose at least one CT series" in ui.dataMessage.text


def test_checking_can_be_stopped_and_may_fail(listed, ui, engines):
    ui.allButton.click()
    ui.checkButton.click()
    ui.checkButton.click()
    assert ui.checkButton.text == "Check the data"
    assert engines.last("CohortSummaryRequest")[1].state == "cancelling"
    ui.checkButton.click()
    engines.end("CohortSummaryRequest", "failed", error=InputError("The table cannot be read."))
    assert ui.dataMessage.text == "The table cannot be read."


def test_data_without_labels_cannot_be_trained_on(listed, ui, engines, summary):
    ui.allButton.click()
    ui.checkButton.click()
    engines.end("CohortSummaryRequest", result=replace(summary, labelled=0))
    assert "There are no labels" in ui.dataMessage.text
    assert not ui.startButton.isEnabled()
    assert ui.startButton.toolTip == "The chosen data has no labels."


def test_labels_of_a_table(listed, ui, chosen, engines, answer, tmp_path):
    table = tmp_path / "marks.csv"
    answer("choose_file", table)
    ui.labelsGroup.collapsed = False
    ui.labelsComboBox.setCurrentIndex(ui.labelsComboBox.findData("table:"))
    assert ui.tableRow.isVisible()
    assert not ui.segmentsEdit.isVisible()
    ui.tableButton.click()
    assert engines.last("ListDatabaseRequest")[1].request.labels == f"table:{table}"
    engines.end("ListDatabaseRequest", result=listed)
    ui.allButton.click()
    ui.checkButton.click()
    assert f"labels=table:{table}" in engines.last("CohortSummaryRequest")[1].request.cohort


def test_patterns_of_segments(listed, ui, chosen, engines):
    ui.segmentsEdit.setText("nodule*, mass")
    ui.lesionComboBox.setCurrentIndex(ui.lesionComboBox.findData("whole"))
    ui.allButton.click()
    ui.checkButton.click()
    cohort = engines.last("CohortSummaryRequest")[1].request.cohort
    assert "segments=nodule%2A, mass" in cohort
    assert "one_lesion=whole" in cohort


def test_many_series_are_named_in_a_file(listed, ui, engines, panel, catalogue, tmp_path):
    from LesionTrainingLib.cohorts.dicom.catalogue import PatientEntry, SeriesEntry, StudyEntry

    many = tuple(SeriesEntry(f"1.2.840.113619.2.55.3.{n:020d}", "CT", "x", 3, ("SEG",)) for n in range(40))
    panel.data.list_database(again=True)
    engines.end(
        "ListDatabaseRequest",
        result=replace(catalogue, patients=(PatientEntry("p", (StudyEntry("s", "", "", many),)),)),
    )
    ui.allButton.click()
    ui.checkButton.click()
    path = Path(engines.last("CohortSummaryRequest")[1].request.cohort)
    assert path.name == "dicomdb-40-series.yaml"
    assert path.is_relative_to(tmp_path / "data" / "Training")
    assert len(json.loads(path.read_text())["series"].split(",")) == 40


def test_a_changed_database_is_listed_again_once(listed, engines, panel, slicer_app):
    import slicer

    before = len(engines.asked("ListDatabaseRequest"))
    for _ in range(5):
        slicer.dicomDatabase._real.databaseChanged.emit()
    panel.data._settle.setInterval(10)
    slicer.dicomDatabase._real.databaseChanged.emit()
    slicer_app.process_events(lambda: len(engines.asked("ListDatabaseRequest")) > before)
    assert len(engines.asked("ListDatabaseRequest")) == before + 1


def test_a_closed_database_is_told(panel, ui, engines):
    import slicer

    slicer.dicomDatabase.closeDatabase()
    panel.enter()
    assert "No DICOM database is open" in ui.countsText.text


def test_an_empty_database_says_what_to_do(panel, ui, engines, catalogue):
    engines.end("ListDatabaseRequest", result=replace(catalogue, patients=(), problems=()))
    assert "Import scans in the DICOM module." in ui.countsText.text
    assert not ui.problemsTable.isVisible()


def test_every_kind_of_cohort_can_be_chosen(ui, chosen, panel):
    kinds = [ui.sourceComboBox.itemData(n) for n in range(ui.sourceComboBox.count)]
    assert {"dicomdb", "dicom", "luna16", "lidc", "deeplesion", "folder", "table", "phantoms", "reviewed"} <= set(kinds)
    titles = [ui.sourceComboBox.itemText(n) for n in range(ui.sourceComboBox.count)]
    assert len(set(titles)) == len(titles)
    for kind in kinds:
        chosen.source = kind
        assert ui.databasePage.isVisible() == (kind == "dicomdb")


def test_a_folder_with_options(ui, chosen, panel, answer, engines, tmp_path):
    ui.sourceComboBox.setCurrentIndex(ui.sourceComboBox.findData("luna16"))
    assert chosen.source == "luna16"
    assert "subset0 to subset9" in ui.pathText.text
    ui.checkButton.click()
    assert "Say where the data is" in ui.dataMessage.text
    texts = answer("choose_folder", tmp_path / "LUNA16")
    ui.pathButton.click()
    assert texts == ["the LUNA16 challenge: chest CT with lung nodules"]
    edit = panel.data.form._edits["subset"]
    edit.setText("0-3")
    edit._real.textEdited.emit("0-3")
    assert panel.data.cohort() == f"luna16:{tmp_path / 'LUNA16'}?subset=0-3"
    ui.checkButton.click()
    assert engines.last("CohortSummaryRequest")[1].request.cohort == panel.data.cohort()


def test_deeplesion_with_its_options(ui, chosen, panel):
    chosen.source, chosen.paths = "deeplesion", {"deeplesion": "/data/DeepLesion"}
    assert {"split", "types"} <= set(panel.data.form._edits), sorted(panel.data.form._edits)
    edit = panel.data.form._edits["split"]
    edit.setText("train")
    edit._real.textEdited.emit("train")
    assert panel.data.cohort() == "deeplesion:/data/DeepLesion?split=train"


def test_each_kind_keeps_its_own_path_and_options(ui, chosen, panel):
    chosen.source = "table"
    ui.pathEdit.setText("/data/scans.csv")
    ui.pathEdit._real.textEdited.emit("/data/scans.csv")
    chosen.source = "phantoms"
    assert ui.anatomyComboBox.isVisible()
    assert not ui.pathRow.isVisible()
    panel.data.form._edits["seeds"].setText("3-5")
    panel.data.form._edits["seeds"]._real.textEdited.emit("3-5")
    assert panel.data.cohort() == "phantoms:chest?seeds=3-5"
    chosen.source = "table"
    assert panel.data.cohort() == "table:/data/scans.csv"
    assert ui.pathEdit.text == "/data/scans.csv"


def test_options_explain_themselves(ui, chosen, panel):
    chosen.source = "folder"
    edit = panel.data.form._edits["lesions"]
    assert edit.placeholderText == "components"
    assert "each connected part" in edit.toolTip


@pytest.mark.parametrize("kind", ["phantoms", "luna16"])
def test_a_choice_that_is_not_known_shows_the_database(ui, chosen, kind):
    chosen.source = "of another version"
    assert ui.databasePage.isVisible()
    chosen.source = kind
    assert not ui.databasePage.isVisible()
