"""Frozen dataclasses of plain values from JSON or YAML, strictly: what does not fit is said, not guessed."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

Values = TypeVar("Values")


def from_json(kind: type[Values], given: object) -> Values:
    """An instance of ``kind``, whose fields all have defaults, with the values of a JSON object.

    Each value must have the form of the field's default: a number for a number, as many numbers for a tuple, a table for
    settings within settings or for a dictionary; any number of them where the annotation is such as ``tuple[float, ...]``.
    ``null`` passes where the field's annotation ends in ``| None``; where the default is None, the annotation says what form
    another value must have.

    Raises:
        ValueError: an unknown name, or a value of another form; the text names it.
    """
    return changed(kind(), given)


def changed(settings: Values, given: object, within: str = "") -> Values:
    """``settings`` with the values of a JSON object in place of its own; see :func:`from_json`.

    Args:
        within: where ``settings`` lies in larger ones (``screening_stage.``), for the text of errors.
    """
    if not isinstance(given, Mapping):
        where = f"“{within.rstrip('.')}”: " if within else ""
        raise ValueError(f"{where}{given!r} is no table of names and values")
    known = {entry.name: entry for entry in fields(settings)}  # type: ignore[arg-type]
    values: dict[str, Any] = {}
    for name, value in given.items():
        full = f"{within}{name}"
        if name not in known:
            raise ValueError(f"“{full}” is not known")
        default = getattr(settings, name)
        if value is None and str(known[name].type).endswith("| None"):
            values[name] = None
        elif default is None or str(known[name].type).endswith(", ...]"):
            values[name] = _of_type(get_type_hints(type(settings))[name], value, full)
        else:
            values[name] = _like(default, value, full)
    result: Values = replace(settings, **values)  # type: ignore[type-var]
    return result


def _like(default: Any, value: Any, name: str) -> Any:
    if is_dataclass(default):
        return changed(default, value, f"{name}.")
    if isinstance(default, dict) and isinstance(value, Mapping) and default:
        first = next(iter(default.values()))
        return {str(key): _like(default.get(key, first), entry, f"{name}.{key}") for key, entry in value.items()}
    if isinstance(default, tuple) and isinstance(value, (list, tuple)) and len(value) == len(default):
        return tuple(_like(first, entry, name) for first, entry in zip(default, value, strict=True))
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is type(default) and not isinstance(value, (tuple, dict)):
        return value
    raise ValueError(f"“{name}” cannot be {value!r}")


def _of_type(annotation: Any, value: Any, name: str) -> Any:
    """The value, where it is a number, a text or a tuple of such as ``annotation`` says; unions: one of them."""
    if get_origin(annotation) in (Union, UnionType):
        for alternative in get_args(annotation):
            with contextlib.suppress(ValueError):
                return _of_type(alternative, value, name)
    elif get_origin(annotation) is tuple and isinstance(value, (list, tuple)):
        kinds = get_args(annotation)
        if kinds[-1] is Ellipsis:
            kinds = kinds[:1] * len(value)
        if len(kinds) == len(value):
            return tuple(_of_type(kind, entry, name) for kind, entry in zip(kinds, value, strict=True))
    elif annotation is float and type(value) in (int, float):
        return float(value)
    elif annotation in (int, bool, str) and type(value) is annotation:
        return value
    raise ValueError(f"“{name}” cannot be {value!r}")
