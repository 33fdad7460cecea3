"""Message boxes and texts of CTK."""

from __future__ import annotations

from PySide6 import QtGui, QtWidgets

from .members import stored


class ctkMessageBox(QtWidgets.QMessageBox):
    dontShowAgain = stored(bool, False)
    dontShowAgainVisible = stored(bool, False)
    dontShowAgainSettingsKey = stored(str, "")


class ctkFittedTextBrowser(QtWidgets.QTextBrowser):
    """A text that is as high as its contents."""

    collapsed = stored(bool, True)
    disableMouseScroll = stored(bool, False)
    showDetailsText = stored(str, "")
    hideDetailsText = stored(str, "")


class ctkSearchBox(QtWidgets.QLineEdit):
    clearIcon = stored(QtGui.QIcon, None)
    searchIcon = stored(QtGui.QIcon, None)
    showSearchIcon = stored(bool, False)
