"""The command line: what it prints, what it writes, and the exit code of everything that can go wrong.

A small detector stands in for the real methods here, so that each way of ending is reached in milliseconds; the real
method's runs are in ``test_command_line_runs.py``.
"""

from __future__ import annotations

import errno
import io
import json
import os
import re
import shlex
import sys
import types
from dataclasses import dataclass

import numpy as np
import pytest
from LesionDetectionLib.app import command_line
from LesionDetectionLib.core.bundle import Manifest, write_bundle
from LesionDetectionLib.core.detections import Detections, OperatingPoint
from LesionDetectionLib.core.detector import MethodInfo, method
from LesionDetectionLib.core.errors import DeviceError, UsageError
from LesionDetectionLib.core.image import Image, require_usable
from LesionDetectionLib.core.lesion import Lesion
from LesionDetectionLib.io.files import write_image


@dataclass(frozen=True)
class StandInSettings:
    operating_point: str = ""


class StandIn:
    """Marks the brightest voxel."""

    fails: BaseException | None = None

    def detect(self, images, settings, progress):
        progress(0.5, "Looking")
        if self.fails:
            raise self.fails
        image = images["CT"]
        require_usable(image, modality="CT", unit="HU", least_slices=2, for_what="the stand-in")
        k, j, i = np.unravel_index(image.voxels.argmax(), image.shape_kji)
        center = tuple(float(n) for n in image.geometry.ras_from_ijk((i, j, k)))
        point = OperatingPoint(settings.operating_point or "default", 0.5)
        return Detections((Lesion(center, 4.0, 0.9),), image.geometry, "stand-in", image.name, "CT", "HU", point)


def create(bundle, device):
    if device == "cuda":
        raise DeviceError("There is no CUDA device here. Choose --device cpu.")
    return StandIn()


@pytest.fixture(autouse=True)
def the_stand_in(monkeypatch):
    module = types.ModuleType("stand_in_method")
    module.create, module.settings_for = create, lambda bundle: StandInSettings()
    monkeypatch.setitem(sys.modules, "stand_in_method", module)
    info = MethodInfo(
        "stand-in",
        "Stand-in",
        ("CT",),
        False,
        "the brightest voxel",
        "all",
        "none",
        "stand_in_method:settings_for",
        "stand_in_method:create",
    )

    def find(method_id):
        return info if method_id == "stand-in" else method(method_id)

    monkeypatch.setattr("LesionDetectionLib.app.commands.detect.method", find)
    monkeypatch.setattr(StandIn, "fails", None)


@pytest.fixture
def a_scan(tmp_path):
    voxels = np.random.default_rng(0).normal(-850, 20, (12, 40, 40)).astype(np.int16)
    voxels[5, 20, 30] = 300
    path = tmp_path / "scan.nrrd"
    write_image(Image(voxels, np.diag([-1, -1, 2, 1])), path)
    return path


def detect(scan, output, *more):
    return command_line.main(["detect", str(scan), "--method", "stand-in", "--output", str(output), *more])


def test_detecting_writes_results_and_prints_a_table(a_scan, tmp_path, capsys):
    assert detect(a_scan, tmp_path / "out", "--operating-point", "mine") == 0
    content = json.loads((tmp_path / "out" / "detections.json").read_text())
    assert content["lesions"][0]["center_ras_mm"] == [-30, -20, 10]
    assert content["operating_point"]["name"] == "mine"
    shown = capsys.readouterr()
    assert "1 lesion in scan" in shown.out
    assert "100 %" in shown.err
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"detections.json", "lesions.csv", "lesions.mrk.json", "scene.mrb", "report.html"} <= names


def test_paths_may_be_relative(a_scan, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert command_line.main(["detect", a_scan.name, "--method", "stand-in", "-q", "--output", "deeper/out"]) == 0
    names = {path.name for path in (tmp_path / "deeper" / "out").iterdir()}
    assert {"detections.json", "lesions.csv", "lesions.mrk.json", "scene.mrb", "report.html"} <= names


def test_quiet_says_nothing(a_scan, tmp_path, capsys):
    assert detect(a_scan, tmp_path / "out", "--quiet") == 0
    assert capsys.readouterr() == ("", "")


def test_results_are_not_overwritten_unasked(a_scan, tmp_path, capsys):
    out = tmp_path / "out"
    assert detect(a_scan, out, "-q") == 0
    (out / "lesions.csv").write_text("edited by hand")
    assert detect(a_scan, out, "-q") == 6
    assert "already holds" in capsys.readouterr().err
    assert (out / "lesions.csv").read_text() == "edited by hand"
    assert detect(a_scan, out, "-q", "--overwrite") == 0
    assert "edited" not in (out / "lesions.csv").read_text()


@pytest.mark.parametrize(
    ("failure", "code", "words"),
    [
        (UsageError("No such point."), 2, "No such point."),
        (DeviceError("Out of memory."), 5, "Out of memory."),
        (KeyboardInterrupt(), 130, "Cancelled"),
        (ZeroDivisionError("by zero"), 1, "fault of ours"),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), 1, "No space left"),
    ],
)
def test_every_failure_has_its_exit_code_and_leaves_nothing(
    a_scan, tmp_path, monkeypatch, capsys, failure, code, words
):
    monkeypatch.setattr(StandIn, "fails", failure)
    monkeypatch.delenv("LESION_DEBUG", raising=False)
    assert detect(a_scan, tmp_path / "out", "-q") == code
    assert words in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["scan.nrrd"]


