"""Settings within settings by their dotted path: ``fit.learning_rate``, ``screening_stage.batch``, ``sampling.background.hull``."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields, is_dataclass
from typing import Any

from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.methods.plain_values import changed

from ..learning.engine.settings import EngineSettings

EPOCHS = "epochs"
"""A setting of this name beside a fit, above 0, is in place of its steps: so many rounds through what is learned from."""
_SHOWN = 5


def leaves(settings: Any, within: str = "") -> dict[str, Any]:
    """Path -> value of all that can be set; of a dictionary its entries."""
    entries = (
        settings.items()
        if isinstance(settings, Mapping)
        else [(entry.name, getattr(settings, entry.name)) for entry in fields(settings)]
    )
    found = dict[str, Any]()
    for name, value in entries:
        if is_dataclass(value) or (isinstance(value, Mapping) and value):
            found |= leaves(value, f"{within}{name}.")
        else:
            found[f"{within}{name}"] = value
    return found


def fits_of(settings: Any) -> dict[str, EngineSettings]:
    """Path -> how a network is fitted, for all fits of a recipe, in the order of its settings, which is that of the work."""
    found = dict[str, EngineSettings]()
    for entry in fields(settings):
        value = getattr(settings, entry.name)
        if isinstance(value, EngineSettings):
            found[entry.name] = value
        elif is_dataclass(value):
            found |= {f"{entry.name}.{path}": fit for path, fit in fits_of(value).items()}
    return found


def epochs_path(settings: Any, fit: str) -> str:
    """The path of the ``epochs`` that are in place of a fit's steps; empty where there are none."""
    path = ".".join([*fit.split(".")[:-1], EPOCHS])
    return path if path in leaves(settings) else ""


def steps_of(settings: Any, fit: str) -> int:
    """How many steps a fit has; 0 where that follows from the cases."""
    path = epochs_path(settings, fit)
    return 0 if path and leaves(settings)[path] else fits_of(settings)[fit].steps


def refuse_unknown(settings: Any, path: str) -> None:
    """Raises UsageError for a path that there is not; the text names some that are like it."""
    known = leaves(settings)
    if path not in known:
        near = ", ".join(nearest(path, known))
        raise UsageError(
            f"There is no setting “{path}”. Near it: {near}. All are printed by --show-settings, one level deeper with each step "
            "to the right: a dot stands for each."
        )


def nearest(path: str, known: Iterable[str]) -> list[str]:
    """Paths that end in the same name first, then what is spelt alike, best first."""
    known, last = list(known), path.rpartition(".")[2]
    alike = {name: difflib.SequenceMatcher(None, path, name).ratio() for name in known}
    ends = difflib.get_close_matches(last, {name.rpartition(".")[2] for name in known}, n=2, cutoff=0.6)
    ranks = {name: (name.rpartition(".")[2] in ends, alike[name]) for name in known}
    return sorted(known, key=lambda name: ranks[name], reverse=True)[:_SHOWN]


def nested(settings: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by path as settings within settings, as ``plain_values.changed`` and YAML files have them. A dictionary of the
    settings comes whole: given in part, it would lose its other entries."""
    found = dict[str, Any]()
    for path, value in values.items():
        *groups, name = path.split(".")
        place, at = found, settings
        for group in groups:
            at = at[group] if isinstance(at, Mapping) else getattr(at, group)
            place = place.setdefault(group, dict(at) if isinstance(at, Mapping) else {})
        place[name] = value
    return found


def with_values(settings: Any, values: Mapping[str, Any]) -> Any:
    """``settings`` with other values by path.

    Raises:
        UsageError: a value of another form, or one that the settings refuse, alone or together.
    """
    try:
        return changed(settings, nested(settings, values))
    except ValueError as error:
        raise UsageError(f"These settings cannot be: {error}.") from error


def differing(defaults: Any, settings: Any) -> dict[str, Any]:
    """Path -> value of all that ``settings`` has otherwise than ``defaults``; entries of a dictionary that is not one of the
    same names come as the dictionary."""
    found = dict[str, Any]()
    for entry in fields(settings):
        before, now = getattr(defaults, entry.name), getattr(settings, entry.name)
        if is_dataclass(now):
            found |= {f"{entry.name}.{path}": value for path, value in differing(before, now).items()}
        elif before != now:
            found[entry.name] = now
    return found


def plain(settings: Any) -> Any:
    """Settings, or a value of them, as JSON has them: lists for tuples."""
    return json.loads(json.dumps(asdict(settings) if is_dataclass(settings) else settings))  # type: ignore[arg-type]
