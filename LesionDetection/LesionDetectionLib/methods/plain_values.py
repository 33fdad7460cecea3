"""Frozen dataclasses of plain values from JSON, strictly: what does not fit is said, not guessed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, TypeVar

Values = TypeVar("Values")


def from_json(kind: type[Values], given: object) -> Values:
    """An instance of ``kind``, whose fields all have defaults, with the values of a JSON object.

    Each value must have the form of the field's default: a number for a number, as many numbers for a tuple. ``null``
    passes where the field's annotation ends in ``| None``.

    Raises:
        ValueError: an unknown name, or a value of another form; the text names it.
    """
    if not isinstance(given, Mapping):
        raise ValueError(f"{given!r} is no table of names and values")
    known = {entry.name: entry for entry in fields(kind)}  # type: ignore[arg-type]
    defaults = kind()
    values: dict[str, Any] = {}
    for name, value in given.items():
        if name not in known:
            raise ValueError(f"“{name}” is not known")
        if value is None and str(known[name].type).endswith("| None"):
            values[name] = None
        else:
            values[name] = _like(getattr(defaults, name), value, name)
    return kind(**values)


def _like(default: Any, value: Any, name: str) -> Any:
    if isinstance(default, tuple) and isinstance(value, (list, tuple)) and len(value) == len(default):
        return tuple(_like(first, entry, name) for first, entry in zip(default, value, strict=True))
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is type(default) and not isinstance(value, tuple):
        return value
    raise ValueError(f"“{name}” cannot be {value!r}")
