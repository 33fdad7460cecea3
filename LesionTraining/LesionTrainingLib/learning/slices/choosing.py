"""Which slices of a case are learned from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..sampling.spread import evenly
from .sections import Section
from .settings import SelectionSettings


@dataclass(frozen=True, eq=False)
class Known:
    """What is known of a case.

    Attributes:
        lesions: of each lesion, its sections by slice.
        excluded: of each finding to leave out, the same.
        count: slices of the scan.
        everywhere: whether lesions are known in every slice that they cut, and not only where their diameters were drawn.
        lookalikes: slices of places that look like a lesion and are none.
    """

    lesions: Sequence[Mapping[int, Section]]
    excluded: Sequence[Mapping[int, Section]]
    count: int
    everywhere: bool
    lookalikes: Sequence[int] = ()


def choose_slices(known: Known, selection: SelectionSettings) -> list[int]:
    """Indices of slices, rising, each once: those with the largest section of each lesion, and more where that is wanted."""
    keys = {_largest(sections) for sections in known.lesions if sections}
    if not known.everywhere:
        return sorted(keys)
    least = selection.least_section_px
    seen = {k for sections in known.lesions for k, section in sections.items() if section.pixels >= least}
    cut = {k for sections in (*known.lesions, *known.excluded) for k in sections}
    free = [k for k in range(known.count) if k not in cut]
    alike = [k for k in known.lookalikes if k not in cut]
    without = evenly(alike, selection.slices_without)
    without += evenly([k for k in free if k not in without], selection.slices_without - len(without))
    return sorted({*keys, *evenly(sorted(seen - keys), selection.slices_with), *without})


def _largest(sections: Mapping[int, Section]) -> int:
    """Of equal ones the lowest."""
    return max(sorted(sections), key=lambda k: sections[k].pixels)
