"""The table of lesions: values, missing values, and a CSV file that no spreadsheet runs."""

from __future__ import annotations

import csv
from dataclasses import replace

import pytest
from LesionDetectionLib.core.errors import OutputError
from LesionDetectionLib.io.lesion_table import lesion_columns, lesion_label, write_csv


def read(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_numbers_read_back_exactly_and_names_carry_units(make_run, tmp_path):
    image, detections = make_run(3)
    write_csv(detections, tmp_path / "lesions.csv")
    rows = read(tmp_path / "lesions.csv")
    assert [row["rank"] for row in rows] == ["1", "2", "3"]
    for row, lesion in zip(rows, detections.lesions, strict=True):
        assert tuple(float(row[name]) for name in ("r_mm", "a_mm", "s_mm")) == lesion.center_ras_mm
        assert (float(row["score"]), float(row["diameter_mm"])) == (lesion.score, lesion.diameter_mm)
        assert (float(row["long_axis_mm"]), float(row["short_axis_mm"])) == (
            lesion.recist.long_mm,
            lesion.recist.short_mm,
        )
        assert float(row["volume_mm3"]) == lesion.mask.count * image.geometry.voxel_volume_mm3
        assert (float(row["mean_hu"]), row["code"]) == (-20.5, "SCT:27925004")
    assert (tmp_path / "lesions.csv").read_bytes().count(b"\r\n") == 4


def test_a_stated_volume_wins_over_a_counted_one(make_run):
    _, detections = make_run(1)
    lesion = replace(detections.lesions[0], measurements={"volume_mm3": 123.0})
    columns = {column.name: column.values for column in lesion_columns(replace(detections, lesions=(lesion,)))}
    assert columns["volume_mm3"] == (123.0,)


def test_what_is_missing_is_empty(make_run, tmp_path):
    _, detections = make_run(2)
    bare = replace(detections.lesions[1], mask=None, recist=None, measurements={})
    write_csv(replace(detections, lesions=(detections.lesions[0], bare)), tmp_path / "lesions.csv")
    row = read(tmp_path / "lesions.csv")[1]
    assert [row[name] for name in ("long_axis_mm", "volume_mm3", "mean_hu")] == ["", "", ""]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_text_is_never_a_formula(make_run, tmp_path, start):
    _, detections = make_run(1)
    text = f'{start}cmd|"/c calc",\nA1'
    write_csv(replace(detections, lesions=(replace(detections.lesions[0], note=text),)), tmp_path / "lesions.csv")
    row = read(tmp_path / "lesions.csv")[0]
    assert row["note"] == "'" + text
    assert row["s_mm"] == repr(detections.lesions[0].center_ras_mm[2]), "a negative number stays a number"


def test_no_lesions_leave_a_header(make_run, tmp_path):
    _, detections = make_run(0)
    write_csv(detections, tmp_path / "lesions.csv")
    text = (tmp_path / "lesions.csv").read_text(encoding="utf-8")
    assert text.startswith("rank,score,diameter_mm,r_mm,a_mm,s_mm,")
    assert len(text.splitlines()) == 1


def test_a_folder_that_cannot_be_made_is_told(make_run, tmp_path):
    _, detections = make_run(1)
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"lesions\.csv was not written"):
        write_csv(detections, tmp_path / "file" / "lesions.csv")


def test_the_label_says_rank_score_and_diameter(make_run):
    _, detections = make_run(1)
    assert lesion_label(7, replace(detections.lesions[0], score=0.934, diameter_mm=15.2)) == "L7 0.93 15 mm"
