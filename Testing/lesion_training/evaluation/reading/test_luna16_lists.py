"""LUNA16's lists: frames, unknown sizes, what is left aside, and what is refused in a sentence."""

from __future__ import annotations

import numpy as np
import pytest
from LesionDetectionLib.core.errors import InputError
from LesionTrainingLib.evaluation.reading.luna16_lists import read_marks, read_truth
from LesionTrainingLib.evaluation.reading.sets import put_together


@pytest.fixture
def lists(tmp_path):
    """Two series: one nodule, one excluded finding, three marks; a nodule and a mark of a third series."""

    def write(name, text):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path / name

    write("annotations.csv", "seriesuid,coordX,coordY,coordZ,diameter_mm\na,-10,20,30,8\nz,0,0,0,5\n")
    write("excluded.csv", "seriesuid,coordX,coordY,coordZ,diameter_mm\nb,1,2,3,-1\nb,1,2,3,-1\n")
    write("series.csv", "a\nb\n")
    write(
        "marks.csv",
        "seriesuid,coordX,coordY,coordZ,probability\nb,1,2,4,0.5\na,-10,21,30,0.9\na,50,50,50,0.1\nz,0,0,0,0.3\n",
    )
    return lambda name, text=None: tmp_path / name if text is None else write(name, text)


def test_positions_become_ras_and_unknown_sizes_nan(lists):
    truth = read_truth(lists("annotations.csv"), lists("excluded.csv"), lists("series.csv"))
    assert list(truth.images) == ["a", "b"]
    assert truth.images["a"].lesions.centers_ras_mm.tolist() == [[10, -20, 30]]
    assert truth.images["a"].lesions.diameters_mm.tolist() == [8]
    assert len(truth.images["b"].lesions) == 0
    assert np.isnan(truth.images["b"].excluded.diameters_mm).all()
    assert truth.notes == ("1 series of the annotations are not to be scored and were left aside.",)


def test_marks_keep_their_rows_and_strangers_are_told(lists):
    marks = read_marks(lists("marks.csv"))
    assert marks.images["a"].marks.sources.tolist() == [2, 3]
    assert marks.images["a"].marks.scores.tolist() == [0.9, 0.1]
    scoring = put_together(read_truth(lists("annotations.csv"), None, lists("series.csv")), marks)
    assert [image.image for image in scoring.images] == ["a", "b"]
    assert any("1 marks are on 1 images that are not among" in note and "“z”" in note for note in scoring.notes)


def test_a_series_without_marks_is_scored(lists):
    marks = read_marks(lists("few.csv", "seriesuid,coordX,coordY,coordZ,probability\nb,1,2,4,0.5\n"))
    scoring = put_together(read_truth(lists("annotations.csv"), None, lists("series.csv")), marks)
    assert [len(image.marks) for image in scoring.images] == [0, 1]
    assert scoring.left_out == ()


def test_a_list_may_have_a_heading_a_bom_and_columns_in_any_order(lists):
    series = lists("headed.csv", "\ufeffseriesuid\nb\na\n")
    annotations = lists("other.csv", "diameter_mm,coordZ,coordY,coordX,seriesuid,more\n8,30,20,-10,a,x\n")
    truth = read_truth(annotations, None, series)
    assert list(truth.images) == ["b", "a"]
    assert truth.images["a"].lesions.centers_ras_mm.tolist() == [[10, -20, 30]]


def test_marks_may_say_their_size(lists):
    marks = read_marks(lists("sized.csv", "seriesuid,coordX,coordY,coordZ,probability,diameter_mm\na,0,0,0,1,6.5\n"))
    assert marks.images["a"].marks.diameters_mm.tolist() == [6.5]


def test_repeated_marks_are_counted_and_told(lists):
    text = "seriesuid,coordX,coordY,coordZ,probability\n" + "a,0,0,0,0.5\n" * 3
    marks = read_marks(lists("twice.csv", text))
    assert len(marks.images["a"].marks) == 3
    assert marks.notes[0].startswith("2 rows of the marks repeat another")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("seriesuid,coordX,coordY,coordZ\na,0,0,0\n", "has no column probability"),
        ("seriesuid,coordX,coordY,coordZ,probability\na,0,0,0,nan\n", "line 2: “nan” under probability"),
        ("seriesuid,coordX,coordY,coordZ,probability\na,0,0,0,1\na,0,,0,1\n", "line 3: “” under coordY"),
        ("seriesuid,coordX,coordY,coordZ,probability\na,0,0,0,high\n", "“high” under probability"),
        ("seriesuid,coordX,coordY,coordZ,probability\na,0,0,inf,1\n", "“inf” under coordZ"),
        ("seriesuid,coordX,coordY,coordZ,probability\na,0,0,0\n", "4 cells under 5 columns"),
    ],
)
def test_bad_marks_are_refused_with_their_line(lists, text, message):
    with pytest.raises(InputError, match=message):
        read_marks(lists("bad.csv", text))


def test_a_file_that_is_no_table(lists, tmp_path):
    (tmp_path / "binary.csv").write_bytes(b"\x89PNG\x00\x81" * 20)
    for path, words in ((tmp_path / "binary.csv", "binary.csv is no table"), (tmp_path / "none.csv", "cannot be read")):
        with pytest.raises(InputError, match=words):
            read_marks(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("first", ["", "sep=;\r\n"])
def test_marks_that_a_spreadsheet_saved(tmp_path, encoding, first):
    path = tmp_path / "marks.csv"
    path.write_bytes(f"{first}seriesuid;coordX;coordY;coordZ;probability\r\na;-1,5;2;3;0,25\r\n".encode(encoding))
    marks = read_marks(path).images["a"].marks
    assert (marks.centers_ras_mm.tolist(), marks.scores.tolist()) == ([[1.5, -2, 3]], [0.25])
    path.write_text("seriesuid;coordX;coordY;coordZ;probability\na;1.234,5;2;3;0,25\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"line 2: “1\.234,5” under coordX"):
        read_marks(path)


def test_series_must_be_there_once(lists):
    for text, message in (("a\nb\na\n", "line 3: “a” is there twice"), ("seriesuid\n", "names no images")):
        with pytest.raises(InputError, match=message):
            read_truth(lists("annotations.csv"), None, lists("bad.csv", text))


def test_marks_of_other_images_altogether_are_refused(lists):
    marks = read_marks(lists("others.csv", "seriesuid,coordX,coordY,coordZ,probability\nq,1,2,4,0.5\n"))
    with pytest.raises(InputError, match="Do the names mean the same images"):
        put_together(read_truth(lists("annotations.csv"), None, lists("series.csv")), marks)


def test_no_marks_at_all_is_a_result(lists):
    marks = read_marks(lists("none.csv", "seriesuid,coordX,coordY,coordZ,probability\n"))
    scoring = put_together(read_truth(lists("annotations.csv"), None, lists("series.csv")), marks)
    assert [len(image.marks) for image in scoring.images] == [0, 0]
