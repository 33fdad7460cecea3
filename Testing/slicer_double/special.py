"""Methods that the double does itself: those that wait for a person, and those that take a class."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6 import QtCore
from shiboken6 import Shiboken

from .values import from_real

if TYPE_CHECKING:
    from .proxy import Proxy


def special(proxy: Proxy, name: str) -> Callable[..., Any] | None:
    """The double's own method in the place of Qt's; None for all others."""
    names = (proxy._entry.name, *proxy._entry.bases)
    if name == "exec" and "QDialog" in names:
        return lambda: _exec_dialog(proxy)
    if name == "exec" and "QMenu" in names:
        return lambda *_position: _exec_menu(proxy)
    found = _METHODS.get(name)
    return None if found is None else lambda *arguments: found(proxy, *arguments)


def _exec_dialog(proxy: Proxy) -> int:
    """A dialog waits for a person; here the answer is laid down before: an integer, or a function of the dialog."""
    from .dialogs import DIALOGS

    names = (proxy._entry.name, *proxy._entry.bases)
    message = "QMessageBox" in names
    text = proxy._real.text() if message else proxy._real.windowTitle()
    answer = DIALOGS.ask("dialog", text, proxy._real.windowTitle())
    if callable(answer):
        answer = answer(proxy)
    if not isinstance(answer, int):
        raise AssertionError(f"The answer to a dialog is what exec_() returns, an integer; not {answer!r}")
    if not message:
        proxy._real.done(answer)
    return int(answer)


def _exec_menu(proxy: Proxy) -> Any:
    """The answer is the text of the action that the person takes, None for none."""
    from .dialogs import DIALOGS

    text = DIALOGS.ask("menu", proxy._real.title())
    for action in proxy._real.actions():
        if text is not None and action.text() == text:
            action.trigger()
            return from_real(action)
    assert text is None, f"The menu has no {text!r}: {[action.text() for action in proxy._real.actions()]}"
    return None


def _class_name(proxy: Proxy) -> str:
    return proxy._entry.name


def _inherits(proxy: Proxy, name: str) -> bool:
    return name == proxy._entry.name or name in proxy._entry.bases


def _help(proxy: Proxy) -> None:
    print(sorted(proxy._entry.names))


def _delete(proxy: Proxy) -> None:
    Shiboken.delete(proxy._real)


def _find_children(proxy: Proxy, kind: Any = None, name: str = "") -> Any:
    """``findChildren(qt.QPushButton)``, ``findChildren("QToolBar")``, both with an object name."""
    wanted = kind if isinstance(kind, str) else kind._entry.name if kind is not None else ""
    found = [from_real(child) for child in proxy._real.findChildren(QtCore.QObject)]
    return tuple(
        child
        for child in found
        if (not wanted or child.inherits(wanted)) and (not name or child._real.objectName() == name)
    )


def _find_child(proxy: Proxy, kind: Any = None, name: str = "") -> Any:
    return next(iter(_find_children(proxy, kind, name)), None)


_METHODS: dict[str, Callable[..., Any]] = {
    "className": _class_name,
    "inherits": _inherits,
    "help": _help,
    "delete": _delete,
    "findChildren": _find_children,
    "findChild": _find_child,
}
