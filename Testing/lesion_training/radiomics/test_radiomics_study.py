"""Nothing of a patient who is told is learned from; chance gives a half; what is there is found."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace

import numpy as np
import pytest
from LesionDetectionLib.core.errors import Cancelled, InputError, UsageError
from LesionDetectionLib.core.progress import Progress
from LesionTrainingLib.radiomics import study as studies
from LesionTrainingLib.radiomics.comparison import compared
from LesionTrainingLib.radiomics.folds import drawn_folds
from LesionTrainingLib.radiomics.pipeline import LearnFeatures, Strongest
from LesionTrainingLib.radiomics.settings import RPET_NET, StudySettings
from LesionTrainingLib.radiomics.study import Permutations, nested_cross_validation, study_of
from LesionTrainingLib.radiomics.table import FeatureTable
from radiomics_samples import table_of

FEW = StudySettings(features=(2,), strengths=(0.1,), permutations=0, bootstraps=100)


@pytest.fixture(scope="module")
def told():
    """A study of 60 patients, of whom one feature tells much."""
    table, outcomes = table_of(count=60, effect=2.0, seed=1)
    return nested_cross_validation(table, outcomes, replace(FEW, features=(1, 2), permutations=5))


def test_what_is_there_is_found(told):
    assert told.pooled.low > 0.7
    assert told.mean_and_sd("auc")[0] > 0.8
    assert next(iter(told.times_chosen.items())) == ("f0", 5)
    assert told.permutations.p == pytest.approx(1 / 6)
    assert abs(np.mean(told.permutations.by_chance) - 0.5) < 0.2
    assert told.calibration.slope > 0.5
    assert len(told.patients) == len(set(told.patients)) == 60


def test_what_learns_sees_patients_to_learn_from_and_nothing_else():
    table, outcomes = table_of()
    seen = []

    class Learned:
        threshold, chosen, tuned = 0.5, (), {}

        def probabilities(self, subjects):
            return subjects.values[:, 0] * 0 + 0.5

    def learn(subjects, positive, seed, progress):
        assert positive.tolist() == [outcomes[patient] for patient in subjects.patients]
        np.testing.assert_array_equal(subjects.values, table.of(subjects.patients).values)
        seen.append((set(subjects.patients), len(subjects.values)))
        return Learned()

    study = study_of(table, outcomes, FEW, learn)
    for fold, (patients, rows) in zip(study.folds, seen, strict=True):
        assert patients == set(table.patients) - set(fold.patients)
        assert rows == len(patients)


def test_whatever_a_told_patient_has_nothing_that_is_learned_changes():
    """Its features are replaced by nonsense, and its outcome by the other: what its fold learned, and tells, is the same."""
    table, outcomes = table_of(effect=1.0)
    before = nested_cross_validation(table, outcomes, FEW)
    fold = before.folds[0]
    places = [table.patients.index(patient) for patient in fold.patients]
    values = table.values.copy()
    values[places] = np.where(np.arange(values.shape[1]) % 2, np.nan, 1e6)
    plan = [result.patients for result in before.folds]
    nonsense = FeatureTable(table.patients, table.names, values)
    after = nested_cross_validation(nonsense, outcomes, FEW, folds=plan)
    assert (after.folds[0].chosen, after.folds[0].threshold) == (fold.chosen, fold.threshold)
    turned = {patient: outcomes[patient] != (patient in fold.patients) for patient in outcomes}
    other = nested_cross_validation(table, turned, FEW, folds=plan)
    np.testing.assert_array_equal(other.folds[0].probabilities, fold.probabilities)
    np.testing.assert_array_equal(other.folds[0].positive, ~fold.positive)


def test_of_noise_nothing_is_learned_unless_features_are_chosen_outside():
    """200 features of 60 patients that say nothing: chosen on all patients, they seem to."""
    areas, seeming, settings = [], [], replace(FEW, features=(8,), strengths=(1.0,))
    for seed in range(3):
        table, outcomes = table_of(count=60, features=200, seed=seed)
        areas.append(nested_cross_validation(table, outcomes, settings).mean_and_sd("auc")[0])
        positive = np.array(list(outcomes.values()))
        kept = Strongest(8).fit(table.values, positive).get_support()
        leaked = FeatureTable(table.patients, tuple(np.array(table.names)[kept]), table.values[:, kept])
        seeming.append(nested_cross_validation(leaked, outcomes, settings).mean_and_sd("auc")[0])
    assert 0.35 < np.mean(areas) < 0.65
    assert np.mean(seeming) > 0.75


def test_the_same_seed_tells_the_same_and_repeats_are_averaged():
    table, outcomes = table_of(effect=1.0)
    twice = replace(FEW, repeats=2)
    first, second = (nested_cross_validation(table, outcomes, twice) for _ in range(2))
    np.testing.assert_array_equal(first.probabilities, second.probabilities)
    assert len(first.folds) == 10
    own = [
        probability
        for fold in first.folds
        for patient, probability in zip(fold.patients, fold.probabilities, strict=True)
        if patient == "p003"
    ]
    assert first.probabilities[first.patients.index("p003")] == pytest.approx(np.mean(own))


def test_patients_of_one_side_alone_are_left_out_and_named():
    table, outcomes = table_of()
    outcomes = {**outcomes, "only-here": True}
    del outcomes["p000"]
    study = nested_cross_validation(table, outcomes, FEW)
    assert {one.case: one.reason for one in study.left_out} == {
        "p000": "Its outcome is not known.",
        "only-here": "It was not measured.",
    }


def test_what_makes_no_study_is_told():
    table, outcomes = table_of()
    with pytest.raises(InputError, match="named alike in both\\? In the images: p000; in the table: x"):
        nested_cross_validation(table, {"x": True, "y": False}, FEW)
    with pytest.raises(InputError, match="holds no value"):
        nested_cross_validation(FeatureTable(table.patients, ("f",), np.full((40, 1), np.nan)), outcomes, FEW)
    with pytest.raises(UsageError, match="learns from images"):
        nested_cross_validation(table, outcomes, replace(FEW, classifier=RPET_NET))


def test_a_permutation_keeps_each_folds_numbers_of_both_outcomes(monkeypatch):
    table, outcomes = table_of(share=0.3)
    plan = drawn_folds(outcomes, FEW)
    asked = []

    def watched(subjects, given, folds, learn, seed, progress):
        asked.append((given, folds))
        return ()

    monkeypatch.setattr(studies, "cross_validated", watched)
    monkeypatch.setattr(studies, "mean_auc", lambda results: 0.5)
    work = studies._Permuted(table, outcomes, plan, LearnFeatures(FEW), 0)
    assert [work(0), work(1)] == [0.5, 0.5]
    for given, folds in asked:
        assert sum(given.values()) == sum(outcomes.values())
        assert given != outcomes
        for fold, before in zip(folds, plan, strict=True):
            assert sum(given[patient] for patient in fold.test) == sum(outcomes[patient] for patient in before.test)
            assert not set(fold.test) & set(fold.training)
    assert asked[0] != asked[1]


def test_a_permutation_can_be_sent_to_another_process():
    table, outcomes = table_of(count=20, features=3)
    work = studies._Permuted(table, outcomes, drawn_folds(outcomes, FEW), LearnFeatures(FEW), 0)
    assert pickle.loads(pickle.dumps(work))(3) == work(3)


def test_no_p_value_is_zero():
    assert Permutations(0.9, np.linspace(0.3, 0.7, 99)).p == 0.01
    assert Permutations(0.5, np.array([0.4, 0.5, 0.6])).p == 0.75


def test_a_study_can_be_cancelled():
    table, outcomes = table_of()
    stopped = Progress(lambda fraction, text: stopped.cancel())
    with pytest.raises(Cancelled):
        nested_cross_validation(table, outcomes, FEW, stopped)


def test_two_studies_of_the_same_patients_are_compared(told):
    same = compared(told, told, resamples=50)
    assert (same.difference, same.low, same.high, same.p) == (0.0, 0.0, 0.0, 1.0)
    worse = copy.copy(told)
    object.__setattr__(worse, "probabilities", np.random.default_rng(0).random(60))
    found = compared(told, worse, resamples=400)
    assert found.low > 0
    assert found.p < 0.05
    assert compared(worse, told, resamples=400).difference == pytest.approx(-found.difference)
    object.__setattr__(worse, "positive", ~told.positive)
    with pytest.raises(InputError, match="disagree"):
        compared(told, worse)
