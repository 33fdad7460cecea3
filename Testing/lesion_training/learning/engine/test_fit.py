"""The loop: what it learns, keeps, tells and refuses."""

from __future__ import annotations

import json
import math
import random

import numpy as np
import pytest
import torch
from engine_samples import SmallTask, losses_of, quick
from LesionDetectionLib.core.errors import Cancelled, DeviceError, InputError, UsageError
from LesionDetectionLib.core.progress import Progress
from LesionTrainingLib.learning.engine.checkpoints import has_checkpoint, read_checkpoint
from LesionTrainingLib.learning.engine.fit import fit
from LesionTrainingLib.learning.engine.history import History
from LesionTrainingLib.learning.engine.task import Term


def weights(network):
    return torch.cat([tensor.detach().double().flatten() for tensor in network.state_dict().values()])


def test_a_fit_learns_and_tells(tmp_path):
    heard, reports = [], []
    task = SmallTask(filtered=False)
    settings = quick(steps=40, log_every=4, clip_norm=1.0, validate_every=15, tensorboard=True)
    progress = Progress(lambda fraction, text: reports.append((fraction, text)))
    fitted = fit(task, settings, tmp_path, "cpu", progress, listeners=[heard.append])
    losses = losses_of(fitted.history)
    assert sum(losses[-3:]) < 0.5 * sum(losses[:3])
    assert fitted.history.curve("loss")[0] == list(range(4, 41, 4))
    assert [record.step for record in fitted.history.of_kind("validation")] == [15, 30, 40]
    assert task.validations[-1] > 0.9
    assert len(heard) == len(fitted.history.records)
    first = heard[0].values
    assert first["loss"] == pytest.approx(first["loss/classification"] + first["loss/regression"])
    assert {"rate", "samples_per_second", "gradient_norm"} < set(first)
    assert reports[-1][0] == 1.0
    assert reports[-1][1].startswith("Step 40 of 40, loss 0.")
    assert not fitted.network.training
    assert list((tmp_path / "events").iterdir())
    record = json.loads(json.dumps(fitted.record()))
    assert (record["steps"], record["weights_of_step"], record["stopped_early"]) == (40, 40, False)
    assert "best" not in record
    assert (fitted.precision, fitted.world) == ("float32", 1)


def test_the_same_seed_gives_the_same_bits_and_nothing_outside_changes(tmp_path):
    torch.manual_seed(5), random.seed(5), np.random.seed(5)  # noqa: NPY002
    outside = torch.rand(3), random.random(), np.random.random()  # noqa: NPY002
    torch.manual_seed(5), random.seed(5), np.random.seed(5)  # noqa: NPY002
    tasks = [SmallTask.__new__(SmallTask) for _ in range(2)]
    with torch.random.fork_rng([]):
        for task in tasks:
            task.__init__(dropout=0.4)
    first = fit(tasks[0], quick(), tmp_path / "a", "cpu", Progress())
    assert torch.equal(torch.rand(3), outside[0])
    assert (random.random(), np.random.random()) == outside[1:]  # noqa: NPY002
    again = fit(tasks[1], quick(), tmp_path / "b", "cpu", Progress())
    assert torch.equal(weights(first.network), weights(again.network))
    other = fit(SmallTask(dropout=0.4), quick(seed=1), tmp_path / "c", "cpu", Progress())
    assert not torch.equal(weights(first.network), weights(other.network))  # other dropout


class Scripted(SmallTask):
    """Its validations come from a list."""

    def __init__(self, values):
        super().__init__()
        self.values, self.seen = list(values), {}

    def validate(self, network, peers, progress):
        self.seen[len(self.seen)] = weights(network).clone()
        return {"map": self.values[len(self.seen) - 1]}


def test_patience_ends_a_fit_with_the_best_weights(tmp_path):
    """The rate falls after 2 validations without a better one, the fit ends after 4."""
    task = Scripted([0.1, 0.5, 0.3, 0.4, 0.5, 0.2, 0.9])
    settings = quick(
        steps=20, validate_every=2, monitor="map", patience=4, schedule="plateau", plateau_patience=2, factor=0.1
    )
    fitted = fit(task, settings, tmp_path, "cpu", Progress())
    assert (fitted.steps, fitted.stopped_early, fitted.best_step, fitted.best) == (12, True, 4, 0.5)
    assert torch.equal(weights(fitted.network), task.seen[1])
    assert fitted.history.curve("rate")[1] == pytest.approx([0.02] * 8 + [0.002] * 4)
    assert fitted.record()["best"] == 0.5
    resumed = fit(SmallTask(), settings, tmp_path, "cpu", Progress(), resume=True)  # it has ended: nothing is done
    assert (resumed.steps, resumed.best_step) == (12, 4)
    assert torch.equal(weights(resumed.network), task.seen[1])


class Large(SmallTask):
    """Does not fit into the memory when more than ``most`` samples are worked on at once, from a step on."""

    def __init__(self, most, error, since=0):
        super().__init__(filtered=False)
        self.most, self.error, self.since, self.calls = most, error, since, []

    def loss(self, network, batch, peers):
        step, voxels, _ = batch
        self.calls.append((step, len(voxels)))
        terms = super().loss(network, batch, peers)  # running statistics change before the memory is full
        if len(voxels) > self.most and step >= self.since:
            raise self.error
        return terms


