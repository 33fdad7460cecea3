"""The gradient is that of sum(total) / sum(count), in one part or several."""

from __future__ import annotations

import pytest
import torch
from engine_samples import SmallTask, quick
from LesionTrainingLib.learning.engine.distributed import Processes
from LesionTrainingLib.learning.engine.gradient import add_up_gradient, mean_loss
from LesionTrainingLib.learning.engine.precision import Precision
from LesionTrainingLib.learning.engine.task import Share, Task, Term
from torch import nn

CPU = torch.device("cpu")


def gradients(task, parts=1, **changes):
    settings = quick(**changes)
    terms = add_up_gradient(task, settings, Precision("float32", CPU), Processes(), 3, parts)
    return terms, {name: p.grad for name, p in task.network.named_parameters()}


def test_a_term_is_its_total_over_its_count():
    weight = torch.tensor(2.0, requires_grad=True)
    terms = {
        "a": Term(weight * 6, 3),
        "b": Term(weight * 1.0, torch.tensor(0.5)),
        "none of these": Term((weight * torch.zeros(0)).sum(), 0),
    }
    loss, means = mean_loss(terms, Processes())
    assert {name: float(mean) for name, mean in means.items()} == {"a": 4.0, "b": 4.0, "none of these": 0.0}
    loss.backward()
    assert float(weight.grad) == 4.0


def test_it_is_the_gradient_of_the_plain_mean():
    task, plain = SmallTask(filtered=False), SmallTask(filtered=False)
    terms, found = gradients(task)
    _, voxels, labels = plain.batch(3, 7, Share())
    logits, values = plain.network(voxels)
    expected = nn.functional.cross_entropy(logits, labels)
    positive = labels == 1
    assert 0 < int(positive.sum()) < 7
    distance = 0.5 * nn.functional.smooth_l1_loss(values[positive], torch.ones(int(positive.sum())))
    (expected + distance).backward()
    assert float(terms["classification"]) == pytest.approx(float(expected.detach()), abs=1e-6)
    assert float(terms["regression"]) == pytest.approx(float(distance.detach()), abs=1e-6)
    for name, parameter in plain.network.named_parameters():
        if parameter.grad is None:
            assert found[name] is None
        else:
            torch.testing.assert_close(found[name], parameter.grad, rtol=0, atol=1e-6)


class Squares(Task):
    """Mean square of seven numbers times a weight: no normalisation, every sample counts."""

    def __init__(self):
        self.network = nn.Linear(1, 1, bias=False)
        nn.init.constant_(self.network.weight, 0.5)
        self.sizes = []

    def batch(self, step, size, share):
        return share.of(torch.arange(1.0, size + 1)[:, None])

    def loss(self, network, batch, peers):
        self.sizes.append(len(batch))
        return {"squares": Term(network(batch).square().sum(), len(batch))}


@pytest.mark.parametrize("parts", [1, 2, 3, 7])
def test_parts_change_nothing_where_every_sample_counts(parts):
    task = Squares()
    terms, found = gradients(task, parts)
    mean = sum(n * n for n in range(1, 8)) / 7
    assert sum(task.sizes) == 7
    assert len(task.sizes) == parts
    assert float(terms["squares"]) == pytest.approx(0.25 * mean)
    assert float(found["weight"]) == pytest.approx(2 * 0.5 * mean)


def test_a_loss_without_gradient_leaves_none():
    task = Squares()
    task.loss = lambda network, batch, peers: {"nothing": Term(torch.zeros(()), 0)}
    terms, found = gradients(task)
    assert float(terms["nothing"]) == 0.0
    assert found["weight"] is None
