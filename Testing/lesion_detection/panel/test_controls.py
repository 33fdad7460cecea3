"""Section Findings: thresholds of a result that move without new inference, its map, and what its score is called."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from LesionDetectionLib.core.detections import Control, Detections, OperatingPoint
from LesionDetectionLib.core.image import PET, SUV_BW, Image

from .conftest import CENTERS, RADII, ball, chest_image, found_in
from .shared_panel import *  # noqa: F403

CONTROLS = (
    Control("least_response", "Least response", 0.3517, 0.0, 1.0),
    Control("least_area", "Least area", 40.0, 0.0, 2000.0, "px", 0),
)
EVIDENCE = (((0.9, 120.0), (0.5, 300.0)), ((0.6, 60.0),), ((0.8, 20.0), (0.2, 200.0)), ((0.3, 500.0),))
"""Rows of (response, area) a lesion: the first two pass both thresholds; L3 has no slice that passes both."""
SUVS = (12.34, 8.0, 6.25, 3.0)
MAP = "Lesion similarity"


@cache
def pet_image() -> Image:
    image = chest_image()
    return image.with_voxels((image.voxels.astype("f4") + 1000) / 100, modality=PET, unit=SUV_BW, name="pet")


@cache
def lesions():
    found = (ball(pet_image(), *facts) for facts in zip(CENTERS, RADII, SUVS, strict=True))
    return tuple(replace(one, evidence=rows) for one, rows in zip(found, EVIDENCE, strict=True))


def uptake(controls=CONTROLS, maps=False) -> Detections:
    image = pet_image()
    similarity = image.with_voxels(np.linspace(-1, 1, image.voxels.size, dtype="f4").reshape(image.shape_kji))
    return Detections(
        lesions() if controls else tuple(replace(one, evidence=()) for one in lesions()),
        image.geometry,
        "stand-in-uptake",
        image.name,
        PET,
        SUV_BW,
        OperatingPoint("all", 0.0),
        controls=controls,
        maps={MAP: replace(similarity, modality="", unit="", name=MAP)} if maps else {},
    )


@pytest.fixture
def pet(slicer_app, panel):
    from LesionDetectionLib.io.mrml import volume_node

    panel.context.parameters.method = "stand-in-uptake"
    panel.context.parameters.petVolume = node = volume_node(slicer_app.scene, pet_image())
    return node


@pytest.fixture
def found(panel, ui, pet, engine):
    """A result with controls."""
    ui.detectButton.click()
    engine.finish(uptake())
    return panel.session.results


@pytest.fixture
def mapped(panel, ui, ct, pet, engine):
    """A result with controls and a map, beside a CT."""
    ui.detectButton.click()
    engine.finish(uptake(maps=True))
    return panel.session.results


def control(ui, name):
    return ui.controlsPage.findChild(None, f"control_{name}")


def listed(ui):
    return [ui.findingsTable.item(row, 0).text() for row in range(ui.findingsTable.rowCount)]


def test_each_control_has_a_slider_in_the_place_of_the_usual_one(found, ui):
    assert ui.controlsBox.isVisible()
    assert not ui.operatingRow.isVisible()
    assert not ui.operatingText.isVisible()
    response, area = control(ui, "least_response"), control(ui, "least_area")
    assert (response.minimum, response.maximum, response.decimals, response.suffix) == (0, 1, 2, "")
    assert (area.minimum, area.maximum, area.decimals, area.suffix, area.value) == (0, 2000, 0, " px", 40)
    assert listed(ui) == ["L1", "L2"]
    assert ui.controlsText.text == (
        "Shown with response above 0.35 and area above 40 px in one slice at least. 2 shown, 2 hidden."
    )
    assert ui.detectMessage.text == "2 findings; 2 more below the thresholds."


def test_moving_one_shows_and_hides_at_once(slicer_app, found, panel, ui):
    segments = found.nodes.segmentation.GetDisplayNode()
    control(ui, "least_area").value = 10
    slicer_app.process_events(lambda: ui.findingsTable.rowCount == 3)
    assert listed(ui) == ["L1", "L2", "L3"]
    assert segments.GetSegmentVisibility("L3")
    assert panel.session.controls[0].value == 0.3517  # the other one was not touched, and not rounded
    control(ui, "least_response").value = 0.85
    slicer_app.process_events(lambda: ui.findingsTable.rowCount == 1)
    assert not segments.GetSegmentVisibility("L3")
    for name in ("least_response", "least_area"):
        control(ui, name).value = 0
    slicer_app.process_events(lambda: ui.findingsTable.rowCount == 4)
    assert ui.controlsText.text == "All that was found is shown. 4 shown, 0 hidden."


def test_reset_brings_back_what_the_run_began_with(slicer_app, mapped, panel, ui, tmp_path):
    """Also after the scene was saved and loaded; the map comes back with it."""
    import slicer

    ui.mapCheckBox.setChecked(True)
    assert not ui.controlsResetButton.isEnabled()
    control(ui, "least_area").value = 400
    slicer_app.process_events(lambda: ui.findingsTable.rowCount == 0)
    assert ui.controlsResetButton.isEnabled()
    panel.session.accept(["L4"])  # what is saved with the decision are the values as they are now
    slicer.util.saveScene(str(tmp_path / "case.mrb"))
    slicer_app.scene.Clear(0)
    assert not ui.mapRow.isVisible()
    slicer.util.loadScene(str(tmp_path / "case.mrb"))
    slicer_app.process_events()
    assert ui.mapCheckBox.isChecked()
    assert layers(slicer_app)[1] == panel.session.results.maps[MAP].GetID()
    assert control(ui, "least_area").value == 400
    assert listed(ui) == ["L4"]
    ui.controlsResetButton.click()
    assert listed(ui) == ["L1", "L2", "L4"]
    assert panel.session.controls == CONTROLS
    assert not ui.controlsResetButton.isEnabled()


def test_other_results_have_their_own_thresholds(slicer_app, found, panel, ui, ct, engine):
    panel.context.parameters.method = "nodule-ct"
    ui.detectButton.click()
    engine.finish(found_in(chest_image()))
    assert not ui.controlsBox.isVisible()
    assert ui.operatingRow.isVisible()
    assert ui.findingsTable.horizontalHeaderItem(1).text() == "Score"
    assert ui.findingsTable.item(0, 1).text() == "0.97"
    panel.session.activate(found)
    assert ui.controlsBox.isVisible()
    assert control(ui, "least_area").value == 40
    panel.session.activate(None)
    assert not ui.controlsBox.isVisible()


def test_a_score_that_is_a_value_is_called_so(found, ui):
    heading = ui.findingsTable.horizontalHeaderItem(1)
    assert heading.text() == "SUVmax"
    assert heading.toolTip() == "Highest SUV of the lesion"
    assert [ui.findingsTable.item(row, 1).text() for row in range(2)] == ["12.3", "8.0"]


def test_without_a_model_nothing_is_said_of_one(slicer_app, panel, ui, pet, engine):
    ui.detectButton.click()
    engine.finish(uptake(controls=()))
    panel.session.set_threshold(7)
    assert ui.operatingText.text == "SUVmax 7.0 and more. 2 shown, 2 hidden."


def layers(slicer_app):
    import slicer

    composite = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode", slicer_app.scene)[0]
    return composite.GetBackgroundVolumeID(), composite.GetForegroundVolumeID(), composite.GetForegroundOpacity()


def test_the_map_lies_over_its_image_and_goes_again(slicer_app, mapped, panel, ui, pet):
    node = mapped.maps[MAP]
    assert ui.mapRow.isVisible()
    assert ui.mapCheckBox.text == "Show lesion similarity"
    assert not ui.mapComboBox.isVisible()
    ui.mapCheckBox.setChecked(True)
    assert layers(slicer_app) == (pet.GetID(), node.GetID(), pytest.approx(0.5))
    legends = slicer_app.scene.GetNumberOfNodesByClass("vtkMRMLColorLegendDisplayNode")
    assert legends == 1
    ui.mapOpacitySlider.value = 0.8
    assert layers(slicer_app)[2] == pytest.approx(0.8)
    assert slicer_app.scene.GetNumberOfNodesByClass("vtkMRMLColorLegendDisplayNode") == 1
    ui.mapCheckBox.setChecked(False)
    assert not layers(slicer_app)[1]
    assert slicer_app.scene.GetNumberOfNodesByClass("vtkMRMLColorLegendDisplayNode") == 0


def test_pet_and_map_take_turns(slicer_app, mapped, panel, ui, ct, pet):
    node, display = mapped.maps[MAP], pet.GetDisplayNode()
    plain = display.GetColorNodeID(), display.GetWindow(), display.GetLevel()
    ui.fusionCheckBox.setChecked(True)
    fused = display.GetColorNodeID()
    assert layers(slicer_app)[:2] == (ct.GetID(), pet.GetID())
    ui.mapCheckBox.setChecked(True)
    assert layers(slicer_app)[:2] == (pet.GetID(), node.GetID())
    assert (display.GetColorNodeID(), display.GetWindow(), display.GetLevel()) == plain
    ui.petWindowSpinBox.setValue(9)  # of what is not shown now
    assert layers(slicer_app)[:2] == (pet.GetID(), node.GetID())
    ui.mapCheckBox.setChecked(False)
    assert layers(slicer_app)[:2] == (ct.GetID(), pet.GetID())
    assert (display.GetColorNodeID(), display.GetWindow()) == (fused, 9)
    ui.mapCheckBox.setChecked(True)
    slicer_app.scene.RemoveNode(node)
    panel.refresh()
    assert not ui.mapRow.isVisible()
    assert layers(slicer_app)[:2] == (ct.GetID(), pet.GetID())


def test_what_another_module_showed_makes_room_again(shared, slicer_app, mapped, ui, ct, pet):
    import slicer

    ui.mapCheckBox.setChecked(True)
    before = layers(slicer_app)
    slicer_app.leave(shared.widget)
    slicer.util.setSliceViewerLayers(background=ct, foreground=None)
    slicer_app.show(shared.widget)
    assert layers(slicer_app) == before


def test_a_map_is_no_scan(slicer_app, mapped, panel, ui, ct, pet):
    node, chosen = mapped.maps[MAP], panel.context.parameters
    chosen.ctVolume = chosen.petVolume = None
    panel.images.choose_volumes()
    assert (chosen.ctVolume, chosen.petVolume) == (ct, pet)
    chosen.ctVolume = node
    assert chosen.ctVolume is None
    chosen.petVolume = node
    assert chosen.petVolume is None
