"""The view of a MRML table node."""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets

from .members import stored
from .watching import Watch


class qMRMLTableView(QtWidgets.QTableView):
    """Shows the table of a node, and follows it when it is modified. The first row holds names where it is locked."""

    mrmlSceneChanged = QtCore.Signal(object)
    selectionChangedSignal = QtCore.Signal()

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._node: Any = None
        self._watch: Watch | None = None
        self._scene: Any = None
        self.setModel(QtGui.QStandardItemModel(self))
        self.selectionModel().selectionChanged.connect(lambda *_: self.selectionChangedSignal.emit())

    def setMRMLScene(self, scene: Any) -> None:
        self._scene = scene
        self.mrmlSceneChanged.emit(scene)

    def mrmlScene(self) -> Any:
        return self._scene

    def setMRMLTableNode(self, node: Any) -> None:
        if self._watch is not None:
            self._watch.end()
        self._node = node
        self._watch = Watch(self, node, self._fill) if node is not None else None
        self._fill()

    def mrmlTableNode(self) -> Any:
        return self._node

    def _fill(self, _node: Any = None) -> None:
        model = self.model()
        model.clear()
        table = self._node.GetTable() if self._node is not None else None
        if table is None:
            return
        columns = range(table.GetNumberOfColumns())
        model.setHorizontalHeaderLabels([table.GetColumnName(column) or "" for column in columns])
        for row in range(table.GetNumberOfRows()):
            model.appendRow([QtGui.QStandardItem(table.GetValue(row, c).ToString()) for c in columns])

    def setFirstRowLocked(self, locked: bool) -> None:
        self.setProperty("firstRowLocked", locked)

    def setFirstColumnLocked(self, locked: bool) -> None:
        self.setProperty("firstColumnLocked", locked)

    firstRowLocked = stored(bool, False)
    firstColumnLocked = stored(bool, False)
    transposed = stored(bool, False)
