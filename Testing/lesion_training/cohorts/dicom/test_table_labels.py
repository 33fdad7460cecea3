"""A table of points or boxes as labels of series."""

from __future__ import annotations

import pytest
from LesionDetectionLib.core.errors import InputError
from LesionTrainingLib.cohorts.dicom.table_labels import read_image_labels, read_marks
from LesionTrainingLib.cohorts.spec import open_cohort


@pytest.fixture
def table(tmp_path):
    def write(text, name="labels.csv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_points_in_either_frame(table):
    path = table("SeriesInstanceUID,x,y,z,diameter_mm\n1.2,10,-20,30,5.5\n1.2,1,2,3,\n1.3,,,,\n")
    marks, left_out = read_marks(path, "LPS")
    assert [(mark.center_ras_mm, mark.diameter_mm) for mark in marks["1.2"]] == [
        ((-10.0, 20.0, 30.0), 5.5),
        ((-1.0, -2.0, 3.0), 0.0),
    ]
    assert marks["1.3"] == ()  # looked at, and nothing there
    assert left_out == []
    assert read_marks(path, "RAS")[0]["1.2"][0].center_ras_mm == (10.0, -20.0, 30.0)


def test_what_the_whole_image_shows(table):
    path = table(
        "seriesuid,label,x,y,z\n1.2,lung,1,2,3\n1.2,,4,5,6\n1.3,none,,,\n1.4,,1,2,3\n1.5,lung,1,2,3\n1.5,none,,,\n"
    )
    marks, (left,) = read_marks(path, "RAS")
    assert (left.case, "the label is “none”, and “lung” in a row before" in left.reason) == ("1.5", True)
    assert {uid: len(found) for uid, found in marks.items()} == {"1.2": 2, "1.3": 0, "1.4": 1}
    labels = read_image_labels(path)
    assert {uid: labels.get(uid, "") for uid in marks} == {"1.2": "lung", "1.3": "none", "1.4": ""}
    assert read_image_labels(table("seriesuid,x,y,z\n1.2,1,2,3\n", "points.csv")) == {}


def test_boxes(table):
    path = table("seriesuid,x_min,y_min,z_min,x_max,y_max,z_max\n1.2,10,-20,30,14,-10,36\n")
    (mark,) = read_marks(path, "LPS")[0]["1.2"]
    assert mark.box_ras_mm == ((-14.0, 10.0, 30.0), (-10.0, 20.0, 36.0))
    assert (mark.center_ras_mm, mark.diameter_mm) == ((-12.0, 15.0, 33.0), 10.0)
    assert mark.lesion().box_ras_mm == mark.box_ras_mm


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ("1.2,a,2,3,4", "“a” under x is no number"),
        ("1.2,1,2,,4", "z is missing"),
        ("1.2,1,2,inf,4", "“inf” under z is no finite number"),
        ("1.2,1,2,3,-4", "the diameter is negative"),
        ("1.2,1,2", "there are 3 cells under 5 columns"),
    ],
)
def test_a_bad_row_makes_its_series_unlabelled(table, row, text):
    """Half of the truth would make good detections look false."""
    marks, left_out = read_marks(
        table(f"SeriesInstanceUID,x,y,z,diameter_mm\n1.2,1,2,3,4\n{row}\n1.3,1,2,3,4\n"), "LPS"
    )
    assert set(marks) == {"1.3"}
    assert [left.case for left in left_out] == ["1.2"]
    assert left_out[0].reason.startswith(f"labels.csv, line 3: {text}.")


def test_many_bad_rows_are_counted(table):
    _, left_out = read_marks(table("SeriesInstanceUID,x,y,z\n" + "1.2,a,b,c\n" * 30), "LPS")
    assert len(left_out) == 21
    assert "10 more lines" in left_out[-1].reason


@pytest.mark.parametrize(
    "text", ["a,b\n1,2\n", "SeriesInstanceUID,x,y\n", "x,y,z\n1,2,3\n", "SeriesInstanceUID\n1.2\n"]
)
def test_tables_without_the_columns_are_refused(table, text):
    with pytest.raises(InputError, match="needs the columns SeriesInstanceUID"):
        read_marks(table(text), "LPS")


def test_a_table_as_a_spreadsheet_writes_it(table):
    marks, _ = read_marks(table("\ufeffSeriesUID;X;Y;Z;Diameter_mm\r\n1.2;1,5;-2;3;4,25\r\n"), "RAS")
    (mark,) = marks["1.2"]
    assert (mark.center_ras_mm, mark.diameter_mm) == ((1.5, -2.0, 3.0), 4.25)


def test_a_box_without_size_is_refused(table):
    _, left_out = read_marks(table("seriesuid,x_min,y_min,z_min,x_max,y_max,z_max\n1.2,1,2,3,4,2,6\n"), "LPS")
    assert "the box has no size along one axis" in left_out[0].reason


def test_a_table_of_a_folder(files, table):
    labelled, empty, unknown = (files.image(into=name) for name in "abc")
    (files.folder / "labels.csv").write_text(
        f"seriesuid,coordX,coordY,coordZ,diameter_mm,label\n{labelled},-26,18,105,4,lung\n{labelled},999,0,0,4,\n"
        f"{empty},,,,,\n1.9,1,1,1,1,\n"
    )
    cohort = open_cohort(f"dicom:{files.folder}?labels=table:labels.csv")
    cases = {case.id: case for case in cohort.cases}
    assert {uid: case.labelled for uid, case in cases.items()} == {labelled: True, empty: True, unknown: False}
    truth = cases[labelled].truth()
    assert [lesion.center_ras_mm for lesion in truth.lesions] == [(26.0, -18.0, 105.0), (-999.0, 0.0, 0.0)]
    assert "outside the image: 1" in truth.notes[0]
    assert cases[empty].truth().lesions == ()
    assert (truth.label, cases[empty].truth().label) == ("lung", "")
    assert set(cohort.notes) == {"Series of the table that are no case here: 1 of 3.", "Cases without labels: 1 of 3."}


def test_a_table_that_is_not_there(files):
    files.image()
    with pytest.raises(InputError, match=r"There is no table nodules\.csv"):
        open_cohort(f"dicom:{files.folder}?labels=table:nodules.csv")
