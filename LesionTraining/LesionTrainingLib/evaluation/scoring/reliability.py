"""Whether the marks' scores can be read as probabilities."""

from __future__ import annotations

import numpy as np

from ..matching.outcome import Fate
from ..metrics.calibration import brier_score, reliability
from ..output.plots import reliability_plot
from ..output.tables import Table
from .scored import Part, Scored, ScoreOptions

HEADING = "Scores as probabilities"


def with_reliability(scored: Scored, options: ScoreOptions) -> Scored:
    """The same with the calibration of the scores of true and false marks; as it was where scores are not all in [0, 1],
    or all alike, as those of a person's marks."""
    fates = np.concatenate([outcome.fates for outcome in scored.outcomes])
    every = np.concatenate([outcome.mark_scores for outcome in scored.outcomes])
    counted = (fates == Fate.HIT) | (fates == Fate.FALSE)
    scores, hits = every[counted], fates[counted] == Fate.HIT
    if not scores.size or every.min() < 0 or every.max() > 1 or scores.min() == scores.max():
        return scored
    found = reliability(scores, hits)
    error, worst, brier = (
        found.expected_calibration_error,
        found.maximum_calibration_error,
        brier_score(scores, hits),
    )
    share = float(hits.mean())
    lead = (
        "Scores are no probabilities unless the model was calibrated. If they were, of the marks that score about 0.8, 8 in "
        f"10 would be on a {scored.policy.lesion_is}. On average share and score lie {error:.3f} apart (expected calibration "
        "error); marks that count neither way are not among them."
    )
    table = Table(
        ("", "value"),
        (
            ("marks that count", int(scores.size)),
            (f"of them on a {scored.policy.lesion_is}", int(hits.sum())),
            ("mean score", float(scores.mean())),
            ("share that is right", share),
            ("expected calibration error", error),
            ("maximum calibration error", worst),
            ("Brier score", brier),
            ("Brier score of always saying the share", share * (1 - share)),
        ),
        "Ten bins of one width. 0 is best for both errors and for the Brier score.",
    )
    values = {
        "marks": int(scores.size),
        "hits": int(hits.sum()),
        "expected_calibration_error": error,
        "maximum_calibration_error": worst,
        "brier_score": brier,
        "brier_score_of_the_share": share * (1 - share),
    }
    plots = {"reliability": reliability_plot(found)} if options.plots else {}
    return scored.having("calibration", values, Part(HEADING, (lead, table), plots))
