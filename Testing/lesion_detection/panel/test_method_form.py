"""Section Detect: a method's own settings and the images that it can do without."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from LesionDetectionLib.core.bundle import Manifest, write_bundle
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.image import PET, SUV_BW

from .conftest import chest_image
from .shared_panel import *  # noqa: F403


@pytest.fixture
def pet(slicer_app, panel):
    """A PET in SUV in the scene, chosen."""
    from LesionDetectionLib.io.mrml import volume_node

    image = chest_image()
    values = (image.voxels.astype("f4") + 1000) / 100
    node = volume_node(slicer_app.scene, image.with_voxels(values, modality=PET, unit=SUV_BW, name="pet"))
    panel.context.parameters.petVolume = node
    return node


@pytest.fixture
def uptake(panel):
    panel.context.parameters.method = "stand-in-uptake"


def setting(ui, name):
    """The widget of a setting."""
    return ui.settingsPage.findChild(None, f"setting_{name}")


def test_the_form_is_made_from_what_the_method_says(slicer_app, uptake, ui):
    assert ui.settingsGroup.isVisibleTo(ui.detectSection)
    assert ui.settingsGroup.collapsed
    lungs, suv, size, rule = (setting(ui, name) for name in ("lungs_only", "least_suv", "least_voxels", "rule"))
    assert [one.className() for one in (lungs, suv, size, rule)] == [
        "QCheckBox",
        "QDoubleSpinBox",
        "QSpinBox",
        "QComboBox",
    ]
    assert (lungs.text, lungs.isChecked()) == ("Lungs only", True)
    assert (suv.value, suv.minimum, suv.maximum, suv.decimals, suv.suffix) == (2.5, 0, 20, 1, " SUV")
    assert (size.value, size.minimum, size.maximum, size.suffix) == (4, 1, 500, "")
    assert [rule.itemText(n) for n in range(rule.count)] == ["Share of <max>", "Fixed SUV"]
    assert lungs.toolTip == "<p>Look inside the lungs only; needs a CT.</p>"
    assert not ui.settingsResetButton.isEnabled()


def test_a_method_without_choices_has_no_form(panel, ui):
    panel.context.parameters.method = "nodule-ct"
    assert panel.detect.method.choices == ()
    assert not ui.settingsGroup.isVisibleTo(ui.detectSection)


def test_only_what_differs_is_asked_for(uptake, panel, ui, pet, engine):
    setting(ui, "lungs_only").setChecked(False)
    setting(ui, "least_suv").setValue(3.1)
    setting(ui, "rule").setCurrentIndex(1)
    assert ui.settingsGroup.text == "Settings (3 changed)"
    assert setting(ui, "lungs_only").font.bold()
    setting(ui, "rule").setCurrentIndex(0)
    ui.detectButton.click()
    assert engine.request.settings == {"lungs_only": False, "least_suv": 3.1, "everything": True}
    engine.end_cancelled()
    ui.settingsResetButton.click()
    assert ui.settingsGroup.text == "Settings"
    assert setting(ui, "least_suv").value == 2.5
    assert not setting(ui, "lungs_only").font.bold()
    ui.detectButton.click()
    assert engine.request.settings == {"everything": True}


def test_changes_stay_with_their_method_and_the_scene(slicer_app, uptake, panel, ui, tmp_path):
    import slicer

    setting(ui, "least_voxels").setValue(9)
    panel.context.parameters.method = "nodule-ct"
    assert panel.detect.settings == {}
    panel.context.parameters.method = "stand-in-uptake"
    assert setting(ui, "least_voxels").value == 9
    slicer.util.saveScene(str(tmp_path / "case.mrb"))
    slicer_app.scene.Clear(0)
    assert panel.context.parameters.methodSettings == {}
    slicer.util.loadScene(str(tmp_path / "case.mrb"))
    slicer_app.process_events()
    assert panel.detect.settings == {"least_voxels": 9}
    assert setting(ui, "least_voxels").value == 9


def test_what_another_version_left_is_passed_over(uptake, panel, ui):
    for text in ("no JSON", "[1]", json.dumps({"least_suv": "much", "rule": "none", "gone": 1})):
        panel.context.parameters.methodSettings = {"stand-in-uptake": text}
        assert panel.detect.settings == {}
    assert setting(ui, "least_suv").value == 2.5


def test_a_model_brings_its_own_values(shared, panel, ui):
    for name, settings in (("a", {"least": 0.3517}), ("b", {"least": 0.8}), ("c", {})):
        manifest = Manifest("stand-in-learned", name, "1", {}, settings, {}, True)
        write_bundle(shared.models / name, manifest, {"w": np.zeros(1)}, "card")
    panel.context.parameters.method = "stand-in-learned"
    assert setting(ui, "least").value == pytest.approx(0.35)
    assert panel.detect.settings == {}  # a model's value may have more decimals than the form shows
    assert ui.settingsResetButton.text == "Reset to the model's"
    setting(ui, "least").setValue(0.8)
    assert panel.detect.settings == {"least": 0.8}
    panel.context.parameters.model = str(shared.models / "b")
    assert panel.detect.settings == {}
    panel.context.parameters.model = str(shared.models / "c")  # its settings do not fit
    assert not ui.settingsGroup.isVisibleTo(ui.detectSection)


def test_an_image_that_is_not_always_needed_may_be_missing(uptake, panel, ui, pet, engine):
    assert "Needs PET, and CT depending on its settings." in ui.methodText.text
    assert ui.detectButton.isEnabled()
    ui.detectButton.click()
    assert list(engine.jobs[-1][2]) == ["PT"]


def test_images_are_given_in_the_order_of_the_method(uptake, panel, ui, ct, pet, engine):
    ui.detectButton.click()
    assert list(engine.jobs[-1][2]) == ["PT", "CT"]


def test_images_from_dicom_say_which_frame_of_reference_they_have(uptake, panel, ui, ct, pet, engine, monkeypatch):
    """Slicer's reader leaves it away; its database knows."""
    import slicer

    class Database:
        isOpen = True

        def instanceValue(self, uid, tag):
            return {("1.1", "0020,0052"): "9.1", ("2.1", "0020,0052"): "9.2"}[uid, tag]

    monkeypatch.setattr(slicer, "dicomDatabase", Database())
    for node, uids in ((ct, "1.1 1.2"), (pet, "2.1")):
        node.SetAttribute("DICOM.instanceUIDs", uids)
    ui.detectButton.click()
    images = engine.jobs[-1][2]
    assert [images[name].identifiers["FrameOfReferenceUID"] for name in ("CT", "PT")] == ["9.1", "9.2"]


def test_a_script_gives_further_volumes(uptake, panel, ct, pet, monkeypatch):
    module, asked = sys.modules["LesionDetection"], []
    logic = module.LesionDetectionLogic()
    nothing = Detections((), chest_image().geometry, "stand-in-uptake")
    monkeypatch.setattr(logic, "_result", lambda request, images: asked.append((request, images)) or nothing)
    logic.detect(pet, "stand-in-uptake", others=[ct], rule="fixed")
    ((request, images),) = asked
    assert request.settings == {"rule": "fixed"}
    assert [(name, image.name) for name, image in images.items()] == [("PT", "pet"), ("CT", "chest")]


def test_the_image_that_is_needed_is_asked_for(uptake, panel, ui, ct):
    assert not ui.detectButton.isEnabled()
    assert ui.detectHint.text == "Choose a PET first."
