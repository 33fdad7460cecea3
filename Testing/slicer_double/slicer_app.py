"""The double put together for one test: what the fixture ``slicer_app`` gives."""

from __future__ import annotations

import contextlib
import gc
import sys
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import slicer
from PySide6 import QtCore, QtGui, QtWidgets

from . import classes, dicom, namespaces, parameter_node, python_modules, sample_data, scripted, util
from .api import Api
from .application import qSlicerApplication
from .behind import WIDGETS
from .dialogs import DIALOGS, Question, statics
from .layout import qMRMLPlotWidget, qMRMLSliceView, qMRMLSliceWidget, qSlicerLayoutManager
from .left_running import left_running, stop
from .main_window import qSlicerAppMainWindow
from .modules import (
    Modules,
    execute,
    make_widget,
    qSlicerModuleManager,
    qSlicerScriptedLoadableModule,
    qSlicerScriptedLoadableModuleWidget,
)
from .palettes import DARK, LIGHT
from .problems import PROBLEMS, qt_message
from .scene import Scene, real_scene
from .settings import ctkSettings, temporary_settings
from .ui_loader import QUiLoader
from .values import proxy_of, to_real

REPOSITORY = Path(__file__).resolve().parent.parent.parent
MODULE_FILES = {name: REPOSITORY / name / f"{name}.py" for name in ("LesionDetection", "LesionTraining")}

_BEHIND = {
    **WIDGETS,
    **{
        cls.__name__: cls
        for cls in (
            QUiLoader,
            ctkSettings,
            dicom.ctkDICOMDatabase,
            qMRMLPlotWidget,
            qMRMLSliceView,
            qMRMLSliceWidget,
            qSlicerAppMainWindow,
            qSlicerApplication,
            qSlicerLayoutManager,
            qSlicerModuleManager,
            qSlicerScriptedLoadableModule,
            qSlicerScriptedLoadableModuleWidget,
        )
    },
}


