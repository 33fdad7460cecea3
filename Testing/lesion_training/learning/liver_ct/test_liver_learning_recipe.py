"""The whole of the recipe on made cases: from cases to a bundle that detects; its record and its card are true."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from LesionDetectionLib.core.bundle import Bundle, Manifest, write_bundle
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.liver_ct.model import load_network
from LesionDetectionLib.methods.liver_ct.settings import settings_for
from LesionTrainingLib.cohorts.caching import Cache
from LesionTrainingLib.learning.engine.distributed import Processes
from LesionTrainingLib.learning.liver_ct.judging import judge_slices
from LesionTrainingLib.learning.liver_ct.outcome import ONE_BOX, metrics_of
from LesionTrainingLib.learning.liver_ct.recipe import fit_network, prepare, train
from LesionTrainingLib.learning.recipe import Run
from liver_cases import tiny
from slice_cases import BrokenCase, EmptyCase, made_case

CPU = torch.device("cpu")
ONE, MANY = tiny("baseline"), tiny("faster-rcnn", proposals=20)


def run_in(folder):
    training = tuple(made_case(seed) for seed in range(3))
    validation = (made_case(7), made_case(8, EmptyCase))
    return Run(folder, training, validation, Cache(folder.parent / "cache"), CPU, Processes())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def one_box(folder):
    return train(run_in(folder / "one"), replace(ONE, epochs=2.0), Progress())


@pytest.fixture(scope="module")
def many(folder):
    return train(run_in(folder / "many"), MANY, Progress())


def bundle_of(trained, folder):
    manifest = Manifest("liver-ct", "made", "1", trained.architecture, trained.settings, trained.record, True)
    write_bundle(folder, manifest, trained.weights, "")
    return Bundle.open(folder)


def test_a_bundle_of_faster_rcnn_says_how_it_is_to_be_used(many, tmp_path):
    bundle = bundle_of(many, tmp_path / "model")
    found = settings_for(bundle)
    assert (found.size_px, found.proposals, found.box_margin_px, found.window_hu) == (64, 20, 5.0, (-1024, 1050))
    assert (found.slices_mm, found.pixels_mm) == ((2.0, 2.0), (1.0, 1.0))
    assert load_network(bundle).architecture == MANY.network()
    points = many.settings["operating_points"]
    assert many.settings["default_operating_point"] in points
    assert sorted(points.values(), reverse=True) == list(points.values())
    assert {"average_precision", "sensitivity_at_fp_per_image_above_iou_0.1"} <= set(many.metrics)
    json.dumps([many.record, many.metrics, many.settings, many.architecture], allow_nan=False)


def test_a_bundle_of_one_box_a_slice_has_one_point(one_box, tmp_path):
    bundle = bundle_of(one_box, tmp_path / "model")
    assert load_network(bundle).architecture == ONE.network()
    assert one_box.settings["operating_points"] == {ONE_BOX: 0.0}
    assert one_box.settings["default_operating_point"] == ONE_BOX
    assert (one_box.metrics["slices"], one_box.metrics["slices_without_lesions"]) == (4, 2)
    assert 0 <= one_box.metrics["MSE"] <= 1
    json.dumps([one_box.record, one_box.metrics, one_box.settings, one_box.architecture], allow_nan=False)


def test_the_measured_figures_are_those_of_the_bundles_network(many, folder, tmp_path):
    bundle = bundle_of(many, tmp_path / "model")
    _, validation = prepare(run_in(folder / "many"), MANY, Progress())
    judged = judge_slices(load_network(bundle), validation, settings_for(bundle), CPU, Progress())
    assert many.metrics == metrics_of(MANY.method(), MANY.network(), judged)
    assert (len(judged), sum(len(one.truth) for one in judged)) == (4, 2)


def test_one_box_is_judged_with_the_score_one(one_box, folder, tmp_path):
    network = load_network(bundle_of(one_box, tmp_path / "model"))
    _, validation = prepare(run_in(folder / "one"), ONE, Progress())
    judged = judge_slices(network, validation, ONE.method(), CPU, Progress(), most=3)
    assert len(judged) == 3
    assert all(one.boxes.shape == (1, 4) and one.scores.tolist() == [1.0] for one in judged)
    assert all((one.boxes >= 0).all() and (one.boxes <= 64).all() for one in judged)


def test_the_record_counts_what_there_was(one_box, many):
    for trained, count, steps in ((one_box, 6, 3), (many, 9, 4)):
        record = trained.record
        assert (record["training_scans"], record["training_slices"], record["training_boxes"]) == (3, 9, 6)
        assert record["training_slices_learned_from"] == count
        assert record["training_kinds"] == {"square": 6}
        assert record["detection"]["steps"] == steps  # of one box: 2 rounds through 6 slices, 4 at a time


def test_the_card_says_what_one_box_a_slice_is(one_box):
    text = "\n".join(one_box.lines)
    assert "the 6 of 9 slices of 3 scans that show a lesion" in text
    assert "by kind: square 6." in text
    assert "slices 2 mm apart, and pixels of 1 mm" in text
    assert "IoU above .1 in" in text
    limits = " ".join(one_box.limits)
    assert "exactly one box for every slice" in limits
    assert "Operating points" not in limits


def test_the_card_of_faster_rcnn_has_its_tables(many):
    text = "\n".join(many.lines)
    assert "6 sections of lesions in 9 slices of 3 scans (3 slices without a lesion)" in text
    assert "By kind: square 6." in text
    assert "| 0.5 | 1 | 2 | 4 | 8 | 16 |" in text
    assert many.settings["default_operating_point"] in text


def test_initial_weights_are_told_without_their_folder(folder, many):
    assert many.record["recipe"]["initial_weights"] == ""
    with pytest.raises(InputError, match="cannot be read as weights"):
        settings = tiny("vgg", initial_weights=str(folder / "none.safetensors"))
        run = run_in(folder / "none")
        fit_network(run, *prepare(run, settings, Progress()), settings, Progress())


def test_without_usable_cases_it_is_said_why(tmp_path):
    run = replace(run_in(tmp_path / "run"), validation=(made_case(7, BrokenCase),))
    with pytest.raises(InputError, match=r"1 were left out\. The first: case-7: It is damaged"):
        prepare(run, ONE, Progress())


@pytest.mark.parametrize("settings", [ONE, MANY], ids=["one box", "many"])
def test_without_lesions_there_is_nothing_to_learn(tmp_path, settings):
    run = replace(run_in(tmp_path / "run"), training=(made_case(3, EmptyCase),))
    with pytest.raises(InputError, match="nothing to learn"):
        train(run, settings, Progress())
