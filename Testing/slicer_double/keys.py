"""Keys, as the person presses them."""

from __future__ import annotations

from PySide6 import QtCore, QtGui, QtWidgets


def press(widget: QtWidgets.QWidget, key: str) -> None:
    """Activate the shortcut that Qt would find from ``widget``; without one send the key to the widget.

    Raises:
        AssertionError: two shortcuts answer: Qt would tell neither of them ``activated``.
    """
    sequence = QtGui.QKeySequence(key)
    found = [one for one in _shortcuts(widget) if one.key() == sequence and one.isEnabled() and _reaches(one, widget)]
    if len(found) > 1:
        raise AssertionError(f"{key} belongs to {len(found)} shortcuts")
    if found:
        found[0].activated.emit()
        return
    code = sequence[0]
    for kind in (QtCore.QEvent.Type.KeyPress, QtCore.QEvent.Type.KeyRelease):
        event = QtGui.QKeyEvent(kind, code.key(), code.keyboardModifiers(), key if len(key) == 1 else "")
        QtWidgets.QApplication.sendEvent(widget, event)


def _shortcuts(widget: QtWidgets.QWidget) -> list[QtGui.QShortcut]:
    tops = {widget.window(), *QtWidgets.QApplication.topLevelWidgets()}
    return [shortcut for top in tops for shortcut in top.findChildren(QtGui.QShortcut)]


def _reaches(shortcut: QtGui.QShortcut, widget: QtWidgets.QWidget) -> bool:
    """By its context: the application, the window, the widget with its children, or the widget alone."""
    context, owner = shortcut.context(), shortcut.parent()
    kinds = QtCore.Qt.ShortcutContext
    if context == kinds.ApplicationShortcut:
        return True
    if not isinstance(owner, QtWidgets.QWidget):
        return False
    if context == kinds.WindowShortcut:
        return owner.window() is widget.window()
    return owner is widget or (context == kinds.WidgetWithChildrenShortcut and owner.isAncestorOf(widget))
