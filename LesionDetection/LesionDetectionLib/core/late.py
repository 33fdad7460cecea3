"""Parts that are found by name and loaded when they are first used, so that choosing among them costs nothing."""

from __future__ import annotations

import functools
import importlib
import pkgutil
from typing import Any


def load(place: str) -> Any:
    """What ``module:name`` means."""
    module, name = place.split(":")
    return getattr(importlib.import_module(module), name)


def declared(package: str, name: str) -> list[Any]:
    """The ``name`` of each folder of a package whose ``__init__`` has one, in the order of the folders' names."""
    folders = _folders_in(tuple(importlib.import_module(package).__path__))
    found = (getattr(importlib.import_module(f"{package}.{folder}"), name, None) for folder in folders)
    return [one for one in found if one is not None]


@functools.cache
def _folders_in(places: tuple[str, ...]) -> list[str]:
    """Names of the packages in folders on the disk, in order. Looked for once, as a list of models asks for each of them."""
    return sorted(entry.name for entry in pkgutil.iter_modules(places) if entry.ispkg)