@pytest.mark.parametrize(
    "error",
    [torch.cuda.OutOfMemoryError("CUDA out of memory"), RuntimeError("can't allocate memory"), MemoryError()],
    ids=["gpu", "torch", "python"],
)
def test_a_full_memory_halves_what_is_worked_on_at_once(tmp_path, error):
    task = Large(2, error)
    fitted = fit(task, quick(steps=5), tmp_path / "full", "cpu", Progress())
    assert task.calls[:7] == [(0, 7), (0, 4), (0, 2), (0, 2), (0, 2), (0, 1), (1, 2)]
    assert len(fitted.notes) == 2
    assert "The memory was full at step 0: from there on each batch of 7 was worked on in 4 parts" in fitted.notes[1]
    assert fitted.history.notes() == list(fitted.notes)
    expected = fit(SmallTask(filtered=False), quick(steps=5, accumulate=4), tmp_path / "four", "cpu", Progress())
    assert losses_of(fitted.history) == losses_of(expected.history)
    assert torch.equal(weights(fitted.network), weights(expected.network))


def test_the_parts_are_kept_on_a_resume(tmp_path):
    settings = quick(steps=6)
    progress = Progress(lambda fraction, text: progress.cancel() if text.startswith("Step 4 ") else None)
    with pytest.raises(Cancelled):
        fit(Large(3, MemoryError(), since=2), settings, tmp_path, "cpu", progress)
    task = SmallTask(filtered=False)
    fitted = fit(task, settings, tmp_path, "cpu", Progress(), resume=True)
    assert read_checkpoint(tmp_path)[0].values["at"]["parts"] == 4
    assert len([note for note in fitted.notes if "at step 2" in note]) == 2
    assert fitted.history.notes() == list(fitted.notes)


def test_a_single_sample_that_does_not_fit_is_an_error(tmp_path):
    with pytest.raises(DeviceError, match="memory is full"):
        fit(Large(0, MemoryError()), quick(), tmp_path, "cpu", Progress())

    class FullWhileMining(SmallTask):
        def before_step(self, *_):
            raise MemoryError

    with pytest.raises(DeviceError, match="memory is full"):
        fit(FullWhileMining(), quick(), tmp_path, "cpu", Progress())


class Exploding(SmallTask):
    """The loss (``what`` "loss") or only its gradient is not finite at a step."""

    def __init__(self, what, at=5):
        super().__init__()
        self.what, self.at = what, at

    def loss(self, network, batch, peers):
        terms = dict(super().loss(network, batch, peers))
        if batch[0] == self.at:
            total = network.classify.weight.sum()
            bad = total * math.inf if self.what == "loss" else torch.sqrt(total * 0)  # slope of the root at 0
            terms["bad"] = Term(bad, 1)
        return terms


def test_a_loss_that_is_not_finite_ends_the_fit(tmp_path):
    settings = quick(checkpoint_steps=2)
    with pytest.raises(UsageError, match=r"loss of step 5 is not a finite number.*bad.*checkpoint of step 4 stays"):
        fit(Exploding("loss"), settings, tmp_path, "cpu", Progress())
    kept = read_checkpoint(tmp_path)[0]
    assert kept.values["at"]["step"] == 4
    assert fit(SmallTask(), settings, tmp_path, "cpu", Progress(), resume=True).steps == 12


def test_a_gradient_that_is_not_finite_reaches_no_checkpoint(tmp_path):
    with pytest.raises(UsageError, match="gradient norm"):
        fit(Exploding("gradient"), quick(clip_norm=1.0), tmp_path / "clipped", "cpu", Progress())
    with pytest.raises(UsageError, match="weights nan"):
        fit(Exploding("gradient"), quick(checkpoint_steps=6), tmp_path / "not", "cpu", Progress())
    assert not has_checkpoint(tmp_path / "not")
    scaled = fit(Exploding("gradient"), quick(precision="fp16"), tmp_path / "scaled", "cpu", Progress())
    assert scaled.steps == 12  # that step was left out
    assert torch.isfinite(weights(scaled.network)).all()


def test_errors_of_a_recipe_go_through(tmp_path):
    class Broken(SmallTask):
        def batch(self, step, size, share):
            raise InputError("This scan is damaged.")

    with pytest.raises(InputError, match="This scan is damaged"):
        fit(Broken(), quick(), tmp_path, "cpu", Progress())

    class Stopped(SmallTask):
        def before_step(self, step, network, peers, progress):
            progress.cancel()
            progress(0, "Mining")

    with pytest.raises(Cancelled, match=r"before the first step\. Nothing was written"):
        fit(Stopped(), quick(), tmp_path, "cpu", Progress())
    assert not has_checkpoint(tmp_path)
    with pytest.raises(UsageError, match="“monitor” is “map”, but the validation gives accuracy, noise"):
        fit(SmallTask(), quick(validate_every=1, monitor="map"), tmp_path / "b", "cpu", Progress())


def test_frozen_parameters_stay(tmp_path):
    task = SmallTask()
    task.network.features[0].weight.requires_grad_(False)
    before = task.network.features[0].weight.clone()
    fit(task, quick(steps=2, weight_decay=0.1), tmp_path, "cpu", Progress())
    assert torch.equal(task.network.features[0].weight, before)
    assert History.read(tmp_path).curve()[0] == [1, 2]


def test_checkpoints_come_by_time_too(tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr(
        "LesionTrainingLib.learning.engine.fitting.write_checkpoint", lambda folder, step, *_: written.append(step)
    )
    fit(SmallTask(), quick(steps=4, checkpoint_seconds=1e-9), tmp_path / "a", "cpu", Progress())
    fit(SmallTask(), quick(steps=4, checkpoint_seconds=1e9), tmp_path / "b", "cpu", Progress())
    fit(SmallTask(), quick(steps=4, checkpoint_steps=3), tmp_path / "c", "cpu", Progress())
    assert written == [1, 2, 3, 4, 4, 3, 4]
