"""The networks learn, measure themselves, give the same in several processes, and go on after a stop as if there had been none."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from cuda_double import gpu
from LesionDetectionLib.core.errors import Cancelled, UsageError
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.pet_weak.maps import class_activation_map
from LesionTrainingLib.learning.engine.fit import fit
from LesionTrainingLib.learning.engine.history import VALIDATION, History
from LesionTrainingLib.learning.engine.task import Peers, Share
from LesionTrainingLib.learning.pet_weak.classifier_task import ClassifierTask
from LesionTrainingLib.learning.pet_weak.distance_loss import plain_distance_loss
from LesionTrainingLib.learning.pet_weak.measuring import classifier_row, mean_row, segmentation_row, tumour_class
from LesionTrainingLib.learning.pet_weak.pseudo_labels import label_of, pseudo_labels
from LesionTrainingLib.learning.pet_weak.segmentation_task import SegmentationTask
from LesionTrainingLib.learning.pet_weak.settings import (
    CLASSIFIER_TELLS,
    SEGMENTATION_TELLS,
    PseudoLabelSettings,
    VariationSettings,
)
from pet_weak_cases import FIT, made_views, tiny

CPU = torch.device("cpu")
CASES, OTHERS = [made_views(seed) for seed in range(6)], [made_views(seed) for seed in range(7, 10)]


def task_of(settings, cases=CASES, others=OTHERS):
    if not settings.architecture.segmenting:
        return ClassifierTask(cases, others, settings, 0, CPU)
    masks = [[one.drawn for one in part] for part in (cases, others)]
    return SegmentationTask(cases, masks[0], others, masks[1], settings, 0, CPU)


def weights_of(task):
    return {name: value.clone() for name, value in task.network.state_dict().items()}


def same(first, second):
    return all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("kind", ["cam", "unet"])
def test_a_fit_that_was_stopped_ends_in_the_same_weights(tmp_path, kind):
    settings = tiny(kind)
    whole = task_of(settings)
    done = fit(whole, FIT, tmp_path / "whole", CPU, Progress())
    stopping = Progress(lambda _done, text: stopping.cancel() if text.startswith("Step 3 of") else None)
    with pytest.raises(Cancelled):
        fit(task_of(settings), FIT, tmp_path / "part", CPU, stopping)
    resumed = task_of(settings)
    fit(resumed, FIT, tmp_path / "part", CPU, Progress(), resume=True)
    assert same(weights_of(whole), weights_of(resumed))
    assert History.read(tmp_path / "part").curve() == done.history.curve()
    told = CLASSIFIER_TELLS if kind == "cam" else SEGMENTATION_TELLS
    records = done.history.of_kind(VALIDATION)
    assert [record.step for record in records] == [2, 4]
    assert all(set(one.values) == set(told) and np.isfinite(one.values["loss"]) for one in records)


@torch.no_grad()
def test_a_gpu_has_the_processor_s_losses():
    def told(device):
        task = ClassifierTask(CASES, OTHERS, tiny("cam"), 0, device)
        terms = task.loss(task.network.to(device).eval(), task.batch(0, 4, Share()), Peers())
        return {name: float(term.total) for name, term in terms.items()} | task.validate(
            task.network, Peers(), Progress()
        )

    with gpu() as device:
        found = told(device)
    assert found == pytest.approx(told(CPU), rel=1e-4)


@pytest.mark.parametrize("kind", ["cam", "unet"])
def test_looking_changes_no_weight(tmp_path, kind):
    weights = []
    for every in (0, 1):
        task = task_of(tiny(kind))
        fit(task, replace(FIT, steps=2, validate_every=every), tmp_path / str(every), CPU, Progress())
        weights.append(weights_of(task))
    assert same(*weights)


def test_other_labels_to_learn_are_another_fit(tmp_path):
    short = replace(FIT, steps=1, validate_every=0)
    fit(task_of(tiny("unet")), short, tmp_path, CPU, Progress())
    other = [replace(CASES[0], drawn=~CASES[0].drawn), *CASES[1:]]
    with pytest.raises(UsageError):
        fit(task_of(tiny("unet"), other), replace(short, steps=2), tmp_path, CPU, Progress(), resume=True)


class Half(Peers):
    """One of two processes, asked one after the other: the second puts both together."""

    def __init__(self, rank, kept):
        self.rank, self.world, self._kept = rank, 2, kept

    def gather(self, values):
        self._kept[self.rank] = values
        return torch.cat([self._kept[rank] for rank in sorted(self._kept)])


@pytest.mark.parametrize("kind", ["cam", "unet"])
def test_several_processes_do_what_one_does(kind):
    task, kept = task_of(tiny(kind)), {}
    task.network.eval()
    with torch.no_grad():
        whole = task.validate(task.network, Peers(), Progress())
        task.validate(task.network, Half(1, kept), Progress())
        assert task.validate(task.network, Half(0, kept), Progress()) == pytest.approx(whole)
        terms = task.loss(task.network, task.batch(2, 4, Share()), Peers())
        parts = [task.loss(task.network, task.batch(2, 4, Share(n, 2)), Peers()) for n in range(2)]
    for name, term in terms.items():
        assert sum(float(part[name].total) for part in parts) == pytest.approx(float(term.total), rel=1e-4)
        assert float(sum(part[name].count for part in parts)) == float(term.count) > 0


def test_the_loss_is_cross_entropy_and_the_weighted_distance_of_scans_with_a_tumour():
    task = task_of(tiny(distance_weight=3.0))
    task.network.eval()
    batch = task.batch(0, 3, Share())
    terms = task.loss(task.network, batch, Peers())
    scored = task.network(batch.inputs)
    shares = scored.logits.detach().softmax(dim=1)[torch.arange(6), batch.labels]
    assert float(terms["classification"].total.detach()) == pytest.approx(-float(shares.log().sum()), rel=1e-5)
    assert (terms["classification"].count, int(terms["distance"].count)) == (6, 4)
    expected = 0.0
    for activations, label, point in zip(scored.activations.detach(), batch.labels, batch.points, strict=True):
        if not point.isnan().any():
            expected += plain_distance_loss(activations[label].numpy(), tuple(point.tolist()))
    assert float(terms["distance"].total.detach()) == pytest.approx(3 * expected, rel=1e-4)
    assert set(task_of(tiny(distance_weight=0.0)).loss(task.network, batch, Peers())) == {"classification"}


def test_drawn_tumours_are_learned(tmp_path):
    how = replace(FIT, steps=16, validate_every=0, learning_rate=3e-2)
    settings = tiny("unet", fit=how, variation=VariationSettings(share=0.0))
    done = fit(task_of(settings), how, tmp_path, CPU, Progress())
    told = [record.values["loss"] for record in done.history.of_kind("step")]
    assert np.mean(told[-4:]) < 0.85 * np.mean(told[:4])


def test_the_distance_loss_brings_the_map_to_the_tumour(tmp_path):
    how, away = replace(FIT, steps=45, validate_every=45, learning_rate=1e-2), []
    for weight in (0.0, 20.0):
        settings = tiny(fit=how, distance_weight=weight, variation=VariationSettings(share=0.0))
        done = fit(task_of(settings, others=CASES), how, tmp_path / str(weight), CPU, Progress())
        away.append(done.history.of_kind(VALIDATION)[-1].values["distance mm"])
        told = [record.values["loss"] for record in done.history.of_kind("step")]
        assert np.mean(told[-5:]) < 0.9 * np.mean(told[:5])
    assert away[1] < 0.8 * away[0]


def test_a_classifier_is_measured_by_the_map_of_the_likeliest_tumour():
    one, settings = made_views(0, "lung"), tiny(pointing_mm=20.0, distance_weight=2.0)
    logits = torch.tensor([[2.0, 1.0, 5.0], [2.0, 1.0, 4.0]])
    assert tumour_class(logits, settings.architecture) == 0
    activations = torch.full((2, 3, 4, 2), -1.0)
    places = (one.points // 16).astype(int)
    for view, (row, column) in enumerate(places):
        activations[view, 0, row, column] = 3.0
    row = classifier_row(logits, activations, one, replace(settings, pointing_mm=100.0))
    assert (row["accuracy"], row["pointing"]) == (0.0, 1.0)
    off = np.linalg.norm(places * 16 + 7.5 - one.points, axis=1) * 8
    assert row["distance mm"] == pytest.approx(off.mean(), rel=1e-5)
    entropy = torch.nn.functional.cross_entropy(logits, torch.tensor([0, 0]))
    away = [plain_distance_loss(activations[n, 0].numpy(), tuple(one.points[n])) for n in range(2)]
    assert row["loss"] == pytest.approx(float(entropy) + 2 * np.mean(away), rel=1e-5)
    assert classifier_row(logits, activations, one, settings)["pointing"] == np.mean(off <= 20)
    nowhere = classifier_row(logits, -activations.abs(), one, settings)
    assert nowhere["pointing"] == 0
    assert math.isnan(nowhere["distance mm"])
    none = classifier_row(logits, activations, made_views(2), settings)
    assert none["accuracy"] == 1
    assert math.isnan(none["pointing"])


def test_a_segmentation_is_measured_by_what_it_should_have_learned():
    one = made_views(0, "lung")
    row = segmentation_row(torch.from_numpy(one.drawn * 20.0 - 10).float(), one.drawn, one, tiny(pointing_mm=24.0))
    assert (row["Dice"], row["pointing"]) == (1.0, 1.0)
    assert row["distance mm"] < 24
    assert math.isnan(row["clear"])
    none = made_views(2)
    assert segmentation_row(torch.full((2, 64, 32), -3.0), none.drawn, none, tiny())["clear"] == 1
    spotted = torch.full((2, 64, 32), -3.0)
    spotted[1, 3, 4] = 3
    assert segmentation_row(spotted, none.drawn, none, tiny())["clear"] == 0.5
    assert math.isnan(mean_row([], ("Dice",), Peers())["Dice"])


def test_a_pseudo_label_is_what_the_map_covers_and_takes_up_tracer():
    maps = torch.zeros(1, 2, 2)
    maps[0, 1, 0] = 1.0
    inputs = torch.full((1, 32, 32), 0.05)
    inputs[0, 24, 4:8] = torch.tensor([0.39, 0.4, 1.0, 0.7])
    inputs[0, 4, 28] = 5.0
    found = label_of(maps, inputs, PseudoLabelSettings())
    assert found.nonzero().tolist() == [[0, 24, 5], [0, 24, 6], [0, 24, 7]]
    assert not label_of(torch.zeros(1, 2, 2), inputs, PseudoLabelSettings()).any()


def test_pseudo_labels_come_from_the_map_of_the_scans_own_class():
    task, settings = task_of(tiny(distance_weight=0.0)), tiny()
    task.network.eval()
    found = pseudo_labels(task.network, CASES, settings, CPU, Progress())
    assert [label.any() for label in found if label.any()]
    for one, label in zip(CASES, found, strict=True):
        if not one.has_tumour:
            assert not label.any()
            continue
        inputs = torch.from_numpy(one.suv.astype(np.float32))[:, None] / 30
        own = task.network(inputs).activations[:, settings.architecture.classes.index(one.label)].detach()
        expected = label_of(class_activation_map(own), inputs[:, 0], PseudoLabelSettings())
        assert np.array_equal(label, expected.numpy())
