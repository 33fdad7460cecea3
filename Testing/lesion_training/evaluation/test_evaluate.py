"""``lesion evaluate`` from the command line: every form of input, what it writes, and every way to go wrong."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from LesionDetectionLib.app.command_line import main
from LesionDetectionLib.core.bundle import Manifest, write_bundle
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.detector import Choice, MethodInfo
from LesionDetectionLib.core.errors import Cancelled, InputError
from LesionDetectionLib.core.image import CT, PET, Geometry, Image
from LesionDetectionLib.core.lesion import Lesion, Mask
from LesionDetectionLib.core.progress import Progress
from LesionTrainingLib.cohorts.case import Case, Truth
from LesionTrainingLib.cohorts.cohort import Cohort, LeftOut
from LesionTrainingLib.evaluation import detecting
from LesionTrainingLib.evaluation.evaluate import Request, evaluate

pytestmark = pytest.mark.usefixtures("nothing_drawn")

GRID = Geometry((16, 30, 30), np.diag([1.0, 1.0, 2.0, 1.0]))


def lesion(start, score=1.0, size=4):
    mask = Mask(np.ones((size, size, size), bool), start)
    return Lesion(mask.centroid_ras_mm(GRID), float(size + 1), score, mask=mask)


TRUTH = {"a": (lesion((2, 2, 2)), lesion((20, 20, 8))), "b": (lesion((10, 10, 5)),), "c": ()}
MARKS = {
    "a": (lesion((3, 2, 2), 0.9), lesion((2, 2, 2), 0.6), lesion((24, 2, 2), 0.3)),
    "b": (lesion((11, 12, 6), 0.7),),
    "c": (lesion((5, 5, 5), 0.4),),
}


@dataclass(frozen=True)
class PlainCase(Case):
    """A case that is all in memory; "bad" has labels that cannot be read."""

    def images(self, progress=None):
        return {CT: Image(np.zeros(GRID.shape_kji, np.int16), GRID.ijk_to_ras, CT, "HU", self.id)}

    def truth(self):
        if self.id == "bad":
            raise InputError("The labels of bad are damaged.")
        return Truth(TRUTH[self.id])

    def sources(self):
        return ()


@pytest.fixture
def folders(tmp_path):
    """Truth and marks as folders of detections files."""
    for name, lesions in (*(("truth", n) for n in TRUTH), *(("marks", n) for n in MARKS)):
        source = TRUTH if name == "truth" else MARKS
        Detections(source[lesions], GRID, "stand-in").save(tmp_path / name / lesions / "detections.json")
    return tmp_path


@pytest.fixture
def a_cohort(monkeypatch):
    """``--cohort here:x`` opens three good cases, one bad, one without labels; one was left out."""
    cases = [PlainCase(name, name, "", (CT,), name != "unlabelled") for name in ("a", "bad", "b", "unlabelled", "c")]

    def open_cohort(spec, progress=None):
        return Cohort(spec, "computer-made blocks", tuple(cases), (LeftOut("lost", "Its file is gone."),), (), True)

    monkeypatch.setattr("LesionTrainingLib.cohorts.spec.open_cohort", open_cohort)


@pytest.fixture
def a_model(tmp_path, monkeypatch):
    """A bundle of a stand-in method that gives the marks above, all of them at the operating point 0."""

    @dataclass(frozen=True)
    class Settings:
        measure: bool = True
        operating_point: str = ""

    asked = []

    def detect(images, settings, progress):
        asked.append(settings)
        name = images[CT].name
        return Detections(MARKS[name], GRID, "stand-in", name)

    info = SimpleNamespace(
        id="stand-in",
        modalities=(CT,),
        required=(CT,),
        choices=(),
        review_settings={},
        create=lambda bundle, device: SimpleNamespace(detect=detect),
        default_settings=lambda bundle: Settings(),
    )
    monkeypatch.setattr(detecting, "method", lambda method_id: info)
    points = {"operating_points": {"strict": 0.65, "all": 0.0}, "default_operating_point": "strict"}
    write_bundle(tmp_path / "model", Manifest("stand-in", "blocks", "1", {}, points, {}, True), {"w": np.zeros(1)}, "")
    return SimpleNamespace(path=tmp_path / "model", asked=asked)


@pytest.fixture
def luna16_lists(tmp_path):
    (tmp_path / "annotations.csv").write_text("seriesuid,coordX,coordY,coordZ,diameter_mm\na,0,0,0,8\nb,9,9,9,6\n")
    (tmp_path / "excluded.csv").write_text("seriesuid,coordX,coordY,coordZ,diameter_mm\na,50,0,0,-1\n")
    (tmp_path / "series.csv").write_text("a\nb\n")
    (tmp_path / "marks.csv").write_text(
        "seriesuid,coordX,coordY,coordZ,probability\na,1,0,0,0.9\na,0,1,0,0.8\na,51,0,0,0.7\nb,90,9,9,0.6\n"
    )
    return [
        f"--{option}={tmp_path / name}"
        for option, name in (
            ("annotations", "annotations.csv"),
            ("excluded", "excluded.csv"),
            ("seriesuids", "series.csv"),
            ("detections", "marks.csv"),
        )
    ]


def run(*arguments):
    return main(["evaluate", *map(str, arguments)])


def summary_of(folder):
    return json.loads((folder / "summary.json").read_text())


def rows_of(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


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


def test_a_model_on_a_cohort(tmp_path, a_cohort, a_model, capsys):
    assert run("--model", a_model.path, "--cohort", "here:x", "--output", tmp_path / "out") == 0
    assert [(asked.operating_point, asked.measure) for asked in a_model.asked] == [("0", False)] * 3
    summary = summary_of(tmp_path / "out")
    assert summary["scans"] == 3
    assert summary["operating_points"]["strict"]["found"] == 1
    assert [one["image"] for one in summary["left_out"]] == ["lost", "unlabelled", "bad"]
    said = capsys.readouterr().out
    assert "“blocks” was trained on computer-made phantoms only" in said
    assert "Measured on computer-made blocks, no patients." in said


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


def test_two_models_on_a_cohort(tmp_path, a_cohort, a_model):
    arguments = ("--model", a_model.path, "--compare-model", a_model.path, "--cohort", "here:x")
    assert run(*arguments, "--output", tmp_path / "out", "--quiet") == 0
    assert len(a_model.asked) == 6
    assert summary_of(tmp_path / "out")["comparison"]["difference"] == 0


@dataclass(frozen=True)
class Bare:
    """Settings of the method below."""

    operating_point: str = ""


def make_bare(bundle, device):
    assert bundle is None
    return SimpleNamespace(detect=lambda images, settings, progress: Detections(MARKS[images[CT].name], GRID, "bare"))


@pytest.mark.parametrize("needs_model", [False, True])
def test_a_method_without_a_model(tmp_path, a_cohort, monkeypatch, capsys, needs_model):
    module = "stand_in_for_a_method"
    monkeypatch.setitem(sys.modules, module, SimpleNamespace(settings=lambda bundle: Bare(), create=make_bare))
    info = MethodInfo(
        "bare", "A method of rules", (CT,), needs_model, "", "", "", f"{module}:settings", f"{module}:create"
    )
    monkeypatch.setattr("LesionDetectionLib.core.detector.methods", lambda: {"bare": info})
    code = run("--method", "bare", "--cohort", "here:x", "--output", tmp_path / "out", "--quiet")
    if needs_model:
        assert code == 2
        assert "needs a model" in capsys.readouterr().err
        return
    assert code == 0
    summary = summary_of(tmp_path / "out")
    assert (summary["method"], summary["model"], summary["marks"]) == ("bare", None, "A method of rules (bare)")
    assert (summary["true_positives"], summary["operating_points"]) == (1, {})


PET_GRID = Geometry((9, 10, 10), np.diag([3.0, 3.0, 3.5, 1.0]))


@dataclass(frozen=True)
class PetCtCase(Case):
    """The blocks above in a CT, and a PET on a grid of its own; "c" has no PET, and "b" no CT but as the truth's grid."""

    def images(self, progress=None):
        ct = Image(np.zeros(GRID.shape_kji, np.int16), GRID.ijk_to_ras, CT, "HU", self.id)
        pet = Image(np.zeros(PET_GRID.shape_kji, np.float32), PET_GRID.ijk_to_ras, PET, "SUVbw", self.id)
        return {CT: ct} if self.id == "c" else {CT: ct, PET: pet}

    def truth(self):
        return Truth(TRUTH[self.id])

    def sources(self):
        return ()


