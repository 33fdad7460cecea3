"""What the slice views show, on real MRML without Slicer's application: as in a browser viewer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from LesionDetectionLib.core.image import CT, HU, PET, SUV_BW, Image

slicer = pytest.importorskip("slicer")


@dataclass
class View:
    """A slice view without pixels."""

    node: Any
    composite: Any
    logic: Any

    def fit(self):
        self.logic.FitSliceToAll()


def _node(scene, class_name, name):
    node = scene.CreateNodeByClass(class_name)  # with the scene's defaults: orientation presets
    node.UnRegister(None)
    node.SetSingletonTag(name)
    node.SetLayoutName(name)
    return scene.AddNode(node)


class Views:
    def __init__(self, scene, orientations):
        self._views = [self._made(scene, orientation) for orientation in orientations]

    def _made(self, scene, orientation):
        node, composite = (_node(scene, f"vtkMRMLSlice{kind}Node", orientation) for kind in ("", "Composite"))
        node.SetOrientation(orientation)
        node.SetDimensions(100, 100, 1)
        logic = slicer.vtkMRMLSliceLogic()
        logic.SetMRMLScene(scene)
        logic.SetSliceNode(node)
        logic.SetSliceCompositeNode(composite)
        return View(node, composite, logic)

    def slices(self):
        return self._views


@pytest.fixture
def scene():
    from LesionDetectionLib.io.mrml_scene import temporary_scene

    with temporary_scene() as made:
        slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(made)
        yield made


@pytest.fixture
def views(scene):
    return Views(scene, ("Axial", "Sagittal", "Coronal"))


def volume(scene, modality, unit):
    from LesionDetectionLib.io.mrml import volume_node

    voxels = np.zeros((20, 30, 40), np.float32)
    voxels[10, 15, 20] = 9
    return volume_node(scene, Image(voxels, np.eye(4), modality, unit, modality))


def place(view):
    return [view.node.GetSliceToRAS().GetElement(row, 3) for row in range(3)]


def test_going_to_a_place_shows_the_volume_there(scene, views):
    from LesionDetectionLib.app.scene_views.going import go_to, jump, show_at

    ct, other = volume(scene, CT, HU), volume(scene, CT, HU)
    go_to(views, (20, 15, 10), ct)
    assert all(view.composite.GetBackgroundVolumeID() == ct.GetID() for view in views.slices())
    assert all(place(view) == pytest.approx([20, 15, 10]) for view in views.slices())
    jump(views, (5, 6, 7), centred=False)
    assert [place(view)[n] for view, n in zip(views.slices(), (2, 0, 1), strict=True)] == pytest.approx([7, 5, 6])
    assert place(views.slices()[0])[:2] == pytest.approx([20, 15]), "nothing moves sideways"
    views.slices()[0].composite.SetForegroundVolumeID(other.GetID())
    go_to(views, (1, 2, 3), other)
    assert views.slices()[0].composite.GetBackgroundVolumeID() == ct.GetID(), "it is seen already"
    show_at(views, (1, 2, 3), other)
    assert views.slices()[0].composite.GetBackgroundVolumeID() == other.GetID()


def test_a_pet_lies_over_the_ct_and_looks_as_before_afterwards(scene, views):
    from LesionDetectionLib.app.scene_views.foreground import PET as OF_PET
    from LesionDetectionLib.app.scene_views.foreground import Foreground, Layer

    ct, pet = volume(scene, CT, HU), volume(scene, PET, SUV_BW)
    display = pet.GetDisplayNode()
    before = display.GetColorNodeID(), display.GetWindow(), display.GetLevel()
    foreground = Foreground(views)
    foreground.want(OF_PET, Layer(ct, pet, 0.4, most=6.0))
    composite = views.slices()[2].composite
    assert (composite.GetBackgroundVolumeID(), composite.GetForegroundVolumeID()) == (ct.GetID(), pet.GetID())
    assert composite.GetForegroundOpacity() == 0.4
    assert (display.GetWindow(), display.GetLevel()) == (6.0, 3.0)
    foreground.want(OF_PET, None)
    assert composite.GetForegroundVolumeID() is None
    assert composite.GetBackgroundVolumeID() == ct.GetID()
    assert (display.GetColorNodeID(), display.GetWindow(), display.GetLevel()) == before


def test_projections_know_which_view_was_clicked(scene, views):
    from LesionDetectionLib.app.focus_request import CORONAL, EITHER, SAGITTAL
    from LesionDetectionLib.app.scene_views.projections import Projections

    axial, sagittal, coronal = (view.node for view in views.slices())
    projections, pet = Projections(scene, views), volume(scene, PET, SUV_BW)
    assert projections.show(pet)
    assert [node.GetSlabReconstructionEnabled() for node in (axial, sagittal, coronal)] == [False, True, True]
    projections.go_to((20, 15, 10))
    assert projections.clicked_through((20, 15, 10)) == EITHER
    clicked = [projections.clicked_through((20, 15, 10), node) for node in (axial, sagittal, coronal)]
    assert clicked == ["", SAGITTAL, CORONAL]
    projections.end()
    assert not sagittal.GetSlabReconstructionEnabled()
    assert not Projections(scene, Views(scene, ())).show(pet), "there is no view to show them in"
