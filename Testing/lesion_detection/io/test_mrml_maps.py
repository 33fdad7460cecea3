"""Maps as volumes: voxels, place, look, and what tells them from scans."""

from __future__ import annotations

import numpy as np
import pytest
import slicer
from LesionDetectionLib.core.finding import Findings
from LesionDetectionLib.io import mrml, mrml_scene
from LesionDetectionLib.io.mrml_findings import FindingNodes
from LesionDetectionLib.io.mrml_maps import is_map, map_node
from vtk.util.numpy_support import vtk_to_numpy

TITLE = "Lesion similarity"
INFERNO = "vtkMRMLColorTableNodeFileInferno.txt"


@pytest.fixture
def scene():
    with mrml_scene.temporary_scene() as temporary:
        yield temporary


@pytest.fixture
def result(scene, make_controlled_run):
    """The scan's volume, the result's nodes, and the map as an image."""
    image, detections = make_controlled_run(2)
    volume = mrml.volume_node(scene, image)
    nodes = FindingNodes.create(scene, volume, Findings.of(detections), "scan made-up", detections.maps)
    return volume, nodes, detections.maps[TITLE]


def nodes_of(scene):
    return {scene.GetNthNode(n).GetID() for n in range(scene.GetNumberOfNodes())}


def test_it_is_a_volume_of_its_own_in_its_own_place(result):
    volume, nodes, similarity = result
    ((title, node),) = nodes.maps.items()
    assert (title, node.GetName()) == (TITLE, "scan made-up Lesion similarity")
    back = mrml.image_from_node(node)
    assert back.voxels.dtype == np.float32
    np.testing.assert_array_equal(back.voxels, similarity.voxels)
    assert back.geometry.same_grid(similarity.geometry)
    assert not back.geometry.same_grid(mrml.image_from_node(volume).geometry)
    assert (back.modality, back.unit) == ("", "")
    assert is_map(node)
    assert not is_map(volume)


def test_only_what_lies_above_zero_is_drawn(result):
    """Through Slicer's own pipeline: the colour's opacity in each voxel."""
    _, nodes, similarity = result
    display = nodes.maps[TITLE].GetDisplayNode()
    assert (display.GetWindow(), display.GetLevel(), display.GetAutoWindowLevel()) == (1.0, 0.5, 0)
    assert display.GetColorNode() is not None
    display.GetOutputImageDataConnection().GetProducer().Update()
    drawn = vtk_to_numpy(display.GetOutputImageData().GetPointData().GetScalars())
    opaque = drawn.reshape(*similarity.shape_kji, -1)[..., 3] > 0
    np.testing.assert_array_equal(opaque, similarity.voxels > 0)


def test_values_beyond_one_have_a_window_for_them(scene, make_controlled_run):
    similarity = make_controlled_run(1)[1].maps[TITLE]
    display = map_node(scene, similarity.with_voxels(similarity.voxels * 8), "Uptake", "r").GetDisplayNode()
    highest = 8 * float(similarity.voxels.max())
    assert display.GetWindow() == pytest.approx(highest)
    assert display.GetUpperThreshold() == pytest.approx(highest)


def test_slicers_even_colours_are_taken_where_they_are(scene, make_controlled_run):
    table = slicer.vtkMRMLColorTableNode()
    table.SetTypeToUser()
    table.SetSingletonTag("FileInferno.txt")
    assert scene.AddNode(table).GetID() == INFERNO
    similarity = make_controlled_run(1)[1].maps[TITLE]
    assert map_node(scene, similarity, TITLE, "r").GetDisplayNode().GetColorNodeID() == INFERNO


def test_it_stands_beside_the_marks_and_goes_with_the_result(scene, result):
    volume, nodes, _ = result
    hierarchy = scene.GetSubjectHierarchyNode()
    parents = [hierarchy.GetItemParent(hierarchy.GetItemByDataNode(n)) for n in (nodes.points, nodes.maps[TITLE])]
    assert parents[0] == parents[1] != hierarchy.GetSceneItemID()
    nodes.remove()
    left = [scene.GetNodeByID(one).GetClassName() for one in nodes_of(scene)]
    assert left.count("vtkMRMLScalarVolumeNode") == 1
    assert left.count("vtkMRMLScalarVolumeDisplayNode") == 1
    assert not [name for name in left if "Markups" in name or "Segmentation" in name]
    assert volume.GetScene() is scene


def test_a_map_that_the_user_removed_is_missed_nowhere(scene, result):
    _, nodes, _ = result
    scene.RemoveNode(nodes.maps[TITLE])
    assert nodes.maps == {}
    nodes.show(nodes.findings.with_control_values([0.1, 1]))
    nodes.remove()


def test_a_display_node_that_others_share_stays(scene, result):
    _, nodes, similarity = result
    other = mrml.volume_node(scene, similarity)
    shared = nodes.maps[TITLE].GetDisplayNode()
    other.SetAndObserveDisplayNodeID(shared.GetID())
    nodes.remove()
    assert other.GetDisplayNode() is shared
    assert shared.GetScene() is scene
