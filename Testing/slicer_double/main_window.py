"""The main window: parent of dialogs, and where modules are selected."""

from __future__ import annotations

from typing import Any

from PySide6 import QtWidgets


class _ModuleSelector(QtWidgets.QWidget):
    slicer_name = "qSlicerModuleSelectorToolBar"

    def __init__(self, modules: Any) -> None:
        super().__init__()
        self._modules = modules

    def selectModule(self, name: str) -> None:
        self._modules.select(name)


class qSlicerAppMainWindow(QtWidgets.QMainWindow):
    def __init__(self, modules: Any) -> None:
        super().__init__()
        self.setObjectName("qSlicerMainWindow")
        self._selector = _ModuleSelector(modules)

    def moduleSelector(self) -> Any:
        return self._selector
