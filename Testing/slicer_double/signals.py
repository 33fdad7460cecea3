"""Signals as PythonQt shows them: ``b.clicked.connect(f)`` and ``b.connect("clicked(bool)", f)``."""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6 import QtCore

from .overloads import DOT_FORM, QT5_ONLY
from .problems import PROBLEMS
from .values import from_real, to_real

if TYPE_CHECKING:
    from .proxy import Proxy


@dataclass
class Connection:
    """One slot: kept at the sender, so that it lives as long as the sender does, and keeps the receiver alive."""

    signature: str
    slot: Callable[..., Any]
    signal: Any
    receiver: Callable[..., None]


def connect(sender: Proxy, signature: str, *target: Any) -> bool:
    """``connect("clicked(bool)", f)`` or ``connect("clicked(bool)", receiver, "setEnabled(bool)")``.

    Raises:
        ValueError: no such signal. Real PythonQt only prints that and returns False, so that the mistake is not seen.
    """
    wanted = checked(sender, signature)
    slot = _slot(target, sender, signature)
    name = wanted.partition("(")[0]
    source, change = QT5_ONLY.get((_owner(sender, wanted), wanted), (name, None))
    signal = _real_signal(sender, source, wanted)
    count = _argument_count(wanted)
    where = f"slot of {sender._entry.name}.{wanted}"
    weak = weakref.ref(sender._real)

    def deliver(*arguments: Any) -> None:
        with PROBLEMS.caught(where):
            real = weak()
            passed = change(real, *arguments) if change and real is not None else arguments
            shown = [from_real(value) for value in passed]
            slot(*shown[: taken_by(slot, len(shown))])

    receive = _RECEIVERS[count](deliver)
    signal.connect(receive)
    _connections(sender).append(Connection(wanted, slot, signal, receive))
    return True


_RECEIVERS: tuple[Callable[..., Callable[..., None]], ...] = (
    lambda deliver: lambda: deliver(),
    lambda deliver: lambda a: deliver(a),
    lambda deliver: lambda a, b: deliver(a, b),
    lambda deliver: lambda a, b, c: deliver(a, b, c),
    lambda deliver: lambda a, b, c, d: deliver(a, b, c, d),
)
"""By number of arguments: PySide6 counts a function's parameters, and gives none to ``*arguments``."""


def disconnect(sender: Proxy, signature: str, *target: Any) -> bool:
    """Undo ``connect``; False when there was no such connection, as in real PythonQt."""
    wanted = checked(sender, signature)
    slot = _slot(target, sender, signature) if target else None
    found = [c for c in _connections(sender) if c.signature == wanted and (slot is None or c.slot == slot)]
    for connection in found[:1] if slot is not None else found:
        connection.signal.disconnect(connection.receiver)
        _connections(sender).remove(connection)
    return bool(found)


def checked(sender: Proxy, signature: str) -> str:
    """The signature without spaces, when the class has that signal."""
    wanted = "".join(signature.split()).replace("const", "").replace("&", "")
    entry = sender._entry
    own = getattr(type(sender), "_own_signals", {})
    if wanted.partition("(")[0] in own:
        return wanted
    if wanted not in entry.signatures() and wanted.partition("(")[0] not in entry.signatures():
        raise ValueError(f"{entry.name} has no signal {signature}; it has {entry.signatures()}")
    if "(" not in wanted:
        raise ValueError(f"{signature}: a signal is named with its signature, as in {entry.signatures()[0]}")
    return wanted


def _owner(sender: Proxy, signature: str) -> str:
    """The class that the table of Qt 5's own signals names: the sender's or the nearest ancestor in the table."""
    names = (sender._entry.name, *sender._entry.bases)
    return next((name for name in names if (name, signature) in QT5_ONLY), sender._entry.name)


def _real_signal(sender: Proxy, name: str, signature: str) -> Any:
    """PySide6's signal: ``name`` may name one of several overloads, ``activated[QString]``."""
    plain, _, overload = name.partition("[")
    own = getattr(type(sender), "_own_signals", {})
    if plain in own:
        return own[plain].of(sender)
    found = getattr(sender._real, plain, None)
    if not isinstance(found, QtCore.SignalInstance):
        raise NotImplementedError(f"Slicer 5.8.1 has {sender._entry.name}.{signature}; the double does not imitate it")
    return found[overload.rstrip("]")] if overload else found


def _connections(sender: Proxy) -> list[Connection]:
    real = sender._real
    if not hasattr(real, "_double_connections"):
        real._double_connections = []
    found: list[Connection] = real._double_connections
    return found


