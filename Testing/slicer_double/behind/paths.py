"""Widgets of CTK that hold the path of a file or folder."""

from __future__ import annotations

from typing import Any

from PySide6 import QtCore, QtGui, QtWidgets

from .members import stored


class ctkPathLineEdit(QtWidgets.QWidget):
    currentPathChanged = QtCore.Signal(str)
    validInputChanged = QtCore.Signal(bool)

    def __init__(self, *arguments: Any) -> None:
        parent = next((a for a in arguments if isinstance(a, QtWidgets.QWidget)), None)
        super().__init__(parent)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._box = QtWidgets.QComboBox(self)
        self._box.setEditable(True)
        self._box.setSizePolicy(QtWidgets.QSizePolicy.Policy.Expanding, QtWidgets.QSizePolicy.Policy.Fixed)
        self._browse = QtWidgets.QToolButton(self)
        self._browse.setText("...")
        layout.addWidget(self._box, 1)
        layout.addWidget(self._browse)
        self._box.editTextChanged.connect(self.currentPathChanged)
        self._browse.clicked.connect(self.browse)

    def comboBox(self) -> QtWidgets.QComboBox:
        return self._box

    def setCurrentPath(self, path: str) -> None:
        self._box.setEditText(path)

    def addCurrentPathToHistory(self) -> None:
        self._box.insertItem(0, self._box.currentText())

    def retrieveHistory(self) -> None:
        """The double starts every test without a history."""

    def browse(self) -> None:
        from ..dialogs import DIALOGS

        filters = int(self.property("filters"))
        files = bool(filters & 2)
        path = DIALOGS.ask("path", str(self.property("label")), "file" if files else "folder")
        if path:
            self.setCurrentPath(str(path))

    def _show_button(self) -> None:
        self._browse.setVisible(bool(self.property("showBrowseButton")))

    currentPath = QtCore.Property(str, lambda self: self._box.currentText(), setCurrentPath)
    filters = stored(int, 2 | 1 | 4096)
    nameFilters = stored("QStringList", [])
    options = stored(int, 0)
    label = stored(str, "")
    settingKey = stored(str, "")
    showBrowseButton = stored(bool, True, "_show_button")
    showHistoryButton = stored(bool, True)
    minimumContentsLength = stored(int, 0)
    sizeAdjustPolicy = stored(int, 2)


class ctkDirectoryButton(QtWidgets.QWidget):
    """A push button that shows a folder and asks for another one."""

    directoryChanged = QtCore.Signal(str)
    directorySelected = QtCore.Signal(str)

    def __init__(self, *arguments: Any) -> None:
        parent = next((a for a in arguments if isinstance(a, QtWidgets.QWidget)), None)
        super().__init__(parent)
        layout = QtWidgets.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._button = QtWidgets.QPushButton(self)
        layout.addWidget(self._button)
        self._directory = QtCore.QDir().absolutePath()
        self._button.setText(self._directory)
        self._button.clicked.connect(self.browse)

    def setDirectory(self, folder: str) -> None:
        path = QtCore.QDir(folder).absolutePath()
        changed = path != self._directory
        self._directory = path
        self._button.setText(str(self.property("text")) or path)
        self.directorySelected.emit(path)
        if changed:
            self.directoryChanged.emit(path)

    def browse(self) -> None:
        from ..dialogs import DIALOGS

        folder = DIALOGS.ask("path", str(self.property("caption")), "folder")
        if folder:
            self.setDirectory(str(folder))

    def _show_text(self) -> None:
        self._button.setText(str(self.property("text")) or self._directory)

    directory = QtCore.Property(str, lambda self: self._directory, setDirectory)
    text = stored(str, "", "_show_text")
    caption = stored(str, "")
    icon = stored(QtGui.QIcon, None)
    acceptMode = stored(int, 0)
    elideMode = stored(int, 2)
    options = stored(int, 1)
