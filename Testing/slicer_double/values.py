"""Values on their way between Python code and Qt: proxies in, integers, tuples and proxies out."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6 import QtCore

if TYPE_CHECKING:
    from .proxy import Proxy, ProxyType

PASSED_AS_THEY_ARE = (bool, int, float, str, bytes, type(None))


class _Later:
    """What this module needs of two that need it: they put it here when they are loaded. An import in a function would be
    done a hundred thousand times in a test, each through PySide6's own hook."""

    proxy: type[Proxy]
    listed_class_of: Callable[[Any], ProxyType | None]


later = _Later()


def to_real(value: Any) -> Any:
    """What PySide6 wants in the place of ``value``: the real object behind a proxy."""
    if isinstance(value, PASSED_AS_THEY_ARE):
        return value
    if isinstance(value, later.proxy):
        return value._real
    if isinstance(value, list):
        return [to_real(item) for item in value]
    if type(value) is tuple:
        return tuple(to_real(item) for item in value)
    if isinstance(value, dict):
        return {key: to_real(item) for key, item in value.items()}
    return value


def from_real(value: Any) -> Any:
    """What PythonQt shows of a Qt value: enums as integers, lists as tuples, objects as their proxies."""
    if isinstance(value, enum.Enum) and type(value).__module__.startswith("PySide6"):
        return int(value.value)
    if isinstance(value, PASSED_AS_THEY_ARE):
        return value
    if isinstance(value, list | tuple):
        return tuple(from_real(item) for item in value)
    if isinstance(value, dict):
        return {key: from_real(item) for key, item in value.items()}
    return proxy_of(value)


def proxy_of(real: Any) -> Any:
    """The proxy of a Qt object; always the same one while somebody holds it. Other objects stay as they are."""
    known = getattr(real, "_double", None)
    if known is not None and (there := known()) is not None:
        return there
    found = later.listed_class_of(real)
    return real if found is None else found._around(real)


def same(first: Proxy, second: Any) -> bool:
    """Objects are equal when they are the same C++ object, values (QSize, QColor) when Qt says so."""
    if not isinstance(second, later.proxy):
        return False
    a, b = first._real, second._real
    if a is b:
        return True
    if isinstance(a, QtCore.QObject) or isinstance(b, QtCore.QObject) or type(a).__eq__ is object.__eq__:
        return address(a) == address(b)
    return type(a) is type(b) and bool(a == b)


def address(real: Any) -> int:
    from shiboken6 import Shiboken

    if not Shiboken.isValid(real):
        return id(real)
    pointers = Shiboken.getCppPointer(real)
    return int(pointers[0]) if pointers else id(real)