@dataclass(frozen=True)
class PetSettings:
    """Attributes:
    all_candidates: as a method with controls has it.
    shift_mm: of the marks.
    """

    operating_point: str = ""
    all_candidates: bool = False
    shift_mm: float = 0.0


@pytest.fixture
def a_pet_method(monkeypatch):
    """``--method pet``: marks each true lesion by a mask on the PET's grid; what it was asked for is kept."""
    asked = []

    def detect(images, settings, progress):
        asked.append((tuple(images), settings))
        lesions = []
        for true in TRUTH[images[PET].name]:
            i, j, k = np.rint(PET_GRID.ijk_from_ras(true.center_ras_mm)).astype(int)
            center = tuple(float(n) for n in true.center_ras_mm + np.array([settings.shift_mm, 0, 0]))
            lesions.append(Lesion(center, 6.0, 7.5, mask=Mask(np.ones((1, 1, 1), bool), (int(i), int(j), int(k)))))
        return Detections(tuple(lesions), PET_GRID, "pet", modality=PET)

    module = SimpleNamespace(
        settings=lambda bundle: PetSettings(), create=lambda bundle, device: SimpleNamespace(detect=detect)
    )
    monkeypatch.setitem(sys.modules, "stand_in_for_a_pet_method", module)
    info = MethodInfo(
        "pet",
        "PET",
        (PET, CT),
        False,
        "",
        "",
        "",
        "stand_in_for_a_pet_method:settings",
        "stand_in_for_a_pet_method:create",
        optional=(CT,),
        choices=(Choice("shift_mm", "Shift", "Moves the marks.", range=(0.0, 50.0), unit="mm"),),
        review_settings={"all_candidates": True},
    )
    monkeypatch.setattr("LesionDetectionLib.core.detector.methods", lambda: {"pet": info})
    cases = tuple(PetCtCase(name, name, "", (CT, PET), True) for name in TRUTH)
    monkeypatch.setattr(
        "LesionTrainingLib.cohorts.spec.open_cohort", lambda spec, progress=None: Cohort(spec, "pairs", cases)
    )
    return asked


