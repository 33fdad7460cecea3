"""One class of Qt, CTK or Slicer as Slicer's Python shows it (PythonQt), around a real object."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any, ClassVar

from PySide6 import QtCore
from shiboken6 import Shiboken

from .api import Entry
from .calls import call
from .left_running import remember
from .problems import PROBLEMS
from .signals import BoundSignal, OwnSignal, connect, disconnect
from .special import special
from .values import address, from_real, later, same, to_real

PYTHON_WORDS = {"exec_": "exec", "raise_": "raise", "print_": "print"}
"""Members that are words of Python have an underscore (tried: ``loop.exec_()``)."""
_INNER = frozenset({"_real", "_double_own"})


class ProxyType(type):
    """The class itself: enum values, static functions and unbound methods are read from it."""

    _entry: Entry
    _behind: type
    """The real class that objects are made of; for a subclass one that forwards its events."""
    _own_behind: type
    """The real class of the listed class."""

    def __getattr__(cls, name: str) -> Any:
        entry = cls.__dict__.get("_entry") or next((b._entry for b in cls.__mro__[1:] if "_entry" in b.__dict__), None)
        if entry is None or name.startswith("__"):
            raise AttributeError(name)
        if name in entry.enum_values:
            return entry.enum_values[name]
        if name in entry.enums:
            return int
        plain = PYTHON_WORDS.get(name, name)
        # QTimer.singleShot is the one static function that has the name of a property.
        if plain in entry.methods or (entry.name, plain) == ("QTimer", "singleShot"):
            return _ClassFunction(cls, plain)
        if name in entry.names:
            raise NotImplementedError(f"The double does not imitate {entry.name}.{name} read from the class")
        raise AttributeError(f"{entry.name} has no {name} in Slicer 5.8.1")


class _ClassFunction:
    """``qt.QFileDialog.getOpenFileName`` or ``qt.QWidget.resizeEvent(self, event)``."""

    def __init__(self, owner: ProxyType, name: str) -> None:
        self._owner = owner
        self._name = name

    def __call__(self, *arguments: Any) -> Any:
        title = f"{self._owner._entry.name}.{self._name}"
        replaced = self._owner._statics.get(self._name)
        if replaced is not None:
            return from_real(call(replaced, arguments, title))
        function = real_member(self._owner._own_behind, self._name, title)
        if _is_static(function):
            return from_real(call(function, arguments, title))
        if not arguments or not isinstance(arguments[0], Proxy):
            raise TypeError(f"{title} needs an object as its first argument")
        return from_real(call(function, arguments[1:], title, bound=[arguments[0]._real]))


def _is_static(function: Any) -> bool:
    return type(function).__name__ in ("builtin_function_or_method", "function_of_class")


def real_member(real: Any, name: str, title: str) -> Any:
    """The member that does the work; the double says so where there is none."""
    found = getattr(real, name, None)
    if found is None:
        raise NotImplementedError(f"Slicer 5.8.1 has {title}; the double does not imitate it")
    return found


class Method:
    """A bound method; two of the same object and name are equal, as bound methods of Python are."""

    def __init__(self, proxy: Proxy, name: str) -> None:
        self._proxy = proxy
        self._name = name

    def __call__(self, *arguments: Any) -> Any:
        proxy = self._proxy
        title = f"{proxy._entry.name}.{self._name}"
        own = type(proxy)._own_behind
        if type(proxy)._is_subclass and hasattr(own, self._name):
            # A subclass may override a Qt method: the class's own is meant, or it would call itself for ever.
            function, bound = getattr(own, self._name), [proxy._real]
        else:
            function, bound = real_member(proxy._real, self._name, title), []
        result = from_real(call(function, arguments, title, bound=bound))
        for argument in arguments:
            if isinstance(argument, Proxy):
                argument._keep()
        return result

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Method) and self._name == other._name and self._proxy == other._proxy

    def __hash__(self) -> int:
        return hash((self._name, self._proxy))


class Proxy(metaclass=ProxyType):
    """Base of all classes of ``qt``, ``ctk`` and Slicer's widgets. None of them derives from another one.

    Real PythonQt: ``isinstance(button, qt.QWidget)`` is False, unknown names raise AttributeError, a property is read and
    written without parentheses, only Python subclasses may have attributes of their own.
    """

    _is_subclass = False
    _statics: ClassVar[dict[str, Callable[..., Any]]] = {}
    _real: Any

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "_entry" not in cls.__dict__:  # a subclass that the code under test wrote
            from .subclassing import prepare

            prepare(cls)

    def __init__(self, *arguments: Any) -> None:
        entry = self._entry
        counts = {_parameter_count(text) for text in entry.constructors}
        if counts and len(arguments) not in counts:
            raise ValueError(f"{entry.name} cannot be made from {len(arguments)} arguments: {entry.constructors}")
        if not counts:
            raise ValueError(f"{entry.name} cannot be made from Python in Slicer 5.8.1")
        real = call(type(self)._behind, arguments, entry.name)
        object.__setattr__(self, "_real", real)
        self._remember()
        remember(real)
        if isinstance(real, QtCore.QObject) and real.parent() is not None:
            self._keep()

    @classmethod
    def _around(cls, real: Any) -> Proxy:
        proxy = cls.__new__(cls)
        object.__setattr__(proxy, "_real", real)
        proxy._remember()
        return proxy

    def _remember(self) -> None:
        if type(self._real).__module__ != "PySide6.QtCore" or isinstance(self._real, QtCore.QObject):
            try:
                self._real._double = weakref.ref(self)
            except AttributeError:  # a value without room for attributes
                return

    def _keep(self) -> None:
        """Qt owns an object that has a parent; the Python part of a subclass stays with it."""
        if type(self)._is_subclass:
            self._real._double_strong = self

    def __getattr__(self, name: str) -> Any:
        entry = self._entry
        if name in _INNER:
            raise AttributeError(f"{entry.name}.__init__ was not called")
        plain = PYTHON_WORDS.get(name, name)
        if plain == "connect" and "connect" in entry.methods:
            return lambda *arguments: connect(self, *arguments)
        if plain == "disconnect" and "disconnect" in entry.methods:
            return lambda *arguments: disconnect(self, *arguments)
        if name == "name" and "objectName" in entry.properties and name not in entry.names:
            return self._read("objectName")  # PythonQt's other word for it; childWidgetVariables reads it
        if name in entry.properties:
            return self._read(name)
        if plain in entry.signals:
            return BoundSignal(self, plain)
        if plain in entry.methods:
            return special(self, plain) or Method(self, plain)
        if name in entry.enum_values or name in entry.enums:
            return getattr(type(self), name)
        raise AttributeError(f"{entry.name} has no {name} in Slicer 5.8.1")

    def __setattr__(self, name: str, value: Any) -> None:
        entry = self._entry
        if name == "name" and "objectName" in entry.properties and name not in entry.properties:
            name = "objectName"
        if name in entry.properties:
            if entry.read_only(name):
                raise AttributeError(f"{entry.name}.{name} can be read only")
            self._write(name, value)
        elif type(self)._is_subclass and (name not in entry.names or name in type(self).__dict__):
            object.__setattr__(self, name, value)
        else:
            raise AttributeError(f"{entry.name} has no property {name} in Slicer 5.8.1")

    def __delattr__(self, name: str) -> None:
        if not type(self)._is_subclass:
            raise AttributeError(f"{self._entry.name} has no attribute {name} that can be deleted")
        object.__delattr__(self, name)

    def _read(self, name: str) -> Any:
        real = self._real
        if isinstance(real, QtCore.QObject) and real.metaObject().indexOfProperty(name) >= 0:
            return from_real(real.property(name))
        return from_real(real_member(real, name, f"{self._entry.name}.{name}")())

    def _write(self, name: str, value: Any) -> None:
        real = self._real
        known = isinstance(real, QtCore.QObject) and real.metaObject().indexOfProperty(name) >= 0
        if known and real.setProperty(name, to_real(value)):
            return
        title = f"{self._entry.name}.{name}"
        setter = real_member(real, f"set{name[0].upper()}{name[1:]}", title)
        call(setter, [value], title)

    def __bool__(self) -> bool:
        return bool(Shiboken.isValid(self._real))

    def __eq__(self, other: object) -> bool:
        return same(self, other)

    def __hash__(self) -> int:
        return hash(address(self._real))

    def __dir__(self) -> list[str]:
        return sorted({*self._entry.names, *object.__dir__(self)})

    def __repr__(self) -> str:
        name = self._real.objectName() if isinstance(self._real, QtCore.QObject) and self else ""
        return f"{self._entry.name} ({name})" if name else f"{self._entry.name}"


later.proxy = Proxy


def _parameter_count(constructor: str) -> int:
    inside = constructor.partition("(")[2].rpartition(")")[0].strip()
    return len(inside.split(",")) if inside else 0


__all__ = ["PROBLEMS", "Method", "OwnSignal", "Proxy", "ProxyType"]
