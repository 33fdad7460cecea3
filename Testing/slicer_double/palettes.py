"""The light palette, and the dark one that Slicer has (window #323232, text white)."""

from __future__ import annotations

from PySide6 import QtGui


def LIGHT() -> QtGui.QPalette:
    return QtGui.QPalette(QtGui.QColor("#efefef"))


def DARK() -> QtGui.QPalette:
    palette = QtGui.QPalette(QtGui.QColor("#323232"))
    role = QtGui.QPalette.ColorRole
    white, window = QtGui.QColor("#ffffff"), QtGui.QColor("#323232")
    for one in (role.WindowText, role.Text, role.ButtonText, role.ToolTipText, role.BrightText):
        palette.setColor(one, white)
    for one in (role.Window, role.Button):
        palette.setColor(one, window)
    palette.setColor(role.Base, QtGui.QColor("#222222"))
    palette.setColor(role.AlternateBase, QtGui.QColor("#2a2a2a"))
    palette.setColor(role.Link, QtGui.QColor("#78aaff"))
    disabled = QtGui.QPalette.ColorGroup.Disabled
    for one in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(disabled, one, QtGui.QColor("#808080"))
    return palette
