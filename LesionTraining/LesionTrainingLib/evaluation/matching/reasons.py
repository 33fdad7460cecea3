"""Why a lesion is found or missed, and a mark true, false or ignored, in a sentence with the mark and the rule's numbers."""

from __future__ import annotations

import numpy as np

from .findings import ImageFindings
from .outcome import Fate, Outcome
from .overlap import BOX, MASK, SPHERE
from .policy import DISTANCE_MM, IOU, Policy

_COMPARED = {SPHERE: "spheres", BOX: "boxes", MASK: "masks"}


def why_lesion(policy: Policy, image: ImageFindings, outcome: Outcome, lesion: int) -> str:
    """``mark 3 (score 0.81) lies 4.2 mm from the centre, less than the radius 6.1 mm: hit under luna16``."""
    credited = int(outcome.lesion_marks[lesion])
    if credited >= 0:
        return f"{_named(image, credited)} {_near(policy, outcome, lesion, credited, '')}: hit under {policy.name}"
    return f"{_why_missed(policy, image, outcome, lesion)}: missed under {policy.name}"


def why_mark(policy: Policy, image: ImageFindings, outcome: Outcome, mark: int) -> str:
    """``it lies 12.4 mm from the centre of lesion 2, not less than the radius 6.1 mm: false positive under luna16``."""
    fate = Fate(outcome.fates[mark])
    if fate is Fate.BEYOND_LIMIT:
        counted = int((outcome.fates != Fate.BEYOND_LIMIT).sum())
        return f"only the best {counted} marks of the {policy.image_is} count: ignored under {policy.name}"
    if fate is Fate.NOT_SHOWN:
        return f"it scores less than the operating point: not shown under {policy.name}"
    if fate is Fate.EXCLUDED:
        return f"{_on_excluded(policy, outcome, mark)}: ignored under {policy.name}"
    lesion = int(outcome.mark_lesions[mark])
    if fate is Fate.HIT:
        return (
            f"it {_near(policy, outcome, lesion, mark, f' of lesion {lesion + 1}')}: true positive under {policy.name}"
        )
    if fate is Fate.SECOND:
        by = _named(image, int(outcome.lesion_marks[lesion])) if outcome.lesion_marks[lesion] >= 0 else "another mark"
        near = _near(policy, outcome, lesion, mark, f" of lesion {lesion + 1}")
        return f"it {near}, which {by} is credited with: ignored under {policy.name}"
    return f"{_why_false(policy, image, outcome, mark)}: false positive under {policy.name}"


def _why_missed(policy: Policy, image: ImageFindings, outcome: Outcome, lesion: int) -> str:
    if not len(image.marks):
        return f"there is no mark in this {policy.image_is}"
    best = _nearest(policy, outcome.values[lesion])
    if policy.measures != DISTANCE_MM and outcome.values[lesion, best] == 0:
        hidden = (outcome.fates == Fate.NOT_SHOWN).any()
        return f"no mark{' that the operating point shows' if hidden else ''} overlaps it"
    if not _passes(policy, outcome, lesion, best):
        which = "the nearest is " if policy.measures == DISTANCE_MM else "the largest overlap is that of "
        return f"{which}{_named(image, best)}, which {_near(policy, outcome, lesion, best, '')}"
    near = f"{_named(image, best)} {_near(policy, outcome, lesion, best, '')}"
    fate = Fate(outcome.fates[best])
    if fate is Fate.BEYOND_LIMIT:
        counted = int((outcome.fates != Fate.BEYOND_LIMIT).sum())
        return f"{near}, but only the best {counted} marks of the {policy.image_is} count"
    if fate is Fate.EXCLUDED:
        return f"{near}, but was taken by an excluded finding"
    taken = np.flatnonzero(outcome.lesion_marks == best)
    value = f" ({_value(policy, outcome, int(taken[0]), best)})" if taken.size else ""
    return f"{near}, but was taken by lesion {int(taken[0]) + 1}{value}" if taken.size else near


def _why_false(policy: Policy, image: ImageFindings, outcome: Outcome, mark: int) -> str:
    if not len(image.truth):
        return f"this {policy.image_is} has no lesion"
    lesion = _nearest(policy, outcome.values[:, mark])
    if policy.measures != DISTANCE_MM and outcome.values[lesion, mark] == 0:
        return "it overlaps no lesion"
    near = f"it {_near(policy, outcome, lesion, mark, f' of lesion {lesion + 1}')}"
    credited = int(outcome.lesion_marks[lesion])
    if _passes(policy, outcome, lesion, mark) and credited >= 0:
        return f"{near}, but that lesion is already taken by {_named(image, credited)}"
    return near


def _on_excluded(policy: Policy, outcome: Outcome, mark: int) -> str:
    finding = int(outcome.mark_excluded[mark])
    value, limit = float(outcome.excluded_values[finding, mark]), float(outcome.excluded_limits[finding])
    if policy.measures == DISTANCE_MM:
        a, b = _told_apart(value, limit)
        return f"it lies {a} mm from the centre of an excluded finding, less than the radius {b} mm"
    return f"it overlaps an excluded finding by IoU {value:.2f}"


def _near(policy: Policy, outcome: Outcome, lesion: int, mark: int, of: str) -> str:
    """How a mark lies to a lesion, against the rule; ``of`` names the lesion where the sentence is not about it."""
    value, limit = float(outcome.values[lesion, mark]), float(outcome.limits[lesion])
    passes = _passes(policy, outcome, lesion, mark)
    a, b = _told_apart(value, limit, digits=1 if policy.measures == DISTANCE_MM else 2)
    if policy.measures == DISTANCE_MM:
        return f"lies {a} mm from the centre{of}, {'less' if passes else 'not less'} than the radius {b} mm"
    target = of.removeprefix(" of ") or "it"
    if policy.measures == IOU:
        what = "" if outcome.compared is None else f" ({_COMPARED[int(outcome.compared[lesion, mark])]})"
        return f"overlaps {target} by IoU {a}{what}, {'at least' if passes else 'under'} {limit:g}"
    if value:
        return f"shares {value:.0f} voxels with {target}"
    return f"touches the same connected region as {target}"


def _value(policy: Policy, outcome: Outcome, lesion: int, mark: int) -> str:
    value = float(outcome.values[lesion, mark])
    return f"{value:.1f} mm" if policy.measures == DISTANCE_MM else f"IoU {value:.2f}"


def _passes(policy: Policy, outcome: Outcome, lesion: int, mark: int) -> bool:
    value, limit = float(outcome.values[lesion, mark]), float(outcome.limits[lesion])
    if policy.measures == DISTANCE_MM:
        return value < limit
    return value >= limit if policy.measures == IOU else value > limit


def _nearest(policy: Policy, values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> int:
    return int(values.argmin() if policy.measures == DISTANCE_MM else values.argmax())


def _named(image: ImageFindings, mark: int) -> str:
    return f"mark {image.marks.ranks[mark]} (score {image.marks.scores[mark]:.3g})"


def _told_apart(value: float, limit: float, digits: int = 1) -> tuple[str, str]:
    """Both as text, with as many digits as it takes to see which is larger, up to nine."""
    while digits < 9 and value != limit and f"{value:.{digits}f}" == f"{limit:.{digits}f}":
        digits += 1
    return f"{value:.{digits}f}", f"{limit:.{digits}f}"
