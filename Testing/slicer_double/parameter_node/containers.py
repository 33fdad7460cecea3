"""Lists and dicts of a parameter node: changing them in place is saved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def _saving(name: str, base: type) -> Any:
    original = getattr(base, name)

    def method(self: Any, *arguments: Any, **options: Any) -> Any:
        result = original(self, *arguments, **options)
        self._save()
        return self if name == "__iadd__" else result

    return method


class ObservedList(list[Any]):
    _save: Callable[[], None]


class ObservedDict(dict[Any, Any]):
    _save: Callable[[], None]


for _name in ("append", "extend", "insert", "pop", "remove", "clear", "sort", "reverse"):
    setattr(ObservedList, _name, _saving(_name, list))
for _name in ("__setitem__", "__delitem__", "__iadd__"):
    setattr(ObservedList, _name, _saving(_name, list))
for _name in ("pop", "popitem", "clear", "update", "setdefault", "__setitem__", "__delitem__"):
    setattr(ObservedDict, _name, _saving(_name, dict))


def observed(value: Any, write: Callable[[Any], None]) -> Any:
    """``value`` as a list or dict that calls ``write`` with itself when it is changed; other values as they are."""
    if isinstance(value, list):
        kept: Any = ObservedList(value)
        kept._save = lambda: write(list(kept))
    elif isinstance(value, dict):
        kept = ObservedDict(value)
        kept._save = lambda: write(dict(kept))
    else:
        return value
    return kept
