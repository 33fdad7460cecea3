"""DeepLesion: rows, splits and boxes as in the set's list; slices at 2 mm, a missing neighbour repeating the key slice."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from deeplesion_set import a_row, a_set
from LesionDetectionLib.core.errors import InputError, UsageError
from LesionDetectionLib.core.image import CT, HU
from LesionTrainingLib.cohorts.deeplesion_rows import read_key_slices
from LesionTrainingLib.cohorts.spec import open_cohort


def opened(path, options=""):
    return open_cohort(f"deeplesion:{path}{options}")


def levels(image):
    """The value of each slice."""
    return [int(plane[0, 0]) for plane in image.voxels]


def test_a_key_slice_with_its_neighbours(tmp_path):
    (case,) = opened(a_set(tmp_path, [a_row()])).cases
    assert (case.id, case.patient, case.split, case.labelled) == ("000001_01_01_005", "000001", "test", True)
    assert [path.name for path in case.sources()] == ["003.png", "005.png", "007.png"]
    image = case.images()[CT]
    assert (image.modality, image.unit) == (CT, HU)
    assert image.voxels.dtype == np.int16
    assert levels(image) == [300, 500, 700]
    assert image.voxels[1, 20, 10] == -32768
    assert image.spacing_mm == (0.5, 0.5, 2.0)
    assert image.notes == ()


def test_columns_run_left_rows_back_and_slices_down(tmp_path):
    geometry = opened(a_set(tmp_path, [a_row()])).cases[0].images()[CT].geometry
    np.testing.assert_allclose(geometry.ras_from_ijk((0, 0, 1)), (0, 0, -5))
    np.testing.assert_allclose(geometry.ras_from_ijk((2, 4, 2)), (-1, -2, -7))


def test_the_lesion_lies_on_its_pixels(tmp_path):
    """Pixels in the list count from 1."""
    (case,) = opened(a_set(tmp_path, [a_row()])).cases
    geometry, (lesion,) = case.images()[CT].geometry, case.truth().lesions
    ends = geometry.ijk_from_ras(lesion.recist.long_axis_ras_mm)
    np.testing.assert_allclose(ends, [(10, 20, 1), (20, 20, 1)], atol=1e-9)
    np.testing.assert_allclose(
        geometry.ijk_from_ras(lesion.recist.short_axis_ras_mm), [(15, 17, 1), (15, 23, 1)], atol=1e-9
    )
    np.testing.assert_allclose(geometry.ijk_from_ras(lesion.center_ras_mm), (15, 20, 1), atol=1e-9)
    corners = np.sort(geometry.ijk_from_ras(lesion.box_ras_mm), axis=0)
    np.testing.assert_allclose(corners, [(4.5, 11.5, 0.5), (25.5, 28.5, 1.5)], atol=1e-9)
    assert np.all(np.array(lesion.box_ras_mm[0]) < lesion.box_ras_mm[1])
    assert lesion.diameter_mm == 5.0
    assert lesion.recist.long_mm == pytest.approx(5.0)
    assert lesion.recist.short_mm == pytest.approx(3.0)
    assert lesion.measurements == {"coarse_lesion_type": 5.0}
    assert "lung" in lesion.note


@pytest.mark.parametrize(
    ("spacing", "expected"),
    [
        (5.0, [460, 500, 540]),  # two fifths of the way to the neighbour
        (1.0, [300, 500, 700]),
        (0.8, [250, 500, 750]),  # half-way between the second and the third
        (2.0, [400, 500, 600]),
    ],
)
def test_slices_are_two_millimetres_apart(tmp_path, spacing, expected):
    (case,) = opened(a_set(tmp_path, [a_row(Spacing_mm_px_=f"0.5, 0.5, {spacing}")])).cases
    assert levels(case.images()[CT]) == expected


def test_a_missing_neighbour_repeats_the_key_slice(tmp_path):
    (case,) = opened(a_set(tmp_path, [a_row()], slices=(4, 5, 7))).cases
    image = case.images()[CT]
    assert levels(image) == [500, 500, 700]
    assert image.notes == ("The slice at -2 mm is not there; the key slice stands for it.",)


def test_more_slices_and_another_spacing(tmp_path):
    (case,) = opened(a_set(tmp_path, [a_row()]), "?slices=5&spacing=1").cases
    image = case.images()[CT]
    assert levels(image) == [300, 400, 500, 600, 700]
    np.testing.assert_allclose(image.geometry.ras_from_ijk((0, 0, 2)), (0, 0, -5))
    assert levels(opened(tmp_path, "?slices=1").cases[0].images()[CT]) == [500]


def test_lesions_of_one_image_are_one_case(tmp_path):
    rows = [a_row(5), a_row(6), a_row(5, Bounding_boxes="1, 2, 8, 9")]
    cohort = opened(a_set(tmp_path, rows))
    assert [(case.id[-3:], len(case.truth().lesions)) for case in cohort.cases] == [("005", 2), ("006", 1)]


def test_noisy_lesions_are_not_used_unless_they_are_wanted(tmp_path):
    a_set(tmp_path, [a_row(4), a_row(5), a_row(5, Possibly_noisy=1), a_row(6, Possibly_noisy=1)])
    cohort = opened(tmp_path)
    assert [case.id[-3:] for case in cohort.cases] == ["004", "005"]
    assert any("1 images whose lesions are flagged" in note for note in cohort.notes)
    truth = cohort.cases[1].truth()
    assert [["noisy" in lesion.note for lesion in found] for found in (truth.lesions, truth.excluded)] == [
        [False],
        [True],
    ]
    kept = opened(tmp_path, "?noisy=keep")
    assert [case.id[-3:] for case in kept.cases] == ["004", "005", "006"]
    assert ["noisy" in lesion.note for lesion in kept.cases[1].truth().lesions] == [False, True]
    with pytest.raises(UsageError, match="noisy is “keep” or “drop”"):
        opened(tmp_path, "?noisy=perhaps")


def test_types_choose_images_and_exclude_other_lesions(tmp_path):
    rows = [a_row(4, Coarse_lesion_type=4), a_row(4), a_row(5, Coarse_lesion_type=1), a_row(6, Coarse_lesion_type=-1)]
    a_set(tmp_path, rows)
    (case,) = opened(tmp_path, "?types=4").cases
    assert [len(found) for found in (case.truth().lesions, case.truth().excluded)] == [1, 1]
    assert case.truth().lesions[0].measurements["coarse_lesion_type"] == 4
    assert len(opened(tmp_path).cases) == 3
    with pytest.raises(UsageError, match="1 to 8"):
        opened(tmp_path, "?types=9")


def test_splits(tmp_path):
    rows = [a_row(n + 1, Train_Val_Test=n) for n in (1, 2, 3)]
    a_set(tmp_path, rows)
    assert [case.split for case in opened(tmp_path).cases] == ["training", "validation", "test"]
    assert [case.id[-3:] for case in opened(tmp_path, "?split=validation").cases] == ["003"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"Bounding_boxes": "6, 13, 5, 29"}, "is no box"),
        ({"Bounding_boxes": "6, 13, 26"}, "is not 4 numbers"),
        ({"Bounding_boxes": "6, 13, 26, nan"}, "is not 4 numbers"),
        ({"Measurement_coordinates": ""}, "is not 8 numbers"),
        ({"Lesion_diameters_Pixel_": "0, 1"}, "are no diameters"),
        ({"Spacing_mm_px_": "0.5, 0.5, 0"}, "is no spacing"),
        ({"Train_Val_Test": 4}, "none of 1, 2 and 3"),
        ({"Coarse_lesion_type": 9}, "no type of lesion"),
        ({"Key_slice_index": 4}, "does not end in the key slice 4"),
        ({"Key_slice_index": "5.5"}, "no whole number"),
        ({"File_name": ""}, "does not end in the key slice"),
    ],
)
def test_a_row_that_makes_no_sense_leaves_its_image_out(tmp_path, change, sentence):
    """The image has a good row too: but half of its lesions would make good detections look false."""
    cohort = opened(a_set(tmp_path, [a_row(4), a_row(5), a_row(5, **change)]))
    ids = [case.id[-3:] for case in cohort.cases]
    assert ids == (["004", "005"] if "File_name" in change else ["004"])
    (left,) = cohort.left_out
    assert sentence in left.reason
    assert "line 4" in left.reason


def test_rows_of_one_image_that_contradict_each_other(tmp_path):
    cohort = opened(a_set(tmp_path, [a_row(4), a_row(5), a_row(5, Train_Val_Test=1)]))
    assert [case.id[-3:] for case in cohort.cases] == ["004"]
    assert "lines 3 and 4: spacing, size or split of one image differ" in cohort.left_out[0].reason


def test_an_image_that_is_not_there_is_left_out(tmp_path):
    cohort = opened(a_set(tmp_path, [a_row(4), a_row(12)]))
    assert [(left.case, left.reason) for left in cohort.left_out] == [
        ("000001_01_01_012", "Its image Images_png/000001_01_01/012.png is not there.")
    ]


def damaged(path, kind):
    whole = path.read_bytes()
    if kind == "cut off":
        path.write_bytes(whole[: len(whole) // 2])
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "garbled":
        path.write_bytes(whole[:60] + bytes(20) + whole[80:])
    elif kind == "8 bits":
        cv2.imwrite(str(path), np.zeros((32, 40), np.uint8))
    elif kind == "colours":
        cv2.imwrite(str(path), np.zeros((32, 40, 3), np.uint16))
    elif kind == "small":
        cv2.imwrite(str(path), np.zeros((31, 40), np.uint16))


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("cut off", "is no PNG image"),
        ("empty", "is no PNG image"),
        ("garbled", "is no PNG image"),
        ("8 bits", "8 bits"),
        ("colours", "3 dimensions"),
        ("small", "40 x 31 pixels, and the list says 40 x 32"),
    ],
)
def test_a_damaged_slice_is_told(tmp_path, kind, sentence):
    (case,) = opened(a_set(tmp_path, [a_row()])).cases
    damaged(tmp_path / "Images_png" / "000001_01_01" / "005.png", kind)
    with pytest.raises(InputError, match=sentence):
        case.images()


def test_lists_and_folders_that_cannot_be_used(tmp_path):
    with pytest.raises(InputError, match="There is no folder"):
        opened(tmp_path / "none")
    with pytest.raises(InputError, match=r"holds no DL_info\.csv"):
        opened(tmp_path)
    with pytest.raises(InputError, match="cannot be read"):
        opened(tmp_path, "?info=mine.csv")
    (tmp_path / "DL_info.csv").write_text("File_name,Key_slice_index\n")
    with pytest.raises(InputError, match="has no column Measurement_coordinates"):
        opened(tmp_path)
    a_set(tmp_path, [])
    with pytest.raises(InputError, match="No case"):
        opened(tmp_path)
    with pytest.raises(UsageError, match="odd number"):
        opened(tmp_path, "?slices=2")


def test_another_list_is_found_or_named(tmp_path):
    a_set(tmp_path, [a_row()], name="DL_info_mine.csv")
    assert len(opened(tmp_path).cases) == 1
    a_set(tmp_path, [a_row(4), a_row(5)], name="DL_info_other.csv")
    assert len(opened(tmp_path, "?info=DL_info_other.csv").cases) == 2
    with pytest.raises(InputError, match="holds 2 lists"):
        opened(tmp_path)


def test_the_genuine_rows(real_data):
    """939 rows; a bounding box is the extent of the diameters plus 5 pixels, within the image."""
    keys, bad = read_key_slices(real_data("deeplesion/DL_info_subset.csv"))
    assert not bad
    assert len(keys) == 922
    lesions = [(key, lesion) for key in keys for lesion in key.lesions]
    assert len(lesions) == 939
    for key, lesion in lesions:
        points = np.array([*lesion.long_axis, *lesion.short_axis])
        # At the border the box is cut to the pixels that there are, 1 to the size.
        low = np.maximum(points.min(axis=0) - 5, 0)
        high = np.minimum(points.max(axis=0) + 5, np.array(key.size) - 1)
        np.testing.assert_allclose(lesion.box, [*low, *high], atol=2e-3)
        assert np.linalg.norm(np.subtract(*lesion.long_axis)) == pytest.approx(lesion.long_px, abs=0.01)
    assert {key.split for key in keys} == {"training", "test"}


def test_the_genuine_series(real_data):
    cohort = opened(real_data("deeplesion"))
    assert [case.id for case in cohort.cases] == ["000001_02_01_014", "000001_02_01_017", "000001_03_01_088"]
    assert len(cohort.left_out) == 919
    for case in cohort.cases:
        image, truth = case.images()[CT], case.truth()
        assert image.shape_kji == (3, 512, 512)
        assert -1100 < image.voxels.min() < -900
        assert image.voxels.max() < 3000
        for lesion in truth.lesions:
            assert image.geometry.contains_ras(lesion.center_ras_mm)
            assert lesion.recist.long_mm == pytest.approx(lesion.diameter_mm, abs=0.01)
            x, y, k = np.rint(image.geometry.ijk_from_ras(lesion.center_ras_mm)).astype(int)
            assert k == 1
            assert -200 < np.median(image.voxels[1, y - 3 : y + 4, x - 3 : x + 4]) < 300  # soft tissue
