"""What a fold's network gave, and each figure of Table 1 in each fold."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import combinations

from ...evaluation.blob_detection import (
    SIZE_BANDS_MM,
    VARIANTS,
    JudgedSlice,
    false_positive_rates,
    variant_thresholds,
    verification,
)
from ...evaluation.metrics.wilcoxon import PairedComparison, wilcoxon
from .paper import SUBSET, TEST, TRAINING


@dataclass(frozen=True, eq=False)
class FoldSlices:
    """The judged slices of one fold.

    Attributes:
        number: of the fold.
        least_response: T_R, found on the training slices.
        least_area: T_S in pixels, likewise.
        training: slices that were learned from.
        test: slices of the fold's own cases.
        without: slices of scans without active lesions, which no fold's network learned from.
    """

    number: int
    least_response: float
    least_area: float
    training: tuple[JudgedSlice, ...]
    test: tuple[JudgedSlice, ...]
    without: tuple[JudgedSlice, ...]

    def of(self, data: str, subset: Collection[str]) -> tuple[JudgedSlice, ...]:
        """The slices with active lesions of a part of Table 1; ``subset``: ids of its cases."""
        if data == SUBSET:
            return tuple(one for one in self.test if one.case in subset)
        return self.training if data == TRAINING else self.test


@dataclass(frozen=True)
class Measured:
    """One row of Table 1: a figure for each fold, NaN where the fold has none.

    Attributes:
        data: ``training``, ``test (full)`` or ``test (LUNGCX subset)``.
        variant: one of :data:`.blob_detection.VARIANTS`.
        precision, recall, f_score: shares.
        bands: recall in each of :data:`.blob_detection.SIZE_BANDS_MM`.
        images, scans: the two readings of the false positive rate on scans without active lesions, shares; empty for
            ``training``, as in the paper.
    """

    data: str
    variant: str
    precision: tuple[float, ...]
    recall: tuple[float, ...]
    f_score: tuple[float, ...]
    bands: tuple[tuple[float, ...], ...]
    images: tuple[float, ...]
    scans: tuple[float, ...]


def measured(folds: Sequence[FoldSlices], subset: Collection[str] = ()) -> tuple[Measured, ...]:
    """All rows of Table 1 in its order; those of the subset only where it names a case that was tested.

    Args:
        subset: ids of its cases.
    """
    parts = [TRAINING, TEST]
    if any(one.of(SUBSET, subset) for one in folds):
        parts.append(SUBSET)
    return tuple(_measured(folds, data, variant, subset) for data in parts for variant in VARIANTS)


def _measured(folds: Sequence[FoldSlices], data: str, variant: str, subset: Collection[str]) -> Measured:
    limits = [variant_thresholds(variant, one.least_response, one.least_area) for one in folds]
    counts = [verification(one.of(data, subset), *limit) for one, limit in zip(folds, limits, strict=True)]
    rates = [false_positive_rates(one.without, *limit) for one, limit in zip(folds, limits, strict=True)]
    rates = [] if data == TRAINING else rates
    return Measured(
        data,
        variant,
        tuple(one.precision for one in counts),
        tuple(one.recall for one in counts),
        tuple(one.f_score for one in counts),
        tuple(tuple(one.recall_in(band) for one in counts) for band in SIZE_BANDS_MM),
        tuple(one.of_images for one in rates),
        tuple(one.of_scans for one in rates),
    )


def compared(rows: Sequence[Measured]) -> tuple[tuple[str, PairedComparison], ...]:
    """The F-scores of each two variants in the same folds by Wilcoxon's two-tailed test, for each part of Table 1; folds that
    have none (no lesion of the subset) are left out, and so is a pair without folds."""
    found = []
    for data in dict.fromkeys(row.data for row in rows):
        for first, second in combinations([row for row in rows if row.data == data], 2):
            pairs = [(a, b) for a, b in zip(first.f_score, second.f_score, strict=True) if a == a and b == b]
            if pairs:
                a, b = zip(*pairs, strict=True)
                found.append((data, wilcoxon(a, b, (first.variant, second.variant))))
    return tuple(found)
