"""What each protocol reports: the numbers its users compare, with their confidence, tables and curves."""

from __future__ import annotations

from ..matching.policy import Policy
from ..reading.sets import Scoring
from .scored import Scored, ScoreOptions

__all__ = ["ScoreOptions", "Scored", "score"]


def score(policy: Policy, scoring: Scoring, options: ScoreOptions) -> Scored:
    """Match all images under one policy and report as its users do.

    Raises:
        Cancelled: through ``options.progress``.
    """
    from . import autopet, average_precision, free_response

    by_policy = {
        "coco3d": average_precision.score_coco3d,
        "picai": average_precision.score_picai,
        "autopet": autopet.score_autopet,
    }
    return by_policy.get(policy.name, free_response.score_free_response)(policy, scoring, options)