def test_a_missing_device(a_scan, tmp_path, capsys):
    assert detect(a_scan, tmp_path / "out", "--device", "cuda") == 5
    assert "no CUDA device" in capsys.readouterr().err


BAD_SCANS = {
    "missing": (None, 3, "missing.nrrd"),
    "empty": (lambda path: path.write_bytes(b""), 3, "empty.nrrd"),
    "corrupt": (lambda path: path.write_bytes(b"NRRD0004\nnonsense"), 3, "corrupt.nrrd"),
    "nan": (lambda path: write_image(Image(np.full((4, 5, 6), np.nan, np.float32), np.eye(4)), path), 3, "not numbers"),
    "flat": (lambda path: write_image(Image(np.full((4, 5, 6), -1000, np.int16), np.eye(4)), path), 3, "empty image"),
    "single": (
        lambda path: write_image(Image(np.arange(-500, -470, dtype=np.int16).reshape(1, 5, 6), np.eye(4)), path),
        3,
        "1 slice",
    ),
    "no_hu": (
        lambda path: write_image(Image(np.arange(120, dtype=np.int16).reshape(4, 5, 6), np.eye(4)), path),
        3,
        "cannot be Hounsfield",
    ),
}


@pytest.mark.parametrize("kind", BAD_SCANS)
def test_a_bad_scan_is_refused_in_a_sentence(kind, tmp_path, capsys):
    make, code, words = BAD_SCANS[kind]
    path = tmp_path / f"{kind}.nrrd"
    if make:
        make(path)
    assert detect(path, tmp_path / "out", "-q") == code
    told = capsys.readouterr().err
    assert words in told
    assert "Traceback" not in told
    assert not (tmp_path / "out").exists()


def test_an_unknown_method_names_the_known_ones(a_scan, tmp_path, capsys):
    assert command_line.main(["detect", str(a_scan), "--method", "x", "--output", str(tmp_path / "out")]) == 2
    assert "nodule-ct" in capsys.readouterr().err


def test_wrong_arguments_end_with_2(capsys):
    with pytest.raises(SystemExit) as ended:
        command_line.main(["detect"])
    assert ended.value.code == 2
    assert "required" in capsys.readouterr().err


