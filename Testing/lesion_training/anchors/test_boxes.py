"""Boxes of tables and cohorts: their sides in pixels of the input, their splits, and what is refused."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from LesionDetectionLib.core.errors import InputError, UsageError
from LesionDetectionLib.core.image import CT, HU, Image
from LesionDetectionLib.core.lesion import Lesion, Mask
from LesionDetectionLib.core.progress import Progress
from LesionTrainingLib.anchors.boxes import Reading, read_boxes
from LesionTrainingLib.anchors.cohort_boxes import boxes_of_case, boxes_of_cohort
from LesionTrainingLib.cohorts.case import VALIDATION, Case, Truth
from LesionTrainingLib.cohorts.cohort import Cohort
from LesionTrainingLib.cohorts.deeplesion import DeepLesionCase
from LesionTrainingLib.cohorts.deeplesion_rows import read_key_slices

HEADING = (
    "File_name,Key_slice_index,Measurement_coordinates,Bounding_boxes,Lesion_diameters_Pixel_,Coarse_lesion_type,"
    "Possibly_noisy,Spacing_mm_px_,Image_size,Train_Val_Test"
)


def deeplesion_row(number, box="10, 20, 39, 59", split=2, size="512, 512", noisy=0, diameters="30, 20"):
    return f'{number:06d}_01_01_005.png,5,"1, 2, 3, 4, 5, 6, 7, 8","{box}","{diameters}",5,{noisy},"0.8, 0.8, 5","{size}",{split}'


@pytest.fixture
def table(tmp_path):
    def write(*lines, name="boxes.csv"):
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return str(path)

    return write


def test_deeplesions_corners_belong_to_the_box_and_slices_are_resized(table):
    rows = (
        deeplesion_row(1),
        deeplesion_row(2, size="768, 1024"),
        deeplesion_row(3, split=1),
        deeplesion_row(4, noisy=1),
    )
    boxes = read_boxes(table(HEADING, *rows))
    assert boxes.sides.tolist() == [[30, 40], [15, 20]]
    assert boxes.size_mm.tolist() == [24, 24]
    assert any("1 boxes that the list flags as possibly noisy" in note for note in boxes.notes)
    assert len(read_boxes(boxes_path := table(HEADING, *rows), Reading("all")).sides) == 3
    assert read_boxes(boxes_path, Reading("train", margin_px=1)).sides.tolist() == [[32, 42]]


def test_training_stands_for_validation_and_test_never_does(table):
    path = table(HEADING, deeplesion_row(1, split=1), deeplesion_row(2, split=3), deeplesion_row(3, split=3))
    for split in ("", "val"):
        boxes = read_boxes(path, Reading(split))
        assert len(boxes.sides) == 1
        assert (
            "no box of the validation split (training 1, test 2): those of the training split stand" in boxes.notes[0]
        )
    with pytest.raises(InputError, match=r"no box of the validation split. It has: test 1"):
        read_boxes(table(HEADING, deeplesion_row(1, split=3)), Reading("val"))
    with pytest.raises(InputError, match="no box of the test split"):
        read_boxes(table(HEADING, deeplesion_row(1)), Reading("test"))


@pytest.mark.parametrize(
    ("heading", "row", "inclusive", "expected"),
    [
        ("width,height", "20,30", False, (20, 30)),
        ("id,W,H", "a,20,30", False, (20, 30)),
        ("x0,y0,x1,y1", "5,6,25,36", False, (20, 30)),
        ("x1,y1,x2,y2", "5,6,25,36", True, (21, 31)),
        ("left,top,right,bottom,width,height", "5,6,25,36,1,1", False, (20, 30)),
        ("xmin;ymin;xmax;ymax", "5;6,5;25;36", False, (20, 29.5)),
    ],
)
def test_any_table_of_boxes_is_read(table, heading, row, inclusive, expected):
    boxes = read_boxes(table(heading, row), Reading(inclusive=inclusive))
    assert boxes.sides.tolist() == [list(expected)]
    assert any("--image-px" in note for note in boxes.notes)


def test_image_sizes_and_sizes_in_mm_are_used_where_they_are_told(table):
    path = table(
        "width,height,image_width,image_height,spacing_mm,diameter_mm,split",
        "20,30,1024,800,0.5,,val",
        "20,30,,,,12,validation",
        "20,30,,,,,test",
    )
    boxes = read_boxes(path, Reading(image_px=256))
    assert boxes.sides.tolist() == [[10, 15], [40, 60]]
    assert boxes.size_mm.tolist() == [15, 12]
    assert np.isnan(read_boxes(path, Reading("test")).size_mm).all()


def test_rows_that_make_no_sense_are_left_out_and_told(table):
    boxes = read_boxes(table("width,height", "20,30", "nan,3", "-4,3", "0,1", "5", "many,3"))
    assert boxes.sides.tolist() == [[20, 30]]
    assert "5 left out. The first: " in boxes.notes[-1]


@pytest.mark.parametrize(
    ("lines", "reading", "told"),
    [
        (("",), {}, "is empty"),
        (("width,height",), {}, "no box in boxes.csv"),
        (("width,height", "nan,nan"), {}, "1 were left out, the first: boxes.csv, line 2: “nan” under width"),
        (("width,height", "-1,5"), {}, "is no box"),
        (("width,height", "1e300,5"), {}, "larger than any image"),
        (("width,depth", "3,5"), {}, "it has width, depth"),
        (("x0,y0,x1,height", "3,5,4,4"), {}, "no columns of boxes"),
        (("width,height", "3,5"), {"split": "val"}, "names no splits"),
        (("width,height,split", "3,5,fold7"), {}, "“fold7” under split"),
        ((HEADING, deeplesion_row(1, box="39, 59, 10, 20")), {}, "is no box"),
        ((HEADING.replace("Spacing_mm_px_", "Spacing"), deeplesion_row(1)), {}, "no column Spacing_mm_px_"),
    ],
)
def test_a_table_without_usable_boxes_is_refused_in_a_sentence(table, lines, reading, told):
    with pytest.raises(InputError, match=told):
        read_boxes(table(*lines), Reading(**reading))


def test_no_file_and_no_such_split_are_told(tmp_path, table):
    with pytest.raises(InputError, match="cannot be read"):
        read_boxes(str(tmp_path / "none.csv"))
    with pytest.raises(UsageError, match="no split “tests”"):
        read_boxes(table("width,height", "3,5"), Reading("tests"))
    with pytest.raises(UsageError, match="pixels wide"):
        read_boxes(table("width,height", "3,5"), Reading(input_px=0))


@dataclass(frozen=True)
class Made(Case):
    """Slices run along the array's last axis: the image lies sagittally, and rows are to be told from slices."""

    lesions: tuple = ()

    def images(self, progress=None):
        matrix = np.zeros((4, 4))
        matrix[2, 0], matrix[0, 1], matrix[1, 2], matrix[3, 3] = 5.0, -0.5, -2.0, 1.0  # i is up, j left, k posterior
        return {CT: Image(np.zeros((16, 64, 4), np.int16), matrix, CT, HU)}

    def truth(self):
        return Truth(self.lesions)

    def sources(self):
        return ()


