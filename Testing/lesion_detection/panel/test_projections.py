"""In the section Click to measure: projections of a PET in Slicer's own views, and clicks on uptake."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from LesionDetectionLib.app.focus_request import FocusRequest
from LesionDetectionLib.app.worker.requests import MeasureRequest
from LesionDetectionLib.core.image import PET, SUV_BW

from .conftest import CENTERS, RADII, chest_image, clicked_lesion
from .shared_panel import *  # noqa: F403 (fixtures)

BORDER, FOCUS, NEW_FOCUS = range(3)


@pytest.fixture
def panel(widget):
    return widget.panel


@pytest.fixture
def ui(widget):
    return widget.ui


@pytest.fixture(scope="module")
def pet_image():
    """The chest's balls as uptake of 9 above 1, in voxels of 1 mm."""
    image = chest_image()
    uptake = np.where(image.voxels > -400, 9.0, 1.0).astype(np.float32)
    return image.with_voxels(uptake, modality=PET, unit=SUV_BW, name="pet")


@pytest.fixture
def pet(slicer_app, panel, ui, pet_image):
    """It in the scene, chosen, and shown as Slicer shows what it loads."""
    import slicer
    from LesionDetectionLib.io.mrml import volume_node

    node = volume_node(slicer_app.scene, pet_image)
    panel.context.parameters.petVolume = node
    slicer.util.setSliceViewerLayers(background=node, fit=True)
    yield node
    ui.projectionsCheckBox.setChecked(False)


@pytest.fixture
def does(ui):
    """``does(FOCUS)``: what a click is to do."""

    def choose(index):
        ui.petClickComboBox.setCurrentIndex(index)
        ui.petClickComboBox.activated.emit(index)

    return choose


def view(name):
    import slicer

    return slicer.app.layoutManager().sliceWidget(name)


def state(name):
    """All of a view that projections change."""
    node, composite = view(name).mrmlSliceNode(), view(name).mrmlSliceCompositeNode()
    matrix = node.GetSliceToRAS()
    return (
        node.GetSlabReconstructionEnabled(),
        node.GetSlabReconstructionThickness(),
        node.GetSlabReconstructionOversamplingFactor(),
        node.GetSlabReconstructionType(),
        tuple(node.GetFieldOfView()),
        [matrix.GetElement(row, column) for row in range(3) for column in range(4)],
        composite.GetBackgroundVolumeID(),
        composite.GetForegroundOpacity(),
    )


def states():
    return [state(name) for name in ("Red", "Yellow", "Green")]


def seen(name):
    """The values that a view shows of its background."""
    from vtk.util.numpy_support import vtk_to_numpy

    logic = view(name).sliceLogic()
    logic.UpdatePipeline()
    reslice = logic.GetBackgroundLayer().GetReslice()
    reslice.Update()
    return vtk_to_numpy(reslice.GetOutput().GetPointData().GetScalars())


def plane(name):
    """Where a view's plane lies along the axis that it looks along, mm."""
    return view(name).mrmlSliceNode().GetSliceToRAS().GetElement({"Yellow": 0, "Green": 1, "Red": 2}[name], 3)


def focus(center=0):
    return replace(clicked_lesion(CENTERS[center], RADII[center]), method="focus")


# What is offered


def test_what_a_click_does_is_offered_for_a_pet_only_and_kept(slicer_app, panel, ui, pet, engine, does):
    from LesionDetectionLib.io.mrml import volume_node

    assert ui.petClickRow.isVisible()
    assert ui.projectionsCheckBox.isVisible()
    panel.click.clicked(CENTERS[0])
    assert isinstance(engine.request, MeasureRequest)
    engine.fail("x")
    does(FOCUS)
    panel.click.clicked(CENTERS[0])
    assert engine.request == FocusRequest(PET, CENTERS[0])
    assert panel.context.parameters.petClick == "focus"
    engine.fail("Nothing stands out at this point.")
    assert ui.clickText.text == "Nothing stands out at this point."
    panel.context.parameters.ctVolume = volume_node(slicer_app.scene, chest_image())
    assert not ui.petClickRow.isVisible()
    assert not ui.projectionsCheckBox.isVisible()
    panel.click.clicked(CENTERS[0])
    assert isinstance(engine.request, MeasureRequest), "in the CT it is the border"
    engine.fail("x")
    ui.measureOnComboBox.setCurrentIndex(1)
    ui.measureOnComboBox.activated.emit(1)
    assert ui.petClickRow.isVisible()


# Projections


