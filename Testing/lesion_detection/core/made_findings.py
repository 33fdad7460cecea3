"""Findings of two times, made of diameters and places."""

from __future__ import annotations

import numpy as np
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.finding import Finding, Findings, Status
from LesionDetectionLib.core.follow_up import FollowUp
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.core.lesion import LESION, Code, Lesion, Recist
from LesionDetectionLib.core.pairing import pair_findings

NODE = Code("59441001", "SCT", "Lymph node")
THIN = Geometry((100, 64, 64), np.diag([0.8, 0.8, 1.5, 1.0]))


def lesion(long_mm, short_mm=None, *, at=(0.0, 0.0, 0.0), meaning=LESION, score=0.5):
    """With diameters along R and A about a place; the short one 0.8 of the long one, where it is not given."""
    r, a, s = at
    short = 0.8 * long_mm if short_mm is None else short_mm
    axes = Recist(((r - long_mm / 2, a, s), (r + long_mm / 2, a, s)), ((r, a - short / 2, s), (r, a + short / 2, s)))
    return Lesion(at, long_mm, score, recist=axes, meaning=meaning, measurements={"volume_mm3": long_mm**3 / 2})


def bare(at=(0.0, 0.0, 0.0), diameter_mm=12.0):
    """Without an outline."""
    return Lesion(at, diameter_mm, 0.5)


def findings(*lesions, status=Status.NEW, geometry=THIN):
    """L1, L2 ... in this order."""
    items = tuple(Finding(f"L{n}", one, status=status) for n, one in enumerate(lesions, 1))
    return Findings(Detections((), geometry, "made-up"), items, 0.0, len(items) + 1)


def compared(before, after, **more):
    return FollowUp(before, after, pair_findings(before.drawn, after.drawn, np.eye(4)), **more)