def test_a_masks_box_is_that_of_its_largest_section_in_axial_order():
    voxels = np.zeros((6, 20, 2), bool)
    voxels[0, :, 0] = True  # slice 0: 20 columns, 1 row, 20 voxels
    voxels[1:5, 2:12, 1] = True  # slice 1: 10 columns, 4 rows, 40 voxels
    lesions = (
        Lesion((0, 0, 0), 8.0, 1.0, mask=Mask(voxels, (1, 3, 4))),
        Lesion((0, 0, 0), 9.0, 1.0, box_ras_mm=((0.0, 0.0, 0.0), (6.0, 8.0, 5.0))),
        Lesion((0, 0, 0), 4.0, 1.0),
        Lesion((0, 0, 0), 0.0, 1.0),
    )
    cohort = Cohort("made:", "made", (Made("a", "a", VALIDATION, (CT,), True, lesions),))
    reading = Reading()
    source = boxes_of_cohort(cohort, reading, Progress())
    assert [(box.width, box.height) for box in source.boxes] == [(20, 14), (12, 4), (8, 2)]
    assert {box.image_px for box in source.boxes} == {64}
    assert [box.size_mm for box in source.boxes] == [8, 9, 4]
    bare = boxes_of_cohort(cohort, Reading(margin_px=0), Progress()).boxes[0]
    assert (bare.width, bare.height) == (10, 4)
    with pytest.raises(InputError, match="has labels"):
        boxes_of_cohort(Cohort("made:", "made", (Made("a", "a", "", (CT,), False),)), reading, Progress())


def test_a_cohort_is_named_by_its_specification(monkeypatch):
    case = Made(
        "a", "a", "", (CT,), True, (Lesion((0, 0, 0), 9.0, 1.0, box_ras_mm=((0.0, 0.0, 0.0), (6.0, 8.0, 5.0))),)
    )
    cohort = Cohort("folder:/here", "a folder", (case,), notes=("Made for a test.",), on_phantoms=True)
    monkeypatch.setattr("LesionTrainingLib.anchors.boxes.open_cohort", lambda *_: cohort)
    boxes = read_boxes("folder:/here")
    assert boxes.sides.tolist() == [[12 * 8, 4 * 8]]  # 64 columns become 512
    assert boxes.on_phantoms
    assert boxes.notes == ("Made for a test.",)


def test_the_list_of_a_deeplesion_cohort_says_it_all(table, tmp_path):
    """No slice is there to be read."""
    keys, _ = read_key_slices(Path(table(HEADING, deeplesion_row(1), deeplesion_row(2, noisy=1))))
    cases = [DeepLesionCase(key.id, key.patient, key.split, (CT,), True, key, (), False, 3, 2.0, ()) for key in keys]
    source = boxes_of_cohort(Cohort("deeplesion:/here", "DeepLesion", tuple(cases)), Reading(), Progress())
    assert [(box.width, box.height, box.split) for box in source.boxes] == [(30, 40, VALIDATION)]
    liver = boxes_of_case(replace(cases[0], kinds=(4,)), Reading())
    assert liver == []
