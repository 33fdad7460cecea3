"""Telling two classes apart by a score: ROC, the area below it with its confidence, accuracy at a threshold."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.errors import InputError

from .checks import BoolArray, FloatArray, finite, same_length, truths
from .interval import Interval


@dataclass(frozen=True, eq=False)
class Roc:
    """A curve as the threshold falls. P = points, one a distinct score, and the corner (0, 0) first.

    Attributes:
        thresholds: [P] falling; the first is infinite.
        false_positive_rate: [P] rising: one minus specificity.
        sensitivity: [P] rising.
        auc: area below it: how often a positive scores higher than a negative, a tie being half.
    """

    thresholds: FloatArray
    false_positive_rate: FloatArray
    sensitivity: FloatArray
    auc: float


def roc(scores: npt.ArrayLike, positive: npt.ArrayLike) -> Roc:
    """The curve of [N] scores, higher for what should be positive, of [N] cases that are positive or not.

    Raises:
        InputError: scores that are not finite, lists of different length, or only one class.
    """
    values, classes = _both_classes(scores, positive)
    order = np.argsort(-values, kind="stable")
    falling = values[order]
    last = np.flatnonzero(np.diff(falling, append=-np.inf))  # of each score
    hits = np.cumsum(classes[order])[last]
    sensitivity = np.append(0.0, hits / hits[-1])
    false = last + 1 - hits
    false_rate = np.append(0.0, false / false[-1])
    area = np.diff(false_rate) @ (sensitivity[1:] + sensitivity[:-1]) / 2
    return Roc(np.append(np.inf, falling[last]), false_rate, sensitivity, float(area))


def auc_interval(scores: npt.ArrayLike, positive: npt.ArrayLike, confidence: float = 0.95) -> Interval:
    """The area below the ROC with DeLong's confidence interval, which is normal and cut off at 0 and 1.

    The variance comes from how each case compares with those of the other class, in O(N log N) from ranks. Where the
    classes are told apart without a mistake it is 0, and so is the interval's width: for so good a result, or of so few
    cases, say the numbers instead. Cases that are not independent (several of one patient) make it too narrow:
    bootstrap over patients then.

    Raises:
        InputError: as :func:`roc`; also fewer than two cases of a class, which have no variance.

    Source: E. R. DeLong et al., Biometrics 44 (1988) 837-845; X. Sun and W. Xu, IEEE Signal Process. Lett. 21 (2014)
    1389-1393 for the ranks.
    """
    values, classes = _both_classes(scores, positive)
    if min(classes.sum(), (~classes).sum()) < 2:
        raise InputError("An interval of the area below the ROC needs at least two cases of each class.")
    won_by_positive, won_by_negative = _placements(values, classes)
    area = float(won_by_positive.mean())
    variance = won_by_positive.var(ddof=1) / won_by_positive.size + won_by_negative.var(ddof=1) / won_by_negative.size
    half = NormalDist().inv_cdf((1 + confidence) / 2) * float(np.sqrt(variance))
    return Interval(area, max(0.0, area - half), min(1.0, area + half), confidence)


def auc_of_each(scores: FloatArray, positive: BoolArray) -> FloatArray:
    """Areas below many ROCs at once: [..., N] scores and classes -> [...]; NaN where a class is missing.

    For :func:`~LesionTrainingLib.evaluation.metrics.bootstrap.bootstrap_interval`. From the rank sum (Mann and Whitney).
    """
    from scipy.stats import rankdata

    ranks = rankdata(scores, axis=-1)
    positives = positive.sum(axis=-1).astype(np.float64)
    negatives = positive.shape[-1] - positives
    rank_sum = np.where(positive, ranks, 0.0).sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        areas: FloatArray = (rank_sum - positives * (positives + 1) / 2) / (positives * negatives)
    return areas


@dataclass(frozen=True)
class Confusion:
    """Cases at one threshold. A rate of no cases is NaN."""

    true_positives: int
    false_positives: int
    true_negatives: int
    false_negatives: int

    @property
    def accuracy(self) -> float:
        """Share of all cases that are told rightly."""
        right = self.true_positives + self.true_negatives
        return _share(right, right + self.false_positives + self.false_negatives)

    @property
    def sensitivity(self) -> float:
        """Share of the positive cases that are called positive."""
        return _share(self.true_positives, self.true_positives + self.false_negatives)

    @property
    def specificity(self) -> float:
        """Share of the negative cases that are called negative."""
        return _share(self.true_negatives, self.true_negatives + self.false_positives)

    @property
    def precision(self) -> float:
        """Share of the cases called positive that are."""
        return _share(self.true_positives, self.true_positives + self.false_positives)


def confusion(scores: npt.ArrayLike, positive: npt.ArrayLike, threshold: float) -> Confusion:
    """Count [N] cases; a score of at least ``threshold`` is called positive.

    Raises:
        InputError: scores that are not finite, or lists of different length.
    """
    values, classes = _cases(scores, positive)
    called = values >= threshold
    return Confusion(
        int((called & classes).sum()),
        int((called & ~classes).sum()),
        int((~called & ~classes).sum()),
        int((~called & classes).sum()),
    )


def _placements(values: FloatArray, classes: BoolArray) -> tuple[FloatArray, FloatArray]:
    """Of each positive the share of negatives it scores above, of each negative the share of positives that score above
    it; ties are half."""
    positives, negatives = values[classes], values[~classes]
    every = _mean_ranks(values)
    above = (every[classes] - _mean_ranks(positives)) / negatives.size
    below = 1 - (every[~classes] - _mean_ranks(negatives)) / positives.size
    return above, below


def _mean_ranks(values: FloatArray) -> FloatArray:
    """[N] rank of each value from 1, ties sharing their mean: SciPy's ``rankdata``, whose import takes longer than a
    cohort's scoring."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    ranks: FloatArray = (np.cumsum(count) - (count - 1) / 2)[place]
    return ranks


def _cases(scores: npt.ArrayLike, positive: npt.ArrayLike) -> tuple[FloatArray, BoolArray]:
    values, classes = finite(scores, "scores"), truths(positive, "classes")
    same_length(values, classes, "scores and classes")
    return values, classes


def _both_classes(scores: npt.ArrayLike, positive: npt.ArrayLike) -> tuple[FloatArray, BoolArray]:
    values, classes = _cases(scores, positive)
    if classes.all() or not classes.any():
        kind = "positive" if classes.size and classes.all() else "negative"
        raise InputError(
            f"All {classes.size} cases are {kind}: an ROC needs both classes."
            if classes.size
            else "There are no cases: an ROC needs both classes."
        )
    return values, classes


def _share(part: int, whole: int) -> float:
    return part / whole if whole else float("nan")
