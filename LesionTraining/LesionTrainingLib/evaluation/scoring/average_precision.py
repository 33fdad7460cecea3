"""Average precision: COCO's in 3D over a range of overlaps, and PI-CAI's with the ROC of whole cases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..matching.coco3d import Coco3d
from ..matching.outcome import Fate, Outcome
from ..matching.policy import Policy
from ..metrics.precision_recall import IOU_THRESHOLDS, PrecisionRecall, precision_recall
from ..output.plots import Curve, Plot, precision_recall_plot
from ..output.tables import Table
from ..reading.sets import Scoring
from .free_response import read_free_response
from .scored import Scored, ScoreOptions, match_all, shown
from .whole_images import have_lesions, image_roc


def score_coco3d(policy: Policy, scoring: Scoring, options: ScoreOptions) -> Scored:
    """AP at IoU .1, and its mean over .1 to .5. Raises Cancelled."""
    assert isinstance(policy, Coco3d)
    at_each = [policy.match_at(image, IOU_THRESHOLDS) for image in shown(scoring.images, options.progress.part(0, 0.5))]
    outcomes = [of_image[IOU_THRESHOLDS.index(policy.least_iou)] for of_image in at_each]
    curves = [ranked([of_image[step] for of_image in at_each]) for step in range(len(IOU_THRESHOLDS))]
    by_iou = {f"{iou:g}": curve.coco_average_precision() for iou, curve in zip(IOU_THRESHOLDS, curves, strict=True)}
    mean = float(np.mean(list(by_iou.values())))
    found = read_free_response(policy, scoring.images, outcomes, options)
    first = by_iou[f"{policy.least_iou:g}"]
    values = {"average_precision": first, "mean_average_precision": mean, "average_precision_at_iou": by_iou}
    table = Table(
        ("IoU", "average precision"),
        (*by_iou.items(), ("mean", mean)),
        "Precision at 101 recalls, as COCO reads it; marks of equal score are taken together.",
    )
    plots = {**found.plots}
    if options.plots:
        plots["precision_recall"] = _plot(
            curves[IOU_THRESHOLDS.index(policy.least_iou)], f"coco3d, AP {first:.3f} at IoU .1"
        )
    lead = f"AP {first:.3f} at IoU .1, mAP {mean:.3f} over .1 to .5. As a FROC: {found.lead}"
    summary = {**values, **found.summary, "rule": policy.rule}
    return Scored(policy, scoring.images, outcomes, summary, lead, {"Average precision": table, **found.tables}, plots)


def score_picai(policy: Policy, scoring: Scoring, options: ScoreOptions) -> Scored:
    """AP of lesions, area under the ROC of cases, and the mean of both, PI-CAI's score. Raises Cancelled."""
    outcomes = match_all(policy, scoring.images, options.progress.part(0, 0.5))
    curve = ranked(outcomes)
    precision = step_average_precision(curve)
    found = read_free_response(policy, scoring.images, outcomes, options)
    cases, positive = image_roc(scoring.images), have_lesions(scoring.images)
    area = cases.auc if cases is not None else float("nan")
    plots = {**found.plots}
    if options.plots:
        plots["precision_recall"] = _plot(curve, f"picai, AP {precision:.3f}")
    values: dict[str, Any] = {
        "average_precision": precision,
        "auroc": area,
        "picai_score": (precision + area) / 2,
        "cases_with_lesions": int(positive.sum()),
    }
    missing = "" if np.isfinite(area) else " Without cases of both kinds there is no AUROC, and so no score."
    rows = (
        ("average precision of lesions", precision),
        ("AUROC of cases", area),
        ("score, the mean", values["picai_score"]),
    )
    table = Table(("", "value"), rows, f"{positive.sum()} of {len(positive)} cases have lesions.{missing}")
    auroc = f", AUROC {area:.3f}, score {values['picai_score']:.3f}" if np.isfinite(area) else ""
    lead = f"AP {precision:.3f}{auroc}.{missing} As a FROC: {found.lead}"
    summary = {**values, **found.summary, "rule": policy.rule}
    return Scored(policy, scoring.images, outcomes, summary, lead, {"Average precision": table, **found.tables}, plots)


def ranked(outcomes: Sequence[Outcome]) -> PrecisionRecall:
    """The curve of all marks that count: true positives against false ones."""
    scores = np.concatenate([outcome.mark_scores for outcome in outcomes])
    fates = np.concatenate([outcome.fates for outcome in outcomes])
    counted = (fates == Fate.HIT) | (fates == Fate.FALSE)
    lesions = sum(len(outcome.lesion_marks) for outcome in outcomes)
    return precision_recall(scores[counted], fates[counted] == Fate.HIT, lesions)


def step_average_precision(curve: PrecisionRecall) -> float:
    """The sum of precision times the step in recall, without interpolation, as picai_eval (and scikit-learn) have it."""
    if not curve.lesions:
        return float("nan")
    return float(np.diff(curve.recall, prepend=0.0) @ curve.precision)


def _plot(curve: PrecisionRecall, name: str) -> Plot:
    return precision_recall_plot([Curve(name, curve.recall, curve.precision)])
