"""Names of Slicer in the code exist in Slicer 5.8.1, also on ways that no test goes."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import pytest
from slicer_double.api import load
from slicer_double.static import classes_in, methods_called, uses

REPOSITORY = Path(__file__).resolve().parent.parent
SOURCES = [
    path
    for module in ("LesionDetection", "LesionTraining")
    for path in (REPOSITORY / module / f"{module}.py", *sorted((REPOSITORY / module / f"{module}Lib").rglob("*.py")))
    if "viewer" not in path.parts  # the browser viewer brings views of its own, and never runs in Slicer
]
OURS = {"lesiondetection", "lesiontraining", "LesionDetectionWidget", "LesionTrainingWidget"}
"""In ``slicer.modules`` when our modules are loaded."""
FROM_NEWER_SLICERS = {"slicer.packaging"}
"""Looked for, and done without."""


@pytest.fixture(scope="module")
def api(real_data):
    return load(real_data("../slicer-api/slicer-5.8.1.json"))


def known(api, name: str) -> bool:
    """Whether a dotted name exists in Slicer's Python; what comes after a class or function is not looked at."""
    root, _, rest = name.partition(".")
    first, _, more = rest.partition(".")
    if not rest:
        return True
    if root in ("qt", "ctk"):
        return first in api.data[f"{root}_names"] and (not more or known_member(api, root, first, more.split(".")[0]))
    if (root, first) == ("DICOMLib", "DICOMUtils"):
        return not more or more.split(".")[0] in api.names_in("DICOMLib.DICOMUtils")
    if root in ("SampleData", "DICOMLib"):
        return first in api.names_in(root)
    if first == "util":
        return not more or more.split(".")[0] in api.names_in("slicer.util")
    if first == "app":
        return not more or more.split(".")[0] in api.entry("qSlicerApplication").names
    if first == "dicomDatabase":
        return not more or more.split(".")[0] in api.entry("ctkDICOMDatabase").names
    if first == "modules":
        return not more or more.split(".")[0] in {*api.data["slicer_modules"], *OURS}
    if first in ("i18n", "parameterNodeWrapper", "ScriptedLoadableModule"):
        return not more or more.split(".")[0] in api.names_in(f"slicer.{first}")
    if first == "mrmlScene":
        return True
    listed = {*api.data["slicer_names"], *api.data["vtk"], *api.data["slicer_widgets"]}
    if first in api.data["vtk"] and more:
        return more.split(".")[0] in api.vtk_methods
    return first in listed


def known_member(api, root: str, owner: str, member: str) -> bool:
    """``qt.QMessageBox.Ok``: values of enums, static functions."""
    if owner == "Qt":
        return any(member in values for values in api.data["Qt"].values())
    if owner not in api:
        return True  # named in qt_names, its members were not listed
    entry = api.entry(owner)
    return member in entry.names or (owner, member) == ("QTimer", "singleShot")


def test_names_of_slicer_exist(api):
    unknown = [
        f"{use.where}: Slicer 5.8.1 has no {use.name}"
        for path in SOURCES
        for use in uses(path, "slicer", "qt", "ctk", "SampleData", "DICOMLib")
        if use.name not in FROM_NEWER_SLICERS and not known(api, use.name)
    ]
    assert not unknown, "\n".join(unknown)


@pytest.fixture(scope="module")
def capital_names(api) -> set[str]:
    """Every method of Slicer's and VTK's classes."""
    vtk = pytest.importorskip("vtk")
    found = set(api.vtk_methods)
    for name in dir(vtk):
        member = getattr(vtk, name)
        if isinstance(member, type):
            found |= set(dir(member))
    return found


def of_other_libraries() -> set[str]:
    """Methods with a capital that are not VTK's: our own, SimpleITK's, Python's."""
    simple_itk = pytest.importorskip("SimpleITK")
    own = {name for path in SOURCES for name in path.read_text(encoding="utf-8").split() if name.startswith("def ")}
    return (
        own | {name for kind in vars(simple_itk).values() if isinstance(kind, type) for name in dir(kind)} | {"Logic"}
    )


def test_methods_of_nodes_exist_in_slicer(api, capital_names):
    """slicer-core is newer than Slicer 5.8.1: a method that came later works in tests and fails in Slicer."""
    pytest.importorskip("slicer")
    classes = {name for path in SOURCES for name in classes_in(path)}
    there = capital_names | of_other_libraries() | classes
    unknown = [
        f"{use.where}: {use.name}"
        for path in SOURCES
        for use in methods_called(path)
        if use.name not in there and _is_of_slicer(use.name)
    ]
    assert not unknown, unknown
    assert "SetTerminology" not in capital_names  # came with 5.10
    assert _is_of_slicer("SetTerminology")


def _is_of_slicer(name: str) -> bool:
    return name in _members_of_slicers_classes()


@functools.cache
def _members_of_slicers_classes() -> set[str]:
    import slicer

    kinds = [getattr(slicer, name) for name in dir(slicer) if name.startswith("vtk")]
    # Where slicer-layer-dm is installed, its classes stand there too.
    return {name for kind in kinds if "slicer_layer_dm" not in getattr(kind, "__module__", "") for name in dir(kind)}


@pytest.mark.parametrize(
    ("name", "exists"),
    [
        ("slicer.util.getNode", True),
        ("slicer.util.getNod", False),
        ("slicer.app.layoutManager", True),
        ("slicer.app.dicomBrowser", False),
        ("slicer.modules.markups.logic", True),
        ("slicer.modules.lesionfinder", False),
        ("qt.QMessageBox.Ok", True),
        ("qt.Qt.CTRL", False),
        ("qt.QAbstractItemView.SelectRow", False),
        ("ctk.ctkSliderWidget", True),
        ("slicer.vtkMRMLMarkupsROINode", True),
        ("slicer.vtkMRMLRoiNode", False),
        ("slicer.vtkMRMLScene.EndCloseEvent", True),
        ("slicer.arrayFromVolume", False),  # slicer-core has it there, Slicer has not
        ("slicer.packaging", False),
    ],
)
def test_the_check_tells_names_apart(api, name, exists):
    assert known(api, name) is exists


def test_the_lists_are_those_of_5_8_1(real_data):
    versions = json.loads(real_data("../slicer-api/slicer-5.8.1.json").read_text(encoding="utf-8"))["versions"]
    assert versions["slicer"].startswith("5.8")
