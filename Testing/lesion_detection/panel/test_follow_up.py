"""Section Follow-up: two results compared."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from LesionDetectionLib.app.alignment_request import AlignRequest
from LesionDetectionLib.imaging.alignment import Alignment

from .conftest import CENTERS, SCORES, ball, chest_image, found_in
from .shared_panel import *  # noqa: F403 (fixtures)


@pytest.fixture
def two_times(slicer_app, panel, ui, detected, engine):
    """The chest a second time: the first lesion grew to a third more, the second is gone, and there is a new one."""
    from LesionDetectionLib.io.mrml import volume_node

    image = replace(chest_image(), name="later")
    panel.context.parameters.ctVolume = volume_node(slicer_app.scene, image)
    ui.detectButton.click()
    run = found_in(image)
    lesions = (ball(image, CENTERS[0], 8.0, SCORES[0]), ball(image, (40.0, 50.0, 8.0), 5.0, 0.9))
    engine.finish(replace(run, lesions=lesions, image_name="later"))
    ui.followUpSection.collapsed = False
    ui.alignComboBox.setCurrentIndex(0)
    ui.alignComboBox.activated.emit(0)


def rows(ui):
    table = ui.followUpTable
    return [[table.item(row, column).text() for column in range(table.columnCount)] for row in range(table.rowCount)]


def choose(ui, *numbers):
    import qt

    ui.followUpTable.clearSelection()
    for row in numbers:
        ui.followUpTable.setRangeSelected(qt.QTableWidgetSelectionRange(row, 0, row, 5), True)


def without_alignment(ui):
    ui.alignComboBox.setCurrentIndex(1)
    ui.compareButton.click()


def test_one_result_is_not_enough(ui, detected):
    ui.followUpSection.collapsed = False
    assert ui.followUpHint.isVisible()
    assert not ui.followUpBox.isVisible()


def test_two_results_are_compared_by_a_rigid_move_of_the_worker(slicer_app, panel, ui, two_times, engine):
    assert ui.earlierComboBox.currentText == "chest nodule-ct"
    assert ui.laterComboBox.currentText == "later nodule-ct"
    assert not ui.comparisonBox.isVisible()
    ui.compareButton.click()
    assert isinstance(engine.request, AlignRequest)
    assert set(engine.jobs[-1][2]) == {"baseline", "follow_up"}
    assert ui.followUpProgressRow.isVisible()
    engine.finish(Alignment(np.eye(4), correlation=0.9, overlap=1.0, disagreement_mm=0.5))
    assert not ui.followUpProgressRow.isVisible()
    assert rows(ui)[0] == ["L1", "L1", "12.0", "16.0", "+33", "Nodule"]
    assert rows(ui)[1][:2] == ["L2", ""]
    assert rows(ui)[1][5] == "not found again"
    assert rows(ui)[2][:2] == ["", "L2"]
    assert rows(ui)[2][5] == "new? not decided"
    assert "NE" in ui.categoryText.text
    assert "aligned by a rigid move" in ui.notesText.text
    tables = [node.GetName() for node in __import__("slicer").util.getNodesByClass("vtkMRMLTableNode")]
    assert "Follow-up later nodule-ct" in tables


def test_what_the_person_says_changes_the_category(panel, ui, two_times):
    without_alignment(ui)
    choose(ui, 1)
    assert ui.goneButton.isEnabled()
    assert not ui.linkButton.isEnabled()
    ui.goneButton.click()
    assert rows(ui)[1][5] == "disappeared"
    assert "SD" in ui.categoryText.text or "PR" in ui.categoryText.text
    panel.session.accept(["L2"])  # of the later result, which is the active one
    assert rows(ui)[2][5] == "new lesion"
    assert "PD" in ui.categoryText.text
    panel.session.undo()
    assert "PD" not in ui.categoryText.text


def test_lesions_are_linked_and_taken_apart(ui, two_times):
    without_alignment(ui)
    choose(ui, 1, 2)
    assert ui.linkButton.isEnabled()
    ui.linkButton.click()
    assert [row[:2] for row in rows(ui)] == [["L1", "L1"], ["L2", "L2"]]
    choose(ui, 1)
    ui.unlinkButton.click()
    assert [row[:2] for row in rows(ui)] == [["L1", "L1"], ["L2", ""], ["", "L2"]]


def test_targets_are_chosen(panel, ui, two_times):
    without_alignment(ui)
    before = panel.follow_up.comparison.targets
    choose(ui, 0)
    ui.targetButton.click()
    assert set(panel.follow_up.comparison.targets) == set(before) - {"L1"}


def test_a_double_click_shows_the_lesion_in_its_scan(slicer_app, panel, ui, two_times):
    import slicer

    without_alignment(ui)
    ui.followUpTable.cellDoubleClicked.emit(1, 0)  # only there in the earlier scan
    composite = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")[0]
    assert slicer.mrmlScene.GetNodeByID(composite.GetBackgroundVolumeID()).GetName() == "chest"
    ui.followUpTable.cellDoubleClicked.emit(0, 0)
    assert slicer.mrmlScene.GetNodeByID(composite.GetBackgroundVolumeID()).GetName() == "later"


def test_a_transform_of_the_person_aligns(slicer_app, panel, ui, two_times):
    import slicer

    ui.alignComboBox.setCurrentIndex(2)
    ui.alignComboBox.activated.emit(2)
    assert ui.transformSelector.isVisible()
    ui.compareButton.click()
    assert "Choose the transform" in ui.followUpMessage.text
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "shift")
    ui.transformSelector.setCurrentNode(transform)
    ui.compareButton.click()
    assert rows(ui)[0][:2] == ["L1", "L1"]
    assert "given by the user" in ui.notesText.text
    matrix = np.diag([2.0, 1.0, 1.0, 1.0])
    transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
    ui.compareButton.click()
    assert "no rigid move" in ui.followUpMessage.text


def test_what_cannot_be_aligned_is_said(ui, two_times, engine):
    ui.compareButton.click()
    engine.fail("The two scans could not be aligned: they share too little of the body.")
    assert "share too little of the body" in ui.followUpMessage.text
    assert ui.compareButton.isEnabled()


def test_the_comparison_is_saved(ui, two_times, monkeypatch, tmp_path):
    from LesionDetectionLib.panel import ask

    without_alignment(ui)
    monkeypatch.setattr(ask, "choose_folder", lambda *_: tmp_path)
    monkeypatch.setattr(ask, "confirm", lambda *_: False)
    ui.saveFollowUpButton.click()
    saved = json.loads((tmp_path / "follow-up.json").read_text(encoding="utf-8"))
    assert saved["response"]["category"] in ui.categoryText.text
    (tmp_path / "follow-up.json").write_text("mine")
    ui.saveFollowUpButton.click()
    assert (tmp_path / "follow-up.json").read_text() == "mine"


def test_the_same_result_twice_is_no_follow_up(ui, two_times):
    ui.laterComboBox.setCurrentIndex(0)
    ui.compareButton.click()
    assert "Choose two results" in ui.followUpMessage.text


def test_closing_the_scene_ends_the_comparison(slicer_app, panel, ui, two_times, engine):
    without_alignment(ui)
    ui.alignComboBox.setCurrentIndex(0)
    ui.compareButton.click()
    slicer_app.scene.Clear(0)
    engine.end_cancelled()
    assert panel.follow_up.comparison is None
    assert ui.followUpHint.isVisible()


def test_a_removed_result_ends_the_comparison(slicer_app, panel, ui, two_times):
    without_alignment(ui)
    panel.session.results_in_scene()[0].nodes.remove()
    panel.refresh()
    assert panel.follow_up.comparison is None
