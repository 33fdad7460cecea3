"""Detections as nodes and as Slicer's files: voxels, places, terms and neighbourhood, read back from the real MRML."""

from __future__ import annotations

import json
import math
import zipfile
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
import vtk
from LesionDetectionLib.core.errors import OutputError
from LesionDetectionLib.core.lesion import LESION, Code
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.io import mrml, mrml_scene
from LesionDetectionLib.io.terminology import terminology_entry, terminology_path

SEGMENTATION_STORAGE = "vtkMRMLSegmentationStorageNode"
MARKUPS_STORAGE = "vtkMRMLMarkupsJsonStorageNode"


@pytest.fixture
def scene():
    with mrml_scene.temporary_scene() as temporary:
        yield temporary


@pytest.fixture
def added(scene, make_run):
    """``added(count)`` -> volume node, result nodes, image, detections, all in ``scene``."""

    def add(count=3, **options):
        image, detections = make_run(count, **options)
        return (*add_to_scene(scene, image, detections), image, detections)

    return add


def add_to_scene(scene, image, detections):
    volume = mrml.volume_node(scene, image)
    return volume, mrml.add_detections(scene, volume, detections, "run")


def voxels_of_segment(node, segment_id, shape_kji):
    """The segment on the whole grid, [k, j, i]: each of its voxels where its extent says."""
    image = slicer.vtkOrientedImageData()
    assert node.GetBinaryLabelmapRepresentation(segment_id, image)
    i0, i1, j0, j1, k0, k1 = image.GetExtent()
    scalars = vtk.util.numpy_support.vtk_to_numpy(image.GetPointData().GetScalars())
    out = np.zeros(shape_kji, dtype=bool)
    out[k0 : k1 + 1, j0 : j1 + 1, i0 : i1 + 1] = scalars.reshape(k1 - k0 + 1, j1 - j0 + 1, i1 - i0 + 1) > 0
    matrix = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(matrix)
    return out, slicer.util.arrayFromVTKMatrix(matrix)


def tag(segment, name):
    value = vtk.reference("")
    assert segment.GetTag(name, value)
    return str(value)


def children(scene, item):
    ids = vtk.vtkIdList()
    hierarchy = scene.GetSubjectHierarchyNode()
    hierarchy.GetItemChildren(item, ids, False)
    return [ids.GetId(n) for n in range(ids.GetNumberOfIds())]


def check_masks(node, image, detections):
    for rank, lesion in enumerate(detections.lesions, 1):
        voxels, matrix = voxels_of_segment(node, f"L{rank}", image.shape_kji)
        assert np.array_equal(voxels, lesion.mask.full(image.shape_kji))
        assert np.allclose(matrix, image.ijk_to_ras, atol=1e-6)


@pytest.mark.parametrize(("count", "overlap"), [(3, False), (2, True), (100, False)])
def test_each_mask_is_one_segment_with_exactly_its_voxels(added, count, overlap):
    _, nodes, image, detections = added(count, overlap=overlap)
    assert nodes.segmentation.GetSegmentation().GetNumberOfSegments() == count
    check_masks(nodes.segmentation, image, detections)
    if overlap:
        first, second = (lesion.mask.full(image.shape_kji) for lesion in detections.lesions)
        assert (first & second).any(), "the test itself must overlap"


def test_segments_carry_name_term_score_and_a_colour_of_their_own(added):
    volume, nodes, _, detections = added(12)
    segments = [nodes.segmentation.GetSegmentation().GetSegment(f"L{rank}") for rank in range(1, 13)]
    assert segments[0].GetName() == "L1 0.95 8 mm"
    assert len({segment.GetColor() for segment in segments}) == 12
    for rank, (segment, lesion) in enumerate(zip(segments, detections.lesions, strict=True), 1):
        assert float(tag(segment, "Lesion.score")) == lesion.score
        assert (tag(segment, "Lesion.rank"), tag(segment, "Lesion.method")) == (str(rank), "made-up")
        assert "~SCT^27925004^Nodule~" in tag(segment, slicer.vtkSegment.GetTerminologyEntryTagName())
    role = nodes.segmentation.GetReferenceImageGeometryReferenceRole()
    assert nodes.segmentation.GetNodeReference(role).GetID() == volume.GetID()


