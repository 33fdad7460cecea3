"""What is read from the marks of a row: of one box an image its error and hits, of many with scores points of the FROC curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...cohorts.case import Case
from ...evaluation.froc import froc, sensitivity_at
from ...evaluation.froc_bootstrap import bootstrap_froc, drawn, interval, scan_weights
from ...evaluation.matching.deeplesion import DeepLesion
from ...evaluation.matching.outcome import MISSED, Fate, Outcome
from ...evaluation.scoring.free_response import shown_threshold
from ...learning.liver_ct.largest import largest
from ..key_slices.data import edges_of, side_px
from ..key_slices.marks import MarkStore
from ..key_slices.measured import Band, Bounds, bands_at
from .paper import RATE

FloatArray = npt.NDArray[np.float64]
RATES = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""False positives per image that the FROC curve is drawn and told at, beside the paper's :data:`.paper.RATE`."""
TOLD_RATES = (0.5, 1.0, RATE, 2.0, 4.0, 8.0)


@dataclass(frozen=True)
class Point:
    """Marks of a least score.

    Attributes:
        threshold: that score.
        found, lesions: how many of them; sensitivity, their share; bounds, its 95 %, patients drawn anew, or None.
        rate: false positives per image; rate_bounds as above.
        predictions: marks, further ones on a found lesion among them.
        false: of the predictions those on no lesion.
        images: that were looked at.
    """

    threshold: float
    found: int
    lesions: int
    bounds: Bounds | None
    rate: float
    rate_bounds: Bounds | None
    predictions: int
    false: int
    images: int

    @property
    def sensitivity(self) -> float:
        return self.found / self.lesions if self.lesions else float("nan")

    @property
    def false_share(self) -> float:
        """Of the predictions, what the paper calls the false positive rate."""
        return self.false / self.predictions if self.predictions else float("nan")


@dataclass(frozen=True)
class OneBox:
    """A network with one box an image, on one part of the data.

    Attributes:
        mse: of the edges to those of the largest lesion, in shares of the slice's side; bounds as those of ``Point``.
        point: its boxes.
        hits: images whose box hits a lesion.
        several: images with more than one lesion, not all of which one box can find, unless they overlap.
        bands: lesions found, by size.
    """

    mse: float
    mse_bounds: Bounds | None
    point: Point
    hits: int
    several: int
    bands: tuple[Band, ...]

    @property
    def accuracy(self) -> float:
        """Share of the images whose box hits a lesion."""
        return self.hits / self.point.images if self.point.images else float("nan")


@dataclass(frozen=True)
class Regions:
    """Faster R-CNN on the test images, where a box hits above one overlap.

    Attributes:
        iou: that overlap.
        point: marks above the threshold of the settings.
        sensitivities: at :data:`TOLD_RATES`; bounds of each, or None.
        threshold: from which score on there are at most :data:`.paper.RATE` false positives per image.
        bands: lesions found at that, by size.
    """

    iou: float
    point: Point
    sensitivities: tuple[float, ...]
    bounds: tuple[Bounds | None, ...]
    threshold: float
    bands: tuple[Band, ...]

    @property
    def at_rate(self) -> tuple[float, Bounds | None]:
        """Sensitivity at the paper's rate of false positives."""
        place = TOLD_RATES.index(RATE)
        return self.sensitivities[place], self.bounds[place]


def point_at(outcomes: Sequence[Outcome], threshold: float, samples: int, seed: int) -> Point:
    """What marks of at least ``threshold`` find.

    Args:
        outcomes: one an image.
        samples: of the bootstrap; 0 for none.
    """
    found = [int(((one.lesion_scores >= threshold) & (one.lesion_scores > MISSED)).sum()) for one in outcomes]
    lesions = [len(one.lesion_scores) for one in outcomes]
    shown = [one.mark_scores >= threshold for one in outcomes]
    false = [int((marks & (one.fates == Fate.FALSE)).sum()) for marks, one in zip(shown, outcomes, strict=True)]
    bounds, rate_bounds = None, None
    if samples:
        weights = scan_weights(outcomes, samples, seed)
        every = weights @ np.array(lesions)
        bounds = _bounds((weights @ np.array(found))[every > 0] / every[every > 0])
        rate_bounds = _bounds(weights @ np.array(false) / weights.sum(axis=1))
    return Point(
        threshold,
        sum(found),
        sum(lesions),
        bounds,
        sum(false) / len(outcomes),
        rate_bounds,
        sum(int(marks.sum()) for marks in shown),
        sum(false),
        len(outcomes),
    )


def one_box(cases: Sequence[Case], store: MarkStore, outcomes: Sequence[Outcome], samples: int, seed: int) -> OneBox:
    """What one box an image is worth. An image that could not be looked at has no box: its lesions are missed, and the error
    is that of the others."""
    found = squared_errors(cases, store)
    errors, bounds = np.array([error for _, error in found]), None
    if samples and found:
        patients, owners = np.unique([patient for patient, _ in found], return_inverse=True)
        weights = drawn(len(patients), samples, seed)[:, owners]
        bounds = _bounds(weights @ errors / weights.sum(axis=1))
    point = point_at(outcomes, MISSED, samples, seed)
    hits = sum(bool((one.lesion_marks >= 0).any()) for one in outcomes)
    several = sum(len(one.lesion_marks) > 1 for one in outcomes)
    mse = float(errors.mean()) if len(errors) else float("nan")
    return OneBox(mse, bounds, point, hits, several, bands_at(outcomes, MISSED))


def squared_errors(cases: Sequence[Case], store: MarkStore) -> list[tuple[str, float]]:
    """Of each image that has a lesion and a box its patient, and the mean over the four edges of the squared distance to the largest
    lesion's, in shares of the slice's longer side, which is the input's."""
    errors = []
    for case in cases:
        marks, truth = store.get(case.id), edges_of(case, case.truth().lesions)
        if marks is not None and len(marks.edges) and len(truth):
            error = np.square((marks.edges[0] - largest(truth)) / side_px(case)).mean()
            errors.append((case.patient, float(error)))
    return errors


def regions(outcomes: Sequence[Outcome], iou: float, threshold: float, samples: int, seed: int) -> Regions:
    """Faster R-CNN's figures.

    Args:
        outcomes: one an image, where a box hits above ``iou``.
        threshold: of what is called a prediction.
    """
    curve = froc(outcomes)
    at = tuple(sensitivity_at(curve, rate, upright=DeepLesion.upright) for rate in TOLD_RATES)
    bounds: tuple[Bounds | None, ...] = (None,) * len(at)
    if samples:
        boot = bootstrap_froc(outcomes, TOLD_RATES, 1, upright=DeepLesion.upright, samples=samples, seed=seed)
        if boot.samples:
            bounds = tuple(zip(boot.sensitivity.lower.tolist(), boot.sensitivity.upper.tolist(), strict=True))
    limit = shown_threshold(outcomes, RATE)
    return Regions(iou, point_at(outcomes, threshold, samples, seed), at, bounds, limit, bands_at(outcomes, limit))


def _bounds(samples: FloatArray) -> Bounds | None:
    if not len(samples):
        return None
    found = interval(samples)
    return float(found.lower), float(found.upper)