class SlicerApp:
    """Attributes:
    scene: ``slicer.mrmlScene``, real MRML.
    answers: ``answers["words of the text"] = answer`` (dialogs.py).
    questions: every question and message so far.
    pip: what ``slicer.util.pip_install`` was asked for.
    imports: (folder, copied) of each ``DICOMUtils.importDicom``.
    samples: keywords of each registered sample data source.
    problems: exceptions that nobody saw so far; left ones fail the test. ``problems.take()`` forgets them.
    """

    def __init__(
        self, api: Api, real: Scene, folder: Path, monkeypatch: pytest.MonkeyPatch, module_files: dict[str, Path]
    ) -> None:
        self.api = api
        self.scene = real.scene
        self.folder = folder
        self._monkeypatch = monkeypatch
        self.module_files = module_files
        self.pip = util.PipCalls()
        self.imports = dicom.Imports()
        self.samples: list[dict[str, Any]] = []
        self.problems = PROBLEMS
        self.database = dicom.ctkDICOMDatabase()
        self._application = qSlicerApplication(real.scene, real.application_logic, str(folder))
        self._layout = qSlicerLayoutManager(real.scene, real.application_logic)
        self._application._layout_manager = self._layout
        self.modules = Modules(real.logics, api.data["slicer_modules"])
        self._window = qSlicerAppMainWindow(self.modules)
        self._application._modules = self.modules
        self._application._main_window = proxy_of(self._window)
        self._loaded: list[Any] = []

    answers = property(lambda self: DIALOGS.answers)

    @property
    def questions(self) -> list[Question]:
        return DIALOGS.questions

    @property
    def testing(self) -> bool:
        """What ``slicer.app.testingEnabled()`` says; False to go the way that a person goes."""
        return self._application._testing

    @testing.setter
    def testing(self, enabled: bool) -> None:
        self._application._testing = enabled

    # --- into place ---

    def install(self) -> None:
        """Put everything where Slicer's Python has it; ``monkeypatch`` takes it back."""
        api, patch = self.api, self._monkeypatch
        modules: dict[str, types.ModuleType] = {
            "qt": namespaces.qt_module(api),
            "ctk": namespaces.ctk_module(api),
            "slicer.ScriptedLoadableModule": scripted.python_module(),
            "slicer.parameterNodeWrapper": parameter_node.python_module(api.names_in("slicer.parameterNodeWrapper")),
            "slicer.i18n": _i18n(),
            "SampleData": sample_data.python_module(self.samples, api.names_in("SampleData")),
            **dicom.python_modules(self.imports, api.names_in("DICOMLib") | api.names_in("DICOMLib.DICOMUtils")),
        }
        for name, module in modules.items():
            patch.setitem(sys.modules, name, module)
            if name.startswith("slicer."):
                patch.setattr(slicer, name.partition(".")[2], module, raising=False)
        patch.setattr(slicer, "mrmlScene", self.scene, raising=False)
        patch.setattr(slicer, "app", proxy_of(self._application), raising=False)
        patch.setattr(slicer, "modules", self.modules, raising=False)
        patch.setattr(slicer, "dicomDatabase", proxy_of(self.database), raising=False)
        patch.setattr(slicer, "selfTests", {}, raising=False)
        patch.setattr(slicer, "__getattr__", _slicer_widget, raising=False)
        functions = util.replacements(self.pip)
        util.check_signatures(functions, api)
        for name, function in functions.items():
            patch.setattr(slicer.util, name, function)
        for folder in {path.parent for path in self.module_files.values()}:
            patch.syspath_prepend(str(folder))

    # --- what tests do ---

    def load_module(self, name: str, path: Path | None = None) -> Any:
        """The widget of a module: its file is executed anew, then module and widget are made as Slicer does it."""
        execute(name, path or self.module_files[name], self.modules)
        widget = make_widget(name, self.modules)
        self._loaded.append(widget)
        return widget

    def load_logic(self, name: str, path: Path | None = None) -> Any:
        """The Python module of a module file, for its logic and tests, without a panel."""
        return execute(name, path or self.module_files[name], self.modules)[0]

    def show(self, widget: Any) -> None:
        """Enter a module, as selecting it does."""
        widget.parent.enter()

    def leave(self, widget: Any) -> None:
        widget.parent.exit()

    def startup_completed(self) -> None:
        """Slicer has started: modules that wait for it (sample data) go on."""
        self._application.startupCompleted.emit()

    def process_events(self, until: Callable[[], Any] | None = None, timeout: float = 10.0) -> bool:
        """Let Qt work: once, or until ``until()`` is true. Fails when that takes longer than ``timeout`` seconds."""
        end = time.monotonic() + timeout
        while True:
            QtWidgets.QApplication.processEvents(QtCore.QEventLoop.ProcessEventsFlag.AllEvents, 10)
            QtCore.QCoreApplication.sendPostedEvents(None, int(QtCore.QEvent.Type.DeferredDelete.value))
            if until is None or until():
                return True
            if time.monotonic() > end:
                raise AssertionError(f"Waited {timeout} s in vain")
            time.sleep(0.002)

    def press(self, key: str, widget: Any = None) -> None:
        """Press a key ("N", "Ctrl+Z") as if ``widget``, or the shown module, had the keyboard: a shortcut, else an event."""
        from .keys import press

        press(to_real(widget if widget is not None else self.modules.shown.parent), key)
        self.process_events()

    def click_in_slice(self, ras: Any, view: str = "") -> None:
        """A click into a slice view at RAS mm, in place mode (recipes, section 6); with ``view`` ("Green") by the mouse in it."""
        from .placing import click

        node = self._layout.sliceWidget(view).mrmlSliceNode() if view else None
        click(self.scene, self._application.applicationLogic(), ras, node)
        self.process_events()

    def picture(self, widget: Any, path: Path, size: tuple[int, int] = (480, 900), dark: bool = False) -> Path:
        """The widget drawn to a PNG, in a light palette or in Slicer's dark one; higher than ``size`` where it must be."""
        real = to_real(widget.parent if hasattr(widget, "setup") else widget)
        before = QtWidgets.QApplication.palette()
        QtWidgets.QApplication.setPalette(DARK() if dark else LIGHT())
        try:
            real.setAttribute(QtCore.Qt.WidgetAttribute.WA_DontShowOnScreen, True)
            real.show()
            for _ in range(3):
                real.resize(size[0], max(size[1], _needed_height(real, size[0])))
                self.process_events()
            pixmap: QtGui.QPixmap = real.grab()
            path.parent.mkdir(parents=True, exist_ok=True)
            if not pixmap.save(str(path)):
                raise OSError(f"{path} was not written")
        finally:
            QtWidgets.QApplication.setPalette(before)
        return path

    def who_observes(self, part: str = "Lesion") -> list[str]:
        """Functions in files with ``part`` in their path that run when the scene and its nodes are poked.

        After ``cleanup`` nothing of a module may run any more.
        """
        from .leaks import who_runs

        return who_runs(self.scene, part, self.process_events)

    # --- the end ---

    def close(self) -> None:
        # A reload made another widget than the one that was loaded.
        newest = [getattr(self.modules, f"{widget.moduleName}Widget", widget) for widget in self._loaded]
        for widget in dict.fromkeys([*self._loaded, *newest]):
            with PROBLEMS.caught(f"cleanup of {type(widget).__name__}"):
                if widget.parent:
                    widget.cleanup()
        if self._loaded:
            for what in left_running():
                PROBLEMS.add(f"After cleanup there still runs {what}")
        stop()
        for top in QtWidgets.QApplication.topLevelWidgets():
            top.close()
            top.deleteLater()
        self.process_events()
        DIALOGS.clear()
        self._loaded.clear()
        gc.collect()


