"""``lesion detect COHORT``: what counts as a cohort, exit codes, what is printed, and Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import types
from pathlib import Path

import psutil
import pytest
from LesionDetectionLib.app import command_line
from LesionDetectionLib.app.commands.cohort_detection import is_cohort
from LesionDetectionLib.core.errors import DependencyError

PHANTOMS = "phantoms:chest?seeds=0-1&protocol=tiny"

# Sockets and loops of ended workers are collected when they are collected.
pytestmark = pytest.mark.filterwarnings(
    "ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning", "ignore:Port 8787"
)

STAND_IN = '''
import time
from dataclasses import dataclass

import numpy as np
from LesionDetectionLib.core.detections import Detections, OperatingPoint
from LesionDetectionLib.core.detector import MethodInfo
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.lesion import Lesion
from LesionTrainingLib.cohorts.case import Case, Truth
from LesionTrainingLib.cohorts.cohort import Cohort

METHOD = MethodInfo("stand-in", "Stand-in", ("CT",), False, "", "", "", "cli_stand_in:settings_for", "cli_stand_in:create")

@dataclass(frozen=True)
class Settings:
    operating_point: str = ""

class Detector:
    def detect(self, images, settings, progress):
        image = images["CT"]
        if settings.operating_point in ("none", image.name[-1]):
            raise InputError(f"{image.name} is refused.")
        for _ in range(2000 if settings.operating_point == "slow" and image.name.endswith("1") else 0):
            progress(0.5, "Looking")
            time.sleep(0.05)
        center = image.geometry.ras_from_ijk((1, 2, 3))
        lesion = Lesion(tuple(map(float, center)), 5.0, 0.5)
        return Detections((lesion,), image.geometry, "stand-in", image.name, "CT", "HU", OperatingPoint("all", 0.0))

@dataclass(frozen=True)
class Made(Case):
    """A scan of noise."""

    def images(self, progress=None):
        voxels = np.random.default_rng(0).normal(-850, 20, (4, 8, 8)).astype(np.int16)
        return {"CT": Image(voxels, np.eye(4), "CT", "HU", self.id)}

    def truth(self):
        return Truth()

    def sources(self):
        return ()

def open_cohort(spec, progress=None):
    """Two cases, whatever the specification says."""
    cases = tuple(Made(f"case-{n}", f"patient-{n}", "", ("CT",), False) for n in range(2))
    return Cohort(spec, "made", cases, on_phantoms=True)

def settings_for(bundle):
    return Settings()

def create(bundle, device):
    return Detector()
'''


@pytest.fixture
def quick_cases(the_stand_in, forked_workers, monkeypatch):
    """Two cases that take no time to make stand in for the cohort, whose specification is read all the same."""
    import cli_stand_in

    monkeypatch.setattr("LesionTrainingLib.cohorts.spec.open_cohort", cli_stand_in.open_cohort)


@pytest.fixture
def the_stand_in(tmp_path, monkeypatch):
    """A method in a module that the worker processes find too: refuses the scan whose name ends as the operating point."""
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "cli_stand_in.py").write_text(STAND_IN)
    monkeypatch.syspath_prepend(str(tmp_path / "code"))
    monkeypatch.delitem(sys.modules, "cli_stand_in", raising=False)
    import cli_stand_in

    monkeypatch.setattr("LesionDetectionLib.app.commands.detect.method", lambda _id: cli_stand_in.METHOD)
    yield
    sys.modules.pop("cli_stand_in", None)


def detect(output, *more, cohort=PHANTOMS):
    return command_line.main(
        ["detect", cohort, "--method", "stand-in", "--device", "cpu", "--output", str(output), *more]
    )


def test_one_left_out_is_no_failure_and_is_said(quick_cases, tmp_path, capsys):
    out = tmp_path / "out"
    assert detect(out, "--operating-point", "1") == 0
    shown = capsys.readouterr()
    assert "1 lesion in 1 case," in shown.out
    assert "computer-made: no patients" in shown.out
    assert "lesion: 1 of 2 cases was left out" in shown.err
    assert "1 done, 1 failed of 2" in shown.err
    assert (out / "case-0" / "detections.json").exists()
    assert "case-1 is refused." in (out / "left_out.csv").read_text()
    assert detect(out, "--operating-point", "1", "-q") == 0
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1, "the left out one is said even so"
    assert json.loads((out / "cohort.json").read_text())["counts"]["done_by_earlier_runs"] == 1


def test_all_left_out_is_a_failure(quick_cases, tmp_path, capsys):
    assert detect(tmp_path / "out", "--operating-point", "none", "-q") == 3
    assert "Not one of 2 cases could be done" in capsys.readouterr().err


def test_a_yaml_file_is_a_cohort(the_stand_in, forked_workers, tmp_path, capsys):
    path = tmp_path / "both.yaml"
    path.write_text("kind: phantoms\npath: body\nseeds: '3'\nprotocol: tiny\n")
    assert detect(tmp_path / "out", "-q", cohort=str(path)) == 0
    assert (tmp_path / "out" / "body-phantom-0003").is_dir()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--series", "1"], "--series"),
        (["--workers", "-1"], "negative"),
        (["--scheduler", "here"], "tcp://HOST:PORT"),
        (["--case-limit", "-1"], "--case-limit"),
    ],
)
def test_options_that_make_no_sense_with_a_cohort(the_stand_in, tmp_path, capsys, more, words):
    assert detect(tmp_path / "out", *more) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_options_of_a_cohort_make_no_sense_with_a_scan(tmp_path, capsys):
    scan = tmp_path / "scan.nrrd"
    scan.touch()
    out = str(tmp_path / "out")
    assert command_line.main(["detect", str(scan), "--method", "nodule-ct", "-o", out, "--workers", "2"]) == 2
    assert "--workers is for cohorts" in capsys.readouterr().err


def test_an_operating_point_that_the_model_lacks_is_said_before_the_work(tmp_path, capsys):
    arguments = ["detect", PHANTOMS, "--method", "nodule-ct", "-o", str(tmp_path / "out"), "--operating-point", "best"]
    assert command_line.main(arguments) == 2
    assert "sensitive" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_what_is_a_cohort(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("scan.nrrd").touch()
    Path("folder:x").mkdir()
    Path("list.yaml").touch()
    assert is_cohort(["luna16:/data?subset=0"])
    assert is_cohort(["list.yaml"])
    assert is_cohort(["not-there.yml"])
    assert not is_cohort(["folder:x"]), "it exists"
    assert not is_cohort(["scan.nrrd"])
    assert not is_cohort(["C:\\scans\\a.nrrd"])
    assert not is_cohort(["luna16:/data", "folder:/x"])


def test_without_the_training_half(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "LesionTrainingLib.cohorts.spec", None)
    monkeypatch.setitem(sys.modules, "LesionTrainingLib", types.ModuleType("LesionTrainingLib"))
    assert not is_cohort(["/data/scan.nrrd"])
    with pytest.raises(DependencyError, match="LesionTraining module"):
        is_cohort(["luna16:/data"])


@pytest.mark.skipif(sys.platform == "win32", reason="process groups are a POSIX thing")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_ending_the_program_ends_its_workers(the_stand_in, tmp_path, number):
    """Ctrl-C goes to the whole process group, as from a terminal; a killed program cannot say anything."""
    out = tmp_path / "out"
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'code')!r}); import cli_stand_in; "
        "from LesionDetectionLib.app.commands import detect; detect.method = lambda _: cli_stand_in.METHOD; "
        "from LesionTrainingLib.cohorts import spec; spec.open_cohort = cli_stand_in.open_cohort; "
        "from LesionDetectionLib.app.command_line import main; sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", program, "detect", PHANTOMS, "--method", "stand-in", "--device", "cpu"]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    process = subprocess.Popen(
        [*command, "--workers", "1", "--operating-point", "slow", "-o", str(out)],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=environment,
    )
    for line in process.stderr:
        if "1 done" in line:
            break
    children = psutil.Process(process.pid).children(recursive=True)
    assert children
    if number == signal.SIGINT:
        os.killpg(process.pid, number)
    else:
        process.send_signal(number)
    with process.stderr:
        told = process.stderr.read()
    code = process.wait(60)
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []
    assert (out / "case-0" / "run.json").exists()
    if number == signal.SIGINT:
        assert code == 130
        assert "1 of 2 cases are done; the same command goes on from there." in told
        assert "Traceback" not in told
        assert not list(tmp_path.glob("lesion-dask-*"))
        assert not list(out.glob(".*"))
