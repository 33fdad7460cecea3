"""``slicer.modules``: modules by name with their real logics, and the scripted modules that a test loads."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import slicer
from PySide6 import QtCore, QtGui, QtWidgets

from .behind.members import stored
from .values import proxy_of


class qSlicerScriptedLoadableModule(QtCore.QObject):
    """What a module's class gets as ``parent``, and what ``slicer.modules.<name>`` is."""

    def __init__(self, name: str, path: str, logic: Any = None) -> None:
        super().__init__()
        self._name, self._path, self._logic = name, path, logic
        self._widget: Any = None

    def logic(self) -> Any:
        return self._logic

    def mrmlScene(self) -> Any:
        return slicer.mrmlScene

    def widgetRepresentation(self) -> Any:
        return self._widget

    name = QtCore.Property(str, lambda self: self._name)
    path = QtCore.Property(str, lambda self: self._path)
    title = stored(str, "")
    categories = stored("QStringList", [])
    dependencies = stored("QStringList", [])
    contributors = stored("QStringList", [])
    associatedNodeTypes = stored("QStringList", [])
    helpText = stored(str, "")
    acknowledgementText = stored(str, "")
    hidden = stored(bool, False)
    index = stored(int, -1)
    icon = stored(QtGui.QIcon, None)
    widgetRepresentationCreationEnabled = stored(bool, True)


class qSlicerScriptedLoadableModuleWidget(QtWidgets.QWidget):
    """The parent of a module's widget in the module panel; calls ``enter``, ``exit`` and, at a reload, ``setup``."""

    mrmlSceneChanged = QtCore.Signal(object)

    def __init__(self, name: str, modules: Modules) -> None:
        super().__init__()
        self._name, self._modules, self._entered = name, modules, False
        self._scene: Any = None
        QtWidgets.QVBoxLayout(self)

    def setMRMLScene(self, scene: Any) -> None:
        if scene is not self._scene:
            self._scene = scene
            self.mrmlSceneChanged.emit(scene)

    def module(self) -> Any:
        return self._modules.real[self._name.lower()]

    def self(self) -> Any:
        return getattr(self._modules, f"{self._name}Widget")

    def reload(self) -> None:
        """A new widget of the module as it is now in ``sys.modules``, in the same parent. It is set up, but not entered, even
        where the module is shown (``qSlicerScriptedLoadableModuleWidget::reload``)."""
        proxy = proxy_of(self)
        widget = getattr(sys.modules[self._name], f"{self._name}Widget")(proxy)
        setattr(self._modules, f"{self._name}Widget", widget)
        widget.setup()

    def enter(self) -> None:
        self._entered = True
        self.show()
        if hasattr(self.self(), "enter"):
            self.self().enter()

    def exit(self) -> None:
        self._entered = False
        if hasattr(self.self(), "exit"):
            self.self().exit()

    isEntered = QtCore.Property(bool, lambda self: self._entered)
    moduleName = QtCore.Property(str, lambda self: self._name)


class qSlicerModuleManager(QtCore.QObject):
    moduleAboutToBeUnloaded = QtCore.Signal(str)
    moduleLoaded = QtCore.Signal(str)

    def __init__(self, modules: Modules) -> None:
        super().__init__()
        self._modules = modules

    def module(self, name: str) -> Any:
        return self._modules.real.get(name.lower())

    def modulesNames(self) -> list[str]:
        return [module._name for module in self._modules.real.values()]


class Modules:
    """``slicer.modules``. A module that Slicer lists and the double lacks raises NotImplementedError."""

    def __init__(self, logics: dict[str, Any], listed: list[str]) -> None:
        self.real = {
            name: qSlicerScriptedLoadableModule(name.capitalize(), "", logic) for name, logic in logics.items()
        }
        self.selected = ""
        self._entered: Any = None
        self._listed = set(listed)
        self._manager = qSlicerModuleManager(self)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name == "real":
            raise AttributeError(name)
        if name == "terminologies" and name not in self.real:
            self.real[name] = qSlicerScriptedLoadableModule("Terminologies", "", _terminologies())
        if name in self.real:
            return proxy_of(self.real[name])
        if name in self._listed:
            raise NotImplementedError(f"Slicer 5.8.1 has slicer.modules.{name}; the double does not imitate it")
        raise AttributeError(f"slicer.modules has no {name}")

    @property
    def shown(self) -> Any:
        """The widget of the module that is entered."""
        for module in self.real.values():
            if module._widget is not None and module._widget._entered:
                return module._widget.self()
        raise AssertionError("No module is shown: slicer_app.show(widget)")

    def select(self, name: str) -> None:
        """Leave the shown module, enter another one, as ``slicer.util.selectModule`` does."""
        widget = getattr(self, f"{name}Widget", None)
        if widget is None and name.lower() not in self.real:
            raise RuntimeError(f"There is no module {name}")
        if self._entered is not None and self._entered is not widget:
            self._entered.parent.exit()
        self.selected = name
        self._entered = widget
        if widget is not None:
            widget.parent.enter()


def _terminologies() -> Any:
    """Made when asked for: without Slicer's own terminology files beside it, it complains of each."""
    shown = slicer.vtkMRMLScene.GetGlobalWarningDisplay()
    slicer.vtkMRMLScene.GlobalWarningDisplayOff()
    try:
        return slicer.vtkSlicerTerminologiesModuleLogic()
    finally:
        slicer.vtkMRMLScene.SetGlobalWarningDisplay(shown)


def execute(name: str, path: Path, modules: Modules) -> tuple[Any, Any]:
    """Run a module file anew and make its module object; returns (Python module, ``slicer.modules.<name>``)."""
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    python = importlib.util.module_from_spec(spec)
    sys.modules[name] = python
    spec.loader.exec_module(python)
    real = qSlicerScriptedLoadableModule(name, str(path))
    modules.real[name.lower()] = real
    instance = getattr(python, name)(proxy_of(real))
    setattr(modules, f"{name}Instance", instance)
    return python, real


def make_widget(name: str, modules: Modules) -> Any:
    """The module's widget with its parent and layout, set up; an exception in ``setup`` is raised here.

    In real Slicer it is only printed, and the panel stays half built.
    """
    parent = qSlicerScriptedLoadableModuleWidget(name, modules)
    parent.setMRMLScene(slicer.mrmlScene)
    modules.real[name.lower()]._widget = parent
    parent.reload()
    return getattr(modules, f"{name}Widget")
