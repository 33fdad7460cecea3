"""Whose scan a file is: conventions are known, and what is a guess is told."""

from __future__ import annotations

import pytest
from LesionTrainingLib.cohorts.patients import doubts, patient_of


@pytest.mark.parametrize(
    ("folders", "case_id", "patient"),
    [
        ((), "a_7", "a_7"),
        (("p1",), "p1_a", "p1"),
        (("site", "p1"), "site_p1_a", "site/p1"),
        (("sub-01", "ses-1", "anat"), "sub-01_ses-1_anat_T1w", "sub-01"),
        (("study", "sub-01", "anat"), "x", "study/sub-01"),
        ((), "sub-01_ses-2", "sub-01"),
        (("PETCT_0011f3deaf", "03-23-2003-NA-PET-CT Ganzkoerper-14501"), "x", "PETCT_0011f3deaf"),
        (("4711", "20190308", "CT"), "x", "4711"),
        (("4711", "2019-03-08"), "x", "4711"),
        (("4711", "Follow-up 2"), "x", "4711"),
        (("2019-03-08",), "x", "2019-03-08"),  # nothing above it
        (("p1", "12345678901234"), "x", "p1/12345678901234"),  # no date in a long number
        (("trial", "PAT_20190308_01"), "x", "trial/PAT_20190308_01"),  # a name with a date is a name
        (("trial", "1.2.840.20190308.1"), "x", "trial/1.2.840.20190308.1"),
    ],
)
def test_the_patient_of_a_path(folders, case_id, patient):
    assert patient_of(folders, case_id) == patient


def test_what_may_be_one_patient_is_told():
    (note,) = doubts(["p1/left", "p1/right", "p2/left", "p2/left"], "how")
    assert note == (
        "Each innermost folder counts as a patient, those in “p1” too. If a folder that holds several is one patient, say so: how."
    )
    (note,) = doubts(["p1_a", "p1_b", "p2_a"], "how")
    assert "“p1_a” and “p1_b” too" in note


@pytest.mark.parametrize(
    "patients", [["p1", "p2", "p10"], ["case_1", "case_2"], ["LUNG1-001", "LUNG1-002"], ["p1/a", "p2/a"], []]
)
def test_what_is_clear_is_passed_over(patients):
    assert doubts(patients, "how") == ()
