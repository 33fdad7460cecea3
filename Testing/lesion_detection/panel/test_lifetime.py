"""The module with its scene: closing, loading, reloading, entering, leaving, and what is left behind."""

from __future__ import annotations

import sys

import pytest

from .conftest import CENTERS, chest_image, clicked_lesion, found_in


def test_closing_the_scene_stops_a_detection_and_empties_the_panel(slicer_app, panel, ui, ct, engine):
    ui.detectButton.click()
    engine.go_on(0.3, "Working")
    slicer_app.scene.Clear(0)
    assert engine.jobs[-1][0].state == "cancelling"
    engine.end_cancelled()
    assert panel.session.results is None
    assert ui.findingsEmptyText.isVisible()
    assert ui.ctSelector.currentNode() is None
    assert ui.detectButton.text == "Detect"
    assert not ui.detectButton.isEnabled()


def test_after_closing_the_next_scene_works(slicer_app, panel, ui, detected, engine):
    from LesionDetectionLib.io.mrml import volume_node

    slicer_app.scene.Clear(0)
    panel.context.parameters.ctVolume = volume_node(slicer_app.scene, chest_image())
    ui.detectButton.click()
    engine.finish(found_in(chest_image()))
    assert ui.findingsTable.rowCount == 2


def test_closing_while_clicking_gives_the_mouse_back(slicer_app, ui, ct):
    import slicer

    ui.clickButton.click()
    slicer_app.scene.Clear(0)
    slicer_app.process_events()
    assert not ui.clickButton.isChecked()
    interaction = slicer.app.applicationLogic().GetInteractionNode()
    assert interaction.GetCurrentInteractionMode() != interaction.Place


def test_a_saved_scene_comes_back_with_decisions_and_choices(slicer_app, widget, panel, ui, detected, tmp_path):
    import slicer

    ui.showRejectedCheckBox.setChecked(True)
    ui.aroundSpinBox.setValue(120)
    ui.regionComboBox.setCurrentIndex(2)
    panel.session.set_threshold(0.3)
    panel.session.accept(["L1"])
    panel.session.reject(["L2"])
    path = tmp_path / "scene.mrb"
    assert slicer.util.saveScene(str(path))
    slicer.mrmlScene.Clear(0)
    assert ui.findingsTable.rowCount == 0
    slicer.util.loadScene(str(path))
    slicer_app.process_events()
    words = [ui.findingsTable.item(row, 5).text() for row in range(ui.findingsTable.rowCount)]
    assert words == ["Accepted", "Rejected", "New"]
    assert ui.showRejectedCheckBox.isChecked()
    assert ui.regionComboBox.currentText == "Around the click"
    assert ui.aroundSpinBox.value == 120
    assert ui.ctSelector.currentNode().GetName() == "chest"
    assert panel.context.parameters.ctVolume is ui.ctSelector.currentNode()


def test_a_scene_loaded_beside_another_brings_its_choices(slicer_app, widget, panel, ui, ct, tmp_path):
    """Slicer's selectors forget what was chosen when a scene is loaded, and would write that to the parameter node."""
    import slicer
    from LesionDetectionLib.io.mrml import volume_node

    path = tmp_path / "first.mrb"
    assert slicer.util.saveScene(str(path))
    slicer.mrmlScene.Clear(0)
    other = volume_node(slicer_app.scene, chest_image())
    other.SetName("other")
    panel.context.parameters.ctVolume = other
    slicer.util.loadScene(str(path))
    slicer_app.process_events()
    assert panel.context.parameters.ctVolume.GetName() == "chest"
    assert ui.ctSelector.currentNode().GetName() == "chest"


def test_a_scene_without_choices_leaves_those_that_there_are(slicer_app, widget, panel, ui, tmp_path):
    import slicer
    from LesionDetectionLib.io.mrml import volume_node
    from LesionDetectionLib.io.mrml_scene import temporary_scene, write_scene

    with temporary_scene() as scene:
        volume_node(scene, chest_image())
        write_scene(scene, tmp_path / "scan.mrb")
    slicer.util.loadScene(str(tmp_path / "scan.mrb"))
    slicer_app.process_events()
    chosen = volume_node(slicer_app.scene, chest_image())
    panel.context.parameters.ctVolume = chosen
    slicer.util.loadScene(str(tmp_path / "scan.mrb"))
    slicer_app.process_events()
    assert panel.context.parameters.ctVolume is chosen
    assert ui.ctSelector.currentNode() is chosen


