"""Slicer starts, and both panels open, without the libraries that a fresh Slicer does not have: the panel asks for them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).resolve().parent / "benchmarks" / "start_up.py"
LACKING = {"torch", "cv2", "skimage", "safetensors", "highdicom", "gdcm", "matplotlib", "yaml"}
SLOW = {"SimpleITK", "pydicom", "PIL"}
"""Slicer has these; loading them at start-up or with the panel would only take time."""


@pytest.mark.parametrize("name", ["LesionDetection", "LesionTraining"])
def test_no_library_is_loaded_before_it_is_needed(name, real_data):
    pytest.importorskip("PySide6.QtWidgets", exc_type=ImportError)
    lists = real_data("../slicer-api/slicer-5.8.1.json")
    command = [sys.executable, str(BENCHMARK), "--one", name, "--lists", str(lists)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    assert not (LACKING | SLOW) & set(found["before"]), "the double itself loads some, which hides the answer"
    for stage in ("file", "started", "setup", "enter"):
        loaded = {module.partition(".")[0] for module in found[stage]["modules"]}
        assert not loaded & (LACKING | SLOW), stage
    assert found["file"]["modules"] == [name], "the module file alone"
