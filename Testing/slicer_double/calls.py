"""Calling Qt as PythonQt does: a wrong number of arguments raises ValueError, integers serve as enums."""

from __future__ import annotations

import contextlib
import enum
import inspect
import math
import types
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6 import QtCore
from shibokensupport.signature import get_signature

from .problems import guarded
from .values import PASSED_AS_THEY_ARE, later, to_real


def call(function: Callable[..., Any], arguments: Sequence[Any], name: str, *, bound: Sequence[Any] = ()) -> Any:
    """``function(*bound, *arguments)`` with the arguments that PythonQt would accept, made into what PySide6 accepts.

    Raises:
        ValueError: no form of the function takes that many arguments.
        TypeError: the arguments fit no form. Real PythonQt converts some more of them silently.
    """
    real = [_plain(argument, name) for argument in arguments]
    forms = forms_of(function)
    if forms is None:
        return _python(function, [*bound, *real], name)
    fitting = [form for form in forms if form.takes(len(real))]
    if not fitting:
        raise ValueError(f"{name} does not take {len(real)} arguments")
    kinds = (name, *map(type, real))
    first = _CONVERTED.get(kinds)
    if first in fitting:  # what PySide6 says of arguments that do not fit takes a tenth of a second
        with contextlib.suppress(TypeError):
            return function(*bound, *first.converted(real))
    try:
        return function(*bound, *real)
    except TypeError as error:
        for form in fitting:
            changed = form.converted(real)
            if all(a is b for a, b in zip(changed, real, strict=True)):
                continue
            try:
                result = function(*bound, *changed)
            except TypeError:
                continue
            _CONVERTED[kinds] = form
            return result
        raise TypeError(f"{name} does not take these arguments: {error}") from None


@dataclass(frozen=True, eq=False)
class Form:
    """One overload: what its positional parameters want, how many of them there are to be at least, and at most."""

    annotations: tuple[Any, ...]
    least: int
    most: float

    @classmethod
    def of(cls, form: inspect.Signature) -> Form:
        positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        parameters = [p for p in form.parameters.values() if p.kind in positional and p.name != "self"]
        annotations = tuple(p.annotation for p in parameters)
        if any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in form.parameters.values()):
            return cls(annotations, 0, math.inf)
        return cls(annotations, sum(p.default is inspect.Parameter.empty for p in parameters), len(parameters))

    def takes(self, count: int) -> bool:
        return self.least <= count <= self.most

    def converted(self, arguments: Sequence[Any]) -> list[Any]:
        return [_converted(a, wanted) for a, wanted in zip(arguments, self.annotations, strict=False)]


_CONVERTED: dict[tuple[Any, ...], Form] = {}
"""Function and types of its arguments that PySide6 takes only when they are converted: the form that they are converted for."""


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
    if isinstance(argument, PASSED_AS_THEY_ARE):
        return argument
    if callable(argument) and not isinstance(argument, type) and not isinstance(to_real(argument), QtCore.QObject):
        return guarded(argument, f"called by {name}") if _is_function(argument) else to_real(argument)
    return to_real(argument)


def _is_function(argument: Any) -> bool:
    return not isinstance(argument, later.proxy)


def forms_of(function: Callable[..., Any]) -> list[Form] | None:
    """The overloads of a function of PySide6; None for a Python function."""
    if isinstance(function, types.FunctionType | types.MethodType):
        return None
    owner = getattr(function, "__self__", None)
    if owner is not None and not isinstance(owner, type):  # the signature is kept with the class
        return _of_member(type(owner), function)
    return _written_of(function)


def _of_member(kind: type, function: Callable[..., Any]) -> list[Form] | None:
    key = kind, function.__name__
    if key not in _MEMBERS:
        _MEMBERS[key] = _written_of(getattr(kind, function.__name__, function))
    return _MEMBERS[key]


_MEMBERS: dict[tuple[type, str], list[Form] | None] = {}


def _written_of(function: Callable[..., Any]) -> list[Form] | None:
    found = get_signature(function)
    if not found:
        return None
    return [Form.of(form) for form in (found if isinstance(found, list) else [found])]


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
