"""Per-image values of two sets of marks, in pairs: what a signed-rank test needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..froc_bootstrap import patient_index, patients_drawn
from ..matching.findings import BoolArray, FloatArray
from ..matching.outcome import MISSED, Outcome
from ..output.tables import Cell, Table
from .free_response import shown_threshold
from .scored import Scored


@dataclass(frozen=True, eq=False)
class Tested:
    """One question: values of the first and of the second marks on the same N images, or means over those of N patients.

    Attributes:
        what: the values are, in words.
        first, second: [N].
    """

    what: str
    first: FloatArray
    second: FloatArray


def free_response_values(first: Scored, second: Scored) -> tuple[list[Tested], Table]:
    """Sensitivity of each image at the policy's rate for sizes, and false positives of each where both find equally many.

    At one rate both have about as many false positives in all, so those are compared at another place of the curves: at the
    highest scores from which both find as many lesions as the one that finds fewer at that rate.

    Returns:
        What to test; a table with a row an image.
    """
    policy, both = first.policy, (first.outcomes, second.outcomes)
    at_rate = [shown_threshold(outcomes, policy.size_rate) for outcomes in both]
    found = [_found(outcomes, threshold) for outcomes, threshold in zip(both, at_rate, strict=True)]
    lesions = np.array([len(outcome.lesion_marks) for outcome in first.outcomes], dtype=np.intp)
    some = lesions > 0
    each = _each(first)
    rate = f"{policy.size_rate:g} false positive{'' if policy.size_rate == 1 else 's'} per {policy.image_is}"
    shares = [part[some] / lesions[some] for part in found]
    tests = [Tested(f"Sensitivity of each {each} with {policy.lesion_is}s, at {rate}", *_means(first, some, shares))]
    columns: dict[str, Sequence[Cell]] = {
        "image": [image.image for image in first.images],
        f"{policy.lesion_is}s": lesions.tolist(),
        "found_first": found[0].tolist(),
        "found_second": found[1].tolist(),
    }
    target = int(min(part.sum() for part in found))
    if target:
        equal = [_threshold_of(outcomes, target) for outcomes in both]
        false = [
            np.array([(outcome.false_positive_scores >= threshold).sum() for outcome in outcomes], dtype=np.float64)
            for outcomes, threshold in zip(both, equal, strict=True)
        ]
        what = f"False positives of each {each}, where both find {target} of {int(lesions.sum())} {policy.lesion_is}s"
        tests.append(Tested(what, *_means(first, lesions >= 0, false)))
        columns["false_positives_first"] = false[0].astype(int).tolist()
        columns["false_positives_second"] = false[1].astype(int).tolist()
    return tests, Table(tuple(columns), tuple(zip(*columns.values(), strict=True)))


def dice_values(first: Scored, second: Scored) -> tuple[list[Tested], Table]:
    """Dice of each image with lesions, and false positive volume of each image; see :func:`free_response_values`."""
    values = {
        name: [image_column(one, name) for one in (first, second)]
        for name in ("dice", "false_positive_ml", "false_negative_ml")
    }
    some = np.isfinite(values["dice"][0])
    each, dice, volumes = _each(first), [one[some] for one in values["dice"]], values["false_positive_ml"]
    tests = [
        Tested(f"Dice of each {each} with lesions", *_means(first, some, dice)),
        Tested(f"False positive volume of each {each} in mL", *_means(first, some | True, volumes)),
    ]
    columns: dict[str, Sequence[Cell]] = {"image": [image.image for image in first.images]}
    for name, pair in values.items():
        columns |= {f"{name}_first": pair[0].tolist(), f"{name}_second": pair[1].tolist()}
    return tests, Table(tuple(columns), tuple(zip(*columns.values(), strict=True)))


def image_column(scored: Scored, name: str) -> FloatArray:
    """[I] a column of numbers of the table with one row an image."""
    rows = scored.image_rows
    assert rows is not None, f"{scored.policy.name} has no table of images"
    place = rows.columns.index(name)
    return np.array([row[place] for row in rows.rows], dtype=np.float64)


def _each(scored: Scored) -> str:
    """What a signed-rank test has one value of: scans of one patient are no independent observations."""
    return (
        f"patient (mean of the {scored.policy.image_is}s)"
        if patients_drawn(scored.outcomes)
        else scored.policy.image_is
    )


def _means(scored: Scored, chosen: BoolArray, values: Sequence[FloatArray]) -> list[FloatArray]:
    """Values of the chosen images as means over each patient's; as they are where no patient has several."""
    _, patient = np.unique(patient_index(scored.outcomes)[chosen], return_inverse=True)
    counts = np.bincount(patient)
    return [np.bincount(patient, weights=one, minlength=len(counts)) / counts for one in values]


def _threshold_of(outcomes: Sequence[Outcome], found: int) -> float:
    """The highest threshold at which at least so many lesions are found."""
    scores = np.sort(np.concatenate([outcome.lesion_scores for outcome in outcomes]))[::-1]
    return float(scores[found - 1])


def _found(outcomes: Sequence[Outcome], threshold: float) -> FloatArray:
    """[I] lesions of each image that marks of at least ``threshold`` find."""
    return np.array(
        [((outcome.lesion_scores >= threshold) & (outcome.lesion_scores > MISSED)).sum() for outcome in outcomes],
        dtype=np.intp,
    )
