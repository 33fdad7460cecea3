"""The whole of the recipe on made cases: from cases to a bundle that detects; stopped and resumed; its record is true."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from high_uptake_cases import BrokenCase, made_case
from high_uptake_samples import made_slices
from LesionDetectionLib.core.bundle import Bundle, Manifest, write_bundle
from LesionDetectionLib.core.detector import method
from LesionDetectionLib.core.errors import Cancelled, InputError
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.imaging.blobs import slice_blobs
from LesionDetectionLib.methods.high_uptake_ct.dense import DenseSimilarity
from LesionDetectionLib.methods.high_uptake_ct.model import load_network
from LesionDetectionLib.methods.high_uptake_ct.network import PatchArchitecture, PatchNetwork
from LesionDetectionLib.methods.high_uptake_ct.patches import patch_by_patch
from LesionDetectionLib.methods.high_uptake_ct.settings import HighUptakeSettings, settings_for
from LesionDetectionLib.methods.intensities import scaled
from LesionTrainingLib.cohorts.caching import Cache
from LesionTrainingLib.evaluation.blob_detection import JudgedSlice
from LesionTrainingLib.learning.engine.distributed import Processes
from LesionTrainingLib.learning.engine.settings import EngineSettings
from LesionTrainingLib.learning.high_uptake_ct.outcome import card_lines, validation_metrics
from LesionTrainingLib.learning.high_uptake_ct.recipe import prepare, train
from LesionTrainingLib.learning.high_uptake_ct.settings import RecipeSettings, SliceSettings
from LesionTrainingLib.learning.high_uptake_ct.thresholds import Thresholds, equal_precision_recall, judge_slices
from LesionTrainingLib.learning.high_uptake_ct.thresholds import score_slice as score
from LesionTrainingLib.learning.recipe import Run
from LesionTrainingLib.learning.sampling.class_balance import BalanceSettings

CPU = torch.device("cpu")
SETTINGS = RecipeSettings(
    lungs_only=False,
    architecture=PatchArchitecture(filters=(4, 6), hidden=(12, 8), dropout=0.1),
    fit=EngineSettings(steps=40, batch=16, learning_rate=2e-3, tensorboard=False),
    balance=BalanceSettings(every=20),
    balance_most=32,
    selection=SliceSettings(slices="2", slices_without=2, slices_inactive=1),
)


def run_in(folder, resume=False):
    training = (*(made_case(seed) for seed in range(3)), made_case(3, active=False))
    validation = (made_case(7), made_case(8, active=False))
    return Run(folder, training, validation, Cache(folder.parent / "cache"), CPU, Processes(), resume=resume)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def trained(folder):
    return train(run_in(folder / "whole"), SETTINGS, Progress())


@pytest.fixture(scope="module")
def bundle(trained, folder):
    manifest = Manifest("high-uptake-ct", "made", "1", trained.architecture, trained.settings, trained.record, True)
    write_bundle(folder / "model", manifest, trained.weights, "")
    return Bundle.open(folder / "model")


def test_a_bundle_says_how_the_detector_is_to_use_it(trained, bundle):
    found = settings_for(bundle)
    limits = trained.metrics["thresholds"]
    assert (found.least_response, found.least_area_px) == (limits["least_response"], limits["least_area_px"])
    assert not found.lungs_only
    assert found.slices_mm == (4.0, 4.0)
    assert found.pixels_mm == (2.0, 2.0)
    assert trained.settings["operating_points"] == {"verified": found.least_response, "every candidate": 0.0}
    assert trained.settings["default_operating_point"] == "verified"
    json.dumps([trained.record, trained.metrics, trained.settings, trained.architecture], allow_nan=False)


def test_the_detector_uses_it(bundle):
    info = method("high-uptake-ct")
    case = made_case(7)
    found = info.create(bundle, "cpu").detect(case.images(), info.default_settings(bundle), Progress())
    assert "phantom" in " ".join(found.warnings)
    assert [control.value for control in found.controls] == [
        bundle.manifest.settings["high_uptake_settings"][name] for name in ("least_response", "least_area_px")
    ]


def test_the_record_counts_what_there_was(trained, folder):
    record = trained.record
    training, _ = prepare(run_in(folder / "whole"), SETTINGS, Progress())
    assert (record["training_scans"], record["training_scans_without_active_lesions"]) == (4, 1)
    assert record["training_slices"] == sum(len(one) for one in training) >= 4 * 2
    assert record["training_lesions"] == 3
    assert record["lesion_pixels"] == sum((one.labels > 0).sum() for one in training) >= 3 * 2 * 64
    assert record["background_pixels"] == record["training_slices"] * 40 * 44 - record["lesion_pixels"]
    assert record["similarity"]["steps"] == 40


def test_the_measured_figures_are_those_of_the_bundles_network(trained, bundle, folder):
    run = run_in(folder / "whole")
    training, validation = prepare(run, SETTINGS, Progress())
    network, settings = load_network(bundle), settings_for(bundle)
    thresholds = equal_precision_recall(judge_slices(network, training, settings, CPU, Progress()))
    assert thresholds.least_response == settings.least_response
    assert thresholds.least_area_px == settings.least_area_px
    judged = judge_slices(network, validation, settings, CPU, Progress())
    again = validation_metrics(judged, thresholds, {"case-8"})
    assert {name: trained.metrics[name] for name in again} == again
    assert again["slices_without_active_lesions"] == 3
    assert again["lesion_sections"] == 2


def test_a_run_that_is_stopped_ends_in_the_same_model(trained, folder):
    stopping = Progress(lambda _done, text: stopping.cancel() if text.startswith("Step 27 of") else None)
    with pytest.raises(Cancelled):
        train(run_in(folder / "stopped"), SETTINGS, stopping)
    again = train(run_in(folder / "stopped", resume=True), SETTINGS, Progress())
    for name, expected in trained.weights.items():
        assert np.array_equal(again.weights[name], expected), name
    assert again.metrics == trained.metrics
    assert again.settings == trained.settings


def test_the_card_tells_thresholds_and_what_came_of_them(trained):
    text = "\n".join(trained.lines)
    assert f"T_R = {trained.metrics['thresholds']['least_response']:.3f}" in text
    assert len(re.findall(r"^\| (?:none|response|size|full) \|", text, re.MULTILINE)) == 4
    assert "the slice with the largest section" in card_lines(trained.record, trained.metrics, SliceSettings())[0]
    assert "every slice" in card_lines(trained.record, trained.metrics, SliceSettings(slices="all"))[0]
    assert "up to 2 slices" in text


def test_a_slice_is_judged_as_patch_by_patch():
    torch.manual_seed(2)
    network = PatchNetwork(SETTINGS.architecture).eval()
    one, settings = made_slices(4, count=2, shape=(40, 36)), HighUptakeSettings()
    found = score(DenseSimilarity(network, CPU), one, 1, settings)
    similarity = patch_by_patch(network, scaled(one.stack(1), settings.unit_window_hu))
    similarity[~one.search(1)] = -1
    expected = slice_blobs(similarity)
    assert len(expected)
    assert np.mean(found.blobs.labels == expected.labels) > 0.999
    assert np.allclose(found.blobs.maxima, expected.maxima, atol=1e-5)
    assert set(np.unique(found.lesions)) == {0, 1, 2}
    assert found.lesion_mm == pytest.approx([np.hypot(8, 8)] * 2, rel=0.15)


def judged(case, maxima, areas, touching, lesions=1):
    """``touching``: index of the lesion that each blob touches, or -1."""
    touches = np.array(touching, dtype=int)[:, None] == np.arange(lesions)
    return JudgedSlice(case, np.array(maxima), np.array(areas), touches, np.full(lesions, 20.0))


def test_each_threshold_is_where_precision_equals_recall():
    slices = [judged("a", [0.9, 0.6, 0.5], [50, 30, 200], [0, -1, -1]), judged("b", [0.7, 0.65], [80, 10], [0, -1])]
    found = equal_precision_recall(slices)
    # Above 0.65 both lesions are hit and nothing else is marked.
    assert 0.65 <= found.least_response < 0.7
    assert found.response == (1.0, 1.0)
    # By size the blob of 200 pixels always stays: of two marks one is true, of two lesions one is hit.
    assert 50 <= found.least_area_px < 80
    assert found.size == (0.5, 0.5)
    assert isinstance(found.least_area_px, int)


def test_scans_without_active_lesions_are_counted_apart():
    slices = [
        judged("a", [0.9], [50], [0]),
        judged("b", [0.8, 0.2], [60, 5], [-1, -1], lesions=0),
        judged("b", [], [], [], lesions=0),
        judged("c", [0.3], [90], [-1], lesions=0),
    ]
    found = validation_metrics(slices, Thresholds(0.5, 40, (1.0, 1.0), (1.0, 1.0)), {"b", "c"})
    assert (found["slices"], found["slices_without_active_lesions"], found["lesion_sections"]) == (1, 3, 1)
    assert found["variants"]["none"]["precision"] == 1.0
    shares = {name: row["false_positive_images"] for name, row in found["variants"].items()}
    assert shares == {"none": 0.6667, "response": 0.3333, "size": 0.6667, "full": 0.3333}
    assert found["variants"]["full"]["false_positive_scans"] == 0.5
    assert validation_metrics([], Thresholds(0.5, 40, (1.0, 1.0), (1.0, 1.0)), ())["variants"]["full"]["recall"] is None


def test_without_usable_cases_it_is_said_why(tmp_path):
    run = replace(run_in(tmp_path / "run"), validation=(BrokenCase(**vars(made_case(7))),))
    with pytest.raises(InputError, match=r"1 were left out\. The first: case-7: It is damaged"):
        prepare(run, SETTINGS, Progress())


def test_without_active_lesions_there_is_nothing_to_learn(tmp_path):
    run = replace(run_in(tmp_path / "run"), training=(made_case(3, active=False),))
    with pytest.raises(InputError, match="nothing to learn"):
        train(run, SETTINGS, Progress())
