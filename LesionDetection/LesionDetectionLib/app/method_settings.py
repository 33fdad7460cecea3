"""A method's settings as a form shows them: what its choices begin with, and what a person changed of that."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from LesionDetectionLib.core.bundle import Bundle, read_manifest
from LesionDetectionLib.core.detector import Choice, MethodInfo

from .translation import tr as _

Value = bool | int | float | str
"""Of a setting; its type says how a form shows it: a mark, a number, one of several texts."""


def first_values(info: MethodInfo, model: Path | None) -> dict[str, Value]:
    """What each choice of a method is while nobody changes it, by name: as the model wants it; as the method does without one.

    Cheap: of the model only its manifest is read, and no heavy library is loaded.

    Raises:
        BundleError: the model cannot be read, or its settings do not fit this program.
    """
    bundle = None
    if model is not None:
        manifest, digest = read_manifest(model)
        bundle = Bundle(manifest, {}, digest, str(model))
    settings = info.default_settings(bundle)
    return {choice.name: getattr(settings, choice.name) for choice in info.choices}


def changed_values(
    choices: Sequence[Choice], first: Mapping[str, Value], wanted: Mapping[str, Any]
) -> dict[str, Value]:
    """Those of the ``wanted`` values, by name, that differ from the ``first`` ones.

    What no choice of the method can be is left out: it may come from a scene of another version.
    """
    named = {choice.name: choice for choice in choices}
    return {
        name: value
        for name, value in wanted.items()
        if name in named and _fits(named[name], first[name], value) and not _same(named[name], first[name], value)
    }


def as_text(values: Mapping[str, Value]) -> str:
    """Values as they are kept in a scene; empty for none."""
    return json.dumps(dict(values), sort_keys=True) if values else ""


def from_text(text: str) -> dict[str, Any]:
    """What :func:`as_text` gave; nothing where the text is damaged."""
    try:
        values = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def settings_title(changed: int) -> str:
    """Over the form; ``changed``: how many of the settings are."""
    return _("Settings ({count} changed)").format(count=changed) if changed else _("Settings")


def reset_words(from_model: bool) -> tuple[str, str]:
    """Text and tool tip of the button that takes all changes back; ``from_model``: the first values are a model's."""
    if from_model:
        tip = _("Take all changes back: the settings are those that the model was made with.")
        return _("Reset to the model's"), tip
    return _("Reset"), _("Take all changes back: the settings are those that the method begins with.")


def _fits(choice: Choice, first: Value, value: Any) -> bool:
    """Whether the setting can have the value: one of its kind, within its limits."""
    if isinstance(first, bool):
        return isinstance(value, bool)
    if isinstance(first, str):
        return value in {option for option, _title in choice.options}
    kinds = int if isinstance(first, int) else (int, float)
    low, high = choice.range
    return isinstance(value, kinds) and not isinstance(value, bool) and low <= value <= high


def _same(choice: Choice, first: Value, value: Value) -> bool:
    """Whether a person sees no difference: a model's threshold may have more decimals than the form shows."""
    if isinstance(first, (bool, str)) or isinstance(value, (bool, str)):
        return first == value
    return round(first, choice.decimals) == round(value, choice.decimals)
