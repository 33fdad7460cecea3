"""One setting that a search varies, as it is written: ``fit.batch=1,2,4``, ``fit.learning_rate=1e-5..1e-1 log``.

What stands after the sign is a list; a range, from which values are drawn; or a range with a number, ``1e-5..1e-1 log 5``,
which is the list of so many values, evenly spread.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any

from LesionDetectionLib.core.errors import UsageError

_NUMBER = r"[-+]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?"
_RANGE = re.compile(rf"({_NUMBER})\s*\.\.\s*({_NUMBER})(?:\s+(log))?(?:\s+(\d+))?")
_DIGITS = 3
"""Of the values that a range is divided into: 0.00316, not 0.0031622776601683794."""
_MOST_VALUES = 1000


@dataclass(frozen=True)
class Varied:
    """A setting and what it may be.

    Attributes:
        path: of the setting.
        choices: the values of a list, in the order given; empty for a range.
        low, high: ends of a range, both possible.
        logarithmic: whether drawn, and shown, by its logarithm.
        integer: whether a range holds whole numbers only.
    """

    path: str
    choices: tuple[Any, ...] = ()
    low: float = math.nan
    high: float = math.nan
    logarithmic: bool = False
    integer: bool = False

    @property
    def is_range(self) -> bool:
        return not self.choices

    @property
    def is_numeric(self) -> bool:
        """Whether its values have an order, and places on an axis."""
        return self.is_range or all(_is_number(choice) for choice in self.choices)

    @property
    def examples(self) -> tuple[Any, ...]:
        """All values of a list, both ends of a range."""
        ends = (self.low, self.high)
        return self.choices or (tuple(map(int, ends)) if self.integer else ends)

    @property
    def labels(self) -> tuple[str, ...]:
        """The values of a list as texts that name them."""
        return tuple(map(shown, self.choices))

    def value(self, drawn: Any) -> Any:
        """The setting's value for what a journal holds: the label of a choice, a number of a range.

        Raises:
            ValueError: neither.
        """
        if self.is_range:
            if not _is_number(drawn) or not self.low <= drawn <= self.high:
                raise ValueError(f"{drawn!r} is not in the range of “{self.path}”")
            return int(drawn) if self.integer else float(drawn)
        return self.choices[self.labels.index(drawn)]

    def told(self) -> dict[str, Any]:
        """Plain JSON, for the record."""
        if self.is_range:
            return {"low": self.low, "high": self.high, "logarithmic": self.logarithmic, "integer": self.integer}
        return {"values": json.loads(json.dumps(self.choices))}


def shown(value: Any) -> str:
    """A value as a person writes it: ``0.003``, ``adam``, ``true``, ``[8, 16]``."""
    if isinstance(value, float):
        return f"{value:.6g}"
    return value if isinstance(value, str) else json.dumps(value)


def parse_varied(text: str, default_of: Any) -> Varied:
    """Read one ``--vary``.

    Args:
        default_of: gives the value that a path has now; raises UsageError for an unknown one.

    Raises:
        UsageError: it is no path with values, or values of another form.
    """
    path, sign, right = (part.strip() for part in text.partition("="))
    if not sign or not path or not right:
        raise UsageError(
            f"“{text}” does not say what to vary. Write such as fit.batch=1,2,4,8 or “fit.learning_rate=1e-5..1e-1 log”."
        )
    default = default_of(path)
    if found := _RANGE.fullmatch(right):
        return _range(path, default, *found.groups())
    if ".." in right:
        raise UsageError(f"“{right}” is no range. Write such as 0..0.5, “1e-5..1e-1 log”, or “1e-5..1e-1 log 5”.")
    choices = tuple(_typed(item, default) for item in _items(right))
    unique = {shown(choice): choice for choice in choices}
    if len(unique) < len(choices):
        raise UsageError(f"“{text}” names a value twice.")
    return Varied(path, choices, logarithmic=_spread_by_factors(choices))


def _range(path: str, default: Any, low: str, high: str, log: str | None, count: str | None) -> Varied:
    if isinstance(default, (bool, str, tuple, dict)):
        raise UsageError(f"“{path}” is {shown(default)} and no number: it has no range. Write a list of values.")
    ends, integer, logarithmic = (float(low), float(high)), isinstance(default, int), log is not None
    if not all(map(math.isfinite, ends)) or not ends[0] < ends[1]:
        raise UsageError(f"The range {low}..{high} of “{path}” does not rise.")
    if logarithmic and ends[0] <= 0:
        raise UsageError(f"A logarithmic range begins above 0: {low}..{high} of “{path}” does not.")
    if integer and not all(end.is_integer() for end in ends):
        raise UsageError(f"“{path}” is a whole number: its range cannot be {low}..{high}.")
    if count is None:
        return Varied(path, (), *ends, logarithmic=logarithmic, integer=integer)
    if not 2 <= int(count) <= _MOST_VALUES:
        raise UsageError(f"A range is divided into 2 to {_MOST_VALUES} values, not {count}.")
    return Varied(path, _spread(*ends, int(count), logarithmic, integer), logarithmic=logarithmic)


def _spread(low: float, high: float, count: int, logarithmic: bool, integer: bool) -> tuple[Any, ...]:
    """So many values from the one end to the other; fewer whole numbers where there are no more."""
    shares = [n / (count - 1) for n in range(count)]
    if logarithmic:
        values = [low * (high / low) ** share for share in shares]
    else:
        values = [low + (high - low) * share for share in shares]
    values[0], values[-1] = low, high
    rounded = [round(value) if integer else float(f"{value:.{_DIGITS}g}") for value in values[1:-1]]
    ends = [int(low), int(high)] if integer else [low, high]
    return tuple(dict.fromkeys([ends[0], *rounded, ends[1]]))


def _spread_by_factors(choices: tuple[Any, ...]) -> bool:
    """Whether numbers of a list are to be shown by their logarithm: the last is ten times the first or more."""
    numbers = [choice for choice in choices if _is_number(choice)]
    return len(numbers) == len(choices) and min(numbers) > 0 and max(numbers) >= 10 * min(numbers)


def _items(text: str) -> list[str]:
    """What stands between commas, those within brackets aside: ``[8, 16], [16, 32]`` are two."""
    items, depth = [""], 0
    for sign in text:
        depth += (sign in "[{") - (sign in "]}")
        if sign == "," and not depth:
            items.append("")
        else:
            items[-1] += sign
    return [item.strip() for item in items]


def _typed(text: str, default: Any) -> Any:
    """A value of a list in the form that the setting has; what cannot be one is left for the settings to refuse."""
    import yaml

    if isinstance(default, str):
        return text.strip("\"'")
    try:
        value = _numbers(yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise UsageError(f"“{text}” cannot be read as a value.") from error
    if value is None and text not in ("null", "~"):
        raise UsageError("A list of values has an empty place.")
    whole = isinstance(default, int) and not isinstance(default, bool) and isinstance(value, float)
    return int(value) if whole and value.is_integer() else value


def _numbers(value: Any) -> Any:
    """YAML takes 1e-3 for text."""
    if isinstance(value, list):
        return tuple(map(_numbers, value))
    if isinstance(value, str) and re.fullmatch(_NUMBER, value):
        return float(value)
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