def test_every_term_is_known_to_slicers_terminology_logic():
    logic = slicer.vtkSlicerTerminologiesModuleLogic()
    context = logic.LoadTerminologyFromFile(str(terminology_path()))
    assert context == terminology_entry(LESION).split("~")[0]
    terms = {
        ("49755003", name): code
        for name, code in {
            "Lesion": "52988006",
            "Nodule": "27925004",
            "Mass": "4147007",
            "Neoplasm": "108369006",
            "Cyst": "367643001",
        }.items()
    } | {("85756007", "Lymph node"): "59441001"}
    for (category, name), code in terms.items():
        entry = slicer.vtkSlicerTerminologyEntry()
        assert logic.DeserializeTerminologyEntry(terminology_entry(Code(code, "SCT", name)), entry)
        assert entry.GetCategoryObject().GetCodeValue() == category
        assert (entry.GetTypeObject().GetCodeValue(), entry.GetTypeObject().GetCodeMeaning()) == (code, name)


def test_separators_in_a_term_cannot_break_the_entry():
    entry = terminology_entry(Code("1~2", "99X", "a^b~c"))
    assert entry.count("~") == 6
    assert "^1 2^a b c~" in entry


def test_points_lines_and_table_say_what_the_lesions_are(added):
    _, nodes, _, detections = added(3)
    assert nodes.points.GetNumberOfControlPoints() == 3
    assert nodes.points.GetLocked()
    assert len(nodes.diameters) == 6
    for n, lesion in enumerate(detections.lesions):
        assert np.allclose(nodes.points.GetNthControlPointPositionWorld(n), lesion.center_ras_mm)
        assert nodes.points.GetNthControlPointLabel(n).startswith(f"L{n + 1} {lesion.score:.2f} 8 mm")
        assert math.isclose(nodes.diameters[2 * n].GetLineLengthWorld(), 8.0, abs_tol=1e-6)
        assert math.isclose(nodes.diameters[2 * n + 1].GetLineLengthWorld(), 6.0, abs_tol=1e-6)
        assert nodes.diameters[2 * n].GetName() == f"L{n + 1} long axis"
    table = nodes.table.GetTable()
    assert table.GetValueByName(1, "score").ToDouble() == detections.lesions[1].score
    assert table.GetValueByName(2, "a_mm").ToDouble() == detections.lesions[2].center_ras_mm[1]
    assert table.GetValueByName(0, "mean_hu").ToDouble() == -20.5


def test_what_a_lesion_lacks_is_left_out(scene, make_run):
    image, detections = make_run(3)
    bare = replace(detections.lesions[1], mask=None, recist=None, measurements={})
    _, nodes = add_to_scene(
        scene, image, replace(detections, lesions=(detections.lesions[0], bare, detections.lesions[2]))
    )
    segmentation = nodes.segmentation.GetSegmentation()
    assert [segmentation.GetNthSegmentID(n) for n in range(2)] == ["L1", "L3"]
    assert len(nodes.diameters) == 4
    assert math.isnan(nodes.table.GetTable().GetValueByName(1, "long_axis_mm").ToDouble())
    assert math.isnan(nodes.table.GetTable().GetValueByName(1, "mean_hu").ToDouble())


def test_results_stand_beside_their_volume(scene, make_run):
    image, detections = make_run(2)
    hierarchy = scene.GetSubjectHierarchyNode()
    volume = mrml.volume_node(scene, image)
    study = hierarchy.CreateStudyItem(hierarchy.GetSceneItemID(), "study")
    hierarchy.SetItemParent(hierarchy.GetItemByDataNode(volume), study)
    nodes = mrml.add_detections(scene, volume, detections)
    item = hierarchy.GetItemByDataNode
    assert set(children(scene, study)) == {item(volume), item(nodes.segmentation), nodes.folder_item}
    assert set(children(scene, nodes.folder_item)) == {item(n) for n in (nodes.points, nodes.table, *nodes.diameters)}


