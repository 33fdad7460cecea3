"""The house stays as it was designed: which part may use which, what loads when, and what is shipped."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
LIBRARIES = {
    "LesionDetectionLib": REPOSITORY / "LesionDetection" / "LesionDetectionLib",
    "LesionTrainingLib": REPOSITORY / "LesionTraining" / "LesionTrainingLib",
}
MODULES = {"LesionDetection": "LesionDetectionLib", "LesionTraining": "LesionTrainingLib"}

MAY_USE = {
    "LesionDetectionLib.core": {"LesionDetectionLib.core"},
    "LesionDetectionLib.imaging": {"LesionDetectionLib.core", "LesionDetectionLib.imaging"},
    "LesionDetectionLib.methods": {f"LesionDetectionLib.{part}" for part in ("core", "imaging", "methods")},
    "LesionDetectionLib.io": {f"LesionDetectionLib.{part}" for part in ("core", "imaging", "io")},
    "LesionDetectionLib.app": {f"LesionDetectionLib.{part}" for part in ("core", "imaging", "methods", "io", "app")},
    "LesionDetectionLib.panel": {
        f"LesionDetectionLib.{part}" for part in ("core", "imaging", "methods", "io", "app", "panel")
    },
    "LesionDetectionLib.viewer": {
        f"LesionDetectionLib.{part}" for part in ("core", "imaging", "methods", "io", "app", "viewer")
    },
}
"""Arrows point one way. LesionTrainingLib may use everything; nothing here may use it. All that needs Qt is in ``panel``."""

HEAVY = {"torch", "torchvision", "SimpleITK", "cv2", "matplotlib", "slicer", "skimage", "pydicom"}


def sources(library: str) -> list[Path]:
    return sorted(LIBRARIES[library].rglob("*.py"))


def module_name(path: Path, library: str) -> str:
    parts = (library, *path.relative_to(LIBRARIES[library]).with_suffix("").parts)
    return ".".join(parts).removesuffix(".__init__")


def imports(path: Path, name: str, *, whole_file: bool) -> set[str]:
    """Absolute names of the modules that a file imports: at file scope, or anywhere in it."""
    found = set()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    nodes = ast.walk(tree) if whole_file else iter(tree.body)
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            found.add(".".join([*base, *([node.module] if node.module else [])]))
    return found


def test_arrows_point_one_way():
    wrong = []
    for path in sources("LesionDetectionLib"):
        name = module_name(path, "LesionDetectionLib")
        own = ".".join(name.split(".")[:2])
        for used in imports(path, name, whole_file=True) if own != "LesionDetectionLib" else ():
            part = ".".join(used.split(".")[:2])
            ours = used.startswith("LesionDetectionLib.")
            if used.startswith("LesionTrainingLib") or (ours and part not in MAY_USE[own]):
                wrong.append(f"{name} uses {used}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("package", "allowed"),
    [("core", {"numpy"}), ("methods/nodule_ct/network.py", {"torch", "numpy"})],
)
def test_what_the_innermost_parts_import(package, allowed):
    root = LIBRARIES["LesionDetectionLib"] / package
    for path in [root] if root.is_file() else sorted(root.rglob("*.py")):
        name = module_name(path, "LesionDetectionLib")
        outside = {used.split(".")[0] for used in imports(path, name, whole_file=False)} - sys.stdlib_module_names
        assert outside <= allowed | {"LesionDetectionLib"}, f"{path}: {outside}"


@pytest.mark.parametrize("library", LIBRARIES)
def test_qt_is_used_in_panels_only(library):
    """Session, worker and nodes serve the browser viewer and scripts too, where there is no Qt."""
    for path in sources(library):
        if "panel" not in path.relative_to(LIBRARIES[library]).parts:
            used = {name.split(".")[0] for name in imports(path, module_name(path, library), whole_file=True)}
            assert not used & {"qt", "ctk"}, path


def test_choosing_a_method_loads_no_heavy_library():
    code = (
        "import sys; from LesionDetectionLib.core.detector import methods; assert 'nodule-ct' in methods(); "
        f"print(sorted({HEAVY!r} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("module", MODULES)
def test_slicer_module_files_load_only_what_slicer_has(module):
    """At file scope: standard library, slicer, qt, ctk, vtk, numpy."""
    path = REPOSITORY / module / f"{module}.py"
    outside = {used.split(".")[0] for used in imports(path, module, whole_file=False)} - sys.stdlib_module_names
    assert outside <= {"slicer", "qt", "ctk", "vtk", "numpy"}


def listed(module: str, variable: str) -> set[str]:
    text = (REPOSITORY / module / "CMakeLists.txt").read_text(encoding="utf-8")
    block = re.search(rf"set\({variable}\s+(.*?)\)", text, re.DOTALL)
    assert block, f"{module}/CMakeLists.txt sets no {variable}"
    names = [name for name in block.group(1).split() if name != "${MODULE_NAME}.py"]
    assert len(names) == len(set(names))
    return set(names)


@pytest.mark.parametrize(("module", "library"), MODULES.items())
def test_cmake_ships_every_file(module, library):
    """What CMakeLists.txt does not list is silently not shipped; a listed file that is missing stops the build."""
    root = REPOSITORY / module
    library_files = [path for path in (root / library).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    scripts = {str(path.relative_to(root)) for path in library_files if path.suffix == ".py"}
    data = {str(path.relative_to(root)) for path in library_files if path.suffix != ".py"}
    data |= {str(path.relative_to(root)) for path in (root / "Resources").rglob("*") if path.is_file()}
    assert listed(module, "MODULE_PYTHON_SCRIPTS") == scripts
    assert listed(module, "MODULE_PYTHON_RESOURCES") == data


def test_both_modules_fit_into_one_folder():
    """Slicer packs all modules flat: no file of one may replace a file of the other."""
    detection = listed("LesionDetection", "MODULE_PYTHON_SCRIPTS") | listed(
        "LesionDetection", "MODULE_PYTHON_RESOURCES"
    )
    training = listed("LesionTraining", "MODULE_PYTHON_SCRIPTS") | listed("LesionTraining", "MODULE_PYTHON_RESOURCES")
    assert not detection & training


def test_no_folder_is_named_slicer():
    """The slicer-core wheel imports every ``slicer`` folder on the path."""
    assert not [path for path in REPOSITORY.rglob("slicer") if path.is_dir() and ".venv" not in path.parts]


def test_nothing_unpickles():
    for library in LIBRARIES:
        for path in sources(library):
            text = path.read_text(encoding="utf-8")
            assert not re.search(r"\bpickle\b|torch\.load\(|allow_pickle=True|yaml\.load\(", text), path


def test_versions_agree():
    from LesionDetectionLib import __version__

    assert f'version = "{__version__}"' in (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    assert f"## {__version__}" in (REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
