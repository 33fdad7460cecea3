"""Precision and recall of verified blobs as one threshold rises and the other stays; and where the two are equal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import nan

import numpy as np
import numpy.typing as npt

from ..metrics.checks import BoolArray, FloatArray
from .counts import RESPONSE, SIZE, f_score
from .slices import JudgedBlobs


@dataclass(frozen=True, eq=False)
class VerificationCurve:
    """Precision and recall over one threshold. P = points.

    Attributes:
        swept: ``response`` for T_R, ``size`` for T_S.
        fixed: the other threshold.
        thresholds: [P] rising, from 0: at each another blob falls out. That which leaves none is not among them.
        upper: [P] each threshold does the same up to here, exclusive; infinite where no blob is there at all.
        precision: [P] NaN where no blob is verified.
        recall: [P] falling; NaN without lesions.
    """

    swept: str
    fixed: float
    thresholds: FloatArray
    upper: FloatArray
    precision: FloatArray
    recall: FloatArray

    def f_scores(self) -> FloatArray:
        """[P] see :func:`.counts.f_score`."""
        return np.array([f_score(p, r) for p, r in zip(self.precision.tolist(), self.recall.tolist(), strict=True)])

    def precision_at(self, recalls: npt.ArrayLike) -> FloatArray:
        """The best precision at each recall or a higher one; NaN beyond the highest that is reached."""
        wanted = np.asarray(recalls, dtype=np.float64)
        recall, precision = self.recall[::-1], np.where(np.isnan(self.precision), 0.0, self.precision)[::-1]
        best = np.append(np.maximum.accumulate(precision[::-1])[::-1], nan)
        usable = np.isfinite(recall).all()
        return best[np.searchsorted(recall, wanted - 1e-12)] if usable else np.full(wanted.shape, nan)


@dataclass(frozen=True)
class EqualPoint:
    """Where precision equals recall.

    Attributes:
        threshold: 0 where no verification comes closest, or where no threshold leaves a lesion hit.
        precision, recall: there; NaN where they are not defined.
    """

    threshold: float
    precision: float
    recall: float


def verification_curve(slices: Sequence[JudgedBlobs], swept: str, fixed: float = 0.0) -> VerificationCurve:
    """Sweep one threshold over all slices together; each point is what :func:`.counts.verification` counts.

    Args:
        swept: ``response`` (T_R rises, T_S is ``fixed``) or ``size`` (T_S rises, T_R is ``fixed``).

    Raises:
        ValueError: another word.
    """
    if swept not in (RESPONSE, SIZE):
        raise ValueError(f"{swept!r} is no threshold: there are {RESPONSE!r} and {SIZE!r}")
    values, reaches = [np.zeros(0)], [np.zeros(0)]
    true: list[BoolArray] = [np.zeros(0, dtype=bool)]
    for one in slices:
        maxima, areas = np.asarray(one.maxima, np.float64), np.asarray(one.areas, np.float64)
        moved, held = (maxima, areas) if swept == RESPONSE else (areas, maxima)
        passing = held > fixed
        touches = one.touches[passing]
        values.append(moved[passing])
        true.append(np.any(touches, axis=1))
        # A lesion stays hit as long as the threshold is below the greatest of its blobs.
        reaches.append(np.where(touches, moved[passing][:, None], 0.0).max(axis=0, initial=0.0))
    value, is_true, reach = np.concatenate(values), np.concatenate(true), np.sort(np.concatenate(reaches))
    distinct = np.unique(value)
    thresholds = np.concatenate([[0.0], distinct[:-1]])
    upper = distinct if distinct.size else np.array([np.inf])
    verified, hits = _above(value, thresholds), _above(value[is_true], thresholds)
    precision = np.divide(hits, verified, out=np.full(thresholds.shape, nan), where=verified > 0)
    recall = _above(reach, thresholds) / reach.size if reach.size else np.full(thresholds.shape, nan)
    return VerificationCurve(swept, fixed, thresholds, upper, precision, recall)


def equal_point(slices: Sequence[JudgedBlobs], swept: str, fixed: float = 0.0) -> EqualPoint:
    """The threshold at which precision equals recall, sweeping ``swept`` with the other at ``fixed`` (paper, section 4.2).

    Counts jump, so the two are seldom equal: where their difference changes its sign between two points, the closer of
    these is taken, of equally close ones that with the higher F-score. Thresholds that leave no lesion hit are no points:
    there both are 0, or undefined. Where precision and recall cross several times (blobs may share lesions, and lesions
    blobs), the crossing with the highest F-score counts, of equal ones the lowest threshold; where they do not cross, the
    closest point does. The threshold lies in the middle of those that do the same: what is verified depends the least on
    the last digits. A threshold of area is a whole number.

    Raises:
        ValueError: see :func:`verification_curve`.
    """
    curve = verification_curve(slices, swept, fixed)
    f_scores = curve.f_scores()
    points = np.flatnonzero(f_scores > 0)
    if not points.size:
        return EqualPoint(0.0, float(curve.precision[0]), float(curve.recall[0]))
    gaps = curve.precision[points] - curve.recall[points]
    distance = np.abs(gaps)
    crossed = np.flatnonzero((gaps[:-1] >= 0) != (gaps[1:] >= 0))
    closer = [min((n, n + 1), key=lambda m: (distance[m], -f_scores[points[m]], m)) for n in crossed.tolist()]
    candidates = sorted({*closer, *np.flatnonzero(distance == 0).tolist()})
    candidates = candidates or np.flatnonzero(distance == distance.min()).tolist()
    best = int(points[max(candidates, key=lambda n: (f_scores[points[n]], -n))])
    return EqualPoint(_middle(curve, best), float(curve.precision[best]), float(curve.recall[best]))


def _middle(curve: VerificationCurve, point: int) -> float:
    """Of the thresholds that do what this point does; 0 for the first, which verifies nothing. In 32 bits, as similarities
    are: a number between two neighbouring ones would be rounded to either when it is compared with them."""
    low, high = float(curve.thresholds[point]), float(curve.upper[point])
    if point == 0:
        return 0.0
    if curve.swept == SIZE:
        return float((low + high) // 2)
    middle = float(np.float32((low + high) / 2))
    return middle if low <= middle < high else low


def _above(values: FloatArray, thresholds: FloatArray) -> FloatArray:
    """[P] how many values lie above each threshold."""
    ordered = np.sort(values)
    return (ordered.size - np.searchsorted(ordered, thresholds, side="right")).astype(np.float64)
