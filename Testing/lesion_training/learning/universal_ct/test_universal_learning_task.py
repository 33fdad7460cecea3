"""The recipe learns, measures itself, gives the same in several processes, and goes on after a stop as if there had been none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from cuda_double import gpu
from LesionDetectionLib.core.errors import Cancelled, InputError, UsageError
from LesionDetectionLib.core.progress import Progress
from LesionTrainingLib.learning.engine.fit import fit
from LesionTrainingLib.learning.engine.history import VALIDATION, History
from LesionTrainingLib.learning.engine.settings import EngineSettings
from LesionTrainingLib.learning.engine.task import Peers, Share
from LesionTrainingLib.learning.slices.settings import CropSettings, SelectionSettings
from LesionTrainingLib.learning.universal_ct.settings import LossSettings, MatchingSettings, RecipeSettings
from LesionTrainingLib.learning.universal_ct.task import SliceTask
from safetensors.torch import save_file
from universal_cases import TINY, made_slices

CPU = torch.device("cpu")
SMALL = RecipeSettings(
    size_px=64,
    architecture=TINY,
    fit=EngineSettings(steps=8, batch=4, learning_rate=3e-3, validate_every=4, tensorboard=False),
    validate_epochs=0,
    selection=SelectionSettings(slices_with=2, slices_without=1),
    matching=MatchingSettings(match_best=True),
)


@pytest.fixture(scope="module")
def cases():
    return [made_slices(seed, SMALL) for seed in range(3)]


@pytest.fixture(scope="module")
def others():
    return [made_slices(7, SMALL)]


def task_of(cases, others, settings=SMALL, seed=0):
    return SliceTask(cases, others, settings, seed, CPU)


@pytest.fixture(scope="module")
def fitted(cases, others, tmp_path_factory):
    task = task_of(cases, others)
    return task, fit(task, SMALL.fit, tmp_path_factory.mktemp("fit"), CPU, Progress())


def test_every_part_of_the_loss_falls(cases, others, tmp_path):
    wider = replace(TINY, base=4, pyramid=8, head=8, dense_widths=(8, 4))
    how = replace(SMALL.fit, steps=60, validate_every=0, learning_rate=1e-2, schedule="cosine", warmup_steps=5)
    settings = replace(SMALL, architecture=wider, fit=how, loss=LossSettings(mask_weight=0.5))
    done = fit(task_of(cases, others, settings), how, tmp_path, CPU, Progress())
    told = [record.values for record in done.history.of_kind("step")]
    for part in ("loss/classification", "loss/box", "loss/mask"):
        values = [one[part] for one in told]
        assert np.mean(values[-10:]) < 0.8 * np.mean(values[:10]), part


def test_each_slice_comes_once_a_round(cases, others):
    task = task_of(cases, others)
    count = sum(map(len, cases))
    seen = np.concatenate([task._order.indices(step, 4) for step in range(count // 4)])
    assert count == 12
    assert sorted(seen.tolist()) == list(range(count))


def test_a_fit_that_was_stopped_ends_in_the_same_weights(cases, others, fitted, tmp_path):
    task, whole = fitted
    stopping = Progress(lambda _done, text: stopping.cancel() if text.startswith("Step 5 of") else None)
    with pytest.raises(Cancelled):
        fit(task_of(cases, others), SMALL.fit, tmp_path, CPU, stopping)
    resumed = task_of(cases, others)
    fit(resumed, SMALL.fit, tmp_path, CPU, Progress(), resume=True)
    for name, value in task.network.state_dict().items():
        assert torch.equal(value, resumed.network.state_dict()[name]), name
    assert History.read(tmp_path).curve() == whole.history.curve()


def test_a_resume_with_other_slices_is_refused(cases, others, tmp_path):
    short = replace(SMALL.fit, steps=2, validate_every=0)
    fit(task_of(cases, others), short, tmp_path, CPU, Progress())
    with pytest.raises(UsageError):
        fit(task_of(cases[:2], others), short, tmp_path, CPU, Progress(), resume=True)


@torch.no_grad()
def test_a_gpu_has_the_processor_s_losses(cases, others):
    def losses(device):
        task = SliceTask(cases, others, SMALL, 0, device)
        terms = task.loss(task.network.to(device).eval(), task.batch(0, 4, Share()), Peers())
        return {name: float(term.total) for name, term in terms.items()}

    with gpu() as device:
        found = losses(device)
    assert found == pytest.approx(losses(CPU), rel=1e-4)


def test_looking_changes_no_weight(cases, others, tmp_path):
    weights = []
    for every in (0, 2):
        task = task_of(cases, others)
        fit(task, replace(SMALL.fit, steps=4, validate_every=every), tmp_path / str(every), CPU, Progress())
        weights.append([value.clone() for value in task.network.state_dict().values()])
    assert all(torch.equal(a, b) for a, b in zip(*weights, strict=True))


def test_several_processes_sum_up_to_what_one_does(cases, others):
    """Without batch normalisation, whose sums the engine shares, the parts of a batch are independent."""
    settings = replace(SMALL, architecture=replace(TINY, backbone="vgg19"))
    task = task_of(cases, others, settings)
    whole = task.loss(task.network, task.batch(2, 4, Share()), Peers())
    parts = [task.loss(task.network, task.batch(2, 4, Share(n, 2)), Peers()) for n in range(2)]
    for name, term in whole.items():
        total = sum(float(part[name].total.detach()) for part in parts)
        assert total == pytest.approx(float(term.total.detach()), rel=1e-4), name
        assert sum(float(part[name].count) for part in parts) == float(term.count), name


def test_several_processes_measure_what_one_does(cases, others):
    class Half(Peers):
        def __init__(self, rank):
            self.rank, self.world = rank, 2

        def gather(self, values):
            parts[self.rank] = values
            return torch.cat([parts[n] for n in sorted(parts)])

    class Alone(Peers):
        def gather(self, values):
            parts["whole"] = values
            return values

    task, parts = task_of(cases, others), {}
    task.network.eval()
    whole = task.validate(task.network, Alone(), Progress())
    every = parts.pop("whole")
    assert torch.isfinite(every[:, :-1]).any()  # there are marks to speak of
    task.validate(task.network, Half(1), Progress())
    assert task.validate(task.network, Half(0), Progress()) == whole
    assert torch.equal(torch.nan_to_num(parts[0], -1), torch.nan_to_num(every[0::2], -1))
    assert torch.equal(torch.nan_to_num(parts[1], -1), torch.nan_to_num(every[1::2], -1))


def test_what_is_watched_is_told(fitted):
    _, whole = fitted
    records = whole.history.of_kind(VALIDATION)
    assert [record.step for record in records] == [4, 8]
    assert all(set(record.values) == {"mAP"} and 0 <= record.values["mAP"] <= 1 for record in records)


def test_weights_to_begin_with_come_from_a_file(cases, others, tmp_path):
    given = task_of(cases, others, seed=5).network.backbone.state_dict()
    save_file({name: value.contiguous() for name, value in given.items()}, tmp_path / "vgg.safetensors")
    settings = replace(SMALL, initial_weights=str(tmp_path / "vgg.safetensors"))
    task = task_of(cases, others, settings)
    for name, value in task.network.backbone.state_dict().items():
        assert torch.equal(value, given[name]), name
    with pytest.raises(InputError, match="not of this backbone"):
        task_of(cases, others, replace(settings, architecture=replace(TINY, backbone="resnet50")))


def test_a_network_without_a_mask_has_no_loss_of_it(cases, others):
    settings = replace(SMALL, architecture=replace(TINY, dense=False, attention=False), crop=CropSettings(64))
    task = task_of(cases, others, settings)
    assert set(task.loss(task.network, task.batch(0, 2, Share()), Peers())) == {"classification", "box"}
