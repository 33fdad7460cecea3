"""What can be set of each kind of cohort, in words: from the options' own docstrings."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass, fields
from typing import Any

from .spec import Kind

COMMON = (
    ("split", "", "only the cases of this part of the official split: training, validation or test."),
    ("limit", "", "only so many cases, the first ones."),
)
"""(Name, default, meaning) of what every kind knows."""


@dataclass(frozen=True)
class Option:
    """One option of a kind: its name, its default as it is written in a specification, and what it means."""

    name: str
    default: str
    meaning: str


def options_of(kind: Kind) -> tuple[Option, ...]:
    """The kind's own options, then those of all kinds."""
    defaults: Any = kind.options()
    meanings = attribute_docs(kind.options)
    own = [Option(f.name, _written(getattr(defaults, f.name)), meanings.get(f.name, "")) for f in fields(kind.options)]
    return (*own, *(Option(*entry) for entry in COMMON))


def attribute_docs(of: type) -> dict[str, str]:
    """Name -> meaning from the ``Attributes:`` part of a docstring, each on one line, without the marks of code."""
    _, _, part = inspect.cleandoc(of.__doc__ or "").partition("Attributes:\n")
    found: dict[str, str] = {}
    names: list[str] = []
    indent: int | None = None
    for line in part.splitlines():
        depth = len(line) - len(line.lstrip())
        if not line.strip():
            continue
        indent = depth if indent is None else indent
        entry = re.match(r"\s*(\w+(?:, \w+)*): (.*)", line)
        if depth == indent and entry:
            names = entry[1].split(", ")
            found.update(dict.fromkeys(names, entry[2]))
        elif depth > indent:
            found.update({name: f"{found[name]} {line.strip()}" for name in names})
        else:
            break
    return {name: text.replace("``", "").strip() for name, text in found.items()}


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)
