"""What is read from marks on key slices whichever network made them: lesions by size, and what lies under false marks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...evaluation.froc import sensitivity_by_size
from ...evaluation.matching.deeplesion import DeepLesion
from ...evaluation.matching.outcome import Fate, Outcome
from ...evaluation.metrics.proportions import wilson_interval

BANDS_MM = DeepLesion.size_bands_mm
BANDS = ("< 10 mm", "10–30 mm", "> 30 mm")
Bounds = tuple[float, float]


@dataclass(frozen=True)
class Band:
    """Lesions of one size. Attributes: found, all; bounds, 95 % of the share (Wilson)."""

    found: int
    all: int
    bounds: Bounds

    @property
    def share(self) -> float:
        return self.found / self.all if self.all else float("nan")


def bands_at(outcomes: Sequence[Outcome], threshold: float) -> tuple[Band, ...]:
    """Lesions found by marks of at least ``threshold``, of each of :data:`BANDS_MM`."""
    bands = []
    for found, every in sensitivity_by_size(outcomes, threshold, BANDS_MM):
        low, high = wilson_interval(found, every)
        bands.append(Band(found, every, (float(low), float(high))))
    return tuple(bands)


def really_lesions(listed: Sequence[Outcome], complete: Sequence[Outcome], threshold: float) -> tuple[int, int]:
    """Of the marks that are false by the list: how many hit a lesion that it lacks, and how many there are in all.

    Args:
        listed, complete: the same marks by either list, image by image.
        threshold: of the marks that are looked at.
    """
    hit = every = 0
    for by_list, by_all in zip(listed, complete, strict=True):
        false = (by_list.fates == Fate.FALSE) & (by_list.mark_scores >= threshold)
        every += int(false.sum())
        hit += int((false & (by_all.fates != Fate.FALSE)).sum())
    return hit, every


def finite(value: float) -> float | None:
    """A threshold for files: None where every mark is shown."""
    return value if np.isfinite(value) else None


def with_bounds(value: float, bounds: Bounds | None) -> str:
    """A share in per cent: ``90.8 (87–94)``; a dash where there is no lesion."""
    if value != value:
        return "–"
    return f"{100 * value:.1f}" + ("" if bounds is None else f" ({100 * bounds[0]:.0f}–{100 * bounds[1]:.0f})")


def of_band(band: Band) -> str:
    """``88.4, 38 of 43 (76–95)``."""
    if not band.all:
        return "no lesions"
    low, high = band.bounds
    return f"{100 * band.share:.1f}, {band.found} of {band.all} ({100 * low:.0f}–{100 * high:.0f})"
