"""What passes a pair of thresholds: true and false blobs, lesions that are hit, and marks where there is nothing to find."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, nan

import numpy as np

from ..metrics.checks import BoolArray, FloatArray
from .slices import JudgedBlobs

NONE, RESPONSE, SIZE, FULL = VARIANTS = ("none", "response", "size", "full")
"""Which thresholds a blob has to pass: neither, T_R, T_S, both."""
SIZE_BANDS_MM = ((0.0, 15.0), (15.0, 25.0), (25.0, 40.0), (40.0, inf))
"""Of lesions, above the lower end and up to the upper one. The paper has no place for exactly 15 mm; here it is small."""


@dataclass(frozen=True, eq=False)
class BlobCounts:
    """What is left at one pair of thresholds, over all slices together. L = lesions.

    Attributes:
        true_blobs: verified blobs that overlap a lesion.
        false_blobs: verified blobs that overlap none.
        hit: [L] whether a verified blob overlaps the lesion.
        lesion_mm: [L] its size.
    """

    true_blobs: int
    false_blobs: int
    hit: BoolArray
    lesion_mm: FloatArray

    @property
    def precision(self) -> float:
        """Share of the verified blobs that are true; NaN where none is verified."""
        verified = self.true_blobs + self.false_blobs
        return self.true_blobs / verified if verified else nan

    @property
    def recall(self) -> float:
        """Share of the lesions that are hit; NaN without lesions."""
        return float(self.hit.mean()) if len(self.hit) else nan

    @property
    def f_score(self) -> float:
        """Harmonic mean of precision and recall; 0 where lesions are there and none is hit, NaN without lesions."""
        return f_score(self.precision, self.recall)

    def recall_in(self, band_mm: tuple[float, float]) -> float:
        """Recall of the lesions above the lower end of the band and up to its upper one; NaN where there are none."""
        low, high = band_mm
        inside = (self.lesion_mm > low) & (self.lesion_mm <= high)
        return float(self.hit[inside].mean()) if inside.any() else nan


@dataclass(frozen=True)
class FalsePositiveRates:
    """Both readings of "the percentage of images with false positive lesions" in scans without active lesions.

    Attributes:
        images: slices that were looked at.
        marked_images: those with a verified blob.
        scans: that these slices are of.
        marked_scans: those with a verified blob in one of their slices.
    """

    images: int
    marked_images: int
    scans: int
    marked_scans: int

    @property
    def of_images(self) -> float:
        """Share; NaN without images."""
        return self.marked_images / self.images if self.images else nan

    @property
    def of_scans(self) -> float:
        """Share; NaN without scans."""
        return self.marked_scans / self.scans if self.scans else nan


def variant_thresholds(variant: str, least_response: float, least_area: float) -> tuple[float, float]:
    """T_R and T_S as a variant applies them; 0 lets every blob pass.

    Raises:
        ValueError: it is none of :data:`VARIANTS`.
    """
    if variant not in VARIANTS:
        raise ValueError(f"there is no variant {variant!r}; there are {VARIANTS}")
    return (
        least_response if variant in (RESPONSE, FULL) else 0.0,
        least_area if variant in (SIZE, FULL) else 0.0,
    )


def verification(slices: Sequence[JudgedBlobs], least_response: float, least_area: float) -> BlobCounts:
    """Count blobs and lesions over all slices.

    Args:
        slices: each lesion section is a lesion of its own.
        least_response: T_R; a blob passes where its greatest similarity lies above it.
        least_area: T_S in pixels; a blob passes where its area lies above it.
    """
    true_blobs = verified_blobs = 0
    hit: list[BoolArray] = [np.zeros(0, dtype=bool)]
    for one in slices:
        touches = one.touches[_verified(one, least_response, least_area)]
        true_blobs += int(np.any(touches, axis=1).sum())
        verified_blobs += len(touches)
        hit.append(np.any(touches, axis=0))
    sizes = np.concatenate([np.zeros(0), *(one.lesion_mm for one in slices)])
    return BlobCounts(true_blobs, verified_blobs - true_blobs, np.concatenate(hit), sizes)


def false_positive_rates(slices: Sequence[JudgedBlobs], least_response: float, least_area: float) -> FalsePositiveRates:
    """How often something is marked in slices of scans without active lesions.

    Raises:
        ValueError: a slice shows a lesion.
    """
    marked: dict[str, bool] = {}
    images = 0
    for one in slices:
        if len(one.lesion_mm):
            raise ValueError(f"{one.case} has a lesion")
        any_verified = bool(_verified(one, least_response, least_area).any())
        images += any_verified
        marked[one.case] = marked.get(one.case, False) or any_verified
    return FalsePositiveRates(len(slices), images, len(marked), sum(marked.values()))


def f_score(precision: float, recall: float) -> float:
    """Harmonic mean; 0 where the recall is 0, whatever the precision; NaN where the recall is."""
    return 2 * precision * recall / (precision + recall) if recall else 0.0


def _verified(one: JudgedBlobs, least_response: float, least_area: float) -> BoolArray:
    """[B]; strictly above both thresholds, in 64 bits: 32 would round a threshold up to the value beside it."""
    verified: BoolArray = (np.asarray(one.maxima, np.float64) > least_response) & (np.asarray(one.areas) > least_area)
    return verified
