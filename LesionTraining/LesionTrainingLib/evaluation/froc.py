"""Free-response evaluation by the rules of LUNA16: a mark hits a lesion if it lies nearer to its centre than its radius.

Each lesion takes the score of its best mark; further marks on it count for nothing; marks that hit no lesion are false
positives; rates divide by all scans, those without lesions too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

CPM_RATES = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""False positives per scan at which LUNA16 averages the sensitivity."""
SIZE_BANDS_MM = ((0.0, 6.0), (6.0, 10.0), (10.0, 20.0), (20.0, float("inf")))
"""Diameter bands for tables: from (included) to (excluded)."""
MISSED = float("-inf")
"""The score of a lesion that no mark hits."""


@dataclass(frozen=True, eq=False)
class ScanMatch:
    """One scan's marks against its truth. T = true lesions, M = marks, F = false positives.

    Attributes:
        lesion_scores: [T] score of the best mark on each lesion, ``MISSED`` where there is none.
        lesion_marks: [T] int, index of that mark, -1 where there is none.
        diameters_mm: [T] true diameters.
        false_positive_scores: [F] scores of the marks that hit nothing.
    """

    lesion_scores: FloatArray
    lesion_marks: npt.NDArray[np.int_]
    diameters_mm: FloatArray
    false_positive_scores: FloatArray


@dataclass(frozen=True, eq=False)
class FrocCurve:
    """Sensitivity against false positives per scan as the threshold falls. P = points, one a distinct score.

    Attributes:
        thresholds: [P] falling; the first is infinite (nothing is marked).
        false_positives_per_scan: [P] rising.
        sensitivity: [P] rising, share of all lesions.
    """

    thresholds: FloatArray
    false_positives_per_scan: FloatArray
    sensitivity: FloatArray


def match_scan(
    mark_centers_mm: npt.ArrayLike, scores: npt.ArrayLike, true_centers_mm: npt.ArrayLike, diameters_mm: npt.ArrayLike
) -> ScanMatch:
    """Match the marks of one scan, [M, 3] with [M] scores, to its lesions, [T, 3] with [T] diameters; one frame, mm."""
    marks = np.asarray(mark_centers_mm, dtype=np.float64).reshape(-1, 3)
    values = np.asarray(scores, dtype=np.float64).reshape(-1)
    truths = np.asarray(true_centers_mm, dtype=np.float64).reshape(-1, 3)
    diameters = np.asarray(diameters_mm, dtype=np.float64).reshape(-1)
    distance2 = ((truths[:, None] - marks[None]) ** 2).sum(axis=2)
    hits = distance2 < (diameters[:, None] / 2) ** 2  # [T, M]; strict, as the organisers' script
    best = np.full(len(truths), -1)
    lesion_scores = np.full(len(truths), MISSED)
    for lesion in range(len(truths)):
        candidates = np.flatnonzero(hits[lesion])
        if candidates.size:
            best[lesion] = candidates[np.argmax(values[candidates])]
            lesion_scores[lesion] = values[best[lesion]]
    return ScanMatch(lesion_scores, best, diameters, values[~hits.any(axis=0)])


def froc(matches: Sequence[ScanMatch]) -> FrocCurve:
    """The curve over all scans; without lesions the sensitivity is not a number."""
    lesions = np.concatenate([match.lesion_scores for match in matches])
    false = np.concatenate([match.false_positive_scores for match in matches])
    thresholds = np.unique(np.concatenate([lesions[lesions > MISSED], false]))[::-1]
    thresholds = np.concatenate([[np.inf], thresholds])
    found = _count_at_least(lesions, thresholds)
    sensitivity = found / lesions.size if lesions.size else np.full(len(thresholds), np.nan)
    return FrocCurve(thresholds, _count_at_least(false, thresholds) / len(matches), sensitivity)


def sensitivity_at(curve: FrocCurve, false_positives_per_scan: float) -> float:
    """Sensitivity at a rate, linear between points (LUNA16); beyond the last point it stays as it is there."""
    rates = np.unique(curve.false_positives_per_scan)
    best = [curve.sensitivity[curve.false_positives_per_scan == rate].max() for rate in rates]
    return float(np.interp(false_positives_per_scan, rates, best))


def cpm(curve: FrocCurve) -> float:
    """Competition performance metric: the mean sensitivity at 1/8, 1/4, 1/2, 1, 2, 4 and 8 false positives per scan."""
    return float(np.mean([sensitivity_at(curve, rate) for rate in CPM_RATES]))


def threshold_at_rate(matches: Sequence[ScanMatch], false_positives_per_scan: float) -> float:
    """The least useful threshold with at most this many false positives per scan: halfway between the score of the
    first false positive too many and the next higher score of any mark; 0 where there are never too many."""
    false = np.sort(np.concatenate([match.false_positive_scores for match in matches]))[::-1]
    allowed = int(np.floor(false_positives_per_scan * len(matches)))
    if len(false) <= allowed:
        return 0.0
    excluded = float(false[allowed])
    every = np.concatenate([false, *[match.lesion_scores for match in matches]])
    higher = every[every > excluded]
    return (excluded + float(higher.min())) / 2 if higher.size else float(np.nextafter(excluded, np.inf))


def sensitivity_by_size(
    matches: Sequence[ScanMatch], threshold: float, bands_mm: Sequence[tuple[float, float]] = SIZE_BANDS_MM
) -> list[tuple[int, int]]:
    """(found, all) lesions of each diameter band, marks scoring at least ``threshold`` being shown."""
    scores = np.concatenate([match.lesion_scores for match in matches])
    diameters = np.concatenate([match.diameters_mm for match in matches])
    rows = []
    for low, high in bands_mm:
        inside = (diameters >= low) & (diameters < high)
        rows.append((int((scores[inside] >= threshold).sum()), int(inside.sum())))
    return rows


def false_positives_per_scan(matches: Sequence[ScanMatch], threshold: float) -> float:
    """Mean number of false positives scoring at least ``threshold``."""
    return float(np.mean([(match.false_positive_scores >= threshold).sum() for match in matches]))


def _count_at_least(scores: FloatArray, thresholds: FloatArray) -> FloatArray:
    """[P] how many scores are at least each threshold."""
    return np.asarray(len(scores) - np.searchsorted(np.sort(scores), thresholds, side="left"), dtype=np.float64)
