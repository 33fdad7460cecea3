"""The whole of the recipe on made cases: from cases to a bundle that detects; stopped and resumed; its record is true."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from LesionDetectionLib.core.bundle import Bundle, Manifest, write_bundle
from LesionDetectionLib.core.errors import Cancelled, InputError
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.universal_ct.anchor_file import Anchors, write_anchors
from LesionDetectionLib.methods.universal_ct.model import load_network
from LesionDetectionLib.methods.universal_ct.settings import settings_for
from LesionTrainingLib.cohorts.caching import Cache
from LesionTrainingLib.learning.engine.distributed import Processes
from LesionTrainingLib.learning.engine.settings import EngineSettings
from LesionTrainingLib.learning.recipe import Run
from LesionTrainingLib.learning.slices.outcome import validation_metrics
from LesionTrainingLib.learning.slices.settings import SelectionSettings
from LesionTrainingLib.learning.universal_ct.judging import judge_slices
from LesionTrainingLib.learning.universal_ct.outcome import bundled_settings
from LesionTrainingLib.learning.universal_ct.recipe import prepare, train
from LesionTrainingLib.learning.universal_ct.settings import MatchingSettings, RecipeSettings
from universal_cases import TINY, BrokenCase, EmptyCase, made_case

CPU = torch.device("cpu")
SETTINGS = RecipeSettings(
    size_px=64,
    architecture=TINY,
    fit=EngineSettings(steps=6, batch=4, learning_rate=2e-3, validate_every=3, monitor="mAP", tensorboard=False),
    validate_epochs=0,
    selection=SelectionSettings(slices_with=1, slices_without=1),
    matching=MatchingSettings(match_best=True),
)


def run_in(folder, resume=False):
    training = tuple(made_case(seed) for seed in range(3))
    validation = (made_case(7), made_case(8, EmptyCase))
    return Run(folder, training, validation, Cache(folder.parent / "cache"), CPU, Processes(), resume=resume)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def settings(folder):
    write_anchors(folder / "anchors.json", Anchors((32, 64, 128, 256, 512), (0.5, 0.6), (1,)))
    return replace(SETTINGS, anchors_file=str(folder / "anchors.json"))


@pytest.fixture(scope="module")
def trained(folder, settings):
    return train(run_in(folder / "whole"), settings, Progress())


@pytest.fixture(scope="module")
def bundle(trained, folder):
    manifest = Manifest("universal-ct", "made", "1", trained.architecture, trained.settings, trained.record, True)
    write_bundle(folder / "model", manifest, trained.weights, "")
    return Bundle.open(folder / "model")


def test_a_bundle_says_how_the_detector_is_to_use_it(trained, bundle):
    found = settings_for(bundle)
    assert (found.size_px, found.mask_box_margin_px) == (64, 5.0)
    assert (found.slices_mm, found.pixels_mm) == ((2.0, 2.0), (1.0, 1.0))
    assert load_network(bundle).architecture == replace(TINY, scales=(0.5, 0.6))
    points = trained.settings["operating_points"]
    assert trained.settings["default_operating_point"] in points
    rates = [float(name.split()[0]) for name in points]
    assert sorted(rates) == rates
    assert sorted(points.values(), reverse=True) == list(points.values())
    json.dumps([trained.record, trained.metrics, trained.settings, trained.architecture], allow_nan=False)


def test_the_record_counts_what_there_was(trained):
    record = trained.record
    assert (record["training_scans"], record["training_slices"], record["training_boxes"]) == (3, 9, 6)
    assert record["training_slices_without_lesions"] == 3
    assert record["training_kinds"] == {"square": 6}
    assert (record["validation_slices"], record["validation_boxes"]) == (4, 2)
    assert record["detection"]["steps"] == 6
    assert record["recipe"]["anchors_file"] == "anchors.json"


def test_the_measured_figures_are_those_of_the_bundles_network(trained, bundle, folder, settings):
    _, validation = prepare(run_in(folder / "whole"), settings, Progress())
    judged = judge_slices(load_network(bundle), validation, settings_for(bundle), CPU, Progress())
    again = validation_metrics(judged)
    assert trained.metrics == again
    assert (again["slices"], again["slices_without_lesions"], again["lesions"]) == (4, 2, 2)
    assert bundled_settings(settings.method(), judged)["operating_points"] == pytest.approx(
        trained.settings["operating_points"]
    )


def test_a_run_that_is_stopped_ends_in_the_same_model(trained, folder, settings):
    stopping = Progress(lambda _done, text: stopping.cancel() if text.startswith("Step 4 of") else None)
    with pytest.raises(Cancelled):
        train(run_in(folder / "stopped"), settings, stopping)
    again = train(run_in(folder / "stopped", resume=True), settings, Progress())
    for name, expected in trained.weights.items():
        assert np.array_equal(again.weights[name], expected), name
    assert again.metrics == trained.metrics
    assert again.settings == trained.settings


def test_the_card_tells_what_it_learned_from_and_what_came_of_it(trained):
    text = "\n".join(trained.lines)
    assert "6 sections of lesions in 9 slices of 3 scans (3 slices without a lesion)" in text
    assert "By kind: square 6." in text
    assert "slices 2 mm apart, and pixels of 1 mm" in text
    assert "| 0.5 | 1 | 2 | 4 | 8 | 16 |" in text
    assert "| 10 to 30 mm | " in text
    assert trained.settings["default_operating_point"] in text
    assert any("nobody marked" in " ".join(sentence.split()) for sentence in trained.limits)


def test_without_usable_cases_it_is_said_why(tmp_path):
    run = replace(run_in(tmp_path / "run"), validation=(made_case(7, BrokenCase),))
    with pytest.raises(InputError, match=r"1 were left out\. The first: case-7: It is damaged"):
        prepare(run, SETTINGS, Progress())


def test_without_lesions_there_is_nothing_to_learn(tmp_path):
    run = replace(run_in(tmp_path / "run"), training=(made_case(3, EmptyCase),))
    with pytest.raises(InputError, match="nothing to learn"):
        train(run, SETTINGS, Progress())
