"""One matcher, several named policies: what the field's scripts make of the same marks and the same lesions.

outcome = policy("luna16").match(ImageFindings("scan 1", truth, marks, excluded))
"""

from __future__ import annotations

from LesionDetectionLib.core.errors import UsageError

from .autopet import AutoPet
from .coco3d import Coco3d
from .deeplesion import DeepLesion
from .findings import NO_FINDINGS, Findings, ImageFindings
from .luna16 import Luna16
from .outcome import MISSED, Fate, Outcome
from .picai import Picai
from .policy import Policy

POLICIES: dict[str, Policy] = {one.name: one for one in (Luna16(), DeepLesion(), Coco3d(), Picai(), AutoPet())}
"""All policies with their usual settings, by name."""

__all__ = [
    "MISSED",
    "NO_FINDINGS",
    "POLICIES",
    "AutoPet",
    "Coco3d",
    "DeepLesion",
    "Fate",
    "Findings",
    "ImageFindings",
    "Luna16",
    "Outcome",
    "Picai",
    "Policy",
    "policy",
]


def policy(name: str) -> Policy:
    """The policy of this name with its usual settings.

    Raises:
        UsageError: there is none; the text names those that there are.
    """
    if name not in POLICIES:
        raise UsageError(f"There is no protocol “{name}”. Choose one of: {', '.join(POLICIES)}.")
    return POLICIES[name]
