"""Calling Qt as PythonQt does: a wrong number of arguments raises ValueError, integers serve as enums."""

from __future__ import annotations

import enum
import inspect
import types
import typing
from collections.abc import Callable, Sequence
from typing import Any

from PySide6 import QtCore
from shibokensupport.signature import get_signature

from .problems import guarded
from .values import to_real


def call(function: Callable[..., Any], arguments: Sequence[Any], name: str, *, bound: Sequence[Any] = ()) -> Any:
    """``function(*bound, *arguments)`` with the arguments that PythonQt would accept, made into what PySide6 accepts.

    Raises:
        ValueError: no form of the function takes that many arguments.
        TypeError: the arguments fit no form. Real PythonQt converts some more of them silently.
    """
    real = [_plain(argument, name) for argument in arguments]
    forms = _forms(function)
    if forms is None:
        return _python(function, [*bound, *real], name)
    fitting = [form for form in forms if _takes(form, len(real))]
    if not fitting:
        raise ValueError(f"{name} does not take {len(real)} arguments")
    try:
        return function(*bound, *real)
    except TypeError as error:
        for form in fitting:
            changed = [_converted(a, p.annotation) for a, p in zip(real, _parameters(form), strict=False)]
            if all(a is b for a, b in zip(changed, real, strict=True)):
                continue
            try:
                return function(*bound, *changed)
            except TypeError:
                continue
        raise TypeError(f"{name} does not take these arguments: {error}") from None


def _python(function: Callable[..., Any], arguments: list[Any], name: str) -> Any:
    """A member that the double itself wrote: the number of arguments is that of the Python function."""
    try:
        inspect.signature(function).bind(*arguments)
    except TypeError as error:
        raise ValueError(f"{name}: {error}") from None
    except ValueError:  # a C function without a signature
        return function(*arguments)
    return function(*arguments)


def _plain(argument: Any, name: str) -> Any:
    if callable(argument) and not isinstance(argument, type) and not isinstance(to_real(argument), QtCore.QObject):
        return guarded(argument, f"called by {name}") if _is_function(argument) else to_real(argument)
    return to_real(argument)


def _is_function(argument: Any) -> bool:
    from .proxy import Proxy

    return not isinstance(argument, Proxy)


def _forms(function: Callable[..., Any]) -> list[inspect.Signature] | None:
    """The overloads of a function of PySide6; None for a Python function."""
    if isinstance(function, types.FunctionType | types.MethodType):
        return None
    owner = getattr(function, "__self__", None)
    if owner is not None and not isinstance(owner, type):  # the signature is kept with the class
        function = getattr(type(owner), function.__name__, function)
    found = get_signature(function)
    if not found:
        return None
    return list(found) if isinstance(found, list) else [found]


def _parameters(form: inspect.Signature) -> list[inspect.Parameter]:
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p for p in form.parameters.values() if p.kind in positional and p.name != "self"]


def _takes(form: inspect.Signature, count: int) -> bool:
    if any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in form.parameters.values()):
        return True
    parameters = _parameters(form)
    needed = sum(p.default is inspect.Parameter.empty for p in parameters)
    return needed <= count <= len(parameters)


def _converted(value: Any, annotation: Any) -> Any:
    """Integers become enums, text becomes bytes, numbers become integers, where the parameter wants that."""
    for wanted in typing.get_args(annotation) or (annotation,):
        if not isinstance(wanted, type):
            continue
        if issubclass(wanted, enum.Enum) and type(value) is int:
            try:
                return wanted(value)
            except ValueError:
                continue
        if wanted in (bytes, bytearray, QtCore.QByteArray) and isinstance(value, str):
            return value.encode()
        if wanted is int and isinstance(value, float):
            return int(value)
    return value
