"""The detectors learn, measure themselves, give the same in several processes, and go on after a stop as if there had been none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from cuda_double import gpu
from LesionDetectionLib.core.errors import Cancelled, InputError
from LesionDetectionLib.core.progress import Progress
from LesionTrainingLib.learning.engine.fit import fit
from LesionTrainingLib.learning.engine.history import VALIDATION, History
from LesionTrainingLib.learning.engine.task import Peers, Share
from LesionTrainingLib.learning.liver_ct.region_task import RegionTask
from LesionTrainingLib.learning.liver_ct.settings import paper
from LesionTrainingLib.learning.liver_ct.single_box_task import SingleBoxTask
from liver_cases import FIT, tiny
from safetensors.torch import save_file
from slice_cases import made_slices

CPU = torch.device("cpu")
TOLD = {"faster-rcnn": {"mAP", "rpn_classification", "rpn_box", "classification", "box", "loss"}}


@pytest.fixture(scope="module")
def cases():
    return [made_slices(seed, tiny("baseline")) for seed in range(3)]


@pytest.fixture(scope="module")
def others():
    return [made_slices(7, tiny("baseline"))]


def task_of(cases, others, settings):
    kind = SingleBoxTask if settings.architecture.single_box else RegionTask
    return kind(cases, others, settings, 0, CPU)


def weights_of(task):
    return {name: value.clone() for name, value in task.network.state_dict().items()}


def same(first, second):
    return all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("detector", ["baseline", "vgg", "faster-rcnn"])
def test_a_fit_that_was_stopped_ends_in_the_same_weights(cases, others, tmp_path, detector):
    settings = tiny(detector)
    whole = task_of(cases, others, settings)
    done = fit(whole, FIT, tmp_path / "whole", CPU, Progress())
    stopping = Progress(lambda _done, text: stopping.cancel() if text.startswith("Step 3 of") else None)
    with pytest.raises(Cancelled):
        fit(task_of(cases, others, settings), FIT, tmp_path / "part", CPU, stopping)
    resumed = task_of(cases, others, settings)
    fit(resumed, FIT, tmp_path / "part", CPU, Progress(), resume=True)
    assert same(weights_of(whole), weights_of(resumed))
    assert History.read(tmp_path / "part").curve() == done.history.curve()
    records = done.history.of_kind(VALIDATION)
    assert [record.step for record in records] == [2, 4]
    assert all(set(one.values) == TOLD.get(detector, {"MSE", "sensitivity", "loss"}) for one in records)
    assert all(np.isfinite(list(one.values.values())).all() for one in records)


@torch.no_grad()
def test_a_gpu_has_the_processor_s_losses(cases, others):
    def losses(device):
        task = RegionTask(cases, others, tiny("faster-rcnn"), 0, device)
        batch = task.batch(0, 4, Share())
        torch.manual_seed(0)
        terms = task.loss(task.network.to(device).eval(), batch, Peers())
        return {name: float(term.total) for name, term in terms.items()}

    with gpu() as device:
        found = losses(device)
    assert found == pytest.approx(losses(CPU), rel=1e-4)


def test_looking_changes_no_weight(cases, others, tmp_path):
    weights = []
    for every in (0, 2):
        task = task_of(cases, others, tiny("faster-rcnn"))
        fit(task, replace(FIT, steps=3, validate_every=every), tmp_path / str(every), CPU, Progress())
        weights.append(weights_of(task))
    assert same(*weights)


def test_the_same_weights_have_the_same_losses_whatever_was_drawn_before(cases, others):
    task = task_of(cases, others, tiny("faster-rcnn"))
    task.network.eval()
    found = []
    with torch.no_grad():
        for seed in range(2):
            torch.manual_seed(seed)
            before = torch.get_rng_state()
            found.append(task.validate(task.network, Peers(), Progress()))
            assert torch.equal(torch.get_rng_state(), before)
    assert found[0] == found[1]


class Half(Peers):
    """One of two processes, asked one after the other: the second puts both together."""

    def __init__(self, rank, kept):
        self.rank, self.world, self._kept, self._asked = rank, 2, kept, 0

    def gather(self, values):
        self._kept[self._asked, self.rank] = values
        both = [self._kept.get((self._asked, rank)) for rank in range(2)]
        self._asked += 1
        return torch.cat([one for one in both if one is not None])


@pytest.mark.parametrize("detector", ["baseline", "faster-rcnn"])
def test_several_processes_measure_what_one_does(cases, others, detector):
    task, kept = task_of(cases, others, tiny(detector)), {}
    task.network.eval()
    with torch.no_grad():
        whole = task.validate(task.network, Peers(), Progress())
        task.validate(task.network, Half(1, kept), Progress())
        found = task.validate(task.network, Half(0, kept), Progress())
    assert found == pytest.approx(whole, abs=1e-6)


def test_several_processes_sum_up_to_what_one_does(cases, others):
    task = task_of(cases, others, tiny("baseline"))
    whole = task.loss(task.network, task.batch(2, 4, Share()), Peers())["MSE"]
    parts = [task.loss(task.network, task.batch(2, 4, Share(n, 2)), Peers())["MSE"] for n in range(2)]
    assert sum(float(part.total.detach()) for part in parts) == pytest.approx(float(whole.total.detach()), rel=1e-4)
    assert sum(part.count for part in parts) == whole.count == 16


def test_one_box_is_learned_from_slices_with_a_lesion(cases, others):
    task = task_of(cases, others, tiny("baseline"))
    assert sum(map(len, cases)) == 9
    seen = [task.batch(step, 2, Share()) for step in range(3)]
    found = torch.cat([batch.targets for batch in seen])
    assert [batch.shown.tolist() for batch in seen] == [[0, 1]] * 3
    expected = np.concatenate([case.boxes for case in cases]) / 64
    order = np.lexsort(found.numpy().T), np.lexsort(expected.T)
    assert np.allclose(found.numpy()[order[0]], expected[order[1]], atol=1e-6)


def test_one_box_is_learned_as_mean_squared_error(cases, others):
    task = task_of(cases, others, tiny("baseline"))
    batch = task.batch(0, 4, Share())
    (term,) = task.loss(task.network, batch, Peers()).values()
    outputs = task.network(batch.inputs).detach().numpy()
    error = np.mean((outputs - batch.targets.numpy()) ** 2)
    assert float(term.total.detach()) / term.count == pytest.approx(error, rel=1e-4)


@pytest.mark.parametrize(("detector", "steps"), [("baseline", 30), ("vgg-front", 15), ("faster-rcnn", 15)])
def test_the_loss_falls(cases, others, tmp_path, detector, steps):
    how = replace(FIT, steps=steps, validate_every=0, learning_rate=5e-3)
    done = fit(task_of(cases, others, tiny(detector, fit=how)), how, tmp_path, CPU, Progress())
    told = [record.values["loss"] for record in done.history.of_kind("step")]
    assert np.mean(told[-5:]) < 0.8 * np.mean(told[:5])


def test_half_the_digits_do_not_move_boxes(cases, others):
    """Anchors and lesions far from the corner would be pixels off in bfloat16, and their offsets with them."""
    task = task_of(cases, others, tiny("faster-rcnn"))
    batch, found = task.batch(0, 4, Share()), []
    for narrow in (False, True):
        torch.manual_seed(3)
        with torch.autocast("cpu", torch.bfloat16, enabled=narrow):
            terms = task.loss(task.network, batch, Peers())
        found.append(float(terms["rpn_box"].total.detach()))
    assert found[1] == pytest.approx(found[0], rel=0.05)


@pytest.mark.parametrize("detector", ["vgg", "vgg-front", "faster-rcnn"])
def test_weights_from_elsewhere_stay_where_they_are_frozen(cases, others, tmp_path, detector):
    settings = tiny(detector)
    settings = replace(settings, frozen=paper(detector).frozen)
    given = task_of(cases, others, settings).network.backbone.state_dict()
    given = {name: value + 0.01 if value.is_floating_point() else value for name, value in given.items()}
    save_file({name: value.contiguous() for name, value in given.items()}, tmp_path / "weights.safetensors")
    settings = replace(settings, initial_weights=str(tmp_path / "weights.safetensors"))
    task = task_of(cases, others, settings)
    fit(task, replace(FIT, steps=2, validate_every=0), tmp_path / "fit", CPU, Progress())
    after = task.network.backbone.state_dict()
    stay = [name for name in given if torch.equal(after[name], given[name])]
    assert {name for name in given if "running" in name} <= set(stay)
    # Of ResNet-50 the first two stages stay (its normalisation everywhere), of VGG-16 all that there is.
    later = [name for name in given if name.startswith(("layer2", "layer3", "layer4"))]
    learned = {name for name in later if ".conv" in name or name.endswith("downsample.0.weight")}
    assert set(given) - set(stay) == learned
    free = task_of(cases, others, replace(settings, frozen=replace(settings.frozen, stages=0, batch_norm=False)))
    assert all(parameter.requires_grad for parameter in free.network.parameters())


def test_weights_of_another_network_are_refused(cases, others, tmp_path):
    given = task_of(cases, others, tiny("vgg")).network.backbone.state_dict()
    save_file({name: value.contiguous() for name, value in given.items()}, tmp_path / "vgg.safetensors")
    with pytest.raises(InputError, match="not of this backbone"):
        task_of(cases, others, tiny("faster-rcnn", initial_weights=str(tmp_path / "vgg.safetensors")))
