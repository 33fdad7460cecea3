"""Python subclasses of Qt classes: overridden events reach the Python method, and ``qt.Signal`` works."""

from __future__ import annotations

from typing import Any

from .problems import PROBLEMS
from .signals import OwnSignal
from .values import from_real


def prepare(cls: Any) -> None:
    """Give a subclass that the code under test wrote a real class which calls its overridden Qt methods."""
    behind = cls._own_behind
    cls._is_subclass = True
    cls._own_signals = {
        name: value for c in cls.__mro__ for name, value in c.__dict__.items() if isinstance(value, OwnSignal)
    }
    overridden = {
        name
        for c in cls.__mro__
        if "_entry" not in c.__dict__ and c.__module__ != "slicer_double.proxy"
        for name, value in c.__dict__.items()
        if callable(value) and not name.startswith("_") and name in cls._entry.methods and hasattr(behind, name)
    }
    members = {name: _forward(name, getattr(behind, name)) for name in overridden}
    cls._behind = type(cls.__name__, (behind,), {**members, "slicer_name": cls._entry.name})


def _forward(name: str, original: Any) -> Any:
    def method(real: Any, *arguments: Any) -> Any:
        known = getattr(real, "_double", None)
        proxy = known() if known is not None else None
        if proxy is None:  # while the object is being made or deleted
            return original(real, *arguments)
        with PROBLEMS.caught(f"{type(proxy).__name__}.{name}"):
            from .values import to_real

            return to_real(getattr(proxy, name)(*[from_real(value) for value in arguments]))
        return None

    method.__name__ = name
    return method