def _needed_height(widget: QtWidgets.QWidget, width: int) -> int:
    """The height below which Slicer's module panel, a scroll area, scrolls instead of squeezing: texts wrap to it."""
    layout = widget.layout()
    return layout.totalHeightForWidth(width) if layout is not None and layout.hasHeightForWidth() else 0


def _slicer_widget(name: str) -> Any:
    if name.startswith(("qMRML", "qSlicer")):
        try:
            return classes.proxy_class(name)
        except KeyError:
            pass
    raise AttributeError(f"slicer has no {name} in Slicer 5.8.1 (or slicer-core lacks it)")


def _i18n() -> types.ModuleType:
    module = types.ModuleType("slicer.i18n")
    vars(module).update(tr=lambda text: text, translate=lambda context, text: text, getContext=lambda sourceFile: "")
    return module


@contextlib.contextmanager
def running(
    api: Api, folder: Path, monkeypatch: pytest.MonkeyPatch, module_files: dict[str, Path] = MODULE_FILES
) -> Iterator[SlicerApp]:
    """A Slicer for one test; at its end what went wrong unseen raises AssertionError.

    Args:
        folder: for settings and temporary files.
        module_files: where the modules lie.
    """
    application = QtWidgets.QApplication.instance() or QtWidgets.QApplication(["Slicer"])
    application.setStyle("Fusion")
    application.setPalette(LIGHT())
    classes.use(api, _BEHIND, statics())
    before = python_modules.loaded()
    # What there is now is not looked at when the test's objects are collected: libraries alone are a million objects.
    gc.freeze()
    DIALOGS.clear()
    PROBLEMS.take()
    with temporary_settings(folder), real_scene() as real, monkeypatch.context() as patch:
        patch.setattr(sys, "excepthook", lambda kind, error, trace: PROBLEMS.exception("observer or slot", error))
        app = SlicerApp(api, real, folder, patch, module_files)
        app.install()
        QtCore.qInstallMessageHandler(qt_message)
        try:
            yield app
        finally:
            app.close()
            QtCore.qInstallMessageHandler(None)
            python_modules.restore(before)
    found = PROBLEMS.take()
    assert not found, "Went wrong unseen:\n" + "\n".join(found)
