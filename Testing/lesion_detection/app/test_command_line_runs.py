"""``lesion detect`` as a process: found by the demonstration model on a phantom, cancelled, killed, out of disk."""

from __future__ import annotations

import dataclasses
import json
import math
import signal
import subprocess
import sys

import numpy as np
import pytest
from LesionDetectionLib.app.command_line import main
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.image import PET, SUV_BW, Image
from LesionDetectionLib.io.files import write_image
from LesionTrainingLib.cohorts.phantoms.chest_settings import TINY

pytestmark = pytest.mark.slow

SEED = 515151
"""Unseen in training, validation and test."""


@pytest.fixture(scope="module")
def a_phantom(kept_phantoms, tmp_path_factory):
    """A part of a phantom's right lung with three nodules of 8 to 16 mm: an eighth of the time of all of it."""
    settings = dataclasses.replace(TINY, nodules=(8, 8), diameter_mm=(6.0, 25.0), mimics=(2, 3))
    case = kept_phantoms.chest(SEED, settings)
    part = case.image.crop((0, 14, 10), (85, 80, 46))
    nodules = [nodule for nodule in case.lesions if part.geometry.contains_ras(nodule.center_ras_mm)]
    path = tmp_path_factory.mktemp("phantom") / "scan.nrrd"
    write_image(part, path)
    return nodules, path


@pytest.fixture(scope="module")
def a_pet(tmp_path_factory):
    """A file with a PET of noise with one hot spot: searched in a second, without torch, and there is a scene to write."""
    values = np.random.default_rng(0).uniform(0.4, 0.8, (40, 48, 48)).astype(np.float32)
    values[18:22, 22:26, 18:22] = 9.0
    path = tmp_path_factory.mktemp("pet") / "pet.nrrd"
    write_image(Image(values, np.diag([4.0, 4.0, 4.0, 1.0]), PET, SUV_BW), path)
    return path


IN_CT = ("--method", "nodule-ct", "--device", "cpu")
IN_PET = ("--method", "active-pet-ct", "--set", "lungs_only=false")


def command(scan, output, *more):
    return [sys.executable, "-m", "LesionDetectionLib.app.command_line", "detect", str(scan), "--output", str(output), *more]  # fmt: skip


def started(scan, output, *more, until):
    """A run that has come as far as the line ``until``."""
    process = subprocess.Popen(
        command(scan, output, *more), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    for line in process.stderr:
        if until in line:
            return process
    raise AssertionError(f"the run never said {until!r}")


def test_the_demonstration_model_finds_phantom_nodules(a_phantom, tmp_path):
    nodules, path = a_phantom
    assert len(nodules) == 3
    subprocess.run(command(path, tmp_path / "out", *IN_CT, "--operating-point", "sensitive", "-q"), check=True)
    found = Detections.load(tmp_path / "out" / "detections.json")
    hits = [
        any(math.dist(mark.center_ras_mm, nodule.center_ras_mm) < nodule.diameter_mm / 2 for mark in found.lesions)
        for nodule in nodules
    ]
    assert all(hits)
    assert len(found.lesions) < 10
    assert "phantoms only" in found.warnings[0]
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {"scene.mrb", "report.html", "lesions.seg.nrrd"}
    provenance = json.loads((tmp_path / "out" / "detections.json").read_text())["provenance"]
    assert provenance["model"]["name"] == "nodule-ct-phantom"


def test_ctrl_c_leaves_nothing(a_phantom, tmp_path):
    process = started(a_phantom[1], tmp_path / "out", *IN_CT, until="%")
    process.send_signal(signal.SIGINT)
    with process.stderr:
        told = process.stderr.read()
    assert process.wait(60) == 130
    assert "Cancelled. Nothing was written." in told
    assert list(tmp_path.iterdir()) == []


def test_a_killed_run_leaves_no_results(a_pet, tmp_path):
    process = started(a_pet, tmp_path / "out", *IN_PET, until="Writing")
    process.kill()
    process.stderr.close()
    assert process.wait(60) == -signal.SIGKILL
    assert not (tmp_path / "out").exists()
    assert all(left.name.startswith(".partial-out-") for left in tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are a POSIX thing")
def test_a_full_disk_leaves_nothing(a_pet, tmp_path):
    """A limit on the size of files stands in for the full disk: writing the scene fails half-way in both."""
    limited = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)); "
        "from LesionDetectionLib.app.command_line import main; sys.exit(main(sys.argv[1:]))"
    )
    arguments = command(a_pet, tmp_path / "out", *IN_PET, "-q")[3:]
    done = subprocess.run([sys.executable, "-c", limited, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 6, done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_no_gpu_is_said_before_the_work(a_phantom, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    in_ct = ("--method", "nodule-ct", "--device", "cuda")
    assert main(command(a_phantom[1], tmp_path / "out", *in_ct)[3:]) == 5
    told = capsys.readouterr().err
    assert "cpu" in told
    assert "%" not in told
    assert list(tmp_path.iterdir()) == []
