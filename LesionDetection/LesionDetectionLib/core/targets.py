"""Which lesions RECIST 1.1 measures: target lesions of a baseline, and how each is measured.

E.A. Eisenhauer et al., New response evaluation criteria in solid tumours: revised RECIST guideline (version 1.1), European
Journal of Cancer 45 (2009) 228-247, sections 3 and 4. That lymph nodes are one organ: L.H. Schwartz et al., RECIST 1.1 -
Update and clarification, European Journal of Cancer 62 (2016) 132-137.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from .errors import UsageError
from .finding import Finding
from .image import Geometry
from .lesion import Lesion

MOST_TARGETS, MOST_IN_AN_ORGAN = 5, 2
LEAST_LONG_AXIS_MM, LEAST_SHORT_AXIS_MM = 10.0, 15.0
"""Of a target lesion, and of a target lymph node."""
NORMAL_NODE_BELOW_MM = 10.0
LYMPH_NODES = "lymph nodes"
"""The organ of every lymph node."""

_NODE_CODES = {("59441001", "SCT"), ("T-C4000", "SRT")}
_THICK_SLICE_MM = 5.0


def is_node(lesion: Lesion) -> bool:
    """Whether its coded meaning is a lymph node."""
    return (lesion.meaning.value, lesion.meaning.scheme) in _NODE_CODES


def measured_mm(lesion: Lesion, node: bool | None = None) -> float | None:
    """The diameter that counts: the short axis of a lymph node, the long axis of any other lesion; None without an outline.

    Args:
        node: measure as a lymph node; None for what the lesion's meaning says.
    """
    if lesion.recist is None:
        return None
    return lesion.recist.short_mm if (is_node(lesion) if node is None else node) else lesion.recist.long_mm


def slice_distance_mm(geometry: Geometry) -> float:
    """Distance between axial slices: the spacing along the axis that runs most nearly head to foot."""
    upwards = np.abs(geometry.ijk_to_ras[2, :3]) / np.array(geometry.spacing_mm)
    return geometry.spacing_mm[int(upwards.argmax())]


def why_no_target(finding: Finding, geometry: Geometry) -> str:
    """Why a baseline lesion cannot be a target, a clause; empty where it can."""
    node, size = is_node(finding.lesion), measured_mm(finding.lesion)
    if size is None:
        return "has no outline to measure"
    if node:
        return (
            "" if size >= LEAST_SHORT_AXIS_MM else f"is a lymph node of less than {LEAST_SHORT_AXIS_MM:g} mm short axis"
        )
    distance = slice_distance_mm(geometry)
    # Section 3.1: with slices of more than 5 mm, twice their thickness.
    least = LEAST_LONG_AXIS_MM if distance <= _THICK_SLICE_MM else 2 * distance
    return "" if size >= least else f"measures less than {least:g} mm"


def organ_of(finding: Finding, organs: Mapping[str, str]) -> str:
    """The organ in small letters; empty where nobody said it."""
    return LYMPH_NODES if is_node(finding.lesion) else organs.get(finding.id, "").strip().lower()


def choose_targets(items: Sequence[Finding], geometry: Geometry, organs: Mapping[str, str]) -> tuple[str, ...]:
    """Ids of at most five lesions, two an organ where organs are known, the largest first."""
    possible = [item for item in items if not why_no_target(item, geometry)]
    possible.sort(key=lambda item: (-(measured_mm(item.lesion) or 0.0), item.id))
    chosen: list[str] = []
    taken: Counter[str] = Counter()
    for item in possible:
        organ = organ_of(item, organs)
        if len(chosen) < MOST_TARGETS and (not organ or taken[organ] < MOST_IN_AN_ORGAN):
            chosen.append(item.id)
            taken[organ] += 1
    return tuple(chosen)


def check_targets(items: Sequence[Finding], geometry: Geometry, organs: Mapping[str, str]) -> None:
    """Raises UsageError where a person's choice of target lesions is not as the guideline asks."""
    if len(items) > MOST_TARGETS:
        raise UsageError(f"RECIST 1.1 takes at most {MOST_TARGETS} target lesions; these are {len(items)}.")
    for item in items:
        if reason := why_no_target(item, geometry):
            raise UsageError(f"The lesion {item.id} cannot be a target: it {reason}.")
    for organ, count in Counter(organ_of(item, organs) for item in items).items():
        if organ and count > MOST_IN_AN_ORGAN:
            raise UsageError(
                f"RECIST 1.1 takes at most {MOST_IN_AN_ORGAN} target lesions an organ; {count} are in: {organ}."
            )
