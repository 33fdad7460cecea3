"""Buttons of CTK."""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets

from .members import stored

_NO_LIMIT = 16777215
"""``QWIDGETSIZE_MAX``."""
_WANTED = "visibilityToParent"
"""CTK's property of a child: whether it was shown or hidden on purpose."""


class ctkCollapsibleButton(QtWidgets.QAbstractButton):
    """A title bar over its contents; a click hides or shows them. Checked means open."""

    contentsCollapsed = QtCore.Signal(bool)

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.setCheckable(True)
        self.setChecked(True)
        self._forcing = False
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Minimum, QtWidgets.QSizePolicy.Policy.Preferred)
        self.setContentsMargins(0, self._title_height(), 0, 0)
        self.toggled.connect(self._toggle)

    def _title_height(self) -> int:
        return self.fontMetrics().height() + 8

    def _toggle(self, opened: bool) -> None:
        for child in self.findChildren(QtWidgets.QWidget, options=QtCore.Qt.FindChildOption.FindDirectChildrenOnly):
            self._force(child)
        self.setMaximumHeight(_NO_LIMIT if opened else self.sizeHint().height())
        self.updateGeometry()
        self.contentsCollapsed.emit(not opened)

    def _force(self, child: QtWidgets.QWidget) -> None:
        """Show a child where the button is open and nobody hid the child on purpose."""
        self._forcing = True
        wanted = child.property(_WANTED) is not False
        child.setVisible(self.isChecked() and wanted)
        if wanted:  # else Qt would not tell of a later setVisible(False), as the child is hidden already
            child.setAttribute(QtCore.Qt.WidgetAttribute.WA_WState_ExplicitShowHide, False)
        self._forcing = False

    def eventFilter(self, child: QtCore.QObject, event: QtCore.QEvent) -> bool:
        """What is shown or hidden on purpose stays so when the button opens, as CTK does it."""
        kinds = {QtCore.QEvent.Type.ShowToParent: True, QtCore.QEvent.Type.HideToParent: False}
        if event.type() in kinds and not self._forcing and isinstance(child, QtWidgets.QWidget):
            child.setProperty(_WANTED, kinds[event.type()])
            if kinds[event.type()]:
                self._force(child)
        return False

    def setVisible(self, visible: bool) -> None:
        self._forcing = True
        super().setVisible(visible)
        self._forcing = False

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
        if event.type() == QtCore.QEvent.Type.ChildAdded:
            self._take(event.child())
        super().childEvent(event)

    def event(self, event: QtCore.QEvent) -> bool:
        if event.type() == QtCore.QEvent.Type.Polish:  # before it is first shown: widgets of Python are whole only now
            for child in self.children():
                self._take(child)
        return super().event(event)

    def _take(self, child: QtCore.QObject) -> None:
        if isinstance(child, QtWidgets.QWidget):
            child.installEventFilter(self)
            if self._collapsed():
                self._force(child)

    def sizeHint(self) -> QtCore.QSize:
        width = self.fontMetrics().horizontalAdvance(self.text()) + 30
        closed = QtCore.QSize(width, self._title_height() + 10)
        layout = self.layout()
        return closed if layout is None or self._collapsed() else layout.totalSizeHint().expandedTo(closed)

    def minimumSizeHint(self) -> QtCore.QSize:
        closed = QtCore.QSize(0, self._title_height() + (10 if self._collapsed() else 0))
        layout = self.layout()
        return closed if layout is None or self._collapsed() else layout.totalMinimumSize().expandedTo(closed)

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
