"""Settings of recipes that are worth a name, as JSON files here: ``nodule-ct.quick.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from LesionDetectionLib.core.errors import UsageError

STANDARD = "standard"
"""The recipe's own defaults: every method has it, and no file."""
_FOLDER = Path(__file__).parent / "preset_files"


@dataclass(frozen=True)
class Preset:
    """What a recipe's settings are replaced by.

    Attributes:
        name: in plans.
        title: in a list.
        about: a sentence or two on when to take it, and what it costs.
        settings: names and values; what is not named stays as it is.
    """

    name: str
    title: str
    about: str
    settings: Mapping[str, Any]


def presets(method: str) -> dict[str, Preset]:
    """All presets of a method by name, the standard one first."""
    found = {STANDARD: Preset(STANDARD, "Standard", "The recipe's own settings.", {})}
    for path in sorted(_FOLDER.glob(f"{method}.*.json")):
        content = json.loads(path.read_text(encoding="utf-8"))
        name = path.name[len(method) + 1 : -len(".json")]
        found[name] = Preset(name, content["title"], content["about"], content.get("settings", {}))
    return found


def preset(method: str, name: str) -> Preset:
    """The preset of this name; the standard one where the name is empty. Raises UsageError where there is none."""
    known = presets(method)
    if (name or STANDARD) not in known:
        raise UsageError(f"There is no preset “{name}” of {method}. Choose one of: {', '.join(known)}.")
    return known[name or STANDARD]
