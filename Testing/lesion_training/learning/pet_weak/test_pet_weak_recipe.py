"""The whole of the recipe on made cases: from cases to a bundle that detects; its record and its card are true."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from LesionDetectionLib.core.bundle import Bundle, Manifest, write_bundle
from LesionDetectionLib.core.errors import Cancelled, InputError
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.pet_weak.detector import create
from LesionDetectionLib.methods.pet_weak.model import load_network
from LesionDetectionLib.methods.pet_weak.settings import settings_for
from LesionTrainingLib.cohorts.caching import Cache
from LesionTrainingLib.learning.engine.distributed import Processes
from LesionTrainingLib.learning.pet_weak import outcome
from LesionTrainingLib.learning.pet_weak.judging import judge_cases
from LesionTrainingLib.learning.pet_weak.outcome import EVERYTHING, operating_points, supervision
from LesionTrainingLib.learning.pet_weak.recipe import fit_network, prepare, train
from LesionTrainingLib.learning.recipe import Run
from pet_weak_cases import BrokenPet, made_case, tiny

CPU = torch.device("cpu")
FITS = {"cam": ["classification"], "fcn": ["classification", "segmentation"], "unet": ["segmentation"]}


def run_in(folder, resume=False, **changes):
    training = tuple(made_case(seed, **changes) for seed in range(6))
    validation = (*(made_case(seed, **changes) for seed in range(6, 9)), made_case(9, "liver"))
    return Run(folder, training, validation, Cache(folder.parent / "cache"), CPU, Processes(), resume=resume)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module", params=FITS)
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def trained(folder, kind):
    return train(run_in(folder / kind), tiny(kind), Progress())


@pytest.fixture(scope="module")
def bundle(trained, folder, kind):
    manifest = Manifest("pet-weak", "made", "1", trained.architecture, trained.settings, trained.record, True)
    write_bundle(folder / f"model-{kind}", manifest, trained.weights, "")
    return Bundle.open(folder / f"model-{kind}")


def test_a_bundle_says_how_it_is_to_be_used(trained, bundle, kind):
    found = settings_for(bundle)
    assert (found.pixel_mm, found.canvas_px, found.most_suv) == (8.0, (64, 32), 30.0)
    assert load_network(bundle).architecture == tiny(kind).architecture
    points = trained.settings["operating_points"]
    assert trained.settings["default_operating_point"] in points
    assert sorted(points.values(), reverse=True) == list(points.values())
    assert min(points.values()) > 0  # the scores in a scan that is taken for one without a tumour
    assert "region_ras_mm" not in trained.settings["pet_weak_settings"]
    json.dumps([trained.record, trained.metrics, trained.settings, trained.architecture], allow_nan=False)


def test_the_measured_figures_are_those_of_the_bundle(trained, bundle):
    case = made_case(6)
    found = create(bundle, "cpu").detect(case.images(), replace(settings_for(bundle), operating_point="0"), Progress())
    judged, left_out = judge_cases(bundle, [made_case(seed) for seed in (6, 7, 8)], "cpu", Progress())
    assert not left_out
    assert judged[0].scores.tolist() == [lesion.score for lesion in found.lesions]
    assert trained.metrics["scans"] == len(judged) == 3
    assert trained.metrics["lesions"] == 2
    assert trained.settings["operating_points"] == operating_points(judged)["operating_points"]


def test_the_record_tells_what_there_was(trained, kind):
    record = trained.record
    assert record["training_labels"] == record["validation_labels"] | {"lung": 2, "none": 2, "oesophagus": 2}
    assert (record["training_scans"], record["validation_scans"]) == (6, 3)
    assert [name for name in ("classification", "segmentation") if name in record] == FITS[kind]
    assert all(record[name]["steps"] == 4 for name in FITS[kind])
    assert record["parameters"] == sum(
        np.prod(value.shape) for name, value in trained.weights.items() if "running" not in name and "num_" not in name
    )
    text = "\n".join(trained.lines)
    assert "6 scans (lung 2, none 2, oesophagus 2), pixels of 8 mm" in text
    assert supervision(tiny(kind)) in text
    assert trained.settings["default_operating_point"] in text
    assert any("two projections" in limit for limit in trained.limits)


def test_masks_are_not_looked_at_where_nobody_should(trained, folder, kind):
    """The weakly supervised kinds come to the same weights where no tumour is drawn, the U-Net has nothing to learn from."""
    run = run_in(folder / f"bare-{kind}", drawn=False)
    if kind == "unet":
        with pytest.raises(InputError, match="nothing to learn"):
            train(run, tiny(kind), Progress())
        return
    again = train(run, tiny(kind), Progress())
    for name, expected in trained.weights.items():
        assert np.array_equal(again.weights[name], expected), name
    assert again.metrics["projections"] == trained.metrics["projections"]
    assert again.metrics["dice"] == {}


def test_a_run_that_is_stopped_in_its_second_fit_ends_in_the_same_model(folder):
    settings = tiny("fcn")
    whole = fitted_in(folder / "whole", settings)
    stopping = Progress(lambda done, text: stopping.cancel() if done > 0.7 and text.startswith("Step 2 of") else None)
    with pytest.raises(Cancelled):
        fitted_in(folder / "stopped", settings, progress=stopping)
    again = fitted_in(folder / "stopped", settings, resume=True)
    for name, expected in whole.state_dict().items():
        assert torch.equal(again.state_dict()[name], expected), name


def fitted_in(where, settings, progress=None, resume=False):
    run = run_in(where, resume)
    return fit_network(run, *prepare(run, settings, Progress()), settings, progress or Progress()).network


def test_a_case_that_cannot_be_used_is_left_out_and_said(folder):
    run = run_in(folder / "left")
    prepare(run, tiny(), Progress())
    assert [left.case for left in run.left_out] == ["case-9"]
    run = replace(run_in(folder / "left"), validation=(made_case(7, kind=BrokenPet),))
    with pytest.raises(InputError, match=r"1 were left out\. The first: case-7: It is damaged"):
        prepare(run, tiny(), Progress())


@pytest.mark.parametrize(
    ("label", "told"), [("none", "None of the training scans shows a tumour"), ("lung", "nothing to tell apart")]
)
def test_what_is_all_the_same_teaches_nothing(folder, label, told):
    run = replace(run_in(folder / "same"), training=(made_case(0, label), made_case(1, label)))
    with pytest.raises(InputError, match=told):
        train(run, tiny(), Progress())


def test_without_a_scan_to_set_points_on_everything_is_shown():
    assert operating_points([]) == {"operating_points": {EVERYTHING: 0.0}, "default_operating_point": EVERYTHING}


@pytest.mark.parametrize(
    ("thresholds", "points", "default"),
    [
        ((0.4, 0.3, 0.2, 0.1, 0.05), ["0.1 FP per scan", "0.25 FP per scan", "0.5 FP per scan"], "0.5 FP per scan"),
        ((0.4, 0.0, 0.0, 0.0, 0.0), ["0.1 FP per scan", "every mark"], "every mark"),
        ((0.0, 0.0, 0.0, 0.0, 0.0), ["every mark"], "every mark"),
    ],
)
def test_points_end_where_every_mark_is_shown(monkeypatch, thresholds, points, default):
    by_rate = dict(zip(outcome.POINT_RATES, thresholds, strict=True))
    monkeypatch.setattr(outcome, "threshold_at_rate", lambda outcomes, rate: by_rate[rate])
    found = operating_points([SimpleNamespace(outcome=None)])
    assert list(found["operating_points"])[: len(points)] == points
    assert found["default_operating_point"] == default
    assert min(found["operating_points"].values()) > 0
    assert len(set(found["operating_points"].values())) == len(found["operating_points"])


def test_supervision_is_told():
    assert "the class and one point" in supervision(tiny(distance_weight=5.0))
    assert "the class, and nothing else" in supervision(tiny(distance_weight=0.0))
