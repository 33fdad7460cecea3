"""Widgets that carry the scene to those inside them, by the connections of the .ui file."""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore, QtWidgets


class qMRMLWidget(QtWidgets.QWidget):
    mrmlSceneChanged = QtCore.Signal(object)

    def setMRMLScene(self, scene: Any) -> None:
        if scene is not self.mrmlScene():
            self._scene = scene
            self.mrmlSceneChanged.emit(scene)

    def mrmlScene(self) -> Any:
        return getattr(self, "_scene", None)


class qSlicerWidget(QtWidgets.QWidget):
    mrmlSceneChanged = QtCore.Signal(object)

    def setMRMLScene(self, scene: Any) -> None:
        if scene is not getattr(self, "_scene", None):
            self._scene = scene
            self.mrmlSceneChanged.emit(scene)
