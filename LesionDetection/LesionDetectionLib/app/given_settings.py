"""Settings of a method that a person gives by name and value, as ``--set`` and a form do."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

from LesionDetectionLib.core.detector import Choice, MethodInfo
from LesionDetectionLib.core.errors import UsageError

_OPERATING_POINT = "operating_point"


def parse_settings(texts: Sequence[str]) -> dict[str, Any]:
    """Names and values of ``NAME=VALUE``; the value is YAML (``0.5``, ``yes``, ``percist``, ``[1, 1, 2]``), and a name with
    dots is one of settings within settings (``reduction_stage.dropout``).

    Raises:
        UsageError: one is not of this form.
    """
    import yaml

    values: dict[str, Any] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        *outer, last = name.strip().split(".")
        if not (sign and all((*outer, last))):
            raise UsageError(f"“{text}” is no setting. Write NAME=VALUE, such as lungs_only=no.")
        into = values
        for part in outer:
            into = into.setdefault(part, {})
            if not isinstance(into, dict):
                raise UsageError(f"“{part}” is given twice: as a whole, and a part of it.")
        try:
            into[last] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise UsageError(f"The value of “{text}” is no YAML. Put a text with special signs in quotes.") from error
    return values


def with_given(info: MethodInfo, settings: Any, given: Mapping[str, Any]) -> Any:
    """The settings with what was given in their place.

    Args:
        settings: of the method, a frozen dataclass of plain values.
        given: by name, as :func:`parse_settings` gives them.

    Raises:
        UsageError: a name that the method does not have, or a value that it cannot be; the text says what there is.
    """
    from LesionDetectionLib.methods.plain_values import changed

    if _OPERATING_POINT in given:
        raise UsageError("The operating point is no setting among others: use --operating-point.")
    try:
        settings = changed(settings, given)
    except ValueError as error:
        hint = " (YAML takes 1e-3 for text: write 1.0e-3)" if re.search(r"cannot be '[-+]?\d+e", str(error)) else ""
        raise UsageError(
            f"The settings do not fit the method {info.id}: {error}{hint}. {what_can_be_set(info, settings)}"
        ) from error
    for choice in info.choices:
        if choice.name in given:
            _check(choice, getattr(settings, choice.name))
    return settings


def what_can_be_set(info: MethodInfo, settings: Any) -> str:
    """The method's choices with what they can be, then its further settings, in sentences."""
    named = [choice.name for choice in info.choices]
    others = [entry.name for entry in dataclasses.fields(settings) if entry.name not in (*named, _OPERATING_POINT)]
    listed = "; ".join(f"{c.name} ({choice_values(c, getattr(settings, c.name))})" for c in info.choices)
    text = f"Choices: {listed}. " if listed else ""
    return f"{text}{'Further settings' if listed else 'Settings'}: {', '.join(others)}."


def choice_values(choice: Choice, default: Any) -> str:
    """What a setting can be: ``yes or no``, ``fixed, share or percist``, ``0.5 to 20 SUV``."""
    if choice.options:
        *most, last = [value for value, _title in choice.options]
        return f"{', '.join(most)} or {last}" if most else last
    if isinstance(default, bool):
        return "yes or no"
    if isinstance(default, (int, float)):
        low, high = choice.range
        return f"{low:g} to {high:g} {choice.unit}".strip()
    return "text"


def _check(choice: Choice, value: Any) -> None:
    low, high = choice.range
    if choice.options:
        fits = value in {option for option, _title in choice.options}
    else:
        fits = isinstance(value, bool) or not isinstance(value, (int, float)) or low <= value <= high
    if not fits:
        raise UsageError(f"“{choice.name}” cannot be {value}: it is {choice_values(choice, value)}.")
