"""What is read from the marks of one row: sensitivities with their confidence, and by size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...evaluation.froc import false_positives_per_scan, froc, sensitivity_at
from ...evaluation.froc_bootstrap import bootstrap_froc
from ...evaluation.matching.deeplesion import DeepLesion
from ...evaluation.matching.outcome import Outcome
from ...evaluation.scoring.free_response import shown_threshold
from ..key_slices.measured import Band, Bounds, bands_at

RATES = DeepLesion.rates
SIZE_RATE = DeepLesion.size_rate
PICTURE_RATE = 0.5
"""False positives per image at which pictures are drawn (paper, Figs. 3 and 4)."""


@dataclass(frozen=True)
class Measured:
    """One row on one list of lesions.

    Attributes:
        images, lesions: that it was measured on.
        sensitivities: at :data:`RATES` false positives per image, shares.
        bounds: 95 % of each, patients drawn anew; None each without a bootstrap.
        threshold: from which score on there are at most :data:`SIZE_RATE` false positives per image.
        false_positives: per image, at the threshold.
        bands: lesions found at the threshold, of each of :data:`..key_slices.measured.BANDS_MM`.
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
    lesions = sum(len(one.lesion_marks) for one in outcomes)
    return Measured(
        len(outcomes), lesions, at, bounds, limit, false_positives_per_scan(outcomes, limit), bands_at(outcomes, limit)
    )
