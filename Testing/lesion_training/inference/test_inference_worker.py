"""What a worker process makes of each kind of error; called here in this process."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from LesionDetectionLib.core.bundle import Manifest, write_bundle
from LesionDetectionLib.core.errors import BundleError, DependencyError, DeviceError, LesionDetectionError, OutputError
from LesionTrainingLib.inference import worker
from LesionTrainingLib.inference.worker import work


@pytest.fixture(autouse=True)
def no_model_kept():
    worker._detector.cache_clear()
    yield
    worker._detector.cache_clear()


def test_a_good_case(a_job, a_cohort):
    outcome = work(a_job, a_cohort("good").cases[0])
    assert (outcome.lesions, outcome.reason, outcome.stops) == (1, "", None)


@pytest.mark.parametrize(("name", "words"), [("corrupt", "corrupt.nrrd"), ("raises", "ZeroDivisionError: by zero")])
def test_a_bad_case_is_an_outcome_with_a_reason(a_job, a_cohort, name, words):
    outcome = work(a_job, a_cohort(name).cases[0])
    assert words in outcome.reason
    assert outcome.stops is None


@pytest.mark.parametrize(
    ("error", "stops"),
    [(OutputError("The disk is full."), OutputError), (MemoryError(), None), (DeviceError("GPU memory full."), None)],
)
def test_whose_fault_it_is(a_job, a_cohort, monkeypatch, error, stops):
    def fail(*_):
        raise error

    monkeypatch.setattr(worker, "detect_case", fail)
    outcome = work(a_job, a_cohort("good").cases[0])
    assert type(outcome.stops) is (stops or type(None))
    assert bool(outcome.reason) is (stops is None)


def test_a_missing_device_stops(a_job, a_cohort):
    outcome = work(dataclasses.replace(a_job, device="cuda:7"), a_cohort("good").cases[0])
    assert isinstance(outcome.stops, DeviceError)


def test_a_method_that_cannot_be_loaded_stops(a_job, a_cohort):
    info = dataclasses.replace(a_job.info, factory="no_such_module:create")
    outcome = work(dataclasses.replace(a_job, info=info), a_cohort("good").cases[0])
    assert isinstance(outcome.stops, LesionDetectionError)
    assert not isinstance(outcome.stops, DependencyError)
    assert "no_such_module" in str(outcome.stops)


def test_the_model_must_be_that_of_the_job(a_job, a_cohort, tmp_path):
    write_bundle(tmp_path / "m", Manifest("stand-in", "m", "1", {}, {}, {}, True), {"w": np.zeros(1, np.float32)}, "")
    outcome = work(dataclasses.replace(a_job, model=tmp_path / "m", digest="of another"), a_cohort("good").cases[0])
    assert isinstance(outcome.stops, BundleError)
    assert "another model" in str(outcome.stops)


def test_the_model_is_loaded_once(a_job, a_cohort, stand_ins, monkeypatch):
    made = []
    monkeypatch.setattr(stand_ins, "create", lambda *_: made.append(1) or stand_ins.StandIn())
    for case in a_cohort("good-1", "good-2").cases:
        assert work(a_job, case).lesions == 1
    assert made == [1]
