"""Combo boxes of CTK."""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets

from .members import stored


class ctkComboBox(QtWidgets.QComboBox):
    returnRelease = QtCore.Signal()
    defaultText = stored(str, "")
    defaultIcon = stored(QtGui.QIcon, None)
    forceDefault = stored(bool, False)
    elideMode = stored(int, 3)
    scrollWheelEffect = stored(int, 1)

    def setCurrentUserDataAsString(self, text: str) -> None:
        self.setCurrentIndex(self.findData(text))

    currentUserDataAsString = QtCore.Property(
        str, lambda self: str(self.currentData() or ""), setCurrentUserDataAsString
    )


class ctkCheckableComboBox(QtWidgets.QComboBox):
    """Several items can be checked."""

    checkedIndexesChanged = QtCore.Signal()
    returnRelease = QtCore.Signal()

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.model().rowsInserted.connect(self._make_checkable)
        self.model().dataChanged.connect(self._data_changed)

    def _make_checkable(self, _parent: QtCore.QModelIndex, first: int, last: int) -> None:
        for row in range(first, last + 1):
            item = self.model().item(row)
            item.setCheckable(True)
            item.setCheckState(QtCore.Qt.CheckState.Unchecked)

    def _data_changed(self, _first: Any, _last: Any, roles: list[int]) -> None:
        if not roles or int(QtCore.Qt.ItemDataRole.CheckStateRole) in [int(role) for role in roles]:
            self.checkedIndexesChanged.emit()

    def checkableModel(self) -> Any:
        return self.model()

    def checkState(self, index: QtCore.QModelIndex) -> Any:
        return self.model().item(index.row()).checkState()

    def setCheckState(self, index: QtCore.QModelIndex, state: int) -> None:
        self.model().item(index.row()).setCheckState(QtCore.Qt.CheckState(state))

    def checkedIndexes(self) -> list[QtCore.QModelIndex]:
        rows = range(self.count())
        checked = QtCore.Qt.CheckState.Checked
        return [self.model().index(row, 0) for row in rows if self.model().item(row).checkState() == checked]

    def allChecked(self) -> bool:
        return len(self.checkedIndexes()) == self.count()

    def noneChecked(self) -> bool:
        return not self.checkedIndexes()
