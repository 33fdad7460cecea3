"""Precision and recall over the threshold, and average precision.

A mark is a hit (true positive) or not (false positive), as a matcher said; marks that a policy counts as neither are left
out beforehand. Lesions that no mark hits count through the number of lesions: they have no score, so the usual curve of a
binary classifier does not see them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.errors import InputError

from .checks import BoolArray, FloatArray, finite, same_length, truths

LOWEST_IOU = 0.1
"""Medical detection in three dimensions asks for little overlap: small lesions rarely reach more (nnDetection)."""
IOU_THRESHOLDS = (0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5)
"""Over these the mean average precision is taken, .1:.5:.05."""
_COCO_RECALLS = np.linspace(0, 1, 101)


@dataclass(frozen=True, eq=False)
class PrecisionRecall:
    """A curve as the threshold falls. P = points, one a distinct score: marks of one score come all together, so the
    order of the input means nothing.

    Attributes:
        thresholds: [P] falling.
        precision: [P] share of the marks that are hits.
        recall: [P] rising, share of the lesions that are hit; NaN without lesions.
        lesions: number of all lesions, hit or missed.
    """

    thresholds: FloatArray
    precision: FloatArray
    recall: FloatArray
    lesions: int

    def average_precision(self) -> float:
        """Area below the curve, precision at each recall being the best at this or a higher one; all points.

        0 without marks, NaN without lesions.

        Source: the PASCAL VOC development kit of 2010 and later.
        """
        if not self.lesions:
            return float("nan")
        steps = np.diff(self.recall, prepend=0.0)
        return float(steps @ self._best_beyond())

    def coco_average_precision(self) -> float:
        """The same precision read at 101 recalls, 0 to 1; beyond the last recall reached it is 0.

        0 without marks, NaN (COCO writes -1) without lesions.

        Source: the evaluation of COCO (Lin et al., ECCV 2014), which nnDetection uses in three dimensions.
        """
        if not self.lesions:
            return float("nan")
        places = np.searchsorted(self.recall, _COCO_RECALLS, side="left")
        return float(np.append(self._best_beyond(), 0.0)[places].mean())

    def at(self, threshold: float) -> tuple[float, float]:
        """Precision and recall of the marks scoring at least ``threshold``; precision is NaN where there is none."""
        place = int(np.searchsorted(-self.thresholds, -threshold, side="right")) - 1
        if place < 0:
            return float("nan"), 0.0 if self.lesions else float("nan")
        return float(self.precision[place]), float(self.recall[place])

    def _best_beyond(self) -> FloatArray:
        """[P] the best precision at this recall or a higher one."""
        best: FloatArray = np.maximum.accumulate(self.precision[::-1])[::-1]
        return best


def precision_recall(scores: npt.ArrayLike, hits: npt.ArrayLike, lesions: int) -> PrecisionRecall:
    """The curve of [M] marks, pooled over all images.

    Args:
        scores: [M] any finite numbers.
        hits: [M] whether each is a true positive.
        lesions: all of them, those without a mark too.

    Raises:
        InputError: scores that are not finite, lists of different length, or more hits than lesions.
    """
    values, outcomes = finite(scores, "scores"), truths(hits, "hits")
    same_length(values, outcomes, "scores and hits")
    found = int(outcomes.sum())
    if found > lesions:
        raise InputError(
            f"{found} marks hit {lesions} lesions: count each lesion's best mark as the hit, and leave the others out "
            "or count them as false."
        )
    order = np.argsort(-values, kind="stable")
    values = values[order]
    hit_count = np.cumsum(outcomes[order], dtype=np.float64)
    last = np.flatnonzero(np.diff(values, append=-np.inf))  # of each score
    marks = last + 1.0
    recall = hit_count[last] / lesions if lesions else np.full(len(last), np.nan)
    return PrecisionRecall(values[last], hit_count[last] / marks, recall, lesions)


@dataclass(frozen=True)
class MeanAveragePrecision:
    """Average precision as the overlap that makes a hit rises.

    Attributes:
        iou: thresholds.
        average_precisions: of each, after COCO; NaN without lesions.
    """

    iou: tuple[float, ...]
    average_precisions: tuple[float, ...]

    @property
    def mean(self) -> float:
        """mAP: the mean over all thresholds."""
        return float(np.mean(self.average_precisions))

    def at(self, iou: float = LOWEST_IOU) -> float:
        """Average precision at one of the thresholds.

        Raises:
            ValueError: it is none of them.
        """
        places = np.flatnonzero(np.isclose(self.iou, iou))
        if not places.size:
            raise ValueError(f"nothing was matched at an IoU of {iou}; there are {self.iou}")
        return self.average_precisions[int(places[0])]


def mean_average_precision(
    scores: npt.ArrayLike, hits: npt.ArrayLike, lesions: int, iou: Sequence[float] = IOU_THRESHOLDS
) -> MeanAveragePrecision:
    """Average precision at each overlap threshold. T = thresholds, M = marks.

    Args:
        scores: [M] any finite numbers.
        hits: [T, M] whether a mark is a true positive when matched at that threshold.
        lesions: all of them, those without a mark too.
        iou: [T] the thresholds.

    Raises:
        InputError: see :func:`precision_recall`; also hits of another shape.
    """
    outcomes: BoolArray = np.asarray(hits)
    size = np.asarray(scores).size
    if outcomes.shape != (len(iou), size):
        raise InputError(
            f"Hits of the shape {outcomes.shape} do not fit {len(iou)} overlap thresholds and {size} scores: give one row "
            "a threshold and one column a mark."
        )
    curves = [precision_recall(scores, row, lesions) for row in outcomes]
    return MeanAveragePrecision(tuple(iou), tuple(curve.coco_average_precision() for curve in curves))
