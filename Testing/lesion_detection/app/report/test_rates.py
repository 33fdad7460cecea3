"""What a threshold let through when its model was measured: read where it was counted, or between, and never made up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from LesionDetectionLib.app.report.rates import Share, rate_text, rates_of
from LesionDetectionLib.core.bundle import Bundle, Manifest, read_manifest
from LesionDetectionLib.core.detections import Control, Detections, OperatingPoint
from LesionDetectionLib.core.detector import methods
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.core.resources import demonstration_model
from LesionDetectionLib.methods.high_uptake_ct.detector import controls
from LesionDetectionLib.methods.high_uptake_ct.settings import settings_for, thresholds_for

POINTS = {
    "few": {"threshold": 0.8, "false_positives_per_scan": 0.5, "found": 6, "lesions": 10, "by_size": [[1, 4], [5, 6]]},
    "many": {
        "threshold": 0.2,
        "false_positives_per_scan": 4.0,
        "found": 9,
        "lesions": 10,
        "by_kind": {"solid": [9, 10]},
    },
}
TEST = {
    "scans": 25,
    "froc": [[0.9, 0.25, 0.4], [0.5, 1.0, 0.7], [0.1, 8.0, 0.9]],
    "size_bands_mm": [[0, 6], [6, None]],
    "operating_points": POINTS,
    "confidence": {"level": 0.95, "froc": [[0.125, 0.2, 0.7], [8.0, 0.6, 1.0]]},
}


def model(test=TEST, **settings):
    return Manifest("m", "a model", "1", {}, settings, {}, False, {"test": test})


def run(threshold, name="chosen", controls=()):
    point = OperatingPoint(name, threshold)
    return Detections((), Geometry((2, 2, 2), np.eye(4)), "m", operating_point=point, controls=controls)


def test_a_point_that_was_measured_is_told_as_it_was_counted():
    rates = rates_of(run(0.8, "few"), model())
    assert (rates.false_marks, rates.sensitivity, rates.found, rates.lesions, rates.scans) == (0.5, 0.6, 6, 10, 25)
    assert rates.exact
    assert rates.sizes == (Share("below 6 mm", 1, 4), Share("6 mm and more", 5, 6))
    assert rates.interval == pytest.approx((0.2 + 0.4 * 0.375 / 7.875, 0.7 + 0.3 * 0.375 / 7.875))
    assert rates_of(run(0.8000004, "other"), model()).point == "few", "files keep six digits"


def test_between_points_the_curve_is_read_and_the_nearest_point_named():
    rates = rates_of(run(0.7), model())
    assert (rates.false_marks, rates.sensitivity) == pytest.approx((0.625, 0.55))
    assert (rates.found, rates.exact, rates.near, rates.point, rates.beyond) == (None, False, True, "few", "")
    assert not rates_of(run(0.88), model()).near, "sizes and kinds would be found in quite other shares"


@pytest.mark.parametrize(
    ("threshold", "words"), [(0.95, "No mark scored as much"), (0.05, "The curve ends at a score of 0.1")]
)
def test_beyond_the_curve_that_is_said(threshold, words):
    rates = rates_of(run(threshold), model())
    assert words in rates.beyond
    assert rates.interval is None or threshold < 0.9


def test_controls_are_known_only_where_they_stand_as_measured():
    controls = (Control("least", "Least", 0.8, 0.0, 1.0), Control("size", "Size", 12.0, 0.0, 99.0, "px"))
    made = model(default_operating_point="few", some_settings={"least": 0.8, "size_px": 12})
    assert rates_of(run(0.8, "few", controls), made).found == 6
    moved = (controls[0], replace(controls[1], value=13.0))
    assert rates_of(run(0.8, "few", moved), made) is None
    assert rates_of(run(0.8, "chosen in review", controls), made) is None
    assert rates_of(run(0.8, "few", controls), model()) is None, "no settings to compare with"


def test_the_demonstration_models_are_known_as_they_come():
    """Each shipped model at its own operating points; that of two thresholds, with both where the model puts them."""
    for info in methods().values():
        if not info.demonstration_model:
            continue
        manifest, _ = read_manifest(demonstration_model(info.demonstration_model))
        for name, threshold in manifest.settings["operating_points"].items():
            rates = rates_of(run(threshold, name), manifest)
            assert rates.exact, (info.id, name)
            assert rates.sizes
            assert rates.point == name
    bundle = Bundle.open(demonstration_model("high-uptake-ct-phantom"))
    point, settings = thresholds_for(bundle, settings_for(bundle))
    detections = replace(run(point.threshold, point.name), controls=controls(settings))
    assert rates_of(detections, bundle.manifest).found == 19
    moved = detections.with_control_values((0.5, 313))
    assert rates_of(moved, bundle.manifest) is None


@pytest.mark.parametrize(
    "test",
    [
        None,
        [],
        {"operating_points": {"few": {"threshold": 0.8, "found": 3}}},
        {"operating_points": {"few": {**POINTS["few"], "found": 11}}},
        {"operating_points": {"few": {**POINTS["few"], "lesions": 0, "found": 0}}},
        {"operating_points": {"few": {**POINTS["few"], "found": "6"}}},
        {"operating_points": {"few": {**POINTS["few"], "threshold": float("inf")}}},
        {"froc": [[0.9, 1.0, 2.0]]},
    ],
)
def test_of_what_is_no_measurement_nothing_is_read(test):
    assert rates_of(run(0.8, "few"), model(test)) is None


@pytest.mark.parametrize(
    "confidence",
    [None, {"level": "x"}, {"level": 0.95, "froc": [[1, 2]]}, {"level": 0.95, "froc": "x"}, {"level": 0.95, "froc": [[8, 0, 1]]},
     {"level": 0.95, "froc": [[0.1, 0.9, 0.95], [8, 0.9, 0.95]]}],
)  # fmt: skip
def test_an_interval_that_is_none_or_does_not_fit_is_left_out(confidence):
    rates = rates_of(run(0.8, "few"), model({**TEST, "confidence": confidence}))
    assert (rates.interval, rates.level) == (None, 0.0)


@pytest.mark.parametrize(
    ("bands", "counts"),
    [
        ("x", [[1, 2]]),
        ([[0, 6]], [[1, 4], [5, 6]]),
        ([[0, 6], "x"], [[1, 4], [5, 6]]),
        ([[0, 6], [6, None]], [[5, 4], [5, 6]]),
    ],
)
def test_sizes_that_do_not_fit_are_left_out(bands, counts):
    points = {"few": {**POINTS["few"], "by_size": counts}}
    assert rates_of(run(0.8, "few"), model({**TEST, "size_bands_mm": bands, "operating_points": points})).sizes == ()


@pytest.mark.parametrize(("rate", "text"), [(0.0, "0"), (0.033, "0.03"), (0.73, "0.73"), (1.13, "1.1"), (63.1, "63")])
def test_rates_have_as_many_digits_as_mean_something(rate, text):
    assert rate_text(rate) == text