def test_segments_edited_elsewhere_are_taken_over_on_entering(slicer_app, widget, panel, ui, detected):
    detected.nodes.segmentation.GetSegmentation().RemoveSegment("L1")
    slicer_app.leave(widget)
    slicer_app.show(widget)
    assert "Its outline was removed." in panel.session.findings.get("L1").lesion.note
    assert ui.undoButton.toolTip == "Undo: edit outlines (Ctrl+Z)"


def test_entering_chooses_what_is_loaded(slicer_app, widget, panel, ui):
    from LesionDetectionLib.core.image import PET, SUV_BW
    from LesionDetectionLib.io.mrml import volume_node

    slicer_app.leave(widget)
    image = chest_image()
    volume_node(slicer_app.scene, image)
    pet = image.with_voxels(image.voxels.astype("f4") / 100, modality=PET, unit=SUV_BW, name="pet")
    volume_node(slicer_app.scene, pet)
    slicer_app.show(widget)
    assert panel.context.parameters.ctVolume.GetName() == "chest"
    assert panel.context.parameters.petVolume.GetName() == "pet"


def test_choices_stay_when_the_module_is_left_and_entered(slicer_app, widget, ui, ct):
    ui.regionComboBox.setCurrentIndex(1)
    slicer_app.leave(widget)
    slicer_app.show(widget)
    assert ui.regionComboBox.currentIndex == 1
    assert ui.ctSelector.currentNode() is ct


def test_nothing_observes_after_cleanup_and_the_worker_is_ended(slicer_app, widget, ui, detected, engine):
    ui.clickButton.click()
    widget.cleanup()
    assert engine.closed
    assert slicer_app.who_observes("LesionDetection") == []


def test_reload_ends_the_worker_and_reads_the_library_anew(slicer_app, widget, engine, monkeypatch):
    import slicer

    before = sys.modules["LesionDetectionLib.panel.detection_panel"]
    reloaded = []
    monkeypatch.setattr(slicer.util, "reloadScriptedModule", reloaded.append, raising=False)
    widget.onReload()
    assert engine.closed
    assert reloaded == ["LesionDetection"]
    assert "LesionDetectionLib.panel.detection_panel" not in sys.modules
    widget.cleanup()
    import LesionDetectionLib.panel.detection_panel as after

    assert after is not before


def test_a_removed_volume_empties_the_choice(slicer_app, panel, ui, detected, ct):
    slicer_app.scene.RemoveNode(ct)
    slicer_app.process_events()
    panel.refresh()
    assert not ui.detectButton.isEnabled()
    ui.nextButton.click()
    panel.session.accept(["L1"])


def test_a_result_removed_by_hand_leaves_the_panel_usable(slicer_app, panel, ui, detected):
    detected.nodes.remove()
    panel.refresh()
    assert ui.findingsEmptyText.isVisible()
    assert ui.findingsTable.rowCount == 0


def test_a_click_before_closing_is_not_the_place_afterwards(slicer_app, panel, ct, engine):
    panel.click.clicked(CENTERS[0])
    engine.finish(clicked_lesion())
    slicer_app.scene.Clear(0)
    assert panel.click.place is None


@pytest.mark.parametrize("name", ["LesionDetection"])
def test_the_module_says_what_it_is(slicer_app, name):
    slicer_app.load_logic(name)
    module = getattr(__import__("slicer").modules, name.lower())
    assert module.title == "Lesion Detection"
    assert "not a medical device" in module.helpText
    assert "MICCAI 2017" in module.acknowledgementText


def test_a_volume_removed_during_a_detection_leaves_the_panel_usable(slicer_app, panel, ui, ct, engine):
    ui.detectButton.click()
    engine.go_on(0.5, "Working")
    slicer_app.scene.RemoveNode(ct)
    slicer_app.process_events()
    engine.finish(found_in(chest_image()))
    slicer_app.process_events()
    assert ui.detectButton.text == "Detect"
    assert ui.findingsTable.rowCount in (0, 2)
    ui.nextButton.click()
    ui.acceptButton.click()
