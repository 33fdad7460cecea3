"""Whether one study tells the same patients better than another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from LesionDetectionLib.core.errors import InputError

from ..evaluation.metrics.bootstrap import draws
from ..evaluation.metrics.roc import auc_of_each
from .study import Study


@dataclass(frozen=True)
class AucDifference:
    """Attributes:
    difference: pooled area of the first minus that of the second.
    low, high: of 95 % of the bootstrap samples of the patients that both told.
    p: two-sided, from the share of samples on the other side of 0.
    patients: how many these are.
    """

    difference: float
    low: float
    high: float
    p: float
    patients: int


def compared(first: Study, second: Study, resamples: int = 2000, seed: int = 0) -> AucDifference:
    """The difference of two studies on the same patients, these drawn anew together.

    It takes what either had learned for given: a fold learned from otherwise might change sides.

    Raises:
        InputError: they have no patients of both classes in common, or disagree on what became of one.
    """
    places = {patient: place for place, patient in enumerate(second.patients)}
    common = [(place, places[patient]) for place, patient in enumerate(first.patients) if patient in places]
    ours, theirs = (np.array([pair[side] for pair in common], dtype=int) for side in (0, 1))
    positive = first.positive[ours]
    if not common or positive.all() or not positive.any():
        raise InputError("The studies told no patients of both outcomes in common.")
    if (positive != second.positive[theirs]).any():
        raise InputError("The studies disagree on what became of a patient: are they of the same outcome?")
    scores = np.stack([first.probabilities[ours], second.probabilities[theirs]])
    parts = []
    for drawn in draws(len(common), resamples, seed):
        areas = auc_of_each(scores[:, drawn], np.broadcast_to(positive[drawn], (2, *drawn.shape)))
        parts.append(areas[0] - areas[1])
    samples = np.concatenate(parts)
    samples = samples[np.isfinite(samples)]
    whole = auc_of_each(scores, np.broadcast_to(positive, scores.shape))
    low, high = np.quantile(samples, (0.025, 0.975))
    below, above = (samples <= 0).mean(), (samples >= 0).mean()
    p = min(1.0, 2 * max(float(min(below, above)), 1 / (1 + len(samples))))
    return AucDifference(float(whole[0] - whole[1]), float(low), float(high), p, len(common))
