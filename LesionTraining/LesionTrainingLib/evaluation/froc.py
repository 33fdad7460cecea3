"""Free-response ROC: sensitivity against false positives per image, from what a policy made of each image's marks.

Each lesion takes the score of the mark it is credited with; ignored marks count for nothing; rates divide by all images,
those without lesions or marks too. Marks of equal score are shown together. Read as LUNA16's script reads it: linear
between points, the higher sensitivity where the curve is upright, and unchanged beyond the last point.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from .matching.findings import FloatArray, IntArray
from .matching.luna16 import match_scan
from .matching.outcome import MISSED, Outcome
from .matching.policy import CPM_RATES, SIZE_BANDS_MM

__all__ = [
    "CPM_RATES",
    "MISSED",
    "SIZE_BANDS_MM",
    "FrocCurve",
    "Pooled",
    "ScanMatch",
    "cpm",
    "false_positives_per_scan",
    "froc",
    "match_scan",
    "pool",
    "read_curve",
    "sensitivity_at",
    "sensitivity_by_size",
    "threshold_at_rate",
]

ScanMatch = Outcome
"""One scan's marks against its truth."""


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


@dataclass(frozen=True, eq=False)
class Pooled:
    """What a curve is made of, from all images, in falling score. N = found lesions and false positives.

    Attributes:
        scores: [N] falling.
        is_lesion: [N] a found lesion, else a false positive.
        images: [N] index of its image.
        lesions: [I] how many lesions each image has, missed ones too.
    """

    scores: FloatArray
    is_lesion: npt.NDArray[np.bool_]
    images: IntArray
    lesions: IntArray

    @cached_property
    def last_of_score(self) -> IntArray:
        """[P] index of the last entry of each distinct score."""
        return np.flatnonzero(np.append(self.scores[1:] != self.scores[:-1], True)[: len(self.scores)])


def pool(matches: Sequence[ScanMatch]) -> Pooled:
    """Put the images of one evaluation together."""
    found = [match.lesion_scores[match.lesion_scores > MISSED] for match in matches]
    false = [match.false_positive_scores for match in matches]
    scores = np.concatenate([*found, *false, np.zeros(0)])
    images = np.repeat(np.tile(np.arange(len(matches)), 2), [len(part) for part in (*found, *false)])
    is_lesion = np.arange(len(scores)) < sum(map(len, found))
    order = np.argsort(-scores, kind="stable")
    lesions = np.array([len(match.lesion_marks) for match in matches], dtype=np.intp)
    return Pooled(scores[order], is_lesion[order], images[order], lesions)


def froc(matches: Sequence[ScanMatch]) -> FrocCurve:
    """The curve over all scans; without lesions the sensitivity is not a number."""
    pooled = pool(matches)
    ends, every = pooled.last_of_score, int(pooled.lesions.sum())
    found = np.concatenate([[0], np.cumsum(pooled.is_lesion)[ends]])
    false = np.concatenate([[0], np.cumsum(~pooled.is_lesion)[ends]])
    sensitivity = found / every if every else np.full(len(found), np.nan)
    return FrocCurve(np.concatenate([[np.inf], pooled.scores[ends]]), false / len(matches), sensitivity)


def sensitivity_at(curve: FrocCurve, false_positives_per_scan: float, *, upright: str = "highest") -> float:
    """Sensitivity at a rate, linear between points; beyond the last point it stays as it is there.

    Args:
        upright: where the curve rises at this very rate: the ``highest`` sensitivity there (LUNA16) or the ``lowest``
            (DeepLesion, whose script reads the point at which the rate is first reached).
    """
    at = np.array([false_positives_per_scan])
    return float(read_curve(at, curve.false_positives_per_scan, curve.sensitivity, upright)[0])


def read_curve(at: FloatArray, rates: FloatArray, values: FloatArray, upright: str = "highest") -> FloatArray:
    """[A] the curve of [P] values over [P] rising rates at several rates; see :func:`sensitivity_at`."""
    if upright == "lowest":
        # Of points at one rate numpy reads the last: backwards, that is the first.
        return np.interp(-at, -rates[::-1], values[::-1])
    return np.interp(at, rates, values)


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
        found = (scores[inside] >= threshold) & (scores[inside] > MISSED)
        rows.append((int(found.sum()), int(inside.sum())))
    return rows


def false_positives_per_scan(matches: Sequence[ScanMatch], threshold: float) -> float:
    """Mean number of false positives scoring at least ``threshold``."""
    return float(np.mean([(match.false_positive_scores >= threshold).sum() for match in matches]))
