"""The tasks, and the engine that does them in this process."""

from __future__ import annotations

import dataclasses
import logging

import numpy as np
import pytest
from LesionDetectionLib.app.worker.engine import InProcess
from LesionDetectionLib.app.worker.kept import Kept
from LesionDetectionLib.app.worker.requests import DetectRequest, DevicesRequest, MeasureRequest, WarmRequest
from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.core.detector import method
from LesionDetectionLib.core.errors import (
    BundleError,
    DependencyError,
    DeviceError,
    InputError,
    LesionDetectionError,
    UsageError,
)
from LesionDetectionLib.core.progress import Progress
from LesionStandInLib.requests import Count, Do

NODULE = (35.0, 0.0, 5.0)
"""Where the small chest has one, RAS mm."""


@pytest.fixture
def engine():
    made = InProcess()
    yield made
    made.close()


def test_a_job_tells_of_itself(engine):
    seen = []
    job = engine.submit(Count(4), {}, lambda job: seen.append((job.state, round(job.fraction, 2), job.text)))
    assert seen[:4] == [("running", (n + 1) / 4, f"Step {n + 1}") for n in range(4)]
    assert seen[-1] == ("done", 1.0, "Step 4")
    assert (job.result, job.error, job.finished, job.request) == (4, None, True, Count(4))
    assert engine.submit(Count(1), {}).id == job.id + 1


def test_cancel_from_the_callback(engine):
    seen = []

    def on_change(job):
        seen.append(job.state)
        if len(seen) == 2:
            job.cancel()

    job = engine.submit(Count(5), {}, on_change)
    assert seen == ["running", "running", "cancelled"]
    assert (job.state, job.result, job.error) == ("cancelled", None, None)
    job.cancel()
    assert job.state == "cancelled"


def test_a_cancel_at_the_last_report_still_counts(engine):
    job = engine.submit(Count(1), {}, lambda job: job.cancel())
    assert (job.state, job.result) == ("cancelled", None)


@pytest.mark.parametrize(
    ("what", "error", "text"),
    [
        ("divide_by_zero", LesionDetectionError, "unexpected error: ZeroDivisionError.*log says where"),
        ("fill_the_memory", DeviceError, "memory is full"),
        ("use_a_missing_library", DependencyError, "needs the library a_library_that_nobody_has, which is not"),
    ],
)
def test_what_goes_wrong_is_a_sentence(engine, what, error, text, caplog):
    with caplog.at_level(logging.ERROR):
        job = engine.submit(Do(what), {})
    assert job.state == "failed"
    assert type(job.error) is error
    with pytest.raises(error, match=text):
        raise job.error
    assert what in job.details
    assert what in caplog.text


def test_errors_of_ours_come_as_they_are(engine, chest):
    job = engine.submit(MeasureRequest("CT", (0.0, 500.0, 0.0)), {"CT": chest})
    assert isinstance(job.error, UsageError)
    assert "lies outside" in str(job.error)
    assert job.details == ""


def test_an_error_in_the_user_interface_stops_nothing(engine, caplog):
    job = engine.submit(Count(2), {}, lambda job: 1 / 0)
    assert job.state == "done"
    assert "ZeroDivisionError" in caplog.text


def test_detect_does_what_the_method_does(engine, chest, a_model):
    model = a_model()
    bundle, info = Bundle.open(model), method("nodule-ct")
    expected = info.create(bundle, "cpu").detect({"CT": chest}, info.default_settings(bundle), Progress())
    found = engine.submit(DetectRequest("nodule-ct", str(model), "cpu"), {"CT": chest}).result
    assert [lesion.to_json() for lesion in found.lesions] == [lesion.to_json() for lesion in expected.lesions]
    assert any(lesion.mask is not None for lesion in found.lesions)
    few = engine.submit(
        DetectRequest("nodule-ct", str(model), "cpu", "0.3", settings={"most_lesions": 2, "measure": False}),
        {"CT": chest},
    ).result
    assert few.operating_point.threshold == 0.3
    assert len(few.lesions) <= 2
    assert {lesion.mask for lesion in few.lesions} <= {None}


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ({"method": "magic"}, UsageError, "no method “magic”"),
        ({"model": "nowhere"}, BundleError, "no model bundle at nowhere"),
        ({"device": "abacus"}, DeviceError, "no device “abacus”"),
        ({"settings": {"colour": 1}}, UsageError, "“colour” is not known"),
        ({"settings": {"spacing_mm": [0, 1, 1]}}, UsageError, "not between"),
        ({"operating_point": "wild"}, UsageError, "no operating point “wild”"),
    ],
)
def test_what_cannot_be_detected(engine, chest, a_model, change, error, text):
    request = dataclasses.replace(DetectRequest("nodule-ct", str(a_model()), "cpu"), **change)
    job = engine.submit(request, {"CT": chest})
    assert type(job.error) is error
    assert text in str(job.error)


def test_measure(engine, chest):
    lesion = engine.submit(MeasureRequest("CT", NODULE), {"CT": chest, "PT": None}).result
    assert lesion.diameter_mm == pytest.approx(12, abs=2.5)
    small = engine.submit(MeasureRequest("CT", NODULE, largest_diameter_mm=1.0), {"CT": chest})
    assert "largest diameter of 1 mm" in str(small.error)
    assert isinstance(engine.submit(MeasureRequest("PT", NODULE), {"CT": chest}).error, InputError)


def test_points_on_the_border_are_passed_on(engine, chest, monkeypatch):
    from LesionDetectionLib.imaging import click

    given = []
    monkeypatch.setattr(click, "measure_at", lambda *a, **named: given.append(named))
    engine.submit(MeasureRequest("CT", NODULE), {"CT": chest})
    engine.submit(MeasureRequest("CT", NODULE, ((1.0, 2.0, 3.0),)), {"CT": chest})
    assert given == [{}, {"border_ras_mm": ((1.0, 2.0, 3.0),)}]


def test_devices(engine):
    devices = engine.submit(DevicesRequest(), {}).result
    assert [device["id"] for device in devices][:2] == ["auto", "cpu"]
    assert devices[0]["title"].startswith("Automatic (")
    assert devices[1]["title"].startswith("CPU, ")


def test_warm_loads_the_model_that_detect_uses(engine, a_model, chest, monkeypatch):
    model = str(a_model())
    assert engine.submit(WarmRequest("nodule-ct", model, "cpu"), {}).state == "done"
    assert engine.submit(WarmRequest(), {}).state == "done"
    from LesionDetectionLib.methods.nodule_ct import detector

    monkeypatch.setattr(detector, "load_networks", lambda bundle: pytest.fail("loaded again"))
    assert engine.submit(DetectRequest("nodule-ct", model, "cpu"), {"CT": chest}).state == "done"


def test_two_models_stay_and_the_least_used_goes(a_model, monkeypatch):
    from LesionDetectionLib.methods.nodule_ct import detector

    made, create = [], detector.NoduleDetector
    monkeypatch.setattr(detector, "NoduleDetector", lambda *given: made.append(given[0].source) or create(*given))
    models = [str(a_model(seed)) for seed in range(3)]
    kept = Kept()
    for index in (0, 1, 0, 1, 2, 1, 2, 0):
        kept.detector("nodule-ct", models[index], "cpu")
    assert made == [models[index] for index in (0, 1, 2, 0)]
    same = str(a_model(0, "copy"))
    assert kept.detector("nodule-ct", same, "cpu").detector is kept.detector("nodule-ct", models[0], "cpu").detector
    assert np.size(made) == 4
