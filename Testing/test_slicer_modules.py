"""The two module files load and work against real MRML and a strict stand-in for Slicer's Qt.

The stand-in knows the members that a running Slicer 5.8.1 listed (``slicer-5.8.1.json``) and refuses everything else.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import sys
import types
from pathlib import Path

import pytest
from LesionDetectionLib.core.errors import InputError

REPOSITORY = Path(__file__).resolve().parent.parent


class StrictWidget:
    """A Qt class as listed: unknown members and signals raise."""

    def __init__(self, api, name):
        entries = [api[name], *(api[base] for base in api[name].get("bases", []) if base in api)]
        methods = {method for entry in entries for method in entry.get("methods", [])}
        properties = {prop for entry in entries for prop in entry.get("properties", {})}
        signals = {signal for entry in entries for signal in entry.get("signals", [])}
        self.__dict__.update(_name=name, _methods=methods, _properties=properties, _signals=signals, slots={})

    def __getattr__(self, member):
        if member == "connect":
            return self._connect
        if member in self._methods:
            return lambda *arguments: None
        raise AttributeError(f"{self._name} has no {member}")

    def __setattr__(self, member, value):
        if member not in self._properties:
            raise AttributeError(f"{self._name} has no property {member}")

    def _connect(self, signal, slot):
        assert signal in self._signals, f"{self._name} has no signal {signal}"
        self.slots[signal] = slot


class Module:
    """ScriptedLoadableModule and the three classes beside it, as far as the module files use them."""

    class ScriptedLoadableModule:
        def __init__(self, parent):
            self.parent = parent

    class ScriptedLoadableModuleWidget:
        def __init__(self, layout):
            self.layout = layout

        def setup(self):
            pass

    class ScriptedLoadableModuleLogic:
        pass

    class ScriptedLoadableModuleTest:
        pass


@pytest.fixture
def slicer_scene(monkeypatch):
    """A ``slicer`` with a scene, as the application has it, on the real MRML of slicer-core."""
    slicer = pytest.importorskip("slicer")
    scene = slicer.vtkMRMLScene()
    monkeypatch.setattr(slicer, "mrmlScene", scene, raising=False)
    monkeypatch.setattr(slicer.util, "tryWithErrorDisplay", lambda *a, **k: contextlib.nullcontext(), raising=False)
    translation = types.ModuleType("slicer.i18n")
    translation.tr = lambda text: text
    monkeypatch.setitem(sys.modules, "slicer.i18n", translation)
    loadable = types.ModuleType("slicer.ScriptedLoadableModule")
    vars(loadable).update({name: value for name, value in vars(Module).items() if name.startswith("Scripted")})
    monkeypatch.setitem(sys.modules, "slicer.ScriptedLoadableModule", loadable)
    monkeypatch.setitem(sys.modules, "qt", types.ModuleType("qt"))
    return scene


@pytest.fixture
def qt(slicer_scene, monkeypatch, real_data):
    api = json.loads(real_data("../slicer-api/slicer-5.8.1.json").read_text(encoding="utf-8"))["qt"]

    def find(name):
        if name not in api:
            raise AttributeError(f"qt has no {name}")
        return lambda *arguments: StrictWidget(api, name)

    module = types.ModuleType("qt")
    module.__getattr__ = find
    monkeypatch.setitem(sys.modules, "qt", module)
    return find


def load(name):
    """The module file, executed anew as Slicer does it."""
    spec = importlib.util.spec_from_file_location(name, REPOSITORY / name / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["LesionDetection", "LesionTraining"])
def test_the_module_says_what_it_is(slicer_scene, name):
    module = load(name)
    parent = types.SimpleNamespace()
    getattr(module, name)(parent)
    assert parent.title
    assert parent.helpText
    assert "not a medical device" in parent.helpText


@pytest.mark.parametrize(("name", "last"), [("LesionDetection", "methodsLabel"), ("LesionTraining", "phantomButton")])
def test_the_panel_is_built_to_its_end(qt, name, last):
    widget = getattr(load(name), f"{name}Widget")(qt("QVBoxLayout")())
    widget.setup()
    assert hasattr(widget, last)


def test_the_self_test_of_detection_passes(slicer_scene):
    load("LesionDetection").LesionDetectionTest().runTest()
    assert slicer_scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 1


@pytest.mark.slow
def test_the_self_test_of_training_passes(slicer_scene):
    load("LesionTraining").LesionTrainingTest().runTest()
    assert slicer_scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 1


def test_training_opens_the_database_of_a_running_slicer(slicer_scene):
    logic = load("LesionTraining").LesionTrainingLogic()
    closed = types.SimpleNamespace(isOpen=False, databaseDirectory="")
    with pytest.raises(InputError, match="No DICOM database is open"):
        logic.openDatabase(closed, modality="PT")
    with pytest.raises(TypeError, match="colour"):
        logic.openDatabase(closed, colour="red")
