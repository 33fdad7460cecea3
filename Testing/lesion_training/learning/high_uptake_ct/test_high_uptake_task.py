"""The recipe learns, balances the classes by what it gets wrong, and goes on after a stop as if there had been none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from cuda_double import gpu
from high_uptake_samples import made_slices
from LesionDetectionLib.core.errors import Cancelled, UsageError
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.high_uptake_ct.network import PatchArchitecture
from LesionTrainingLib.learning.engine.fit import fit
from LesionTrainingLib.learning.engine.history import VALIDATION, History
from LesionTrainingLib.learning.engine.settings import EngineSettings
from LesionTrainingLib.learning.engine.task import Peers, Share
from LesionTrainingLib.learning.high_uptake_ct.settings import RecipeSettings, SamplingSettings, VariationSettings
from LesionTrainingLib.learning.high_uptake_ct.task import PatchTask
from LesionTrainingLib.learning.high_uptake_ct.watching import Watched
from LesionTrainingLib.learning.sampling.class_balance import BalanceSettings
from torch import nn

CPU = torch.device("cpu")
SMALL = RecipeSettings(
    architecture=PatchArchitecture(filters=(4, 6), hidden=(16, 8), dropout=0.1),
    fit=EngineSettings(steps=24, batch=24, learning_rate=1e-3, validate_every=12, tensorboard=False),
    balance=BalanceSettings(every=8),
    balance_most=40,
    sampling=SamplingSettings(background={"inactive": 1.0, "anywhere": 1.0}, inactive_mm=4.0),
    variation=VariationSettings(flip=0.5, turn=True),
)


@pytest.fixture(scope="module")
def cases():
    return [made_slices(seed, count=1) for seed in range(3)]


@pytest.fixture(scope="module")
def others():
    return [made_slices(8, count=1), made_slices(9, active=0, count=1)]


def task_of(cases, others, settings=SMALL, seed=0):
    return PatchTask(cases, others, settings, seed, CPU)


@pytest.fixture(scope="module")
def fitted(cases, others, tmp_path_factory):
    task = task_of(cases, others)
    return task, fit(task, SMALL.fit, tmp_path_factory.mktemp("fit"), CPU, Progress())


class Bright(nn.Module):
    """Says lesion where the middle of a patch is bright; ``lesions_only``: always."""

    def __init__(self, always=False):
        super().__init__()
        self.always = always

    def forward(self, patches):
        middle = torch.ones(len(patches)) if self.always else patches[:, 2, 37, 37]
        return torch.stack([torch.full_like(middle, 0.15), middle], dim=1)


def test_it_learns_to_tell_lesions_from_background(cases, others, tmp_path):
    settings = replace(
        SMALL,
        fit=replace(SMALL.fit, steps=60, validate_every=60),
        balance=BalanceSettings(every=30),
        sampling=SamplingSettings(),
    )
    done = fit(task_of(cases, others, settings), settings.fit, tmp_path, CPU, Progress())
    losses = done.history.parts()
    assert min(losses[-2:]) < 0.6 * losses[0]
    last = done.history.of_kind(VALIDATION)[-1].values
    assert set(last) == {"loss", "balanced accuracy", "AUC", "AUC against inactive", "share of lesions"}
    assert last["AUC"] > 0.9


def test_a_look_measures_both_classes(others):
    watched = Watched(others, SMALL.method(), SMALL, 0, "test", CPU)
    assert len(watched) == 3 * 40
    right = watched.measure(Bright(), Peers(), Progress())
    assert right.accuracies[1] == 1
    # What is bright and inactive is wrong, and it is half of the background.
    assert 0.3 < right.accuracies[0] < 0.7
    assert right.metrics["balanced accuracy"] == pytest.approx(np.mean(right.accuracies))
    assert right.metrics["AUC"] > 0.7
    assert right.metrics["AUC against inactive"] == pytest.approx(0.5, abs=0.1)
    always = watched.measure(Bright(always=True), Peers(), Progress())
    assert always.accuracies == (0.0, 1.0)
    assert always.metrics["AUC"] == 0.5


def test_several_processes_measure_what_one_does(others):
    class Half(Peers):
        def __init__(self, rank):
            self.rank, self.world = rank, 2

        def gather(self, values):
            parts[self.rank] = values
            return torch.stack([parts[0], parts[1]], dim=1).flatten(0, 1) if len(parts) == 2 else everything

    watched = Watched(others, SMALL.method(), SMALL, 0, "test", CPU)
    whole = watched.measure(Bright(), Peers(), Progress())
    parts, everything = {}, torch.zeros(len(watched), 2)
    watched.measure(Bright(), Half(1), Progress())
    assert watched.measure(Bright(), Half(0), Progress()) == whole


def test_the_class_that_is_wrong_comes_more_often(cases, others):
    task = task_of(cases, others)
    assert task.share_of_lesions == 0.5
    assert [step for step in range(20) if not task.ready_ahead(step)] == [8, 16]
    task.before_step(7, Bright(always=True), Peers(), Progress())
    assert task.share_of_lesions == 0.5
    task.before_step(8, Bright(always=True), Peers(), Progress())
    # Background is never right, lesions always: max(1 - 0, .05) against max(1 - 1, .05).
    assert task.share_of_lesions == pytest.approx(0.05 / 1.05)
    assert task.batch(9, 400, Share()).labels.float().mean() == pytest.approx(0.05 / 1.05, abs=0.04)
    assert task.ready_ahead(8)


def test_a_batch_follows_from_seed_step_and_state(cases, others):
    first, again = task_of(cases, others), task_of(cases, others)
    again.before_step(8, Bright(always=True), Peers(), Progress())
    assert not torch.equal(first.batch(9, 12, Share()).labels, again.batch(9, 12, Share()).labels)
    first.restore(again.state())
    assert torch.equal(first.batch(9, 12, Share()).patches, again.batch(9, 12, Share()).patches)
    assert not torch.equal(first.batch(9, 12, Share()).patches, first.batch(10, 12, Share()).patches)
    part = first.batch(9, 12, Share(1, 3))
    assert torch.equal(part.patches, first.batch(9, 12, Share()).patches[1::3])


def test_a_fit_that_was_stopped_ends_in_the_same_weights(cases, others, fitted, tmp_path):
    task, whole = fitted
    # After the probabilities were measured for the second time, and before the third.
    stopping = Progress(lambda _done, text: stopping.cancel() if text.startswith("Step 18 of") else None)
    with pytest.raises(Cancelled):
        fit(task_of(cases, others), SMALL.fit, tmp_path, CPU, stopping)
    resumed = task_of(cases, others)
    fit(resumed, SMALL.fit, tmp_path, CPU, Progress(), resume=True)
    for name, value in task.network.state_dict().items():
        assert torch.equal(value, resumed.network.state_dict()[name]), name
    assert History.read(tmp_path).curve() == whole.history.curve()
    assert resumed.share_of_lesions == task.share_of_lesions


def test_a_resume_with_other_slices_is_refused(cases, others, tmp_path):
    short = replace(SMALL.fit, steps=2, validate_every=0)
    fit(task_of(cases, others), short, tmp_path, CPU, Progress())
    with pytest.raises(UsageError):
        fit(task_of(cases[:2], others), short, tmp_path, CPU, Progress(), resume=True)


def test_looking_changes_no_weight(cases, others, tmp_path):
    weights = []
    for every in (0, 3):
        task = task_of(cases, others)
        short = replace(SMALL.fit, steps=6, validate_every=every)
        fit(task, short, tmp_path / str(every), CPU, Progress())
        weights.append([parameter.clone() for parameter in task.network.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*weights, strict=True))


def test_without_lesions_to_watch_the_training_slices_are_measured(cases):
    task = task_of(cases, [made_slices(4, active=0)])
    metrics = task.validate(Bright(), Peers(), Progress())
    assert metrics["balanced accuracy"] > 0.7
    assert metrics["share of lesions"] == 0.5


def test_a_batch_and_its_loss_on_a_gpu_are_those_of_a_processor(cases, others):
    """On a double of a GPU, where nothing may be left on the processor."""

    def told(device):
        task = PatchTask(cases, others, SMALL, 0, device)
        network = task.network.to(device).eval()
        batch = task.batch(0, 24, Share())
        assert batch.patches.device.type == batch.labels.device.type == device.type
        with torch.no_grad():
            (term,) = task.loss(network, batch, Peers()).values()
            watched = task.validate(network, Peers(), Progress())
        return [float(term.total), *watched.values()]

    known = told(CPU)
    with gpu() as device:
        assert told(device) == pytest.approx(known, rel=1e-5)
