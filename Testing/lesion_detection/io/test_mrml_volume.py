"""Images to volume nodes and back, on the real MRML."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import slicer
import vtk
from LesionDetectionLib.core.errors import GeometryError, InputError
from LesionDetectionLib.core.image import BQ_PER_ML, CT, HU, MR, PET, PHANTOM, SUV_BW, Image
from LesionDetectionLib.io import mrml, mrml_scene
from LesionDetectionLib.io.mrml_volume import frame_of_reference


@pytest.fixture
def scene():
    with mrml_scene.temporary_scene() as temporary:
        yield temporary


def matrix_transform(scene, matrix):
    node = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "moved")
    node.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
    return node


@pytest.mark.parametrize("kind", ["i1", "u1", "i2", "u2", "i4", "u4", "f4", "f8", ">i2"])
def test_voxels_and_geometry_come_back_exactly(scene, make_run, kind):
    image, _ = make_run(0)
    voxels = (np.arange(image.voxels.size) % 251).astype(kind).reshape(image.shape_kji) - np.array(100, dtype=kind)
    source = Image(voxels, image.ijk_to_ras)
    back = mrml.image_from_node(mrml.volume_node(scene, source))
    assert back.voxels.dtype == np.dtype(kind).newbyteorder("=")
    assert np.array_equal(back.voxels, source.voxels)
    assert back.geometry.same_grid(source.geometry, tolerance_mm=1e-9)


@pytest.mark.parametrize(
    ("voxels", "kept"),
    [
        (np.array([[[1.5, -2]]], np.float16), np.float32),
        (np.array([[[1, -5]]], np.int64), np.int32),
        (np.array([[[1, 2**40]]], np.int64), np.float64),
        (np.array([[[0, 2**33]]], np.uint64), np.float64),
        (np.array([[[1.5, -2]]], np.longdouble), np.float64),
    ],
)
def test_types_that_slicer_lacks_are_widened_without_loss(scene, voxels, kept):
    back = mrml.image_from_node(mrml.volume_node(scene, Image(voxels, np.eye(4))))
    assert back.voxels.dtype == kept
    assert np.array_equal(back.voxels.astype(np.longdouble), voxels.astype(np.longdouble))


@pytest.mark.parametrize(("modality", "unit"), [(CT, HU), (PET, SUV_BW), (PET, BQ_PER_ML), (MR, ""), ("", "")])
def test_modality_and_unit_come_back(scene, make_run, modality, unit):
    image, _ = make_run(0)
    source = Image(image.voxels, image.ijk_to_ras, modality=modality, unit=unit, name="a scan")
    back = mrml.image_from_node(mrml.volume_node(scene, source))
    assert (back.modality, back.unit, back.name) == (modality, unit, "a scan")


def test_factors_to_other_suv_come_back_unless_they_were_spoilt(scene, make_run):
    image, _ = make_run(0)
    factors = {"SUVlbm": 0.7444503237386718, "SUVbsa": 0.25}
    node = mrml.volume_node(scene, Image(image.voxels, image.ijk_to_ras, PET, SUV_BW, suv_factors=factors))
    assert mrml.image_from_node(node).suv_factors == factors
    node.SetAttribute("LesionDetection.SUVlbmPerSUVbw", "much")
    node.SetAttribute("LesionDetection.SUVbsaPerSUVbw", "-1")
    assert mrml.image_from_node(node).suv_factors == {}


def test_the_unit_tells_the_modality_where_the_hierarchy_does_not(scene, make_run):
    image, _ = make_run(0)
    node = mrml.volume_node(scene, image)
    hierarchy = scene.GetSubjectHierarchyNode()
    hierarchy.RemoveItemAttribute(hierarchy.GetItemByDataNode(node), "DICOM.Modality")
    assert mrml.image_from_node(node).modality == CT


def test_dicom_uids_come_along(scene, make_run):
    node = mrml.volume_node(scene, make_run(0)[0])
    hierarchy = scene.GetSubjectHierarchyNode()
    item = hierarchy.GetItemByDataNode(node)
    study = hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), "study")
    hierarchy.SetItemParent(item, study)
    hierarchy.SetItemUID(item, "DICOM", "1.2.3")
    hierarchy.SetItemUID(study, "DICOM", "1.2")
    node.SetAttribute("DICOM.instanceUIDs", "1.2.3.1 1.2.3.2")
    assert mrml.image_from_node(node).identifiers == {
        "SeriesInstanceUID": "1.2.3",
        "StudyInstanceUID": "1.2",
        "SOPInstanceUIDs": "1.2.3.1 1.2.3.2",
    }


def test_the_frame_of_reference_comes_along(scene, make_run):
    image = make_run(0)[0]
    node = mrml.volume_node(scene, replace(image, identifiers={"FrameOfReferenceUID": "1.2.9"}))
    assert mrml.image_from_node(node).identifiers == {"FrameOfReferenceUID": "1.2.9"}
    assert frame_of_reference(mrml.volume_node(scene, image)) == ""


def test_the_node_is_a_copy_of_the_image_and_the_image_a_view_of_the_node(scene, make_run):
    image, _ = make_run(0)
    before = image.voxels.copy()
    node = mrml.volume_node(scene, image)
    memory = slicer.util.arrayFromVolume(node)
    back = mrml.image_from_node(node)
    assert np.shares_memory(back.voxels, memory)
    assert not back.voxels.flags.writeable
    memory[:] = 7
    assert np.array_equal(image.voxels, before)


def test_a_linear_transform_goes_into_the_geometry(scene, make_run):
    image, _ = make_run(0)
    node = mrml.volume_node(scene, image)
    shift = np.eye(4)
    shift[:3, 3] = 5, -6, 7
    turn = np.diag([1.0, -1, -1, 1])
    outer, inner = matrix_transform(scene, shift), matrix_transform(scene, turn)
    inner.SetAndObserveTransformNodeID(outer.GetID())
    node.SetAndObserveTransformNodeID(inner.GetID())
    assert np.allclose(mrml.image_from_node(node).ijk_to_ras, shift @ turn @ image.ijk_to_ras)


def test_a_nonlinear_transform_is_refused(scene, make_run):
    node = mrml.volume_node(scene, make_run(0)[0])
    transform = scene.AddNewNodeByClass("vtkMRMLTransformNode", "bent")
    spline = vtk.vtkThinPlateSplineTransform()
    spline.SetBasisToR()
    points = [vtk.vtkPoints(), vtk.vtkPoints()]
    for n, place in enumerate(np.eye(3) * 50):
        points[0].InsertNextPoint(place)
        points[1].InsertNextPoint(place + n)
    spline.SetSourceLandmarks(points[0])
    spline.SetTargetLandmarks(points[1])
    transform.SetAndObserveTransformToParent(spline)
    node.SetAndObserveTransformNodeID(transform.GetID())
    with pytest.raises(GeometryError, match=r"nonlinear transform “bent”.*Harden"):
        mrml.image_from_node(node)


def test_nodes_that_are_no_image_are_refused(scene):
    with pytest.raises(InputError, match="No volume is chosen"):
        mrml.image_from_node(None)
    empty = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "hollow")
    with pytest.raises(InputError, match="“hollow” holds no voxels"):
        mrml.image_from_node(empty)
    with pytest.raises(InputError, match="no voxels"):
        mrml.image_from_node(scene.AddNewNodeByClass("vtkMRMLTableNode", "table"))
    colour = scene.AddNewNodeByClass("vtkMRMLVectorVolumeNode", "photo")
    data = vtk.vtkImageData()
    data.SetDimensions(2, 2, 2)
    data.AllocateScalars(vtk.VTK_UNSIGNED_CHAR, 3)
    colour.SetAndObserveImageData(data)
    with pytest.raises(InputError, match="3 values in each voxel"):
        mrml.image_from_node(colour)


def test_pet_is_shown_as_in_the_clinic(scene, make_run):
    image, _ = make_run(0)
    pet = Image(np.abs(image.voxels) / 100.0, image.ijk_to_ras, modality=PET, unit=SUV_BW)
    display = mrml.volume_node(scene, pet).GetDisplayNode()
    assert (display.GetWindow(), display.GetLevel()) == (6, 3)
    assert display.GetColorNodeID() == "vtkMRMLColorTableNodeInvertedGrey"
    assert display.GetColorNode() is not None


@pytest.mark.parametrize(("value", "window", "level"), [(-800, 1500, -600), (40, 400, 40)])
def test_ct_is_shown_in_the_window_of_its_tissue(scene, value, window, level):
    voxels = np.full((4, 8, 8), value, np.int16)
    voxels[0] = -1000
    display = mrml.volume_node(scene, Image(voxels, np.eye(4), modality=CT, unit=HU)).GetDisplayNode()
    assert (display.GetWindow(), display.GetLevel()) == (window, level)


def test_a_phantom_stays_one_in_the_scene(scene):
    image = Image(np.zeros((2, 3, 4), np.int16), np.eye(4), modality="CT", unit="HU", identifiers={PHANTOM: "chest"})
    assert mrml.image_from_node(mrml.volume_node(scene, image)).identifiers == {PHANTOM: "chest"}
