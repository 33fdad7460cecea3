"""Every patient is told once, by what learned from others, and both outcomes are in each fold."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from LesionDetectionLib.core.errors import InputError
from LesionTrainingLib.radiomics.folds import drawn_folds, given_folds
from LesionTrainingLib.radiomics.settings import StudySettings

OUTCOMES = {f"p{number:02}": number % 3 == 0 for number in range(30)}


@given(st.integers(2, 5), st.integers(1, 3), st.integers(10, 40), st.integers(10, 40), st.integers(0, 99))
def test_drawn_folds(folds, repeats, positives, negatives, seed):
    outcomes = {f"{number}": number < positives for number in range(positives + negatives)}
    settings = StudySettings(folds=folds, repeats=repeats, seed=seed)
    plan = drawn_folds(outcomes, settings)
    assert len(plan) == folds * repeats
    for repeat in range(repeats):
        own = [fold for fold in plan if fold.repeat == repeat]
        assert sorted(patient for fold in own for patient in fold.test) == sorted(outcomes)
        sizes = [len(fold.test) for fold in own]
        counts = [sum(outcomes[patient] for patient in fold.test) for fold in own]
        assert max(sizes) - min(sizes) <= 1
        assert max(counts) - min(counts) <= 1
    for fold in plan:
        assert not set(fold.training) & set(fold.test)
        assert set(fold.training) | set(fold.test) == set(outcomes)
    shuffled = dict(sorted(outcomes.items(), reverse=True))
    assert drawn_folds(shuffled, settings) == plan


def test_other_repeats_and_seeds_deal_otherwise():
    first, second = (drawn_folds(OUTCOMES, StudySettings(repeats=2, seed=seed)) for seed in (0, 1))
    assert first != second
    assert [fold.test for fold in first[:5]] != [fold.test for fold in first[5:]]


@pytest.mark.parametrize(("positives", "folds"), [(0, 5), (4, 5), (3, 2)])
def test_too_few_of_an_outcome_are_told(positives, folds):
    outcomes = {f"{number}": number < positives for number in range(30)}
    with pytest.raises(
        InputError, match=f"{positives} patients have a positive and {30 - positives} a negative outcome"
    ):
        drawn_folds(outcomes, StudySettings(folds=folds))


def test_given_folds_are_kept_without_those_that_are_not_known():
    patients = list(OUTCOMES)
    folds, left_out = given_folds([[*patients[:10], "stranger"], patients[10:25]], OUTCOMES, StudySettings())
    assert [fold.test for fold in folds] == [tuple(patients[:10]), tuple(patients[10:25])]
    assert folds[0].training == tuple(patients[10:25])
    assert [one.case for one in left_out] == patients[25:]


@pytest.mark.parametrize(
    ("folds", "words"),
    [
        ([list(OUTCOMES)], "at least two folds"),
        ([["p00", "p01"], ["p01", "p03"]], "“p01” is in two folds"),
        (
            [["p01", "p02"], [f"p{number:02}" for number in range(3, 30)]],
            "Fold 1 has 0 positive and 2 negative patients to be told",
        ),
        (
            [["p00", "p01"], [f"p{number:02}" for number in range(2, 9)]],
            "Fold 1 has 2 positive and 5 negative patients to learn from",
        ),
    ],
)
def test_given_folds_that_cannot_be_are_told(folds, words):
    with pytest.raises(InputError, match=words):
        given_folds(folds, OUTCOMES, StudySettings())