def test_marks_on_a_pet_are_scored_against_truth_on_a_ct(tmp_path, a_pet_method):
    arguments = ("--method", "pet", "--cohort", "here:x", "--quiet", "--bootstraps", "0")
    assert run(*arguments, "--output", tmp_path / "out") == 0
    summary = summary_of(tmp_path / "out")
    assert (summary["scans"], summary["true_positives"], summary["false_positives"]) == (2, 3, 0)
    (left,) = summary["left_out"]
    assert (left["image"], left["reason"]) == ("c", "The method pet needs PT, and this case has CT.")
    assert [images for images, _ in a_pet_method] == [(PET, CT)] * 2, "its main image first"
    assert all(settings.all_candidates and settings.operating_point == "0" for _, settings in a_pet_method)


def test_outlines_on_a_pet_become_boxes_on_a_ct(tmp_path, a_pet_method, capsys):
    arguments = ("--method", "pet", "--cohort", "here:x", "--protocol", "picai", "--bootstraps", "0")
    assert run(*arguments, "--output", tmp_path / "out") == 0
    assert "lie on different voxel grids in some images, so boxes were compared" in capsys.readouterr().out
    # A voxel of 3 x 3 x 3.5 mm in a block of 4 x 4 x 8 mm: an IoU of 0.25 at best, above the 0.1 that is wanted.
    assert summary_of(tmp_path / "out")["true_positives"] == 3


def test_settings_of_what_detects(tmp_path, a_pet_method, capsys):
    arguments = ("--method", "pet", "--cohort", "here:x", "--output", tmp_path / "out", "--quiet", "--bootstraps", "0")
    assert run(*arguments, "--set", "shift_mm=20") == 0
    assert summary_of(tmp_path / "out")["true_positives"] == 0
    assert summary_of(tmp_path / "out")["settings"] == {"shift_mm": 20}
    assert run(*arguments, "--overwrite", "--set", "shift=20") == 2
    assert "“shift” is not known. Choices: shift_mm (0 to 50 mm)." in capsys.readouterr().err
    assert run("--detections", tmp_path, "--truth", tmp_path, "--output", tmp_path / "o", "--set", "a=1") == 2
    assert "--set is for a method that detects" in capsys.readouterr().err


def test_a_method_that_there_is_not(tmp_path, a_cohort, capsys):
    assert run("--method", "odd", "--cohort", "here:x", "--output", tmp_path / "out") == 2
    assert "There is no method “odd”" in capsys.readouterr().err


