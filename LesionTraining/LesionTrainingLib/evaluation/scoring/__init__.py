"""What each protocol reports: the numbers its users compare, with their confidence, tables and curves."""

from __future__ import annotations

from dataclasses import replace

from ..matching.policy import Policy
from ..reading.sets import Scoring
from .protocols import score_by_protocol
from .scored import Scored, ScoreOptions

__all__ = ["ScoreOptions", "Scored", "score"]


def score(policy: Policy, scoring: Scoring, options: ScoreOptions) -> Scored:
    """Match all images under one policy and report as its users do; then whole images, scores and outlines.

    Raises:
        Cancelled: through ``options.progress``.
    """
    from .agreement import with_agreement
    from .reliability import with_reliability
    from .whole_images import with_whole_images

    scored = score_by_protocol(policy, scoring, replace(options, progress=options.progress.part(0, 0.8)))
    scored = with_agreement(scored, replace(options, progress=options.progress.part(0.8, 1)))
    return with_reliability(with_whole_images(scored, options), options)