def test_a_second_run_leaves_the_first_alone(scene, added):
    volume, nodes, image, detections = added(2)
    nodes.segmentation.GetSegmentation().GetSegment("L1").SetName("my edit")
    again = mrml.add_detections(scene, volume, detections, "run")
    assert not set(nodes.all) & set(again.all)
    assert nodes.segmentation.GetSegmentation().GetSegment("L1").GetName() == "my edit"
    check_masks(nodes.segmentation, image, detections)
    assert not scene.IsBatchProcessing()


def test_an_error_ends_the_batch(scene, make_run, monkeypatch):
    image, detections = make_run(1)
    volume = mrml.volume_node(scene, image)

    def fail(*_):
        raise RuntimeError("broken")

    monkeypatch.setattr(mrml, "table_node", fail)
    with pytest.raises(RuntimeError, match="broken"):
        mrml.add_detections(scene, volume, detections)
    assert not scene.IsBatchProcessing()


def test_a_volume_under_a_transform_gets_its_results_where_it_is_seen(scene, make_run):
    image, detections = make_run(2)
    volume = mrml.volume_node(scene, image)
    shift = np.eye(4)
    shift[:3, 3] = 5, -6, 7
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "moved")
    transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(shift))
    volume.SetAndObserveTransformNodeID(transform.GetID())
    seen = mrml.image_from_node(volume)
    nodes = mrml.add_detections(scene, volume, replace(detections, geometry=seen.geometry))
    check_masks(nodes.segmentation, seen, detections)


def test_the_segmentation_file_has_the_images_grid_and_exact_labels(added, tmp_path):
    _, nodes, image, detections = added(3)
    path = tmp_path / "lesions.seg.nrrd"
    mrml_scene.write_node(nodes.segmentation, SEGMENTATION_STORAGE, path)
    read = sitk.ReadImage(str(path))
    labels = sitk.GetArrayFromImage(read)
    assert labels.shape == image.shape_kji
    to_lps = np.diag([-1.0, -1, 1])
    assert np.allclose(to_lps @ np.array(read.GetOrigin()), image.ijk_to_ras[:3, 3], atol=1e-6)
    for n in range(3):
        name = read.GetMetaData(f"Segment{n}_Name")
        rank = int(name[1 : name.index(" ")])
        value = int(read.GetMetaData(f"Segment{n}_LabelValue"))
        assert np.array_equal(labels == value, detections.lesions[rank - 1].mask.full(image.shape_kji))
        assert "27925004^Nodule" in read.GetMetaData(f"Segment{n}_Tags")


def test_the_points_file_says_in_which_frame_it_is(added, tmp_path):
    _, nodes, _, detections = added(3)
    path = tmp_path / "lesions.mrk.json"
    mrml_scene.write_node(nodes.points, MARKUPS_STORAGE, path)
    markup = json.loads(path.read_text(encoding="utf-8"))["markups"][0]
    sign = np.array({"LPS": (-1, -1, 1), "RAS": (1, 1, 1)}[markup["coordinateSystem"]])
    assert markup["coordinateUnits"] == "mm"
    for point, lesion in zip(markup["controlPoints"], detections.lesions, strict=True):
        assert np.allclose(sign * point["position"], lesion.center_ras_mm, atol=1e-6)
        assert point["locked"]


@pytest.mark.parametrize(("count", "overlap"), [(0, False), (2, True), (100, False)])
def test_a_scene_file_opens_in_a_new_scene_with_everything(scene, make_run, tmp_path, count, overlap):
    image, detections = make_run(count, overlap=overlap, name="a/b <i> “c”")
    volume, nodes = add_to_scene(scene, image, detections)
    mrml_scene.show_in_slices(scene, volume, detections.lesions[0].center_ras_mm if count else None)
    if nodes.segmentation is not None:
        mrml_scene.save_cropped(scene, nodes.segmentation)
    mrml_scene.write_scene(scene, tmp_path / "scene.mrb")
    assert [entry.name for entry in tmp_path.iterdir()] == ["scene.mrb"]

    with mrml_scene.temporary_scene() as opened:
        open_bundle(opened, tmp_path / "scene.mrb", tmp_path / "unpacked")
        check_opened(opened, image, detections)


