"""Our Python modules before and after a test: what was loaded on this test's ``qt``, or anew, is forgotten."""

from __future__ import annotations

import sys
from types import ModuleType

_OURS = ("LesionDetection", "LesionTraining")


def loaded() -> dict[str, ModuleType]:
    """Those of our modules that are loaded now."""
    return {name: module for name, module in sys.modules.items() if name.startswith(_OURS)}


def restore(before: dict[str, ModuleType]) -> None:
    """Back to ``before``.

    Panels and module files hold the test's ``qt``. A reload, as the modules do it, drops the whole library and loads it
    anew: its classes are then no longer those that other tests have imported.
    """
    reloaded = any(sys.modules.get(name) is not module for name, module in before.items())
    for name, module in loaded().items():
        if name not in before and (reloaded or name in _OURS or ".panel" in name):
            del sys.modules[name]
            parent, _, leaf = name.rpartition(".")
            if getattr(sys.modules.get(parent), leaf, None) is module:
                delattr(sys.modules[parent], leaf)
    for name, module in before.items():
        sys.modules[name] = module
        parent, _, leaf = name.rpartition(".")
        if parent in before:
            setattr(before[parent], leaf, module)
