"""``anchors.json``: the shapes of a detector's anchors, as ``lesion anchors`` writes and training reads them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from LesionDetectionLib.core.atomic import atomic_file
from LesionDetectionLib.core.errors import InputError

SCHEMA, SCHEMA_VERSION = "lesion-anchors", 1
NAME = "anchors.json"
MOST_RATIO = 100.0
"""Higher or lower anchors are a slip."""
_MOST = 64
"""More values of a kind are a slip too: they multiply."""
_MOST_BYTES = 1_000_000


@dataclass(frozen=True)
class Anchors:
    """Shapes of anchors: every size with every scale and every ratio.

    Attributes:
        sizes: in pixels of the network's input, rising, one a level of the feature pyramid.
        scales: by which each size is multiplied.
        ratios: height over width. An anchor is ``size * scale / sqrt(ratio)`` wide and ``size * scale * sqrt(ratio)`` high.

    Raises:
        ValueError: values that cannot be; the text names them.
    """

    sizes: tuple[float, ...]
    scales: tuple[float, ...]
    ratios: tuple[float, ...]

    def __post_init__(self) -> None:
        for name in ("sizes", "scales", "ratios"):
            values = getattr(self, name)
            if not 1 <= len(values) <= _MOST or not all(math.isfinite(value) and value > 0 for value in values):
                raise ValueError(f"“{name}” are not 1 to {_MOST} numbers above 0")
            if len(set(values)) < len(values):
                raise ValueError(f"“{name}” has a number twice")
            object.__setattr__(self, name, tuple(float(value) for value in values))
        if list(self.sizes) != sorted(self.sizes):
            raise ValueError("“sizes” do not rise; they belong to the levels of the pyramid, finest first")
        if not all(1 / MOST_RATIO <= ratio <= MOST_RATIO for ratio in self.ratios):
            raise ValueError(f"“ratios” are not between 1/{MOST_RATIO:g} and {MOST_RATIO:g}")

    @property
    def a_place(self) -> int:
        """How many anchors there are at each place of a level."""
        return len(self.scales) * len(self.ratios)


def read_anchors(path: Path) -> Anchors:
    """The anchors of a file, or of ``anchors.json`` in a folder.

    Raises:
        InputError: it cannot be read, or is none that makes sense; the text says why.
    """
    path = Path(path)
    file = path / NAME if path.is_dir() else path
    try:
        if file.stat().st_size > _MOST_BYTES:
            raise InputError(f"{file} is too large to be a file of anchors.")
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"The anchors {file} cannot be read: {error.strerror or error}. “lesion anchors” makes them."
        ) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{file} is no JSON file: {error}.") from error
    try:
        return _anchors(content)
    except ValueError as error:
        raise InputError(f"{file} holds no anchors that can be used: {error}.") from error


def write_anchors(path: Path, anchors: Anchors, more: Mapping[str, Any] | None = None) -> None:
    """Write the file, whole or not at all.

    Args:
        more: what else to keep in it, by name (``note``, ``measured``): plain finite values.

    Raises:
        OutputError: it cannot be written.
    """
    content = {
        "schema": SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "sizes": list(anchors.sizes),
        "scales": list(anchors.scales),
        "ratios": list(anchors.ratios),
        **(more or {}),
    }
    with atomic_file(path) as temporary:
        temporary.write_text(
            json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8"
        )


def _anchors(content: Any) -> Anchors:
    """Raises ValueError with what is wrong."""
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise ValueError(f"its “schema” is not “{SCHEMA}”")
    if content.get("schema_version") != SCHEMA_VERSION:
        raise ValueError(f"its “schema_version” is not {SCHEMA_VERSION}: it was written by another version")
    return Anchors(*(_numbers(content, name) for name in ("sizes", "scales", "ratios")))


def _numbers(content: Mapping[str, Any], name: str) -> tuple[float, ...]:
    values = content.get(name)
    if not isinstance(values, list) or not all(type(value) in (int, float) for value in values):
        raise ValueError(f"“{name}” is no list of numbers")
    try:
        return tuple(float(value) for value in values)
    except OverflowError:
        raise ValueError(f"“{name}” has a number that is too large") from None
