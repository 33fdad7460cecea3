"""Parts that are found by name and loaded when they are first used, so that choosing among them costs nothing."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any


def load(place: str) -> Any:
    """What ``module:name`` means."""
    module, name = place.split(":")
    return getattr(importlib.import_module(module), name)


def declared(package: str, name: str) -> list[Any]:
    """The ``name`` of each folder of a package whose ``__init__`` has one, in the order of the folders' names."""
    folders = [entry.name for entry in pkgutil.iter_modules(importlib.import_module(package).__path__) if entry.ispkg]
    found = (getattr(importlib.import_module(f"{package}.{folder}"), name, None) for folder in sorted(folders))
    return [one for one in found if one is not None]
