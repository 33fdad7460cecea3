"""Section Detect: from the choices to a request, and how its work is shown."""

from __future__ import annotations

import pytest
from LesionDetectionLib.app.worker.requests import DetectRequest, MeasureRequest

from .conftest import CENTERS, chest_image, clicked_lesion, found_in
from .shared_panel import *  # noqa: F403 (fixtures)


def test_the_panel_is_built_to_its_end_and_waits_for_a_volume(widget, ui):
    assert widget.panel is not None
    assert ui.detectButton.text == "Detect"
    assert not ui.detectButton.isEnabled()
    assert ui.detectButton.toolTip == ui.detectHint.text == "Choose a CT first."
    assert ui.detectHint.isVisible()
    assert "Sample Data" in ui.imagesText.text
    assert ui.findingsEmptyText.isVisible()
    assert not ui.findingsBox.isVisible()


def test_methods_say_what_they_find_need_and_cannot(ui):
    assert ui.methodComboBox.currentText == "Lung nodules in CT, two 3D stages"
    assert "Needs CT and a trained model." in ui.methodText.text
    assert "consolidations" not in ui.methodText.text
    ui.methodText.linkActivated.emit("limits")
    assert "consolidations" in ui.methodText.text
    assert "MICCAI 2017" in ui.methodText.text


def test_a_model_from_phantoms_says_so_plainly(ui):
    assert ui.modelComboBox.currentText == "nodule-ct-phantom 2"
    assert "CPM" in ui.modelText.text
    assert ui.modelWarning.isVisible()
    assert "phantoms only" in ui.modelWarningText.text


def test_detect_asks_for_what_is_chosen(panel, ui, ct, engine):
    assert ui.detectButton.isEnabled()
    ui.detectButton.click()
    assert isinstance(engine.request, DetectRequest)
    assert engine.request.method == "nodule-ct"
    assert engine.request.model.endswith("nodule-ct-phantom")
    assert engine.request.device == "auto"
    assert engine.request.region_ras_mm is None
    assert float(engine.request.operating_point) < 0.16  # all that the slider can ever show


def test_detect_becomes_cancel_and_detect_again(panel, ui, ct, engine):
    ui.detectButton.click()
    engine.go_on(0.25, "Looking at candidates")
    assert ui.detectButton.text == "Cancel"
    assert ui.progressRow.isVisible()
    assert ui.progressBar.value == 250
    assert ui.progressText.text == "Looking at candidates"
    ui.detectButton.click()
    assert ui.detectButton.text == "Cancelling"
    assert not ui.detectButton.isEnabled()
    engine.end_cancelled()
    assert ui.detectButton.text == "Detect"
    assert ui.detectButton.isEnabled()
    assert not ui.progressRow.isVisible()
    assert ui.detectMessage.text.startswith("Cancelled.")
    assert panel.session.results is None
    ui.detectButton.click()
    engine.finish(found_in(chest_image()))
    assert ui.findingsTable.rowCount == 2
    assert ui.detectMessage.text == "2 findings; 2 more with lower scores."


def test_a_failure_is_a_sentence_with_details_one_click_away(slicer_app, ui, ct, engine):
    ui.detectButton.click()
    engine.fail("The lungs were not found. Choose a chest CT.", "Traceback ...")
    assert "The lungs were not found. Choose a chest CT." in ui.detectMessage.text
    assert ui.detectMessageIcon.isVisible()
    assert ui.detectButton.text == "Detect"
    ui.detectMessage.linkActivated.emit("details")
    assert slicer_app.questions[-1].kind == "error"


def test_a_region_is_searched_alone(panel, ui, ct, engine):
    ui.regionComboBox.setCurrentIndex(1)
    assert ui.roiRow.isVisible()
    ui.detectButton.click()
    assert engine.jobs == []
    assert ui.detectMessage.text == "Choose a region to search in, or make one with New."
    ui.roiButton.click()
    roi = panel.context.parameters.roi
    roi.SetCenter(20, 20, 12)
    roi.SetSize(10, 20, 8)
    ui.detectButton.click()
    low, high = engine.request.region_ras_mm
    assert low == pytest.approx((15, 10, 8))
    assert high == pytest.approx((25, 30, 16))


def test_around_the_click_is_searched_alone(panel, ui, ct, engine):
    ui.regionComboBox.setCurrentIndex(2)
    assert ui.aroundRow.isVisible()
    ui.detectButton.click()
    assert "Click on a place first" in ui.detectMessage.text
    panel.click.clicked(CENTERS[0])
    engine.finish(clicked_lesion())
    ui.aroundSpinBox.setValue(40)
    ui.detectButton.click()
    low, high = engine.request.region_ras_mm
    assert low == pytest.approx((0, 0, -8))
    assert high == pytest.approx((40, 40, 32))


def test_nothing_is_detected_while_a_measurement_runs(panel, ui, ct, engine):
    panel.click.clicked(CENTERS[0])
    assert isinstance(engine.request, MeasureRequest)
    assert not ui.detectButton.isEnabled()
    assert ui.detectButton.toolTip == "A measurement is running."
    engine.finish(clicked_lesion())
    assert ui.detectButton.isEnabled()


def test_a_volume_under_a_warp_is_refused_before_detect(slicer_app, panel, ui, ct):
    import slicer

    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLBSplineTransformNode", "warp")
    ct.SetAndObserveTransformNodeID(transform.GetID())
    panel.refresh()
    assert "nonlinear transform" in ui.imagesText.text
    assert not ui.detectButton.isEnabled()
    assert "Harden the transform" in ui.detectButton.toolTip


def test_devices_come_from_the_worker(panel, ui, ct):
    panel.detect.know_devices([{"id": "auto", "title": "Automatic (GPU)"}, {"id": "cuda:0", "title": "GPU"}])
    assert ui.deviceComboBox.count == 2
    ui.deviceComboBox.setCurrentIndex(1)
    ui.deviceComboBox.activated.emit(1)
    assert panel.context.parameters.device == "cuda:0"


def test_libraries_are_asked_for_by_the_first_detect(panel, ui, ct, engine, monkeypatch):
    from LesionDetectionLib.panel import dependencies

    asked = []
    monkeypatch.setattr(dependencies, "ensure", lambda *what: asked.append(what))
    ui.detectButton.click()
    assert asked == [("detect", ())], "and what the method needs beyond that"
    assert engine.jobs == []
    assert ui.detectButton.text == "Detect"


def test_the_keys_of_the_review_work_after_detect(slicer_app, widget, panel, ui, ct, engine):
    """The keyboard goes from the button to the table; where the person has turned to something else it stays there."""
    from slicer_double.values import to_real

    to_real(ui.detectButton).window().activateWindow()
    for begun_at, ends_at in ((ui.detectButton, ui.findingsTable), (ui.methodComboBox, ui.methodComboBox)):
        begun_at.setFocus()
        slicer_app.process_events()
        assert begun_at.hasFocus()
        ui.detectButton.click()
        engine.finish(found_in(chest_image()))
        assert ends_at.hasFocus()
