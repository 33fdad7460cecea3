"""Slicer starts, and both panels open, without the libraries that a fresh Slicer does not have: the panel asks for them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parent / "benchmarks"
MODULES = ("LesionDetection", "LesionTraining")
LACKING = {"torch", "cv2", "skimage", "safetensors", "highdicom", "gdcm", "matplotlib", "yaml"}
SLOW = {"SimpleITK", "pydicom", "PIL"}
"""Slicer has these; loading them at start-up or with the panel would only take time."""


@pytest.fixture(scope="module")
def measured(real_data):
    """By module, what the benchmark sees: in a new process for both, as it forgets our library before each, and what the first
    loads of others is seen before the second."""
    pytest.importorskip("PySide6.QtWidgets", exc_type=ImportError)
    lists = real_data("../slicer-api/slicer-5.8.1.json")
    code = (
        f"import json, pathlib, sys; sys.path.insert(0, {str(BENCHMARKS)!r}); import start_up; "
        f"print(json.dumps([start_up.measured(name, pathlib.Path({str(lists)!r})) for name in {MODULES!r}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return dict(zip(MODULES, json.loads(done.stdout.splitlines()[-1]), strict=True))


@pytest.mark.parametrize("name", MODULES)
def test_no_library_is_loaded_before_it_is_needed(name, measured):
    found = measured[name]
    assert not (LACKING | SLOW) & set(found["before"]), "the double itself loads some, which hides the answer"
    for stage in ("file", "started", "setup", "enter"):
        loaded = {module.partition(".")[0] for module in found[stage]["modules"]}
        assert not loaded & (LACKING | SLOW), stage
    assert found["file"]["modules"] == [name], "the module file alone"
