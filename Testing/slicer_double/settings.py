"""Settings of the application, in a folder that goes with the test."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PySide6 import QtCore


class ctkSettings(QtCore.QSettings):
    modified = QtCore.Signal()

    def setValue(self, key: str, value: Any) -> None:
        super().setValue(key, value)
        self.modified.emit()


@contextlib.contextmanager
def temporary_settings(folder: Path) -> Iterator[None]:
    """``qt.QSettings()`` reads and writes a file in ``folder``."""
    kind = QtCore.QSettings.Format.IniFormat
    QtCore.QCoreApplication.setOrganizationName("NA-MIC")
    QtCore.QCoreApplication.setApplicationName("Slicer")
    QtCore.QSettings.setDefaultFormat(kind)
    QtCore.QSettings.setPath(kind, QtCore.QSettings.Scope.UserScope, str(folder / "settings"))
    QtCore.QSettings.setPath(kind, QtCore.QSettings.Scope.SystemScope, str(folder / "settings"))
    QtCore.QSettings().clear()
    yield
    QtCore.QSettings().clear()
