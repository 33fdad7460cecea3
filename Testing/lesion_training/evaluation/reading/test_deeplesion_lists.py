"""DeepLesion's table and marks on it: pixels kept as they are, millimetres beside them, and what is refused."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from LesionDetectionLib.core.errors import InputError, UsageError
from LesionTrainingLib.evaluation.matching import DeepLesion
from LesionTrainingLib.evaluation.reading.deeplesion_lists import image_name, read_marks, read_truth
from LesionTrainingLib.evaluation.reading.sets import put_together

HEADING = (
    "File_name,Key_slice_index,Bounding_boxes,Lesion_diameters_Pixel_,Possibly_noisy,Spacing_mm_px_,Train_Val_Test\n"
)
ROWS = (
    '000001_01_01_014.png,14,"100, 100, 119, 109","18, 8",0,"0.5, 0.5, 5",3\n'
    '000001_01_01_014.png,14,"200, 200, 219, 219","20, 15",0,"0.5, 0.5, 5",3\n'
    '000002_01_01_020.png,20,"50, 50, 69, 69","20, 15",1,"0.8, 0.8, 1",3\n'
    '000003_01_01_007.png,7,"50, 50, 69, 69","20, 15",0,"0.8, 0.8, 1",1\n'
)


@pytest.fixture
def write(tmp_path):
    def writer(name, text):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    return writer


def test_lesions_by_image_in_pixels_and_mm(write):
    truth = read_truth(write("DL_info.csv", HEADING + ROWS), "test")
    assert list(truth.images) == ["000001_01_01_014.png"]
    one = truth.images["000001_01_01_014.png"]
    assert one.lesions.pixel_boxes.tolist() == [[100, 100, 119, 109], [200, 200, 219, 219]]
    assert one.lesions.diameters_mm.tolist() == [9, 10]
    assert one.lesions.centers_ras_mm[0].tolist() == [54.75, 52.25, 70]
    np.testing.assert_allclose(one.lesions.boxes_ras_mm[0], [[49.75, 49.75, 67.5], [59.75, 54.75, 72.5]])
    assert one.geometry.spacing_mm == (0.5, 0.5, 5)
    assert "1 lesions flagged as possibly noisy were left out." in truth.notes


def test_all_splits_and_one_that_is_not_there(write):
    path = write("DL_info.csv", HEADING + ROWS)
    assert len(read_truth(path).images) == 2
    with pytest.raises(UsageError, match="has no split “holdout”"):
        read_truth(path, "holdout")
    with pytest.raises(InputError, match="no lesion to score in the validation split"):
        read_truth(path, "validation")


def test_marks_are_scored_in_pixels(write):
    truth = read_truth(write("DL_info.csv", HEADING + ROWS))
    marks = write(
        "marks.csv",
        "File_name,x1,y1,x2,y2,score\n000001_01_01/014.png,100,100,119,118,0.9\n"
        "000001_01_01_014.png,205,200,219,219,0.8\n000003_01_01_007.png,0,0,9,9,0.7\n",
    )
    scoring = put_together(truth, read_marks(marks, truth))
    first, second = (DeepLesion().match(image) for image in scoring.images)
    np.testing.assert_allclose(np.diag(first.values), [200 / 380, 300 / 400])
    assert first.lesion_marks.tolist() == [0, 1]
    assert second.false_positive_scores.tolist() == [0.7]
    np.testing.assert_allclose(scoring.images[0].marks.centers_ras_mm[0], [54.75, 54.5, 70])


def test_few_marked_images_are_told(write):
    rows = "".join(f'00000{n}_01_01_001.png,1,"5, 5, 9, 9","4, 3",0,"1, 1, 1",1\n' for n in range(1, 6))
    truth = read_truth(write("DL_info.csv", HEADING + rows))
    marks = read_marks(write("marks.csv", "File_name,x1,y1,x2,y2,score\n000001_01_01_001.png,5,5,9,9,1\n"), truth)
    assert any("Only 1 of 5 images have any mark" in note for note in marks.notes)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"100, 100, 119, 109"', '"100, 100, 119"', "is not 4 numbers with commas"),
        ('"100, 100, 119, 109"', '"120, 100, 119, 109"', "x1 <= x2"),
        ('"0.5, 0.5, 5"', '"0, 0.5, 5"', "spacing of zero"),
        ("Bounding_boxes", "Boxes", "has no column Bounding_boxes"),
        (",14,", ",x,", "“x” under Key_slice_index"),
    ],
)
def test_a_bad_table_is_refused(write, old, new, message):
    with pytest.raises(InputError, match=message):
        read_truth(write("DL_info.csv", (HEADING + ROWS).replace(old, new)))


@pytest.mark.parametrize("row", ["a.png,9,0,5,5,1", "a.png,0,9,5,5,1", "a.png,0,0,5,5,nan"])
def test_bad_marks_are_refused(write, row):
    truth = read_truth(write("DL_info.csv", HEADING + ROWS))
    with pytest.raises(InputError, match="line 2"):
        read_marks(write("marks.csv", f"File_name,x1,y1,x2,y2,score\n{row}\n"), truth)


def test_names_as_files_lie_on_disk():
    assert image_name("Images_png/000001_02_01/014.png") == "000001_02_01_014.png"
    assert image_name(" 000001_02_01_014.png") == "000001_02_01_014.png"


def test_the_genuine_table_found_by_its_own_boxes(real_data, tmp_path):
    """Every lesion marked by its own box is found, each by itself, with an IoU of 1."""
    path = real_data("deeplesion/DL_info_subset.csv")
    truth = read_truth(path)
    with path.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["Possibly_noisy"] == "0"]
    with (tmp_path / "marks.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["File_name", "x1", "y1", "x2", "y2", "score"])
        writer.writerows(
            [row["File_name"], *row["Bounding_boxes"].split(","), 1 / (n + 1)] for n, row in enumerate(rows)
        )
    scoring = put_together(truth, read_marks(tmp_path / "marks.csv", truth))
    outcomes = [DeepLesion().match(image) for image in scoring.images]
    assert sum(len(outcome.lesion_marks) for outcome in outcomes) == len(rows)
    assert all((outcome.lesion_marks >= 0).all() for outcome in outcomes)
    assert all(np.allclose(np.diag(outcome.values), 1) for outcome in outcomes)
