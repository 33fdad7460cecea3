"""Section Click to measure: the mouse mode and what its clicks do."""

from __future__ import annotations

import pytest
from LesionDetectionLib.app.worker.requests import MeasureRequest

from .conftest import CENTERS, clicked_lesion
from .shared_panel import *  # noqa: F403 (fixtures)

HINT = "Click inside a lesion."


@pytest.fixture
def panel(widget):
    return widget.panel


@pytest.fixture
def ui(widget):
    yield widget.ui
    widget.panel.click.leave()


def interaction():
    import slicer

    return slicer.app.applicationLogic().GetInteractionNode()


def placing():
    return interaction().GetCurrentInteractionMode() == interaction().Place


def test_a_click_is_measured_and_the_next_one_can_follow(slicer_app, panel, ui, ct, engine):
    ui.clickButton.click()
    assert placing()
    assert ui.clickText.text.startswith(HINT)
    slicer_app.click_in_slice(CENTERS[0])
    assert isinstance(engine.request, MeasureRequest)
    assert engine.request.seed_ras_mm == CENTERS[0]
    assert ui.clickText.text == "Measuring; Escape stops it."
    engine.finish(clicked_lesion())
    assert ui.findingsTable.rowCount == 1
    assert placing()
    slicer_app.click_in_slice(CENTERS[1])
    engine.finish(clicked_lesion(CENTERS[1], 5.0))
    assert ui.findingsTable.rowCount == 2
    assert panel.session.current == "L2"
    assert panel.click.place == CENTERS[1]


def test_a_click_near_the_outline_corrects_it(slicer_app, panel, ui, ct, engine):
    ui.clickButton.click()
    slicer_app.click_in_slice(CENTERS[0])
    engine.finish(clicked_lesion())
    near = (CENTERS[0][0] + 8.0, *CENTERS[0][1:])
    slicer_app.click_in_slice(near)
    assert engine.request.seed_ras_mm == CENTERS[0]
    assert engine.request.border_ras_mm == (near,)
    engine.finish(clicked_lesion(radius=8.0))
    assert ui.findingsTable.rowCount == 1
    assert ui.findingsTable.item(0, 2).text() == "16.0"
    assert "Changed by hand." in ui.findingText.text
    assert ui.undoButton.toolTip == "Undo: correct L1 (Ctrl+Z)"
    ui.undoButton.click()
    assert ui.findingsTable.item(0, 2).text() == "12.0"


def test_a_click_in_another_outline_chooses_it(slicer_app, panel, ui, detected, engine):
    before = len(engine.jobs)
    panel.click.clicked(CENTERS[1])
    assert len(engine.jobs) == before
    assert panel.session.current == "L2"
    assert ui.clickText.text == "L2 is chosen; click near its outline to correct it."


def test_quick_clicks_are_not_lost_and_the_last_one_counts(panel, ui, ct, engine):
    panel.click.clicked(CENTERS[0])
    panel.click.clicked(CENTERS[1])
    panel.click.clicked(CENTERS[2])
    assert len(engine.jobs) == 1
    engine.finish(clicked_lesion())
    assert len(engine.jobs) == 2
    assert engine.request.seed_ras_mm == CENTERS[2]


def test_what_cannot_be_measured_is_said_where_the_person_looks(panel, ui, ct, engine):
    panel.click.clicked(CENTERS[0])
    engine.fail("Nothing stands out at this point; click inside the lesion.")
    assert ui.clickText.text == "Nothing stands out at this point; click inside the lesion."
    assert ui.clickTextIcon.isVisible()


def test_escape_ends_the_mode_and_stops_the_measurement(slicer_app, panel, ui, ct, engine):
    ui.clickButton.click()
    slicer_app.click_in_slice(CENTERS[0])
    slicer_app.press("Escape", __import__("slicer").util.mainWindow())
    assert engine.jobs[-1][0].state == "cancelling"
    assert not ui.clickButton.isChecked()
    assert not placing()
    engine.end_cancelled()
    assert not ui.clickTextRow.isVisible()


def test_another_mouse_mode_ends_it(slicer_app, ui, ct):
    ui.clickButton.click()
    interaction().SetCurrentInteractionMode(interaction().AdjustWindowLevel)
    slicer_app.process_events()
    assert not ui.clickButton.isChecked()
    assert interaction().GetCurrentInteractionMode() == interaction().AdjustWindowLevel


def test_no_point_list_stays_behind(slicer_app, ui, ct, engine):
    before = slicer_app.scene.GetNumberOfNodesByClass("vtkMRMLMarkupsFiducialNode")
    ui.clickButton.click()
    slicer_app.click_in_slice(CENTERS[0])
    engine.fail("Nothing")
    ui.clickButton.click()
    assert slicer_app.scene.GetNumberOfNodesByClass("vtkMRMLMarkupsFiducialNode") == before
    assert not placing()


def test_leaving_the_module_gives_the_mouse_back(slicer_app, widget, ui, ct):
    ui.clickButton.click()
    slicer_app.leave(widget)
    assert not placing()
    assert not ui.clickButton.isChecked()
    slicer_app.show(widget)


def test_without_a_volume_there_is_nothing_to_click_in(ui):
    assert not ui.clickButton.isEnabled()
    assert ui.clickButton.toolTip == "Choose a CT or PET first."


def test_with_ct_and_pet_the_person_says_where_a_click_measures(slicer_app, panel, ui, ct, engine):
    import slicer
    from LesionDetectionLib.core.image import PET, SUV_BW
    from LesionDetectionLib.io.mrml import volume_node

    from .conftest import chest_image

    assert not ui.measureOnRow.isVisible()
    image = chest_image()
    pet = image.with_voxels(image.voxels.astype("f4") / 100, modality=PET, unit=SUV_BW, name="pet")
    panel.context.parameters.petVolume = volume_node(slicer.mrmlScene, pet)
    assert ui.measureOnRow.isVisible()
    panel.click.clicked(CENTERS[0])
    assert engine.request.modality == "CT"
    engine.fail("x")
    ui.measureOnComboBox.setCurrentIndex(1)
    ui.measureOnComboBox.activated.emit(1)
    panel.click.clicked(CENTERS[0])
    assert engine.request.modality == "PT"
