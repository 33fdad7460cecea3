"""``slicer.app``: the members of a running application that a scripted module uses."""

from __future__ import annotations

from typing import Any

import slicer
from PySide6 import QtCore, QtWidgets


class qSlicerApplication(QtCore.QObject):
    """Behind the proxy. What is not written here is QApplication's own; the rest raises NotImplementedError."""

    mrmlSceneChanged = QtCore.Signal(object)
    startupCompleted = QtCore.Signal()
    aboutToQuit = QtCore.Signal()

    def __init__(self, scene: Any, logic: Any, folder: str) -> None:
        super().__init__()
        self._scene = scene
        self._folder = folder
        self._logic = logic
        self._layout_manager: Any = None
        self._cursors = 0
        self._testing = True

    def __getattr__(self, name: str) -> Any:
        application = QtWidgets.QApplication.instance()
        if name.startswith("_") or not hasattr(application, name):
            raise AttributeError(name)
        return getattr(application, name)

    def mrmlScene(self) -> Any:
        return self._scene

    def applicationLogic(self) -> Any:
        return self._logic

    def layoutManager(self) -> Any:
        return self._layout_manager

    def testingEnabled(self) -> bool:
        """As under ``--testing``: Slicer's questions are declined, tryWithErrorDisplay raises again."""
        return self._testing

    def processEvents(self, *flags: Any) -> None:
        QtWidgets.QApplication.processEvents()

    def settings(self) -> QtCore.QSettings:
        return QtCore.QSettings()

    def userSettings(self) -> QtCore.QSettings:
        return QtCore.QSettings()

    def revisionUserSettings(self) -> QtCore.QSettings:
        return QtCore.QSettings()

    def moduleManager(self) -> Any:
        return slicer.modules._manager

    def pauseRender(self) -> int:
        return 0

    def resumeRender(self) -> int:
        return 0

    def setOverrideCursor(self, cursor: Any) -> None:
        self._cursors += 1

    def restoreOverrideCursor(self) -> None:
        self._cursors -= 1

    def style(self) -> QtWidgets.QStyle:
        return QtWidgets.QApplication.style()

    def palette(self) -> Any:
        return QtWidgets.QApplication.palette()

    def topLevelWidgets(self) -> list[QtWidgets.QWidget]:
        return QtWidgets.QApplication.topLevelWidgets()

    def dicomDatabase(self) -> Any:
        return slicer.dicomDatabase

    def openUrl(self, url: str) -> None:
        from .dialogs import DIALOGS

        DIALOGS.ask("message", url, "openUrl")

    def setRenderPaused(self, paused: bool) -> None:
        """Nothing is drawn on its own here."""

    def startupEnvironment(self) -> Any:
        return QtCore.QProcessEnvironment.systemEnvironment()

    temporaryPath = QtCore.Property(
        str, lambda self: self._folder, lambda self, folder: setattr(self, "_folder", folder)
    )
    cachePath = QtCore.Property(str, lambda self: self._folder)
    slicerHome = QtCore.Property(str, lambda self: self._folder)
    extensionsInstallPath = QtCore.Property(str, lambda self: self._folder)
    applicationName = QtCore.Property(str, lambda self: "Slicer")
    applicationVersion = QtCore.Property(str, lambda self: "5.8.1-2025-03-02")
    majorVersion = QtCore.Property(int, lambda self: 5)
    minorVersion = QtCore.Property(int, lambda self: 8)
    platform = QtCore.Property(str, lambda self: "linux-amd64")
    os = QtCore.Property(str, lambda self: "linux")
    revision = QtCore.Property(str, lambda self: "33241")
