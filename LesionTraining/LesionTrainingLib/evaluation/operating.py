"""Which marks a person would be shown: the operating point that a report is about, and how it is called."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from LesionDetectionLib.core.errors import UsageError

from .matching.autopet import AutoPet
from .matching.outcome import MISSED, Outcome
from .matching.policy import Policy
from .reading.sets import MarkSet
from .scoring.free_response import shown_threshold

EVERY_MARK = MISSED
"""A least score that every mark reaches."""


@dataclass(frozen=True)
class OperatingPoint:
    """Attributes:
    least: marks that score this or more are shown.
    name: as the model or the detections call it; empty for a number, or where it was read from the curve.
    reason: where it comes from, to be read after "marks of score 0.56 or more".
    """

    least: float
    name: str = ""
    reason: str = ""

    @property
    def text(self) -> str:
        """``marks of score 0.562 or more (operating point “balanced”)``."""
        which = "all marks" if self.least == EVERY_MARK else f"marks of score {self.least:.3g} or more"
        return f"{which} ({self.reason})" if self.reason else which


def given_point(wanted: str, marks: MarkSet) -> OperatingPoint | None:
    """The point asked for, else the marks' own; None where neither is known.

    Args:
        wanted: a name that the marks' model gives, or a least score; empty for the marks' own.

    Raises:
        UsageError: it is neither.
    """
    name = wanted or marks.default_point
    if not name:
        return None
    if name in marks.operating_points:
        return OperatingPoint(marks.operating_points[name], name, f"operating point “{name}”")
    try:
        least = float(name)
    except ValueError:
        least = math.nan
    if not math.isfinite(least):
        known = f"one of {', '.join(marks.operating_points)}, or " if marks.operating_points else ""
        raise UsageError(f"There is no operating point “{name}”. Give {known}a least score.")
    return OperatingPoint(least, reason="as asked for")


def point_of(policy: Policy, outcomes: Sequence[Outcome], given: OperatingPoint | None) -> OperatingPoint:
    """The point of a report: the one that is given, else the one at which the policy's users read sizes."""
    if given is not None:
        return given
    if isinstance(policy, AutoPet):
        return OperatingPoint(policy.least_score)
    rate = f"{policy.size_rate:g} false positive{'' if policy.size_rate == 1 else 's'} per {policy.image_is}"
    least = shown_threshold(outcomes, policy.size_rate)
    return OperatingPoint(least, reason=f"at most {rate}, as no operating point is known")


def at_operating_point(policy: Policy, given: OperatingPoint | None) -> Policy:
    """autoPET's policy, which knows no scores, with the marks that are shown; others as they are."""
    return AutoPet(given.least) if isinstance(policy, AutoPet) and given is not None else policy
