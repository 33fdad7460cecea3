"""The weighted samples against scans that are really copied; the interval against LUNA16's own indices."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from LesionTrainingLib.evaluation import froc_bootstrap
from LesionTrainingLib.evaluation.froc import CPM_RATES, froc, match_scan, pool, sensitivity_at
from LesionTrainingLib.evaluation.froc_bootstrap import bootstrap_froc, drawn, interval, sample_sensitivities

RATES = (*CPM_RATES, 3.0)


@pytest.fixture
def scans():
    """Nine scans of none to three lesions and up to six marks, with scores in tenths so that many are equal."""
    rng = np.random.default_rng(3)
    matches = []
    for scan in range(9):
        lesions, marks = rng.uniform(0, 30, (scan % 4, 3)), rng.uniform(0, 30, (rng.integers(0, 7), 3))
        matches.append(match_scan(marks, rng.integers(0, 10, len(marks)) / 10, lesions, np.full(len(lesions), 16.0)))
    return matches


def test_weights_are_copies_of_scans(scans):
    samples, seed = 200, 7
    drawn = np.random.default_rng(seed).integers(len(scans), size=(samples, len(scans)))
    read = []
    for sample in drawn:
        copied = [scans[index] for index in sample]
        if sum(len(match.lesion_marks) for match in copied):
            read.append([sensitivity_at(froc(copied), rate) for rate in RATES])
    found = bootstrap_froc(scans, RATES, 7, samples=samples, seed=seed)
    expected = interval(np.array(read))
    assert found.samples == len(read)
    np.testing.assert_allclose(found.sensitivity.mean, expected.mean)
    np.testing.assert_allclose(found.sensitivity.lower, expected.lower)
    np.testing.assert_allclose(found.sensitivity.upper, expected.upper)
    means = interval(np.array(read)[:, :7].mean(axis=1))
    np.testing.assert_allclose(found.mean_sensitivity.lower, means.lower)


def test_two_scans_of_each_patient_are_worth_no_more_than_one(scans):
    """Each scan twice: as scans of one patient they change nothing; as scans of two they would make the bounds narrower."""
    of_patients = [replace(match, patient=f"p{n}") for n, match in enumerate(scans)]
    once = bootstrap_froc(of_patients, RATES, 7, samples=300)
    twice = bootstrap_froc(of_patients * 2, RATES, 7, samples=300)
    np.testing.assert_allclose(twice.sensitivity.lower, once.sensitivity.lower)
    np.testing.assert_allclose(twice.sensitivity.upper, once.sensitivity.upper)
    assert (once.patients, once.of("scan"), twice.patients, twice.of("scan")) == (0, "scans", 9, "9 patients")
    apart = bootstrap_froc(scans * 2, RATES, 7, samples=300)
    width, too_narrow = (found.mean_sensitivity.upper - found.mean_sensitivity.lower for found in (twice, apart))
    assert too_narrow < width


def test_patients_are_drawn_with_all_their_scans(scans):
    """Against scans that are really copied, of patients with one to three scans, so that samples differ in size."""
    patients = ["a", "a", "", "b", "a", "c", "c", "", "b"]
    of_patients = [replace(match, patient=name) for match, name in zip(scans, patients, strict=True)]
    groups = [[0, 1, 4], [2], [3, 8], [5, 6], [7]]
    samples, seed = 200, 5
    expected = []
    for sample in np.random.default_rng(seed).integers(len(groups), size=(samples, len(groups))):
        copied = [scans[index] for group in sample for index in groups[group]]
        lesions = sum(len(match.lesion_marks) for match in copied)
        expected.append([sensitivity_at(froc(copied), rate) for rate in RATES] if lesions else [np.nan] * len(RATES))
    found = sample_sensitivities(of_patients, RATES, samples=samples, seed=seed)
    np.testing.assert_allclose(found, expected)


def test_a_seed_repeats(scans):
    first, second, other = (bootstrap_froc(scans, RATES, 7, samples=50, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.sensitivity.mean, second.sensitivity.mean)
    assert (first.sensitivity.mean != other.sensitivity.mean).any()


def test_bounds_are_the_entries_that_the_script_takes():
    found = interval(np.random.default_rng(0).permutation(1000).astype(float))
    assert (float(found.lower), float(found.upper)) == (25.0, 975.0)


def test_without_lesions_there_is_no_sensitivity():
    found = bootstrap_froc([match_scan([(0, 0, 0)], [0.5], np.zeros((0, 3)), [])], RATES, 7, samples=10)
    assert found.samples == 0
    assert np.isnan(found.sensitivity.mean).all()
    assert np.isnan(found.mean_sensitivity.upper)


def test_marks_of_low_score_change_nothing(scans, monkeypatch):
    """Marks beyond the rates that are read are left out, unless a sample's scans have too few without them."""
    found = []
    for more in (0.2, 1.0, 1e9):
        monkeypatch.setattr(froc_bootstrap, "_MORE", more)
        found.append(sample_sensitivities(scans, (0.125, 0.5, 1.0), samples=300))
    np.testing.assert_array_equal(found[0], found[2])
    np.testing.assert_array_equal(found[1], found[2])
    assert len(froc_bootstrap._down_to(pool(scans), 3.0).scores) < len(pool(scans).scores)


def test_two_detectors_are_read_on_the_same_scans(scans):
    """Their samples differ only where the detectors do."""
    other = [
        *scans[:-1],
        match_scan(np.zeros((0, 3)), [], np.zeros((len(scans[-1].lesion_marks), 3)), scans[-1].diameters_mm),
    ]
    first, second = (sample_sensitivities(one, (8.0,), samples=100, seed=2)[:, 0] for one in (scans, other))
    without = drawn(len(scans), 100, 2)[:, -1] == 0
    assert without.any()
    np.testing.assert_array_equal(first[without], second[without])
