"""Section Images: what is known of volumes, and the PET over the CT."""

from __future__ import annotations

import pytest
from LesionDetectionLib.core.image import BQ_PER_ML, PET, SUV_BW

from .conftest import chest_image
from .shared_panel import *  # noqa: F403 (fixtures)


@pytest.fixture
def pet(slicer_app, panel):
    """A PET in SUV in the scene, chosen."""
    return pet_node(slicer_app, panel, SUV_BW)


def pet_node(slicer_app, panel, unit):
    from LesionDetectionLib.io.mrml import volume_node

    image = chest_image()
    values = (image.voxels.astype("f4") + 1000) / 100
    node = volume_node(slicer_app.scene, image.with_voxels(values, modality=PET, unit=unit, name="pet"))
    panel.context.parameters.petVolume = node
    return node


def test_what_is_known_of_a_ct_is_said(ui, ct):
    assert ui.imagesText.text == "CT in HU, 64 × 64 × 40 voxels of 1.00 × 1.00 × 1.00 mm, not from DICOM."


def test_a_volume_from_dicom_says_so(panel, ui, ct):
    ct.SetAttribute("DICOM.instanceUIDs", "1.2.3 1.2.4")
    panel.refresh()
    assert "from DICOM" in ui.imagesText.text
    assert "not from DICOM" not in ui.imagesText.text


def test_a_volume_that_says_nothing_is_judged_by_its_values(slicer_app, panel, ui):
    import slicer

    panel.context.parameters.ctVolume = slicer.util.addVolumeFromArray(chest_image().voxels.copy(), name="plain")
    assert "CT in an unknown unit" in ui.imagesText.text
    assert "taken for a CT in HU" in ui.imagesText.text
    panel.context.parameters.ctVolume = slicer.util.addVolumeFromArray(abs(chest_image().voxels), name="odd")
    assert "do not look like Hounsfield units" in ui.imagesText.text


def test_a_name_is_no_html(panel, ui, ct):
    import slicer

    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLBSplineTransformNode", "<b>warp")
    ct.SetAndObserveTransformNodeID(transform.GetID())
    panel.refresh()
    assert "&lt;b&gt;warp" in ui.imagesText.text


def test_a_pet_without_suv_is_warned_of(slicer_app, panel, ui):
    pet_node(slicer_app, panel, BQ_PER_ML)
    assert "PET in Bq/ml" in ui.imagesText.text
    assert "not marked as SUV" in ui.imagesText.text


def test_the_pet_lies_over_the_ct_and_goes_again(slicer_app, panel, ui, ct, pet):
    import slicer

    def layers():
        composite = slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")[0]
        return composite.GetBackgroundVolumeID(), composite.GetForegroundVolumeID(), composite.GetForegroundOpacity()

    display = pet.GetDisplayNode()
    before = display.GetColorNodeID(), display.GetWindow(), display.GetLevel()
    assert ui.fusionRow.isVisible()
    assert ui.petWindowSpinBox.suffix == " SUV"
    ui.fusionCheckBox.setChecked(True)
    assert layers() == (ct.GetID(), pet.GetID(), pytest.approx(0.5))
    assert (display.GetWindow(), display.GetLevel()) == (6, 3)
    assert display.GetColorNodeID() != before[0]
    ui.petWindowSpinBox.setValue(10)
    ui.fusionOpacitySlider.setValue(0.8)
    assert display.GetWindow() == 10
    assert layers()[2] == pytest.approx(0.8)
    ui.fusionCheckBox.setChecked(False)
    assert not layers()[1]
    assert (display.GetColorNodeID(), display.GetWindow(), display.GetLevel()) == before


def test_without_a_pet_there_is_no_fusion(ui, ct):
    assert not ui.fusionRow.isVisible()


def test_removing_the_pet_ends_the_fusion(slicer_app, panel, ui, ct, pet):
    ui.fusionCheckBox.setChecked(True)
    slicer_app.scene.RemoveNode(pet)
    slicer_app.process_events()
    panel.refresh()
    assert panel.context.parameters.petVolume is None  # the selector moved on to the CT
    assert panel.context.parameters.ctVolume is ct
    assert not ui.fusionRow.isVisible()
    slicer_app.scene.Clear(0)


@pytest.fixture
def in_database(slicer_app, panel, monkeypatch):
    """``in_database(node, files)``: the volume came from these DICOM files."""

    def put(node, files):
        import slicer

        known = {str(number): path for number, path in enumerate(files)}
        node.SetAttribute("DICOM.instanceUIDs", " ".join(known))

        class Database:
            isOpen = True

            def fileForInstance(self, uid):
                return str(known[uid])

            def __getattr__(self, name):
                return getattr(slicer_app.database, name)

        monkeypatch.setattr(slicer, "dicomDatabase", Database())
        panel.refresh()

    return put


def test_a_pet_in_becquerels_becomes_one_in_suv(slicer_app, panel, ui, engine, in_database, tmp_path):
    import slicer
    from LesionDetectionLib.app.suv_request import SuvFactors
    from LesionDetectionLib.io.mrml import image_from_node

    node = pet_node(slicer_app, panel, BQ_PER_ML)
    assert not ui.suvRow.isVisible()  # it does not come from DICOM
    (tmp_path / "a.dcm").write_bytes(b"")
    in_database(node, [tmp_path / "a.dcm"])
    assert ui.suvRow.isVisible()
    ui.suvButton.click()
    assert engine.request.sources == [str(tmp_path / "a.dcm")]
    assert not ui.suvButton.isEnabled()
    engine.finish(SuvFactors(0.5, {"SUVlbm": 0.75}))
    made = panel.context.parameters.petVolume
    assert made is not node
    assert (image_from_node(made).unit, image_from_node(made).suv_factors) == (SUV_BW, {"SUVlbm": 0.75})
    assert slicer.util.arrayFromVolume(made) == pytest.approx(0.5 * slicer.util.arrayFromVolume(node))
    assert made.GetAttribute("DICOM.instanceUIDs") == node.GetAttribute("DICOM.instanceUIDs")
    assert not ui.suvRow.isVisible()


def test_why_there_is_no_suv_is_said(slicer_app, panel, ui, engine, in_database, tmp_path):
    node = pet_node(slicer_app, panel, BQ_PER_ML)
    (tmp_path / "a.dcm").write_bytes(b"")
    in_database(node, [tmp_path / "a.dcm"])
    ui.suvButton.click()
    engine.fail("The patient's weight is not in the file, so no SUV by body weight follows.")
    assert "weight is not in the file" in ui.suvMessage.text
    assert ui.suvButton.isEnabled()
