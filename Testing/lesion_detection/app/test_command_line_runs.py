"""``lesion detect`` as a process, with the demonstration model on a phantom: found, cancelled, killed, out of disk."""

from __future__ import annotations

import dataclasses
import json
import math
import signal
import subprocess
import sys
import time

import pytest
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.io.files import write_image
from LesionTrainingLib.cohorts.phantoms import chest

pytestmark = pytest.mark.slow

SEED = 515151
"""Unseen in training, validation and test."""


@pytest.fixture(scope="module")
def a_phantom(tmp_path_factory):
    """A quick chest phantom with a few nodules of 6 to 25 mm, and its scan file."""
    settings = dataclasses.replace(chest.FAST, nodules=(4, 6), diameter_mm=(6.0, 25.0))
    case = chest.make_chest(SEED, settings)
    path = tmp_path_factory.mktemp("phantom") / "scan.nrrd"
    write_image(case.image, path)
    return case, path


@pytest.fixture(scope="module")
def a_part(a_phantom, tmp_path_factory):
    """A file with a part of its lung, in which a run takes a few seconds; with a nodule, so that there is a scene to write."""
    case, _ = a_phantom
    nodule = max(case.lesions, key=lambda lesion: lesion.diameter_mm)
    center = case.image.geometry.ijk_from_ras(nodule.center_ras_mm).round().astype(int)
    size = (90, 90, 40)
    start = [
        int(min(max(at - length // 2, 0), most - length))
        for at, length, most in zip(center, size, case.image.shape_kji[::-1], strict=True)
    ]
    path = tmp_path_factory.mktemp("part") / "part.nrrd"
    write_image(case.image.crop((start[0], start[1], start[2]), size), path)
    return path


def command(scan, output, *more):
    return [sys.executable, "-m", "LesionDetectionLib.app.command_line", "detect", str(scan), "--method", "nodule-ct", "--output", str(output), "--device", "cpu", *more]  # fmt: skip


def started(scan, output, until):
    """A run that has come as far as the line ``until``."""
    process = subprocess.Popen(command(scan, output), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    for line in process.stderr:
        if until in line:
            return process
    raise AssertionError(f"the run never said {until!r}")


def test_the_demonstration_model_finds_phantom_nodules(a_phantom, tmp_path):
    case, path = a_phantom
    subprocess.run(command(path, tmp_path / "out", "--operating-point", "sensitive", "-q"), check=True)
    found = Detections.load(tmp_path / "out" / "detections.json")
    hits = [
        any(math.dist(mark.center_ras_mm, nodule.center_ras_mm) < nodule.diameter_mm / 2 for mark in found.lesions)
        for nodule in case.lesions
    ]
    assert sum(hits) >= 0.75 * len(hits)
    assert len(found.lesions) < 40
    assert "phantoms only" in found.warnings[0]
    assert {path.name for path in (tmp_path / "out").iterdir()} >= {"scene.mrb", "report.html", "lesions.seg.nrrd"}
    provenance = json.loads((tmp_path / "out" / "detections.json").read_text())["provenance"]
    assert provenance["model"]["name"] == "nodule-ct-phantom"


def test_ctrl_c_leaves_nothing(a_part, tmp_path):
    process = started(a_part, tmp_path / "out", until="%")
    process.send_signal(signal.SIGINT)
    with process.stderr:
        told = process.stderr.read()
    assert process.wait(60) == 130
    assert "Cancelled. Nothing was written." in told
    assert list(tmp_path.iterdir()) == []


def test_a_killed_run_leaves_no_results(a_part, tmp_path):
    process = started(a_part, tmp_path / "out", until="Writing")
    process.kill()
    process.stderr.close()
    assert process.wait(60) == -signal.SIGKILL
    assert not (tmp_path / "out").exists()
    assert all(left.name.startswith(".partial-out-") for left in tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are a POSIX thing")
def test_a_full_disk_leaves_nothing(a_part, tmp_path):
    """A limit on the size of files stands in for the full disk: writing the scene fails half-way in both."""
    limited = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)); "
        "from LesionDetectionLib.app.command_line import main; sys.exit(main(sys.argv[1:]))"
    )
    arguments = command(a_part, tmp_path / "out", "-q")[3:]
    done = subprocess.run([sys.executable, "-c", limited, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 6, done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_no_gpu_is_said(a_part, tmp_path):
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    arguments = [word if word != "cpu" else "cuda" for word in command(a_part, tmp_path / "out")]
    start = time.monotonic()
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert done.returncode == 5
    assert "cpu" in done.stderr
    assert time.monotonic() - start < 60  # said before the work, not after it
    assert list(tmp_path.iterdir()) == []