def test_masks_are_made_where_they_are_compared(tmp_path, a_cohort, a_model):
    arguments = ("--model", a_model.path, "--cohort", "here:x", "--output", tmp_path / "out", "--quiet")
    assert run(*arguments, "--protocol", "autopet") == 0
    assert all(asked.measure for asked in a_model.asked)
    summary = summary_of(tmp_path / "out")
    assert summary["least_score"] == 0.65  # the model's own default
    assert summary["false_positives"] == 0


def test_results_are_not_replaced_unless_that_is_asked_for(tmp_path, luna16_lists, capsys):
    arguments = (*luna16_lists, "--output", tmp_path / "out", "--quiet")
    assert run(*arguments) == 0
    assert run(*arguments) == 6
    assert "--overwrite" in capsys.readouterr().err
    assert run(*arguments, "--overwrite", "--bootstraps", "0") == 0
    assert summary_of(tmp_path / "out")["bootstrap"] is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--detections"),
        (["--detections", "x.csv"], "Name the truth once"),
        (["--detections", "x", "--truth", "y", "--cohort", "z:z"], "--truth and --cohort were given"),
        (["--detections", "x", "--annotations", "y"], "go together"),
        (["--detections", "x", "--cohort", "z:z", "--excluded", "e"], "--excluded is one of"),
        (["--model", "m"], "name a --cohort"),
        (["--model", "m", "--cohort", "z:z", "--detections", "x"], "neither --detections"),
        (["--method", "m", "--annotations", "a"], "--method detects from scratch"),
        (["--detections", "x", "--cohort", "z:z", "--compare", "y", "--compare-model", "m"], "One other set"),
        (["--detections", "x", "--truth", "y", "--compare-model", "m"], "--compare-model detects in"),
        (["--detections", "x", "--cohort", "z:z", "--split", "test"], "--split is for DL_info.csv"),
        (["--detections", "x", "--cohort", "z:z", "--bootstraps", "-1"], "0 or more"),
    ],
)
def test_arguments_that_make_no_sense(tmp_path, capsys, arguments, message):
    assert run(*arguments, "--output", tmp_path / "out") == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_pixels_do_not_go_with_millimetres(tmp_path, folders, capsys):
    (tmp_path / "DL_info.csv").write_text(
        "File_name,Key_slice_index,Bounding_boxes,Lesion_diameters_Pixel_,Possibly_noisy,Spacing_mm_px_,Train_Val_Test\n"
        'x_1.png,1,"10, 10, 19, 19","9, 9",0,"1, 1, 1",3\n'
    )
    arguments = ("--truth", tmp_path / "DL_info.csv", "--detections", folders / "marks", "--output", tmp_path / "out")
    assert run("--protocol", "deeplesion", *arguments) == 2
    assert "in pixels" in capsys.readouterr().err


def test_data_that_cannot_be_used(tmp_path, luna16_lists, capsys):
    Path(luna16_lists[-1].partition("=")[2]).write_text("seriesuid,coordX,coordY,coordZ,probability\na,0,0,0,nan\n")
    assert run(*luna16_lists, "--output", tmp_path / "out") == 3
    assert "line 2: “nan” under probability is not a finite number" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_cancelling_leaves_nothing(folders):
    request = Request("all", folders / "out", truth=folders / "truth", detections=folders / "marks", samples=10)
    seen = []

    def stop_when_matching(fraction, text):
        seen.append(fraction)
        if text == "Matching":
            progress.cancel()

    progress = Progress(stop_when_matching)
    with pytest.raises(Cancelled):
        evaluate(request, progress)
    assert not (folders / "out").exists()
    assert not list(folders.glob(".partial*"))
    assert seen == sorted(seen)


def test_asking_for_help_loads_no_heavy_library():
    code = (
        "import sys; from LesionDetectionLib.app.command_line import build_parser; build_parser(); "
        "print(sorted({'torch', 'scipy', 'matplotlib', 'SimpleITK', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_scoring_lists_loads_no_library_that_it_does_not_need(luna16_lists, tmp_path):
    """Each of them takes longer to load than a cohort takes to score."""
    code = (
        "import sys; from LesionDetectionLib.app.command_line import main; code = main(sys.argv[1:]); "
        "print(code, sorted({'torch', 'scipy', 'SimpleITK', 'sklearn', 'cv2', 'skimage'} & set(sys.modules)))"
    )
    arguments = ["evaluate", *luna16_lists, f"--output={tmp_path / 'out'}", "--quiet"]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0 []"


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
