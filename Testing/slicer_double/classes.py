"""From the name of a listed class to its proxy class, and from a real object to the class it is shown as."""

from __future__ import annotations

from functools import cache
from typing import Any

from PySide6 import QtCore, QtGui, QtNetwork, QtSvg, QtSvgWidgets, QtUiTools, QtWidgets

from .api import Api, Entry, add_style
from .proxy import Proxy, ProxyType
from .values import later

_QT = (QtWidgets, QtGui, QtCore, QtUiTools, QtSvg, QtSvgWidgets, QtNetwork)

_api: Api | None = None
_behind: dict[str, type] = {}
_statics: dict[str, dict[str, Any]] = {}


def use(api: Api, behind: dict[str, type], statics: dict[str, dict[str, Any]]) -> None:
    """Choose the lists, the classes written for the double by name, and static functions that it replaces."""
    global _api
    _api = api
    add_style({one.name: int(one.value) for one in QtWidgets.QStyle.StandardPixmap})
    _behind.clear()
    _behind.update(behind)
    _statics.clear()
    _statics.update(statics)
    proxy_class.cache_clear()


def api() -> Api:
    assert _api is not None, "classes.use() was not called"
    return _api


@cache
def proxy_class(name: str) -> ProxyType:
    """The class that Slicer's Python sees under ``name``.

    Raises:
        KeyError: Slicer has no such class.
        NotImplementedError: Slicer has it; the double does not.
    """
    entry = api().entry(name)
    behind = _behind.get(name) or next((getattr(m, name) for m in _QT if hasattr(m, name)), None)
    if behind is None:
        raise NotImplementedError(f"Slicer 5.8.1 has {name}; the double does not imitate it")
    return _made(entry, behind)


def _made(entry: Entry, behind: type) -> ProxyType:
    names = {
        "_entry": entry,
        "_behind": behind,
        "_own_behind": behind,
        "_statics": _statics.get(entry.name, {}),
        "__doc__": f"{entry.name} as Slicer 5.8.1 shows it.",
        "__module__": "slicer_double",
    }
    return ProxyType(entry.name, (Proxy,), names)


def listed_class_of(real: Any) -> ProxyType | None:
    """The nearest class of ``real`` that Slicer knows; None for what is no Qt object."""
    for ancestor in type(real).__mro__:
        name = getattr(ancestor, "slicer_name", ancestor.__name__)
        qt = ancestor.__module__.startswith("PySide6")
        if (qt or _behind.get(name) is ancestor) and name in api() and name != "object":
            return proxy_class(name)
    return None


later.listed_class_of = listed_class_of
