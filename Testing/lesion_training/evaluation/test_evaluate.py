"""``lesion evaluate`` of marks that are there: every form of truth and of marks, and what it writes."""

from __future__ import annotations

import json

import pytest
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.progress import Progress
from LesionTrainingLib.evaluation.evaluate import Request, evaluate

from .blocks import GRID, MARKS, rows_of, run, summary_of

pytestmark = pytest.mark.usefixtures("nothing_drawn")


def test_luna16_lists(tmp_path, luna16_lists, capsys):
    assert run("--protocol", "luna16", *luna16_lists, "--output", tmp_path / "out") == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "summary.json", "index.html", "report.pdf", "lesions.csv", "marks.csv", "cases.csv",
        *(f"{plot}.{ending}" for ending in ("png", "csv") for plot in (
            "froc", "sizes", "reliability", "lesion_sizes", "sensitivity_by_size")),
    }  # fmt: skip
    summary = summary_of(tmp_path / "out")
    assert (summary["protocol"], summary["scans"], summary["nodules"]) == ("luna16", 2, 2)
    assert (summary["true_positives"], summary["false_positives"], summary["ignored_on_excluded"]) == (1, 1, 1)
    assert summary["ignored_double_detections"] == 1
    assert summary["cpm"] == pytest.approx(0.5)
    assert set(summary["sensitivity_at_fp"]) == {"0.125", "0.25", "0.5", "1", "2", "4", "8"}
    assert summary["bootstrap"]["samples"] == 1000
    lesions, marks = rows_of(tmp_path / "out" / "lesions.csv"), rows_of(tmp_path / "out" / "marks.csv")
    assert [row["found"] for row in lesions] == ["yes", "no"]
    assert (lesions[0]["mark"], lesions[0]["marks_on_it"], lesions[0]["r_mm"]) == ("1", "2", "0.0")
    assert lesions[1]["why"].startswith("the nearest is mark 1 (score 0.6), which lies 81.0 mm from the centre")
    assert [row["fate"].split(":")[0] for row in marks] == ["true positive", "ignored", "ignored", "false positive"]
    assert [row["source_row"] for row in marks] == ["1", "2", "3", "4"]
    said = capsys.readouterr().out
    assert "CPM 0.500" in said
    assert "index.html" in said


def test_all_protocols_of_folders(folders):
    output = folders / "out"
    arguments = ("--truth", folders / "truth", "--detections", folders / "marks", "--output", output, "--quiet")
    assert run("--protocol", "all", *arguments) == 0
    found = summary_of(output)["protocols"]
    assert list(found) == ["luna16", "deeplesion", "coco3d", "picai", "autopet"]
    # The mark in b lies 3 mm from the centre (radius 2.5), shares 6 of 26 pixels and 18 of 110 voxels.
    assert [found[name]["true_positives"] for name in found] == [1, 1, 2, 2, 2]
    assert [row["protocol"] for row in rows_of(output / "protocols.csv")] == list(found)
    (row,) = [row for row in rows_of(output / "lesion_disagreements.csv") if row["image"] == "b"]
    assert [row[name] for name in found] == ["missed", "missed", "hit", "hit", "hit"]
    assert "lies 3.0 mm from the centre, not less than the radius 2.5 mm: missed under luna16" in row["why"]
    assert "by IoU 0.23 (boxes), under 0.5: missed under deeplesion" in row["why"]
    assert "by IoU 0.16 (masks), at least 0.1: hit under picai" in row["why"]
    assert "shares 18 voxels with it: hit under autopet" in row["why"]
    for name in found:
        assert (output / name / "index.html").exists()
        assert (output / name / "lesions.csv").exists()
    assert (output / "autopet" / "images.csv").exists()


@pytest.mark.parametrize("protocol", ["deeplesion", "coco3d", "picai", "autopet"])
def test_one_protocol_of_folders(folders, protocol):
    output = folders / "out"
    arguments = ("--truth", folders / "truth", "--detections", folders / "marks", "--output", output, "--quiet")
    assert run("--protocol", protocol, *arguments) == 0
    assert summary_of(output)["protocol"] == protocol
    assert protocol in (output / "index.html").read_text(encoding="utf-8").lower()


def test_autopet_at_an_operating_point(folders):
    arguments = ("--truth", folders / "truth", "--detections", folders / "marks", "--quiet", "--protocol", "autopet")
    assert run(*arguments, "--output", folders / "every") == 0
    assert run(*arguments, "--output", folders / "sure", "--operating-point", "0.5") == 0
    every, sure = summary_of(folders / "every"), summary_of(folders / "sure")
    assert (every["false_positives"], sure["false_positives"]) == (2, 0)
    assert every["least_score"] is None
    assert sure["least_score"] == 0.5
    assert run(*arguments, "--output", folders / "odd", "--operating-point", "often") == 2