def _argument_count(signature: str) -> int:
    inside = signature.partition("(")[2].removesuffix(")")
    return len(inside.split(",")) if inside else 0


def taken_by(slot: Callable[..., Any], offered: int) -> int:
    """How many arguments PythonQt passes on: as many as a Python function takes, all of them to any other callable."""
    function = slot.__func__ if inspect.ismethod(slot) else slot
    if not inspect.isfunction(function):
        from .proxy import Method

        return _taken_by_qt(slot, offered) if isinstance(slot, Method) else offered
    code = function.__code__
    if code.co_flags & inspect.CO_VARARGS:
        return offered
    return min(offered, code.co_argcount - int(inspect.ismethod(slot)))


def _taken_by_qt(slot: Any, offered: int) -> int:
    """A Qt method as slot (``timer.timeout.connect(loop.quit)``) takes what one of its forms takes."""
    from .calls import forms_of

    forms = forms_of(getattr(slot._proxy._real, slot._name)) or []
    return next((count for count in range(offered, -1, -1) if any(form.takes(count) for form in forms)), offered)


def _slot(target: tuple[Any, ...], sender: Proxy, signature: str) -> Callable[..., Any]:
    from .proxy import Method, Proxy

    if len(target) == 1 and callable(target[0]):
        slot: Callable[..., Any] = target[0]
        return slot
    if len(target) == 2 and isinstance(target[0], Proxy) and isinstance(target[1], str):
        receiver, name = target[0], target[1].partition("(")[0]
        if "(" not in target[1]:
            raise ValueError(f"{target[1]}: a slot is named with its signature")
        if name in receiver._entry.methods:
            return Method(receiver, name)
        setter = name.removeprefix("set")
        changed = setter[:1].lower() + setter[1:]
        if name.startswith("set") and changed in receiver._entry.properties:
            return lambda value: setattr(receiver, changed, value)
        raise ValueError(f"{receiver._entry.name} has no slot {target[1]}")
    raise TypeError(f"{sender._entry.name}.connect({signature!r}, ...) needs something that can be called")


class BoundSignal:
    """``button.clicked``"""

    def __init__(self, sender: Proxy, name: str) -> None:
        self._sender = sender
        self._name = name

    @property
    def _signature(self) -> str:
        sender, name = self._sender, self._name
        offered = sender._entry.signals[name]
        if len(offered) == 1:
            return offered[0] if "(" in offered[0] else f"{name}()"
        for owner in (sender._entry.name, *sender._entry.bases):
            if (owner, name) in DOT_FORM:
                return DOT_FORM[owner, name]
        raise NotImplementedError(
            f"{sender._entry.name}.{name} is one of {offered}: name it with connect({offered[0]!r}, ..)"
        )

    def connect(self, slot: Callable[..., Any]) -> bool:
        return connect(self._sender, self._signature, slot)

    def disconnect(self, *slot: Callable[..., Any]) -> bool:
        return disconnect(self._sender, self._signature, *slot)

    def emit(self, *arguments: Any) -> None:
        """Send it; tests do that to press a shortcut's key."""
        signature = self._signature
        source, change = QT5_ONLY.get((_owner(self._sender, signature), signature), (self._name, None))
        if change is not None:
            raise NotImplementedError(f"The double cannot send {signature}")
        _real_signal(self._sender, source, signature).emit(*[to_real(value) for value in arguments])


class OwnSignal:
    """``qt.Signal(int)`` in a Python subclass of a Qt class; each object has its own slots."""

    def __init__(self, *types: Any) -> None:
        self._types = types
        self._name = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        return self if instance is None else self.of(instance)

    def of(self, instance: Any) -> OwnBoundSignal:
        known = instance.__dict__.setdefault("_double_own_signals", {})
        if self._name not in known:
            known[self._name] = OwnBoundSignal(self._name, len(self._types))
        found: OwnBoundSignal = known[self._name]
        return found


class OwnBoundSignal:
    def __init__(self, name: str, count: int) -> None:
        self._name = name
        self._count = count
        self._slots: list[Callable[..., Any]] = []

    def connect(self, slot: Callable[..., Any]) -> bool:
        self._slots.append(slot)
        return True

    def disconnect(self, slot: Callable[..., Any]) -> bool:
        if slot not in self._slots:
            return False
        self._slots.remove(slot)
        return True

    def emit(self, *arguments: Any) -> None:
        if len(arguments) != self._count:
            raise ValueError(f"{self._name} is sent with {self._count} arguments, not {len(arguments)}")
        for slot in list(self._slots):
            with PROBLEMS.caught(f"slot of {self._name}"):
                slot(*arguments[: taken_by(slot, len(arguments))])
