"""Numbers, measurements and facts as people read them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from LesionDetectionLib.core.lesion import Lesion
from LesionDetectionLib.io.lesion_table import VOLUME

_UNIT_ENDINGS = {
    "mm3": "mm³",
    "mm2": "mm²",
    "mm": "mm",
    "ml": "mL",
    "g": "g",
    "hu": "HU",
    "suvbw": "SUV",
    "percent": "%",
}
OTHER_SUV = {"sulbm": ("SUL", "g/mL"), "suvbsa": ("SUV by surface area", "cm²/mL")}
"""Beside SUV by body weight, and told from it by name."""
_WHOLE_NAMES = {"mtv": "Metabolic tumour volume", "tlg": "Total lesion glycolysis"}
_MILLILITRES_FROM_MM3 = 10_000.0
"""From here on (a sphere of 27 mm) a volume is given in mL; nodule guidelines speak of mm³."""
_LONGEST = 600
"""Signs of a fact: what is longer is in the JSON file beside the report."""


class Measured(NamedTuple):
    """What a measurement is called, its number, and its unit (empty where it has none)."""

    title: str
    text: str
    unit: str

    @property
    def heading(self) -> str:
        return f"{self.title} {self.unit}".strip()

    @property
    def whole(self) -> str:
        return f"{self.text} {self.unit}".strip()


def measurement(name: str, value: float, large: bool | None = None) -> Measured:
    """What to call a measurement and how to write it: ``Volume``, ``2075``, ``mm³`` for ``volume_mm3``.

    Args:
        large: whether a volume is given in mL; where None, by its size.
    """
    base, _, ending = name.rpartition("_")
    if name == VOLUME and (is_large(value) if large is None else large):
        return Measured("Volume", f"{value / 1000:.{1 if is_large(value) else 2}f}", "mL")
    if ending in OTHER_SUV:
        kind, unit = OTHER_SUV[ending]
        return Measured(f"{words(base)} {kind}", number(value, 2), unit)
    if ending not in _UNIT_ENDINGS:
        return Measured(words(name), number(value, 2), "")
    digits = {"hu": 0, "mm3": 0, "suvbw": 2, "ml": 2}.get(ending, 1)
    return Measured(_WHOLE_NAMES.get(base) or words(base), number(value, digits), _UNIT_ENDINGS[ending])


def is_large(volume_mm3: float) -> bool:
    """Whether a volume is given in mL."""
    return volume_mm3 >= _MILLILITRES_FROM_MM3


def axes_text(lesion: Lesion) -> str:
    """``17.3 × 16.4``, in mm."""
    return "–" if lesion.recist is None else f"{lesion.recist.long_mm:.1f} × {lesion.recist.short_mm:.1f}"


def words(name: str, capital: bool = True) -> str:
    """``Mean wall`` for ``mean_wall``."""
    text = re.sub(r"_+", " ", name).strip()
    return text[:1].upper() + text[1:] if capital else text


def number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}".replace("-", "−")


def percent(share: float) -> str:
    """``94 %``, with a space that no line ends at."""
    return f"{100 * share:.0f}\u00a0%"


def counted(count: int, one: str, several: str = "") -> str:
    """``1 finding``, ``2 findings``."""
    return f"{count} {one if count == 1 else several or one + 's'}"


def flat(value: Mapping[str, Any], lead: str = "") -> Iterator[tuple[str, str]]:
    """Nested provenance as lines: ``Model · version`` and its value."""
    for name, entry in value.items():
        label = f"{lead} · {words(str(name), capital=False)}" if lead else words(str(name))
        if isinstance(entry, Mapping):
            yield from flat(entry, label)
        else:
            text = plain(entry)
            yield label, text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… (the whole is in detections.json)"


def plain(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(plain, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "–"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def inside(value: Any, *names: str) -> Any:
    """What lies at a path of a manifest, whose inner values may be anything; None where nothing does."""
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def number_in(value: Any, *names: str) -> float | None:
    """The finite number that lies there; None for anything else."""
    found = inside(value, *names) if names else value
    if isinstance(found, bool) or not isinstance(found, (int, float)):
        return None
    return float(found) if abs(found) < float("inf") else None
