"""Buttons of CTK."""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets

from .members import stored


class ctkCollapsibleButton(QtWidgets.QAbstractButton):
    """A title bar over its contents; a click hides or shows them. Checked means open."""

    contentsCollapsed = QtCore.Signal(bool)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.setCheckable(True)
        self.setChecked(True)
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.MinimumExpanding, QtWidgets.QSizePolicy.Policy.Fixed)
        self.setContentsMargins(0, self._title_height(), 0, 0)
        self.toggled.connect(self._toggle)

    def _title_height(self) -> int:
        return self.fontMetrics().height() + 8

    def _toggle(self, opened: bool) -> None:
        for child in self.findChildren(QtWidgets.QWidget, options=QtCore.Qt.FindChildOption.FindDirectChildrenOnly):
            child.setVisible(opened)
        self.updateGeometry()
        self.contentsCollapsed.emit(not opened)

    def _collapsed(self) -> bool:
        return not self.isChecked()

    def _set_collapsed(self, collapsed: bool) -> None:
        self.setChecked(not collapsed)

    collapsed = QtCore.Property(bool, _collapsed, _set_collapsed)
    collapsedHeight = stored(int, 10)
    contentsFrameShape = stored(int, 0)
    contentsFrameShadow = stored(int, 0)
    contentsLineWidth = stored(int, 1)
    contentsMidLineWidth = stored(int, 0)
    buttonTextAlignment = stored(int, 0)
    indicatorAlignment = stored(int, 0)
    flat = stored(bool, False)

    def childEvent(self, event: QtCore.QChildEvent) -> None:
        child = event.child()
        if (
            event.type() == QtCore.QEvent.Type.ChildPolished
            and isinstance(child, QtWidgets.QWidget)
            and self._collapsed()
        ):
            child.setVisible(False)
        super().childEvent(event)

    def sizeHint(self) -> QtCore.QSize:
        width = self.fontMetrics().horizontalAdvance(self.text()) + 30
        layout = self.layout()
        if layout is None or self._collapsed():
            return QtCore.QSize(width, self._title_height())
        return layout.sizeHint().expandedTo(QtCore.QSize(width, self._title_height()))

    def minimumSizeHint(self) -> QtCore.QSize:
        layout = self.layout()
        if layout is None or self._collapsed():
            return QtCore.QSize(0, self._title_height())
        return layout.minimumSize()

    def hitButton(self, position: QtCore.QPoint) -> bool:
        return position.y() <= self._title_height()

    def paintEvent(self, _event: QtGui.QPaintEvent) -> None:
        painter = QtGui.QPainter(self)
        bar = QtCore.QRect(0, 0, self.width(), self._title_height())
        painter.fillRect(bar, self.palette().button())
        painter.setPen(self.palette().buttonText().color())
        sign = "\u25be" if self.isChecked() else "\u25b8"
        painter.drawText(bar.adjusted(6, 0, 0, 0), QtCore.Qt.AlignmentFlag.AlignVCenter, f"{sign} {self.text()}")


class qMRMLCollapsibleButton(ctkCollapsibleButton):
    mrmlSceneChanged = QtCore.Signal(object)

    def setMRMLScene(self, scene: Any) -> None:
        self.mrmlSceneChanged.emit(scene)


class ctkCollapsibleGroupBox(QtWidgets.QGroupBox):
    """A group box whose check mark hides its contents."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.setCheckable(True)
        self.toggled.connect(self._toggle)

    def _toggle(self, opened: bool) -> None:
        for child in self.findChildren(QtWidgets.QWidget, options=QtCore.Qt.FindChildOption.FindDirectChildrenOnly):
            child.setVisible(opened)

    collapsed = QtCore.Property(
        bool, lambda self: not self.isChecked(), lambda self, collapsed: self.setChecked(not collapsed)
    )
    collapsedHeight = stored(int, 14)


class ctkCheckBox(QtWidgets.QCheckBox):
    indicatorIcon = stored(QtGui.QIcon, None)
    indicatorIconSize = stored(QtCore.QSize, None)


class ctkMenuButton(QtWidgets.QPushButton):
    """A push button with a small arrow for its menu."""
