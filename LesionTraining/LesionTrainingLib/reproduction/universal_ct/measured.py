"""What is read from the marks of one row: sensitivities with their confidence, by size, and what lies under false marks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...evaluation.froc import false_positives_per_scan, froc, sensitivity_at, sensitivity_by_size
from ...evaluation.froc_bootstrap import bootstrap_froc
from ...evaluation.matching.deeplesion import DeepLesion
from ...evaluation.matching.outcome import Fate, Outcome
from ...evaluation.metrics.proportions import wilson_interval
from ...evaluation.scoring.free_response import shown_threshold

RATES = DeepLesion.rates
SIZE_RATE = DeepLesion.size_rate
BANDS_MM = DeepLesion.size_bands_mm
PICTURE_RATE = 0.5
"""False positives per image at which pictures are drawn (paper, Figs. 3 and 4)."""
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


@dataclass(frozen=True)
class Measured:
    """One row on one list of lesions.

    Attributes:
        images, lesions: that it was measured on.
        sensitivities: at :data:`RATES` false positives per image, shares.
        bounds: 95 % of each, images drawn anew; None each without a bootstrap.
        threshold: from which score on there are at most :data:`SIZE_RATE` false positives per image.
        false_positives: per image, at the threshold.
        bands: lesions found at the threshold, of each of :data:`BANDS_MM`.
    """

    images: int
    lesions: int
    sensitivities: tuple[float, ...]
    bounds: tuple[Bounds | None, ...]
    threshold: float
    false_positives: float
    bands: tuple[Band, ...]


def measured(outcomes: Sequence[Outcome], samples: int, seed: int, threshold: float | None = None) -> Measured:
    """DeepLesion's figures of merit; one outcome an image.

    Args:
        samples: of the bootstrap; 0 for none.
        threshold: in place of the one for :data:`SIZE_RATE`.
    """
    curve = froc(outcomes)
    at = tuple(sensitivity_at(curve, rate, upright=DeepLesion.upright) for rate in RATES)
    bounds: tuple[Bounds | None, ...] = (None,) * len(RATES)
    if samples:
        boot = bootstrap_froc(
            outcomes, RATES, DeepLesion.averaged, upright=DeepLesion.upright, samples=samples, seed=seed
        )
        if boot.samples:
            pairs = zip(boot.sensitivity.lower.tolist(), boot.sensitivity.upper.tolist(), strict=True)
            bounds = tuple(pairs)
    limit = shown_threshold(outcomes, SIZE_RATE) if threshold is None else threshold
    bands = []
    for found, every in sensitivity_by_size(outcomes, limit, BANDS_MM):
        low, high = wilson_interval(found, every)
        bands.append(Band(found, every, (float(low), float(high))))
    lesions = sum(len(one.lesion_marks) for one in outcomes)
    return Measured(len(outcomes), lesions, at, bounds, limit, false_positives_per_scan(outcomes, limit), tuple(bands))


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
