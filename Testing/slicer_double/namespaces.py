"""The modules ``qt`` and ``ctk``, and the widget classes in ``slicer``: a name is there when Slicer lists it."""

from __future__ import annotations

import types
from typing import Any

from PySide6 import QtCore

from .api import Api
from .classes import proxy_class
from .signals import OwnSignal

_INSTEAD = {"qVersion": lambda: "5.15.8", "Signal": OwnSignal, "Slot": lambda *types: lambda function: function}


def qt_module(api: Api) -> types.ModuleType:
    module = _lazy("qt", set(api.data["qt_names"]))
    vars(module).update(_INSTEAD)
    vars(module)["Qt"] = qt_namespace(api)
    return module


def ctk_module(api: Api) -> types.ModuleType:
    return _lazy("ctk", set(api.data["ctk_names"]))


def _lazy(name: str, listed: set[str]) -> types.ModuleType:
    module = types.ModuleType(name)

    def find(member: str) -> Any:
        if member.startswith("__") or member not in listed:
            raise AttributeError(f"{name} has no {member} in Slicer 5.8.1")
        try:
            return proxy_class(member)
        except KeyError:
            raise NotImplementedError(f"Slicer 5.8.1 has {name}.{member}; the double does not imitate it") from None

    vars(module)["__getattr__"] = find
    return module


class _QtNamespace:
    """``qt.Qt``: its enum values are integers. ``qt.Qt.CTRL`` is not there."""

    def __init__(self, values: dict[str, int], others: set[str]) -> None:
        self.__dict__.update(values)
        self.__dict__["_others"] = others

    def __getattr__(self, name: str) -> Any:
        if name in self.__dict__.get("_others", ()):
            if name[0].isupper() and hasattr(QtCore.Qt, name):
                return int
            raise NotImplementedError(f"Slicer 5.8.1 has qt.Qt.{name}; the double does not imitate it")
        raise AttributeError(f"qt.Qt has no {name} in Slicer 5.8.1")

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"qt.Qt.{name} cannot be set")


def qt_namespace(api: Api) -> _QtNamespace:
    values = {name: number for enum in api.data["Qt"].values() for name, number in enum.items()}
    return _QtNamespace(values, set(api.data["Qt_other"]))