def test_the_views_show_the_whole_body_and_are_given_back(ui, pet):
    before = states()
    ui.projectionsCheckBox.click()
    assert states()[0] == before[0], "axial slices stay slices"
    for name in ("Yellow", "Green"):
        node = view(name).mrmlSliceNode()
        assert node.GetSlabReconstructionEnabled()
        assert node.GetSlabReconstructionTypeAsString(node.GetSlabReconstructionType()) == "Max"
        for place in (2.0, 30.0, 60.0):
            node.JumpSliceByOffsetting(place, place, 20.0)
            assert seen(name).max() > 8, "nothing is cut off wherever the plane lies"
    ui.projectionsCheckBox.click()
    assert states() == before


def test_no_slice_is_left_out_whatever_the_spacing(slicer_app, panel, ui):
    """Slicer's own choice of slab slices skips every other slice of 4 mm, and reaches a quarter of the depth at 0.5 mm."""
    import slicer
    from LesionDetectionLib.core.image import Image
    from LesionDetectionLib.io.mrml import volume_node

    voxels = np.zeros((30, 31, 33), np.float32)
    places = [(4, 5), (9, 14), (15, 15), (20, 24), (25, 29)]
    for k, j in places:
        voxels[k, j, 10:14] = 9.0
    for spacing_mm in (0.5, 4.0):
        node = volume_node(slicer_app.scene, Image(voxels, np.diag([spacing_mm] * 3 + [1.0]), PET, SUV_BW))
        panel.context.parameters.petVolume = node
        slicer.util.setSliceViewerLayers(background=node, fit=True)
        ui.projectionsCheckBox.click()
        rows = seen("Green").reshape(*view("Green").mrmlSliceNode().GetDimensions()[1::-1]).max(axis=1)
        lit = np.flatnonzero(np.diff((rows > 4).astype(int)) == 1)
        assert len(lit) == len(places)
        ui.projectionsCheckBox.click()


def test_what_others_changed_meanwhile_stays_and_without_a_view_it_says_so(ui, pet):
    node, other = view("Green").mrmlSliceNode(), view("Yellow").mrmlSliceNode()
    ui.projectionsCheckBox.click()
    node.SetSlabReconstructionThickness(20.0)
    node.SetOrientation("Axial")
    ui.projectionsCheckBox.click()
    assert node.GetSlabReconstructionThickness() == 20.0
    assert not node.GetSlabReconstructionEnabled()
    assert node.GetOrientation() == "Axial"
    other.SetOrientation("Axial")
    ui.projectionsCheckBox.click()
    assert ui.clickText.text.startswith("No coronal or sagittal slice view is there.")
    assert not ui.projectionsCheckBox.isChecked()
    node.SetOrientation("Coronal")
    other.SetOrientation("Sagittal")


def test_leaving_gives_the_views_back(slicer_app, widget, panel, ui, pet):
    from LesionDetectionLib.io.mrml import volume_node

    chosen = panel.context.parameters

    def leave_module():
        slicer_app.leave(widget)
        slicer_app.show(widget)

    def choose_a_ct():
        chosen.ctVolume = volume_node(slicer_app.scene, chest_image())

    def let_go_of_the_pet():
        chosen.ctVolume = None
        chosen.petVolume = None

    def close_the_scene():
        chosen.petVolume = pet
        ui.projectionsCheckBox.click()
        slicer_app.scene.Clear(0)
        slicer_app.process_events()

    for leave in (leave_module, choose_a_ct, let_go_of_the_pet, close_the_scene):
        chosen.ctVolume = None
        if not ui.projectionsCheckBox.isChecked() and leave is not close_the_scene:
            ui.projectionsCheckBox.click()
            assert view("Green").mrmlSliceNode().GetSlabReconstructionEnabled()
        leave()
        assert not view("Green").mrmlSliceNode().GetSlabReconstructionEnabled(), leave.__name__
        assert not ui.projectionsCheckBox.isChecked()


def test_over_a_ct_the_projections_are_of_the_pet(slicer_app, panel, ui, pet):
    import slicer
    from LesionDetectionLib.io.mrml import volume_node

    chosen = panel.context.parameters
    chosen.measureOn = "PT"
    chosen.ctVolume = volume_node(slicer_app.scene, chest_image())
    chosen.fusionShown = True
    slicer_app.process_events()
    composite = view("Green").mrmlSliceCompositeNode()
    fused = state("Green")
    assert composite.GetBackgroundVolumeID() == chosen.ctVolume.GetID()
    ui.projectionsCheckBox.click()
    assert composite.GetBackgroundVolumeID() == pet.GetID()
    assert composite.GetForegroundOpacity() == 0
    assert view("Red").mrmlSliceCompositeNode().GetBackgroundVolumeID() == chosen.ctVolume.GetID()
    slicer.util.setSliceViewerLayers(background=chosen.ctVolume)
    panel.refresh()
    assert composite.GetBackgroundVolumeID() == pet.GetID(), "it is shown again after another change of the layers"
    ui.projectionsCheckBox.click()
    assert state("Green") == fused


