"""The bounds in a model's record: those of the bootstrap, at LUNA16's rates and between."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from LesionTrainingLib.evaluation.confidence import froc_confidence
from LesionTrainingLib.evaluation.froc import CPM_RATES, cpm, froc, match_scan
from LesionTrainingLib.evaluation.froc_bootstrap import bootstrap_froc


@pytest.fixture
def scans():
    random = np.random.default_rng(5)
    matches = []
    for _ in range(20):
        truth = [(100.0 * n, 0, 0) for n in range(3)]
        found = [place for place in truth if random.random() < 0.7]
        false = [(100.0 * n, 500.0, 0) for n in range(12)]
        scores = np.concatenate([random.beta(4, 2, len(found)), random.beta(1, 5, len(false))])
        matches.append(match_scan([*found, *false], scores, truth, [10.0] * 3))
    return matches


def test_the_bounds_are_those_of_the_bootstrap_and_hold_the_figures(scans):
    found = froc_confidence(scans)
    json.dumps(found, allow_nan=False)
    expected = bootstrap_froc(scans, CPM_RATES, 7)
    rows = {rate: (low, high) for rate, low, high in found["froc"]}
    assert set(CPM_RATES) <= set(rows)
    for n, rate in enumerate(CPM_RATES):
        assert rows[rate] == pytest.approx((expected.sensitivity.lower[n], expected.sensitivity.upper[n]), abs=1e-4)
    low, high = found["cpm"]
    assert (low, high) == pytest.approx((expected.mean_sensitivity.lower, expected.mean_sensitivity.upper), abs=1e-4)
    assert low < cpm(froc(scans)) < high
    assert (found["level"], found["samples"]) == (0.95, 1000)


def test_several_scans_of_one_patient(scans):
    of_patients = [replace(match, patient=f"p{n // 2}") for n, match in enumerate(scans)]
    assert froc_confidence(of_patients)["patients"] == 10
    assert "patients" not in froc_confidence(scans)
    assert froc_confidence([replace(match, patient="p") for match in scans]) == {}


def test_there_is_nothing_to_tell_of_one_scan_or_without_lesions(scans):
    assert froc_confidence(scans[:1]) == {}
    nothing = match_scan([(0, 0, 0)], [0.5], np.zeros((0, 3)), [])
    assert froc_confidence([nothing, nothing]) == {}
