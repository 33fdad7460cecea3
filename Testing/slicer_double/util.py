"""``slicer.util``: the real one of slicer-core, with the parts that need a user, the network or an installer replaced."""

from __future__ import annotations

import inspect
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import slicer.util
from PySide6 import QtCore
from shiboken6 import Shiboken

from .api import Api
from .dialogs import DIALOGS
from .values import proxy_of, to_real

_FIND_CHILDREN = slicer.util.findChildren
"""The real one."""


class PipCalls(list[str]):
    """What ``slicer.util.pip_install`` was asked for; nothing is installed. ``fails`` makes it raise as pip does."""

    fails = False

    def install(self, requirements: Any) -> None:
        """Blocks, asks nothing, raises CalledProcessError (tried)."""
        import subprocess

        self.append(requirements if isinstance(requirements, str) else " ".join(requirements))
        if self.fails:
            raise subprocess.CalledProcessError(1, ["PythonSlicer", "-m", "pip", "install", str(requirements)])


def replacements(pip: PipCalls) -> dict[str, Any]:
    """Functions of ``slicer.util`` by name; each has the signature of Slicer 5.8.1."""

    def confirmOkCancelDisplay(text, windowTitle=None, parent=None, **kwargs):
        return bool(DIALOGS.ask("ok_cancel", text, windowTitle or ""))

    def confirmYesNoDisplay(text, windowTitle=None, parent=None, **kwargs):
        return bool(DIALOGS.ask("yes_no", text, windowTitle or ""))

    def confirmRetryCloseDisplay(text, windowTitle=None, parent=None, **kwargs):
        return bool(DIALOGS.ask("retry_close", text, windowTitle or ""))

    def infoDisplay(text, windowTitle=None, parent=None, standardButtons=None, **kwargs):
        DIALOGS.ask("info", text, windowTitle or "")

    def warningDisplay(text, windowTitle=None, parent=None, standardButtons=None, **kwargs):
        DIALOGS.ask("warning", text, windowTitle or "")

    def errorDisplay(text, windowTitle=None, parent=None, standardButtons=None, **kwargs):
        DIALOGS.ask("error", text, windowTitle or "")

    def messageBox(text, parent=None, **kwargs):
        answer = DIALOGS.ask("message", text, kwargs.get("windowTitle", ""))
        return 1024 if answer is None else answer

    def pip_install(requirements):
        pip.install(requirements)

    def pip_uninstall(requirements):
        pip.append(f"uninstall {requirements}")

    def saveScene(filename, properties={}):  # noqa: B006 (the real signature)
        import slicer

        return _save(slicer.mrmlScene, Path(filename))

    def loadScene(filename, properties={}):  # noqa: B006
        import slicer

        return _load(slicer.mrmlScene, Path(filename), bool(properties.get("clear")))

    def findChildren(widget=None, name="", text="", title="", className=""):
        """All of them without going through PythonQt's ways for each: panels ask for all, again and again."""
        if widget is None or name or text or title or className:
            return _FIND_CHILDREN(widget, name, text, title, className)
        return [proxy_of(real) for real in _with_descendants(to_real(widget))]

    def mainWindow():
        import slicer

        return to_real(slicer.app)._main_window

    def moduleSelector():
        return mainWindow().moduleSelector() if mainWindow() else None

    def selectModule(module):
        import slicer

        to_real(slicer.app)._modules.select(module if isinstance(module, str) else module.name)

    def selectedModule():
        import slicer

        return to_real(slicer.app)._modules.selected

    def delayDisplay(message, autoCloseMsec=1000, parent=None, **kwargs):
        import slicer

        slicer.app.processEvents()

    def clickAndDrag(widget, button="Left", start=(10, 10), end=(10, 40), steps=20, modifiers=[]):  # noqa: B006
        click_in_view(widget, start, end)

    def updateSegmentBinaryLabelmapFromArray(narray, segmentationNode, segmentId, referenceVolumeNode=None):
        raise NotImplementedError(
            "50 to 75 ms each, and a wrong shape passes silently: write labels as io/mrml_segments"
        )

    def launchConsoleProcess(args, useStartupEnvironment=True, updateEnvironment=None, cwd=None):
        import subprocess

        return subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=cwd)

    def downloadFile(url, targetFilePath, checksum=None, reDownloadIfChecksumInvalid=True):
        raise AssertionError(f"A test must not load {url}")

    return {name: value for name, value in locals().items() if callable(value)}


def _with_descendants(widget: QtCore.QObject) -> Iterator[QtCore.QObject]:
    """In the order of the real ``findChildren``."""
    waiting = [widget]
    while waiting:
        real = waiting.pop()
        if Shiboken.isValid(real):
            waiting += real.children()
            yield real


def check_signatures(functions: dict[str, Any], api: Api) -> None:
    """Each replacement is called exactly as Slicer 5.8.1 lists it.

    Raises:
        AssertionError: one is not.
    """
    listed = api.functions("slicer.util")
    for name, function in functions.items():
        assert str(inspect.signature(function)) == listed[name], (name, inspect.signature(function), listed[name])


def click_in_view(widget: Any, start: Any, end: Any) -> None:
    """A click into a slice view at display coordinates, as a self-test makes it (recipes, section 6)."""
    import slicer

    from .placing import click

    if not all(isinstance(number, int) for number in (*start, *end)):
        raise TypeError("SetEventPosition takes integers")  # tried
    if tuple(start) != tuple(end):
        raise NotImplementedError("The double imitates clicks, no drags")
    ras = widget.mrmlSliceNode().GetXYToRAS().MultiplyPoint([*start, 0, 1])[:3]
    click(slicer.mrmlScene, slicer.app.applicationLogic(), ras)
    slicer.app.processEvents()


def _save(scene: Any, path: Path) -> bool:
    from LesionDetectionLib.io.mrml_scene import write_scene

    if path.suffix == ".mrb":
        write_scene(scene, path)
        return True
    scene.SetURL(str(path))
    scene.SetRootDirectory(str(path.parent))
    return bool(scene.Commit())


def _load(scene: Any, path: Path, clear: bool) -> bool:
    """Add a file's scene to what is there, unless that is to be cleared; a bundle is unpacked into a folder that goes with the
    test."""
    import slicer

    if path.suffix == ".mrb":
        folder = Path(slicer.app.temporaryPath) / f"mrb-{path.stem}"
        with zipfile.ZipFile(path) as archive:
            archive.extractall(folder)
        path = next(folder.rglob("*.mrml"))
    scene.SetURL(str(path))
    return bool(scene.Connect() if clear else scene.Import())
