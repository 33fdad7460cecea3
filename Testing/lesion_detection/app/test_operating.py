"""What a threshold means, from the curve that a model carries."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from LesionDetectionLib.app.operating import OperatingCurve, curve_of
from LesionDetectionLib.core.bundle import Bundle, Manifest
from LesionDetectionLib.core.resources import demonstration_model

POINTS = [[0.9, 0.0, 0.4], [0.7, 0.5, 0.6], [0.5, 0.5, 0.8], [0.1, 4.0, 0.9]]


def manifest(**test):
    return Manifest("nodule-ct", "m", "1", {}, {}, {}, True, metrics={"test": test} if test else {})


def test_the_curve_is_read_in_both_directions():
    curve = curve_of(manifest(froc=POINTS, scans=12))
    assert curve.scans == 12
    assert curve.limits == (0.0, 4.0)
    assert curve.threshold_limits == (0.1, 0.9)
    assert curve.threshold_at(0.25) == pytest.approx(0.8)
    assert curve.threshold_at(0.5) == 0.5  # of the two with this rate, the one that finds more
    assert curve.threshold_at(2.25) == pytest.approx(0.3)
    assert curve.fp_at(0.6) == 0.5
    assert curve.fp_at(0.3) == pytest.approx(2.25)
    assert curve.sensitivity_at(0.5) == 0.8
    assert curve.sensitivity_at(2.25) == pytest.approx(0.85)
    assert curve.sensitivity_of(0.7) == 0.6


def test_beyond_its_ends_the_curve_stays_as_it_is_there():
    curve = curve_of(manifest(froc=POINTS))
    assert (curve.threshold_at(-1), curve.threshold_at(100)) == (0.9, 0.1)
    assert (curve.fp_at(0.0), curve.sensitivity_of(0.0)) == (4.0, 0.9)
    assert curve.sensitivity_at(100) == 0.9
    assert (curve.fp_at(0.95), curve.sensitivity_of(0.95)) == (0.0, 0.0)  # no mark scored that much


@given(st.data())
def test_a_rate_gives_a_threshold_that_gives_the_rate(data):
    count = data.draw(st.integers(2, 60))
    steps = st.lists(st.floats(0.001, 1.0), min_size=count, max_size=count)
    thresholds = np.cumsum(data.draw(steps))[::-1]
    rates = np.cumsum(data.draw(st.lists(st.floats(0.0, 1.0), min_size=count, max_size=count)))
    curve = OperatingCurve(thresholds / thresholds[0], rates, rates / max(rates[-1], 1e-9))
    rate = data.draw(st.floats(*curve.limits))
    assert curve.fp_at(curve.threshold_at(rate)) == pytest.approx(rate, abs=1e-6)
    assert curve.sensitivity_of(curve.threshold_at(rate)) == pytest.approx(curve.sensitivity_at(rate), abs=1e-6)


@pytest.mark.parametrize(
    "froc",
    [
        None,
        [],
        "high",
        [[0.9, 0.0]],
        [[0.9, 0.0, 0.5], [0.9, 1.0, 0.6]],
        [[0.5, 0.0, 0.5], [0.9, 1.0, 0.6]],
        [[0.9, 1.0, 0.5], [0.5, 0.5, 0.6]],
        [[0.9, 0.0, 0.5], [0.5, 0.5, 0.4]],
        [[0.9, 0.0, 0.5], [0.5, 0.5, 1.4]],
        [[0.9, float("nan"), 0.5]],
        [[0.9, 0.0, 0.5], [0.1]],
        [["a", "b", "c"]],
        {"a": 1},
    ],
)
def test_what_is_no_curve_is_none(froc):
    assert curve_of(manifest(froc=froc)) is None


def test_a_model_without_a_measurement_has_no_curve():
    assert curve_of(manifest()) is None
    assert curve_of(Manifest("nodule-ct", "m", "1", {}, {}, {}, True, metrics={"test": 3})) is None


def test_a_bundle_serves_as_well_as_its_manifest():
    found = curve_of(Bundle(manifest(froc=POINTS), {}, "", "here"))
    assert found.thresholds.tolist() == [0.9, 0.7, 0.5, 0.1]


def test_the_shipped_models_curve_agrees_with_its_own_operating_points():
    """Read between 60 points, it tells a false mark in thirty scans and one lesion in 300 from its table."""
    model = Bundle.open(demonstration_model("nodule-ct-phantom"))
    curve = curve_of(model)
    assert curve.scans == 100
    for row in model.manifest.metrics["test"]["operating_points"].values():
        assert curve.fp_at(row["threshold"]) == pytest.approx(row["false_positives_per_scan"], abs=0.035)
        assert curve.sensitivity_of(row["threshold"]) == pytest.approx(row["found"] / row["lesions"], abs=0.0035)
    low, high = curve.limits
    assert low == 0
    assert high > 8
