"""Who is told by a classifier that learned from whom: outer folds of patients, both classes in each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from LesionDetectionLib.core.errors import InputError

from ..cohorts.cohort import LeftOut
from .settings import StudySettings


@dataclass(frozen=True)
class Fold:
    """Attributes:
    repeat, number: from 0.
    training: patients to learn from; none of them is in ``test``.
    test: patients to tell.
    """

    repeat: int
    number: int
    training: tuple[str, ...]
    test: tuple[str, ...]


def drawn_folds(outcomes: Mapping[str, bool], settings: StudySettings) -> tuple[Fold, ...]:
    """All patients dealt out to the folds of each repeat, each class as evenly as it goes; by seed, whatever their order.

    Raises:
        InputError: a class has too few patients for both to be in each fold, and in each inner one.
    """
    _require_enough(outcomes, settings)
    patients = sorted(outcomes)
    classes = np.array([outcomes[patient] for patient in patients])
    folds = list[Fold]()
    for repeat in range(settings.repeats):
        random = np.random.default_rng([settings.seed, repeat])
        fold_of = np.empty(len(patients), dtype=int)
        begin = 0
        for positive in (True, False):
            places = random.permutation(np.flatnonzero(classes == positive))
            fold_of[places] = (begin + np.arange(len(places))) % settings.folds
            begin += len(places)  # the second class goes on where the first ended, so folds have one size
        folds += _of_repeat(repeat, patients, [np.flatnonzero(fold_of == number) for number in range(settings.folds)])
    return tuple(folds)


def given_folds(
    folds: Sequence[Sequence[str]], outcomes: Mapping[str, bool], settings: StudySettings
) -> tuple[tuple[Fold, ...], list[LeftOut]]:
    """Folds that somebody else drew: the patients to be told in each. Those without features or outcome fall away.

    Returns:
        the folds, and patients with an outcome that are in none.

    Raises:
        InputError: fewer than two folds, a patient in two, or a fold without both classes, or too few to learn from.
    """
    names = [patient for fold in folds for patient in fold]
    twice = {patient for patient in names if names.count(patient) > 1} if len(set(names)) < len(names) else set()
    if twice:
        raise InputError(
            f"The patient “{min(twice)}” is in two folds: what is learned from in one would be told in it."
        )
    if len(folds) < 2:
        raise InputError(f"Cross-validation needs at least two folds, not {len(folds)}.")
    known = sorted(patient for patient in names if patient in outcomes)
    places = [np.array([known.index(patient) for patient in fold if patient in outcomes], dtype=int) for fold in folds]
    found = tuple(_of_repeat(0, known, places))
    for fold in found:
        _require_both(fold, outcomes, settings)
    left_out = [
        LeftOut(patient, "The folds do not name this patient.") for patient in outcomes if patient not in set(known)
    ]
    return found, left_out


def _of_repeat(repeat: int, patients: Sequence[str], tests: Sequence[np.ndarray]) -> list[Fold]:
    folds = list[Fold]()
    for number, places in enumerate(tests):
        told = {patients[place] for place in places}
        test = tuple(patient for patient in patients if patient in told)
        folds.append(Fold(repeat, number, tuple(patient for patient in patients if patient not in told), test))
    return folds


def _require_enough(outcomes: Mapping[str, bool], settings: StudySettings) -> None:
    positive = sum(outcomes.values())
    fewest, least = min(positive, len(outcomes) - positive), settings.folds
    if fewest < least or fewest - -(-fewest // settings.folds) < settings.inner_folds:
        raise InputError(
            f"{positive} patients have a positive and {len(outcomes) - positive} a negative outcome: too few for {settings.folds} "
            f"folds with {settings.inner_folds} inner ones, each with both. Add patients, or set fewer folds."
        )


def _require_both(fold: Fold, outcomes: Mapping[str, bool], settings: StudySettings) -> None:
    for patients, least, what in ((fold.test, 1, "to be told"), (fold.training, settings.inner_folds, "to learn from")):
        positive = sum(outcomes[patient] for patient in patients)
        if min(positive, len(patients) - positive) < least:
            raise InputError(
                f"Fold {fold.number + 1} has {positive} positive and {len(patients) - positive} negative patients {what}: it needs at "
                f"least {least} of each. Give other folds."
            )