def test_deeplesion_lists(tmp_path):
    (tmp_path / "DL_info.csv").write_text(
        "File_name,Key_slice_index,Bounding_boxes,Lesion_diameters_Pixel_,Possibly_noisy,Spacing_mm_px_,Train_Val_Test\n"
        'x_1.png,1,"10, 10, 19, 19","9, 9",0,"1, 1, 1",3\ny_1.png,1,"10, 10, 19, 19","9, 9",0,"1, 1, 1",1\n'
    )
    (tmp_path / "marks.csv").write_text("File_name,x1,y1,x2,y2,score\nx_1.png,10,10,19,14,0.9\n")
    arguments = ("--truth", tmp_path / "DL_info.csv", "--split", "test", "--detections", tmp_path / "marks.csv")
    assert run("--protocol", "deeplesion", *arguments, "--output", tmp_path / "out", "--quiet") == 0
    summary = summary_of(tmp_path / "out")
    assert (summary["images"], summary["true_positives"]) == (1, 1)
    assert summary["mean_sensitivity_at_0.5_to_4"] == 1
    assert any("does not annotate every lesion" in note for note in summary["warnings"])


def test_a_cohorts_labels_and_a_folder(folders, a_cohort):
    arguments = ("--cohort", "here:x", "--detections", folders / "marks", "--output", folders / "out", "--quiet")
    assert run("--protocol", "picai", *arguments) == 0
    summary = summary_of(folders / "out")
    assert summary["true_positives"] == 2
    assert {row["image"]: row["reason"] for row in rows_of(folders / "out" / "left_out.csv")} == {
        "lost": "Its file is gone.", "unlabelled": "It has no labels.", "bad": "The labels of bad are damaged."
    }  # fmt: skip
    assert "no patients" in summary["warnings"][0]
    assert summary["on_phantoms"] is True


def test_comparing_two_folders(folders, capsys):
    for name in MARKS:
        fewer = tuple(mark for mark in MARKS[name] if mark.score > 0.65)
        Detections(fewer, GRID, "stand-in").save(folders / "fewer" / name / "detections.json")
    arguments = ("--truth", folders / "truth", "--detections", folders / "fewer", "--compare", folders / "marks")
    output = folders / "out"
    assert run("--protocol", "picai", *arguments, "--output", output) == 0
    found = json.loads((output / "comparison.json").read_text())
    assert found == summary_of(output)["comparison"]
    assert (found["first"], found["second"], found["scans"]) == ("fewer", "marks", 3)
    # Both find two of three lesions; the false mark in c scores less than either hit.
    assert (found["first_value"], found["second_value"], found["difference"]) == (2 / 3, 2 / 3, 0)
    assert [row["image"] for row in rows_of(output / "comparison.csv")] == ["a", "b", "c"]
    page = (output / "index.html").read_text(encoding="utf-8")
    assert "Compared with other marks" in page
    assert (output / "froc_comparison.png").exists()
    assert found["sentence"] in capsys.readouterr().out


def test_comparing_under_every_protocol_while_progress_rises_to_the_end(folders):
    given = {"truth": folders / "truth", "detections": folders / "marks", "compare": folders / "marks"}
    seen = []
    evaluate(Request("all", folders / "out", **given, samples=20), Progress(lambda share, text: seen.append(share)))
    assert seen == sorted(seen)
    assert seen[-1] == 1
    for name, values in summary_of(folders / "out")["protocols"].items():
        assert values["comparison"]["difference"] == 0, name
        assert (values["comparison"]["first"], values["comparison"]["second"]) == ("marks (first)", "marks (second)")
        assert (folders / "out" / name / "comparison.csv").exists()


def test_what_was_found_agrees(folders):
    arguments = ("--truth", folders / "truth", "--detections", folders / "marks", "--output", folders / "out")
    assert run("--protocol", "picai", *arguments, "--quiet") == 0
    agreement = summary_of(folders / "out")["agreement"]
    assert agreement["diameters"]["count"] == agreement["outlines"]["compared"] == 2
    assert agreement["diameters"]["bias_mm"] == 0
    lesions = rows_of(folders / "out" / "lesions.csv")
    # In a the better overlap, the same voxels; in b 3 x 2 x 3 of 4 x 4 x 4 voxels in common.
    assert [row["dice"] for row in lesions] == ["1.0", "", str(round(18 / 64, 4))]
    page = (folders / "out" / "index.html").read_text(encoding="utf-8")
    assert "Agreement of what was found" in page
    assert "95th percentile Hausdorff distance" in page
    assert summary_of(folders / "out")["whole_images"]["auc"] == 1


def test_the_genuine_marks_from_the_command_line(real_data, tmp_path):
    folder = real_data("luna16/annotations.csv").parent
    arguments = [
        f"--annotations={folder / 'annotations.csv'}",
        f"--excluded={folder / 'annotations_excluded.csv'}",
        f"--seriesuids={folder / 'seriesuids.csv'}",
        f"--detections={folder / 'scored' / 'made_up_marks.csv'}",
    ]
    assert run("--protocol", "luna16", *arguments, "--output", tmp_path / "out", "--quiet") == 0
    summary, expected = summary_of(tmp_path / "out"), json.loads((folder / "scored" / "expected.json").read_text())
    assert summary["cpm"] == pytest.approx(expected["cpm"], abs=1e-6)
    assert len(rows_of(tmp_path / "out" / "marks.csv")) == 18592
    assert sum(row["found"] == "yes" for row in rows_of(tmp_path / "out" / "lesions.csv")) == expected["true_positives"]