def check_opened(opened, image, detections):
    count = len(detections.lesions)
    again = opened.GetFirstNodeByClass("vtkMRMLScalarVolumeNode")
    back = mrml.image_from_node(again)
    assert np.array_equal(back.voxels, image.voxels)
    assert back.geometry.same_grid(image.geometry)
    assert (back.name, back.unit, back.modality) == (image.name, "HU", "CT")
    composite = opened.GetSingletonNode("Red", "vtkMRMLSliceCompositeNode")
    assert composite.GetBackgroundVolumeID() == again.GetID()
    assert opened.GetSingletonNode("Green", "vtkMRMLSliceNode").GetOrientation() == "Coronal"

    points = opened.GetFirstNodeByClass("vtkMRMLMarkupsFiducialNode")
    assert points.GetNumberOfControlPoints() == count
    assert opened.GetNumberOfNodesByClass("vtkMRMLMarkupsLineNode") == 2 * count
    table = opened.GetFirstNodeByClass("vtkMRMLTableNode")
    assert table.GetNumberOfRows() == count
    hierarchy = opened.GetSubjectHierarchyNode()
    parent = hierarchy.GetItemParent(hierarchy.GetItemByDataNode(again))
    assert len(children(opened, parent)) == (3 if count else 2)
    segmentation = opened.GetFirstNodeByClass("vtkMRMLSegmentationNode")
    if count:
        check_masks(segmentation, image, detections)
        assert (
            float(tag(segmentation.GetSegmentation().GetSegment("L2"), "Lesion.score")) == detections.lesions[1].score
        )
    else:
        assert segmentation is None


def test_a_scene_whose_volumes_are_compressed_later_is_the_same(scene, make_run, tmp_path):
    image, detections = make_run(2)
    volume, _nodes = add_to_scene(scene, image, detections)
    mrml_scene.show_in_slices(scene, volume, None)
    mrml_scene.save_scene(scene, tmp_path / "whole scene", compressed=False)
    (voxels,) = (tmp_path / "whole scene" / "Data").glob(f"{image.name}.nrrd")
    assert image.voxels.tobytes() in voxels.read_bytes()
    assert volume.GetStorageNode().GetUseCompression()
    assert 'useCompression="0"' not in (tmp_path / "whole scene" / "whole scene.mrml").read_text()

    steps = []
    progress = Progress(lambda fraction, _text: steps.append(fraction))
    mrml_scene.bundle_scene(tmp_path / "whole scene", tmp_path / "scene.mrb", progress=progress)
    assert steps == sorted(steps)
    assert (tmp_path / "scene.mrb").stat().st_size < voxels.stat().st_size
    with mrml_scene.temporary_scene() as opened:
        open_bundle(opened, tmp_path / "scene.mrb", tmp_path / "unpacked")
        check_opened(opened, image, detections)


def test_a_scene_that_cannot_be_saved_leaves_nothing(tmp_path):
    class FullDisk:
        def SaveSceneToSlicerDataBundleDirectory(self, *_):
            return False

    with pytest.raises(OutputError, match=r"scene\.mrb was not written"):
        mrml_scene.write_scene(FullDisk(), tmp_path / "scene.mrb")
    assert not list(tmp_path.iterdir())


def test_a_node_that_cannot_be_stored_leaves_nothing(scene, tmp_path):
    empty = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "empty")
    with pytest.raises(OutputError, match=r"x\.nrrd was not written"):
        mrml_scene.write_node(empty, "vtkMRMLVolumeArchetypeStorageNode", tmp_path / "x.nrrd")
    assert not list(tmp_path.iterdir())


def open_bundle(scene, path, folder):
    """As Slicer does: unpack, then open the one .mrml in it."""
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        archive.extractall(folder)
    (description,) = folder.glob("*/*.mrml")
    scene.SetURL(str(description))
    assert scene.Connect()
