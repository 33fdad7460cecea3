"""As Slicer packs it: what both CMakeLists.txt list, flat in one folder, and nothing else."""

from __future__ import annotations

import importlib.util
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
                source = REPOSITORY / module / name
                shutil.copy2(source, target)
                _copy_compiled(source, target)
    return folder


def _copy_compiled(source: Path, target: Path) -> None:
    """What Python has compiled of a file already: it takes it only with the file, as long as that is the same."""
    if source.suffix == ".py":
        compiled = Path(importlib.util.cache_from_source(str(source)))
        if compiled.exists():
            place = Path(importlib.util.cache_from_source(str(target)))
            place.parent.mkdir(exist_ok=True)
            shutil.copy(compiled, place)


def run(packed: Path, code: str) -> str:
    """Run Python with the packed folder first on the path, as Slicer has it."""
    path = os.pathsep.join([str(packed), str(REPOSITORY / "Testing")])
    environment = {**os.environ, "PYTHONPATH": path, "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, cwd=packed.parent, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


BUILT = """
import sys, pytest, slicer
from slicer_double import api
from slicer_double.slicer_app import running
files = {name: packed / f"{name}.py" for name in MODULES}
with running(api.load(pathlib.Path(LISTS)), pathlib.Path(FOLDER), pytest.MonkeyPatch(), files) as app:
    for name in files:
        widget = app.load_module(name)
        app.show(widget)
        assert widget.panel is not None
        assert issubclass(getattr(sys.modules[name], f"{name}Test"), slicer.ScriptedLoadableModule.ScriptedLoadableModuleTest)
    import LesionDetectionLib.panel.self_test.detection, LesionTrainingLib.panel.self_test  # loaded when they are run
    for name, module in list(sys.modules.items()):
        if name.startswith("Lesion") and getattr(module, "__file__", None):
            assert packed in pathlib.Path(module.__file__).parents, module.__file__
"""
RESOURCES = """
from LesionDetectionLib.core.detector import methods
from LesionDetectionLib.core.resources import demonstration_model, resources_folder
assert resources_folder() == packed / "Resources"
for info in methods().values():
    if info.needs_model:
        assert "Resources/Models/" in demonstration_model(info.demonstration_model).as_posix()
"""
IMPORTED = """
import importlib
for path in sorted(packed.glob("Lesion*Lib/**/*.py")):
    if "panel" not in path.parts and path.stem != "child":
        name = ".".join(path.relative_to(packed).with_suffix("").parts).removesuffix(".__init__")
        module = importlib.import_module(name)
        assert pathlib.Path(module.__file__) == path, module.__file__
"""


@pytest.fixture
def building(request, tmp_path):
    """Code that has the double of Slicer build both modules; none where that is not possible, as other tests say by skipping."""
    try:
        lists = request.getfixturevalue("slicer_lists")
    except pytest.skip.Exception:
        return ""
    names = {"MODULES": MODULES, "LISTS": str(lists), "FOLDER": str(tmp_path)}
    return "\n".join(f"{name} = {value!r}" for name, value in names.items()) + BUILT


@pytest.mark.slow
def test_both_modules_are_built_their_resources_found_and_every_part_imported(packed, building):
    """In one process, as its start and its libraries take most of the time, and in this order: a new Slicer has none of the
    parts loaded. Imported is all but what needs Slicer's Qt: a part that is not listed is missing here."""
    pytest.importorskip("slicer")
    run(packed, f"import pathlib; packed = pathlib.Path({str(packed)!r})\n{building}{RESOURCES}{IMPORTED}")