def test_without_a_command_the_help_is_shown(capsys):
    assert command_line.main([]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "begin with:\n  lesion phantom" in shown.err


def test_every_help_begins_with_one_line_of_usage_and_ends_with_examples_that_are_taken():
    parser = command_line.build_parser()
    commands = next(action.choices for action in parser._actions if action.dest == "command")
    assert list(commands)[:3] == ["detect", "measure", "view"]
    for name, command in commands.items():
        shown = command.format_help()
        usage, blank = shown.splitlines()[:2]
        assert usage.startswith(f"usage: lesion {name} "), usage
        assert not blank, "usage is one line"
        lines = re.sub(r"\n +(?=--)", " ", command.epilog)  # a command that goes on in the next line
        examples = re.findall(rf"  (lesion {name}\b[^\n(;#]*)", lines)
        assert examples, f"lesion {name} --help has no example"
        for example in examples:
            if "..." not in example and "[" not in example:
                parser.parse_args(shlex.split(example)[1:])


def test_ctrl_c_while_commands_load_is_no_traceback(monkeypatch, capsys):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr(command_line, "build_parser", interrupted)
    assert command_line.main(["methods"]) == 130
    assert capsys.readouterr().err == "lesion: Cancelled. Nothing was written.\n"


@pytest.mark.parametrize("at", ["1,2", "a,b,c", "1;2;3"])
def test_a_wrong_position(a_scan, tmp_path, capsys, at):
    assert command_line.main(["measure", str(a_scan), "--at", at, "-o", str(tmp_path / "out")]) == 2
    assert "three numbers" in capsys.readouterr().err


def test_measuring_takes_negative_positions_and_prints_values_without_a_score(tmp_path, capsys):
    """The ball of 16 mm lies at R -32, A -32, S 40; the first sign must not be taken for an option."""
    k, j, i = np.indices((40, 64, 64))
    inside = (i - 32.0) ** 2 + (j - 32.0) ** 2 + (2 * k - 40.0) ** 2 <= 64
    voxels = np.where(inside, 40, -850) + np.random.default_rng(0).normal(0, 20, inside.shape)
    write_image(Image(voxels.astype(np.int16), np.diag([-1, -1, 2, 1])), tmp_path / "ball.nrrd")
    out = tmp_path / "out"
    at = ["--at", "-32,", "-32,", "40"]  # as copied from Slicer
    assert command_line.main(["measure", str(tmp_path / "ball.nrrd"), *at, "-o", str(out)]) == 0
    shown = capsys.readouterr().out
    assert "1 lesion in ball (measured where you pointed)\n diameter " in shown
    assert re.search(r"\nmean \d+ HU, max \d+ HU\n", shown)
    assert "score" not in shown
    (lesion,) = json.loads((out / "detections.json").read_text())["lesions"]
    assert lesion["recist"]["long_mm"] == pytest.approx(16, abs=1.5)
    assert lesion["measurements"]["volume_mm3"] == pytest.approx(4 / 3 * np.pi * 8**3, rel=0.1)


def test_a_ct_that_lost_its_rescale_is_not_measured_in_hu(tmp_path, capsys):
    stored = np.random.default_rng(0).integers(0, 1800, (6, 20, 20)).astype(np.uint16)
    write_image(Image(stored, np.diag([-1, -1, 2, 1]), "CT", ""), tmp_path / "ct.nrrd")
    given = ["measure", str(tmp_path / "ct.nrrd"), "--at", "-5,-5,6", "-q", "-o", str(tmp_path / "out")]
    assert command_line.main(given) == 3
    assert "Was the rescale slope and intercept lost?" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_measuring_outside_the_image(a_scan, tmp_path, capsys):
    for at, lps in (("500,0,0", False), ("30,20,10", True)):
        assert command_line.main(["measure", str(a_scan), "--at", at, "-o", str(tmp_path / "out"), "-q"]) == 2
        said = capsys.readouterr().err
        assert re.search(
            r"lies outside “scan”, which reaches from R -\d+ to -?\d+, A -\d+ to -?\d+, S 0 to \d+ mm\.", said
        )
        assert ("meant as LPS" in said) == lps


def test_methods_are_listed(capsys):
    assert command_line.main(["methods"]) == 0
    said = capsys.readouterr().out
    assert "nodule-ct" in said
    assert "images: PET, and CT unless its settings do without; no model" in said
    assert "rule = fixed (fixed, share or percist): " in said
    assert command_line.main(["methods", "nodule-ct"]) == 0
    assert "PET, and CT" not in capsys.readouterr().out
    assert command_line.main(["methods", "nodules"]) == 2
    assert "There is no method “nodules”" in capsys.readouterr().err
    assert command_line.main(["methods", "--json"]) == 0
    found = {info["id"]: info for info in json.loads(capsys.readouterr().out)}
    assert found["nodule-ct"]["optional"] == []
    assert found["active-pet-ct"]["modalities"] == ["PT", "CT"]
    assert "rule" in [choice["name"] for choice in found["active-pet-ct"]["choices"]]


def test_an_output_that_lacks_signs_gets_them_spelled_out(monkeypatch):
    narrow = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    monkeypatch.setattr(sys, "stdout", narrow)
    assert command_line.main(["methods"]) == 0
    narrow.flush()
    assert rb"Pawe\u0142czyk" in narrow.buffer.getvalue()


def test_bundles_are_inspected_and_verified(tmp_path, capsys):
    manifest = Manifest("nodule-ct", "tester", "1", {}, {}, {}, True)
    write_bundle(tmp_path / "m", manifest, {"w": np.zeros((2, 3), np.float32)}, "# A card")
    assert command_line.main(["model", "verify", str(tmp_path / "m")]) == 0
    told = capsys.readouterr().out
    assert "whole and unchanged" in told
    assert "phantoms only" in told
    assert command_line.main(["model", "inspect", str(tmp_path / "m")]) == 0
    assert "2 x 3" in capsys.readouterr().out
    assert command_line.main(["model", "inspect", "--json", str(tmp_path / "m")]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "tester"
    (tmp_path / "m" / "MODEL_CARD.md").write_text("# Another")
    assert command_line.main(["model", "verify", str(tmp_path / "m")]) == 4
    assert "refused" in capsys.readouterr().err


def test_phantoms_take_sensible_counts_only(tmp_path, capsys):
    assert command_line.main(["phantom", "chest", "--count", "0", "-o", str(tmp_path / "p")]) == 2
    assert not (tmp_path / "p").exists()


def test_phantoms_are_not_made_where_they_cannot_be_written(tmp_path, capsys):
    (tmp_path / "out").write_text("a file")
    assert command_line.main(["phantom", "chest", "-o", str(tmp_path / "out")]) == 6
    assert "is a file; name a folder" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--detections", "--compare"])
def test_marks_that_are_not_there_are_missed_before_a_cohort_is_read(tmp_path, monkeypatch, capsys, option):
    monkeypatch.setattr("LesionTrainingLib.evaluation.evaluate.read_inputs", pytest.fail)
    marks = ["--detections", str(tmp_path)] if option == "--compare" else []
    given = [*marks, option, str(tmp_path / "nowhere"), "--cohort", "phantoms:chest", "-o", str(tmp_path / "out")]
    assert command_line.main(["evaluate", *given]) == 3
    assert f"There is no file or folder {tmp_path / 'nowhere'}." in capsys.readouterr().err
