"""Whether an image has a lesion at all, told by its highest mark: ROC of whole images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..froc_bootstrap import patients_drawn
from ..matching.findings import BoolArray, FloatArray, ImageFindings
from ..metrics.roc import Roc, auc_interval, roc
from ..output.plots import Curve, roc_plot
from ..output.tables import Table
from .scored import Part, Scored, ScoreOptions

_LEAST_FOR_INTERVAL = 2
"""Images of each kind that a variance needs."""


def with_whole_images(scored: Scored, options: ScoreOptions) -> Scored:
    """The same with ROC and area of images with a lesion against those without; as it was where one kind is missing."""
    curve = image_roc(scored.images)
    if curve is None:
        return scored
    scores, positive = image_scores(scored.images), have_lesions(scored.images)
    with_lesion, without = int(positive.sum()), int((~positive).sum())
    low, high = float("nan"), float("nan")
    if min(with_lesion, without) >= _LEAST_FOR_INTERVAL:
        interval = auc_interval(scores, positive)
        low, high = interval.low, interval.high
    what = scored.policy.image_is
    lead = (
        f"Which {what}s have a {scored.policy.lesion_is}? {with_lesion} of {positive.size} do. A {what} has the score of its "
        f"highest mark, wherever it lies, and 0 without marks. Area under the ROC curve {curve.auc:.3f}"
        f"{'' if np.isnan(low) else f' (95 %: {low:.3f} to {high:.3f})'}: how often a {what} with a "
        f"{scored.policy.lesion_is} scores higher than one without."
    )
    if patients := patients_drawn(scored.outcomes):
        lead += (
            f" The interval takes the {what}s for independent; they are of {patients} patients, so it is too narrow."
        )
    if curve.auc in (0.0, 1.0):
        lead += " All are told apart, so that the interval has no width; that says little where they are few."
    values = {
        "auc": curve.auc,
        "lower": low,
        "upper": high,
        "confidence": 0.95,
        f"{what}s_with_{scored.policy.lesion_is}s": with_lesion,
        f"{what}s_without": without,
    }
    table = Table(
        ("", "value"),
        (
            ("area under the ROC curve", curve.auc),
            ("95 % from (DeLong)", low),
            ("95 % to (DeLong)", high),
            (f"{what}s with a {scored.policy.lesion_is}", with_lesion),
            (f"{what}s without", without),
        ),
    )
    line = Curve(f"{what}s, AUC {curve.auc:.3f}", curve.false_positive_rate, curve.sensitivity)
    plots = {"roc": roc_plot([line])} if options.plots else {}
    return scored.having("whole_images", values, Part(f"Whole {what}s", (lead, table), plots))


def image_roc(images: Sequence[ImageFindings]) -> Roc | None:
    """The curve; None where all images have lesions, or none has."""
    positive = have_lesions(images)
    return roc(image_scores(images), positive) if positive.any() and not positive.all() else None


def have_lesions(images: Sequence[ImageFindings]) -> BoolArray:
    """[I] whether each image has a lesion."""
    return np.array([len(image.truth) > 0 for image in images], dtype=bool)


def image_scores(images: Sequence[ImageFindings]) -> FloatArray:
    """[I] the highest score of each image's marks; one without marks has 0, or the lowest of all where that is below 0."""
    lowest = min([0.0, *(float(image.marks.scores.min()) for image in images if len(image.marks))])
    return np.array([image.marks.scores.max() if len(image.marks) else lowest for image in images], dtype=np.float64)
