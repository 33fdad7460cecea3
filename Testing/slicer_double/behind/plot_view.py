"""The view of a MRML plot: draws the lines of the chart that its view node shows."""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets

from ..plotting import curves, draw
from ..problems import PROBLEMS
from .members import stored
from .watching import Watch


class qMRMLPlotView(QtWidgets.QWidget):
    mrmlSceneChanged = QtCore.Signal(object)
    dataSelected = QtCore.Signal(object, object)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._scene: Any = None
        self._view_node: Any = None
        self._watch: Watch | None = None

    def setMRMLScene(self, scene: Any) -> None:
        self._scene = scene
        self.mrmlSceneChanged.emit(scene)

    def setMRMLPlotViewNode(self, node: Any) -> None:
        if self._watch is not None:
            self._watch.end()
        self._view_node = node
        self._watch = Watch(self, node, self._redraw) if node is not None else None
        self.update()

    def _redraw(self, _node: Any) -> None:
        self.update()

    def fitToContent(self) -> None:
        self.update()

    def sizeHint(self) -> QtCore.QSize:
        return QtCore.QSize(300, 200)

    def paintEvent(self, _event: QtGui.QPaintEvent) -> None:
        chart = self._view_node.GetPlotChartNode() if self._view_node is not None else None
        painter = QtGui.QPainter(self)
        with PROBLEMS.caught("qMRMLPlotView"):
            draw(painter, self.rect(), curves(chart) if chart is not None else [], chart)
        painter.end()

    gradientBackground = stored(bool, False)
