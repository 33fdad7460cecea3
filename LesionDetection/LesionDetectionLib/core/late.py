"""Parts that are found by name and loaded when they are first used, so that choosing among them costs nothing."""

from __future__ import annotations

import importlib
from typing import Any


def load(place: str) -> Any:
    """What ``module:name`` means."""
    module, name = place.split(":")
    return getattr(importlib.import_module(module), name)
