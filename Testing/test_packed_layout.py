"""As Slicer packs it: what both CMakeLists.txt list, flat in one folder, and nothing else."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
MODULES = ("LesionDetection", "LesionTraining")


@pytest.fixture(scope="module")
def packed(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("packed") / "lib" / "Slicer-5.8" / "qt-scripted-modules"
    for module in MODULES:
        text = (REPOSITORY / module / "CMakeLists.txt").read_text(encoding="utf-8")
        for variable in ("MODULE_PYTHON_SCRIPTS", "MODULE_PYTHON_RESOURCES"):
            block = re.search(rf"set\({variable}\s+(.*?)\)", text, re.DOTALL)
            for name in block.group(1).replace("${MODULE_NAME}", module).split():
                target = folder / name
                assert not target.exists(), f"{name} is in both modules"
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(REPOSITORY / module / name, target)
    return folder


def run(packed: Path, code: str) -> str:
    """Run Python with the packed folder first on the path, as Slicer has it."""
    path = os.pathsep.join([str(packed), str(REPOSITORY / "Testing")])
    environment = {**os.environ, "PYTHONPATH": path, "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, cwd=packed.parent, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_part_can_be_imported(packed):
    """But for what needs Slicer's Qt. A part that is not listed is missing here."""
    code = f"""
import importlib, pathlib
root = pathlib.Path({str(packed)!r})
for path in sorted(root.glob("Lesion*Lib/**/*.py")):
    if "panel" not in path.parts and path.stem != "child":
        name = ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__")
        module = importlib.import_module(name)
        assert pathlib.Path(module.__file__) == path, module.__file__
"""
    pytest.importorskip("slicer")
    run(packed, code)


def test_resources_are_found(packed):
    code = f"""
import pathlib
from LesionDetectionLib.core.detector import methods
from LesionDetectionLib.core.resources import demonstration_model, resources_folder
assert resources_folder() == pathlib.Path({str(packed)!r}) / "Resources"
for info in methods().values():
    if info.needs_model:
        print(demonstration_model(info.demonstration_model))
"""
    assert "Resources/Models/" in Path(run(packed, code).strip()).as_posix()


def test_both_modules_are_built_from_there(packed, slicer_lists, tmp_path):
    code = f"""
import pathlib, sys, pytest
from slicer_double import api
from slicer_double.slicer_app import running
packed = pathlib.Path({str(packed)!r})
files = {{name: packed / f"{{name}}.py" for name in {MODULES!r}}}
with running(api.load(pathlib.Path({str(slicer_lists)!r})), pathlib.Path({str(tmp_path)!r}), pytest.MonkeyPatch(), files) as app:
    for name in files:
        widget = app.load_module(name)
        app.show(widget)
        assert widget.panel is not None
    for name, module in list(sys.modules.items()):
        if name.startswith("Lesion") and getattr(module, "__file__", None):
            assert packed in pathlib.Path(module.__file__).parents, module.__file__
print("built")
"""
    assert run(packed, code).strip().endswith("built")
