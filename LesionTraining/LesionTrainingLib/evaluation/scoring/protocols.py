"""Which way of reporting belongs to which policy."""

from __future__ import annotations

from ..matching.policy import Policy
from ..reading.sets import Scoring
from .autopet import score_autopet
from .average_precision import score_coco3d, score_picai
from .free_response import score_free_response
from .scored import Scored, ScoreOptions

_BY_POLICY = {"coco3d": score_coco3d, "picai": score_picai, "autopet": score_autopet}


def score_by_protocol(policy: Policy, scoring: Scoring, options: ScoreOptions) -> Scored:
    """The figures of the policy's own users.

    Raises:
        Cancelled: through ``options.progress``.
    """
    return _BY_POLICY.get(policy.name, score_free_response)(policy, scoring, options)