# Clicks on them


def in_plane(name, point):
    """The point's place on a view's plane: where a click on the projection of it is placed."""
    r, a, s = point
    return {"Green": (r, plane("Green"), s), "Yellow": (plane("Yellow"), a, s), "Red": (r, a, plane("Red"))}[name]


def test_the_view_under_the_mouse_says_the_direction_and_without_one_the_plane(slicer_app, panel, ui, pet, engine):
    ui.projectionsCheckBox.click()
    ui.clickButton.click()
    for name, through in (("Green", "coronal"), ("Yellow", "sagittal"), ("Red", "")):
        point = in_plane(name, CENTERS[1])
        slicer_app.click_in_slice(point, name)
        assert engine.request.through == through
        assert engine.request.point_ras_mm == pytest.approx(point)
        engine.fail("x")
    crossing = (plane("Yellow"), plane("Green"), plane("Red"))
    for name, through in (("Green", "coronal"), ("Yellow", "sagittal"), ("Red", ""), ("", "either")):
        slicer_app.click_in_slice(crossing, name)
        assert engine.request.through == through
        engine.fail("x")
    ui.clickButton.click()
    cursor = slicer_app.scene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
    cursor.SetCursorPositionRAS([0.0, 0.0, 0.0])
    panel.click.clicked(crossing)
    assert engine.request.through == "", "in a 3D view"
    engine.fail("x")
    cursor.SetCursorPositionInvalid()
    panel.click.clicked((crossing[0] + 7.0, *crossing[1:]))
    assert engine.request.through == "coronal", "without a mouse the plane that holds the point says it"
    engine.fail("x")
    panel.click.clicked(tuple(n + 7.0 for n in crossing))
    assert engine.request.through == ""


def test_the_wrong_finding_jumps_to_the_uptake_and_the_views_follow(slicer_app, panel, ui, pet, engine):
    panel.click.clicked(CENTERS[1])
    engine.finish(clicked_lesion(CENTERS[1], RADII[1]))
    ui.projectionsCheckBox.click()
    assert ui.petClickComboBox.currentIndex == FOCUS, "there is no depth to outline a border in"
    ui.clickButton.click()
    assert ui.clickText.text.startswith("Click on uptake: the chosen finding moves there.")
    before = view("Green").mrmlSliceNode().GetFieldOfView(), view("Green").mrmlSliceNode().GetXYZOrigin()
    slicer_app.click_in_slice(in_plane("Green", CENTERS[0]), "Green")
    engine.finish(focus())
    assert ui.clickText.text == "L1 lies here now; undo brings it back."
    assert [item.id for item in panel.session.listed] == ["L1"]
    assert panel.session.listed[0].lesion.center_ras_mm == pytest.approx(CENTERS[0], abs=0.5)
    assert [plane(name) for name in ("Yellow", "Green", "Red")] == pytest.approx(panel.click.place, abs=1e-6)
    assert (view("Green").mrmlSliceNode().GetFieldOfView(), view("Green").mrmlSliceNode().GetXYZOrigin()) == before
    assert ui.undoButton.toolTip == "Undo: move L1 (Ctrl+Z)"
    ui.undoButton.click()
    assert panel.session.listed[0].lesion.center_ras_mm == pytest.approx(CENTERS[1], abs=0.5)
    ui.clickButton.click()


def test_a_new_one_is_added_where_that_is_chosen_and_a_border_has_no_place_there(panel, ui, pet, engine, does):
    does(NEW_FOCUS)
    for center in (0, 1):
        panel.click.clicked(CENTERS[center])
        engine.finish(focus(center))
    assert [item.id for item in panel.session.listed] == ["L1", "L2"]
    panel.click.clicked(CENTERS[0])
    assert panel.session.current == "L1"
    assert ui.clickText.text == "L1 is chosen."
    ui.projectionsCheckBox.click()
    assert ui.petClickComboBox.currentIndex == NEW_FOCUS
    does(BORDER)
    panel.click.clicked(in_plane("Green", CENTERS[2]))
    assert ui.clickText.text.startswith("A projection has no depth")
    assert len(engine.jobs) == 2


def test_quick_clicks_keep_the_projection_that_they_were_made_on(panel, ui, pet, engine):
    ui.projectionsCheckBox.click()
    for name in ("Green", "Yellow"):
        panel.click.clicked(in_plane(name, CENTERS[2]))
    engine.finish(focus(2))
    assert engine.request.through == "sagittal"
    engine.finish(focus(2))
    assert len(panel.session.listed) == 1


def test_a_script_points_too(slicer_app, widget, pet):
    result = widget.logic.focus(pet, in_plane("Green", CENTERS[0]), "coronal")
    assert result.segmentation.GetSegmentation().GetNumberOfSegments() == 1
