"""``lesion evaluate``: every way to go wrong, and what it does not load."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from LesionDetectionLib.core.errors import Cancelled
from LesionDetectionLib.core.progress import Progress
from LesionTrainingLib.evaluation.evaluate import Request, evaluate

from .blocks import run, summary_of

pytestmark = pytest.mark.usefixtures("nothing_drawn")


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
