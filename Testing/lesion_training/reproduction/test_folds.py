"""The fold plan: every scan is tested once, no patient is in two parts, and the same seed draws the same."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from LesionDetectionLib.core.errors import InputError, UsageError
from LesionTrainingLib.cohorts.case import Case, Truth
from LesionTrainingLib.cohorts.cohort import Cohort
from LesionTrainingLib.reproduction.folds import chosen_folds, fold_plan


@dataclass(frozen=True)
class SubsetCase(Case):
    subset: int = 0

    def images(self, progress=None):
        raise AssertionError("no voxels are read for a plan")

    def truth(self):
        return Truth()

    def sources(self):
        return ()


def a_case(subset, number, patient=""):
    name = f"scan-{subset}-{number}"
    return SubsetCase(name, patient or name, "", ("CT",), True, subset)


@pytest.fixture
def ten_subsets():
    """Seven scans in each of ten subsets."""
    return Cohort("luna16:x", "LUNA16", tuple(a_case(subset, n) for subset in range(10) for n in range(7)))


def plan_of(cohort, seed=0, validation=0.1):
    return fold_plan(cohort, lambda case: case.subset, validation, seed)


def test_every_scan_is_tested_once_and_every_other_is_in_one_other_part(ten_subsets):
    plan, every = plan_of(ten_subsets), sorted(case.id for case in ten_subsets.cases)
    assert list(plan) == list(range(10))
    assert sorted(scan for fold in plan.values() for scan in fold.test) == every
    for number, fold in plan.items():
        assert sorted((*fold.training, *fold.validation, *fold.test)) == every
        assert all(scan.startswith(f"scan-{number}-") for scan in fold.test)
        assert len(fold.validation) == 6  # a tenth of 63


def test_the_seed_draws_the_validation_part(ten_subsets):
    assert plan_of(ten_subsets) == plan_of(ten_subsets)
    assert plan_of(ten_subsets)[3].validation != plan_of(ten_subsets, seed=1)[3].validation
    assert plan_of(ten_subsets)[3].test == plan_of(ten_subsets, seed=1)[3].test


def test_a_patient_of_two_subsets_is_in_one_part(ten_subsets):
    twice = (a_case(0, 7, "P"), a_case(1, 7, "P"), a_case(1, 8, "P"))
    patients = {case.id: case.patient for case in (*ten_subsets.cases, *twice)}
    for fold in plan_of(replace(ten_subsets, cases=(*ten_subsets.cases, *twice))).values():
        parts = [{patients[scan] for scan in part} for part in (fold.training, fold.validation, fold.test)]
        assert not parts[0] & parts[1]
        assert not parts[2] & (parts[0] | parts[1])


def test_scans_without_labels_have_no_part(ten_subsets):
    unlabelled = replace(a_case(3, 9), labelled=False)
    plan = plan_of(replace(ten_subsets, cases=(*ten_subsets.cases, unlabelled)))
    assert all(unlabelled.id not in (*fold.training, *fold.validation, *fold.test) for fold in plan.values())


def test_one_subset_is_no_cross_validation(ten_subsets):
    with pytest.raises(InputError, match="two subsets"):
        plan_of(replace(ten_subsets, cases=ten_subsets.cases[:7]))


def test_folds_are_those_asked_for(ten_subsets):
    plan = plan_of(replace(ten_subsets, cases=ten_subsets.cases[:35]))
    assert chosen_folds(plan, ()) == (0, 1, 2, 3, 4)
    assert chosen_folds(plan, (3, 0, 3)) == (0, 3)
    with pytest.raises(UsageError, match="Fold 9 has no labelled scans"):
        chosen_folds(plan, (0, 9))
