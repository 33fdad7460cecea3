"""Folders of detections and of label maps, and how grids that differ are told."""

from __future__ import annotations

import numpy as np
import pytest
from LesionDetectionLib.core.detections import Detections, OperatingPoint
from LesionDetectionLib.core.errors import Cancelled, InputError
from LesionDetectionLib.core.image import Geometry, Image
from LesionDetectionLib.core.lesion import Lesion, Mask
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.io.files import write_image
from LesionTrainingLib.evaluation.matching import Picai
from LesionTrainingLib.evaluation.reading.folders import lesions_of_label_map, read_marks, read_truth
from LesionTrainingLib.evaluation.reading.sets import put_together

GRID = Geometry((12, 20, 20), np.diag([1.0, 1.0, 2.0, 1.0]))


def cube(start, size=4):
    return Mask(np.ones((size, size, size), bool), start)


def detections(*masks, geometry=GRID, scores=(0.9, 0.8, 0.7), **more):
    lesions = [
        Lesion(mask.centroid_ras_mm(geometry), 5.0, score, mask=mask)
        for mask, score in zip(masks, scores, strict=False)
    ]
    return Detections(tuple(lesions), geometry, "stand-in", **more)


@pytest.fixture
def label_map():
    voxels = np.zeros(GRID.shape_kji, dtype=np.uint8)
    voxels[2:6, 2:6, 2:6] = 1
    voxels[8:10, 10:12, 10:12] = 1
    voxels[8:10, 12:14, 12:14] = 2
    return Image(voxels, GRID.ijk_to_ras, name="labels")


def test_marks_in_a_folder_a_case(tmp_path):
    detections(cube((2, 2, 2)), cube((9, 9, 4))).save(tmp_path / "a" / "detections.json")
    detections().save(tmp_path / "b" / "detections.json")
    (tmp_path / "left_out.csv").write_text("case,reason\n")
    marks = read_marks(tmp_path, Progress())
    assert {name: len(one.marks) for name, one in marks.images.items()} == {"a": 2, "b": 0}
    assert not marks.complete
    assert marks.images["a"].geometry.same_grid(GRID)


def test_one_file_an_image_and_other_json_beside(tmp_path):
    detections(cube((2, 2, 2))).save(tmp_path / "a.json")
    detections(cube((2, 2, 2))).save(tmp_path / "b.detections.json")
    (tmp_path / "cohort.json").write_text("{}")
    assert list(read_marks(tmp_path, Progress()).images) == ["a", "b"]


def test_a_damaged_file_is_left_out_and_told(tmp_path):
    detections(cube((2, 2, 2))).save(tmp_path / "a" / "detections.json")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "detections.json").write_text('{"schema": "lesion-detections"')
    marks = read_marks(tmp_path, Progress())
    assert list(marks.images) == ["a"]
    assert marks.left_out[0].case == "b"
    assert "cannot be read" in marks.left_out[0].reason


def test_an_operating_point_and_phantoms_are_told(tmp_path):
    warnings = ("The model was trained on phantoms.", "Slices are thick.")
    found = detections(cube((2, 2, 2)), operating_point=OperatingPoint("balanced", 0.6), warnings=warnings)
    found.save(tmp_path / "a" / "detections.json")
    notes = read_marks(tmp_path, Progress()).notes
    assert notes[0] == warnings[0]
    assert "score 0.6 or more" in notes[1]
    assert len(notes) == 2


def test_a_label_map_is_parted_by_value_and_connection(label_map):
    found = lesions_of_label_map(label_map)
    assert [mask.count for mask in found.masks] == [64, 8, 8]
    assert found.centers_ras_mm.tolist() == [[3.5, 3.5, 7], [10.5, 10.5, 17], [12.5, 12.5, 17]]
    np.testing.assert_allclose(found.diameters_mm[0], np.cbrt(6 / np.pi * 128))


def test_label_maps_as_truth_and_detections_on_the_same_grid(tmp_path, label_map):
    (tmp_path / "truth").mkdir()
    write_image(label_map, tmp_path / "truth" / "a.nii.gz")
    detections(cube((2, 2, 2))).save(tmp_path / "marks" / "a" / "detections.json")
    scoring = put_together(read_truth(tmp_path / "truth", Progress()), read_marks(tmp_path / "marks", Progress()))
    outcome = Picai().match(scoring.images[0])
    np.testing.assert_allclose(outcome.values[:, 0], [1, 0, 0])


def test_masks_on_other_grids_become_boxes_with_a_note(tmp_path, label_map):
    (tmp_path / "truth").mkdir()
    write_image(label_map, tmp_path / "truth" / "a.nrrd")
    # The same cube in mm: edges 1.5 to 5.5 and 3 to 11 mm.
    fine = Mask(np.ones((8, 8, 8), bool), (4, 4, 4))
    matrix = np.diag([0.5, 0.5, 1.0, 1.0])
    matrix[:3, 3] = (-0.25, -0.25, -0.5)
    other = Geometry((24, 40, 40), matrix)
    detections(fine, geometry=other).save(tmp_path / "marks" / "a" / "detections.json")
    scoring = put_together(read_truth(tmp_path / "truth", Progress()), read_marks(tmp_path / "marks", Progress()))
    assert any("different voxel grids" in note for note in scoring.notes)
    np.testing.assert_allclose(Picai().match(scoring.images[0]).values[:, 0], [1, 0, 0], atol=1e-5)


def test_what_has_no_detections_is_left_out(tmp_path):
    for name in ("a", "b"):
        detections(cube((2, 2, 2))).save(tmp_path / "truth" / f"{name}.json")
    detections(cube((2, 2, 2))).save(tmp_path / "marks" / "a.json")
    scoring = put_together(read_truth(tmp_path / "truth", Progress()), read_marks(tmp_path / "marks", Progress()))
    assert [image.image for image in scoring.images] == ["a"]
    assert scoring.left_out[0].case == "b"
    assert any("1 images were left out" in note for note in scoring.notes)


def test_a_bad_label_map_is_left_out(tmp_path, label_map):
    (tmp_path / "truth").mkdir()
    write_image(label_map, tmp_path / "truth" / "a.nii.gz")
    write_image(label_map.with_voxels(label_map.voxels + np.float32(0.5)), tmp_path / "truth" / "b.nii.gz")
    truth = read_truth(tmp_path / "truth", Progress())
    assert list(truth.images) == ["a"]
    assert "not whole numbers" in truth.left_out[0].reason


@pytest.mark.parametrize("read", [read_marks, read_truth])
def test_folders_that_hold_nothing(tmp_path, read):
    with pytest.raises(InputError, match="holds no"):
        read(tmp_path, Progress())
    with pytest.raises(InputError, match="There is no folder"):
        read(tmp_path / "none", Progress())


def test_two_label_maps_of_one_name(tmp_path, label_map):
    for ending in (".nii.gz", ".nrrd"):
        write_image(label_map, tmp_path / f"a{ending}")
    with pytest.raises(InputError, match="two label maps of “a”"):
        read_truth(tmp_path, Progress())


def test_reading_can_be_cancelled(tmp_path):
    detections(cube((2, 2, 2))).save(tmp_path / "a.json")
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        read_marks(tmp_path, progress)
