"""Cross-validation over folds that the data's makers drew: which case is learned from, sets thresholds, is tested on."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from LesionDetectionLib.core.errors import InputError, UsageError

from ..cohorts.case import TRAINING, VALIDATION, Case
from ..cohorts.cohort import Cohort
from ..cohorts.split import split_by_patient
from .units import held


@dataclass(frozen=True)
class Fold:
    """One fold: ids of cases, each sorted; no patient is in two parts.

    Attributes:
        number: of the subset that is tested on.
        training: learned from.
        validation: that thresholds are set on.
        test: measured on.
    """

    number: int
    training: tuple[str, ...]
    validation: tuple[str, ...]
    test: tuple[str, ...]


def fold_plan(cohort: Cohort, subset_of: Callable[[Case], int], validation: float, seed: int) -> dict[int, Fold]:
    """For each subset that has labelled cases the fold that is tested on it. Every labelled case is tested once.

    Of the patients of the other subsets a part is set aside by chance for thresholds. A patient who has cases in several
    subsets serves, in each fold, nothing but the test where one of them is tested.

    Args:
        subset_of: the subset of a case.
        validation: share of the other subsets' patients, at least one.
        seed: of the drawing.

    Raises:
        InputError: fewer than two subsets have labelled cases, or too few patients are left to learn from.
    """
    cases = tuple(case for case in cohort.cases if case.labelled)
    subsets = sorted({subset_of(case) for case in cases})
    if len(subsets) < 2:
        raise InputError(
            f"Cross-validation needs labelled cases in two subsets at least; {cohort.spec} has them in {len(subsets)}."
        )
    plan = {}
    for number in subsets:
        test = [case for case in cases if subset_of(case) == number]
        tested = {case.patient for case in test}
        rest = replace(cohort, cases=tuple(case for case in cases if case.patient not in tested))
        split = split_by_patient(rest, {TRAINING: 1 - validation, VALIDATION: validation}, seed)
        ids = tuple(sorted(case.id for case in test))
        plan[number] = Fold(number, split.parts[TRAINING], split.parts[VALIDATION], ids)
    return plan


def chosen_folds(plan: dict[int, Fold], wanted: tuple[int, ...]) -> tuple[int, ...]:
    """The folds that are asked for, in order; all where none is named.

    Raises:
        UsageError: one of them has no labelled cases to test on.
    """
    for number in wanted:
        if number not in plan:
            raise UsageError(
                f"Fold {number} has no labelled scans to test on: those that have are {', '.join(map(str, plan))}."
            )
    return tuple(sorted(set(wanted))) or tuple(plan)


def fold_folder(folder: Path, number: int) -> Path:
    """Of a fold in the folder of a reproduction."""
    return folder / "folds" / f"fold-{number}"


def held_fold(folder: Path, number: int) -> contextlib.AbstractContextManager[Path]:
    """A fold for this process alone, and its folder; others may work on other folds.

    Args:
        folder: of the reproduction.

    Raises:
        UsageError: another process works on it.
    """
    return held(fold_folder(folder, number), folder, f"fold {number}")
