"""Optimisers by name; their moments can be taken up again, laid out as they were."""

from __future__ import annotations

import pytest
import torch
from LesionTrainingLib.learning.engine.optimisers import (
    make_optimizer,
    optimizer_state,
    restore_optimizer,
    set_rate,
)
from LesionTrainingLib.learning.engine.settings import EngineSettings
from torch import nn


def network():
    torch.manual_seed(0)
    made = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(3, 1))
    made[1].bias.requires_grad_(False)
    made[0].weight.data = made[0].weight.data.contiguous(memory_format=torch.channels_last)
    return made


def descend(made, optimizer, seed):
    made.zero_grad()
    made(torch.randn(4, 2, 3, 3, generator=torch.Generator().manual_seed(seed))).square().sum().backward()
    optimizer.step()


@pytest.mark.parametrize(
    ("name", "slots"), [("sgd", {"momentum_buffer"}), ("adam", {"step", "exp_avg", "exp_avg_sq"}), ("adamw", None)]
)
def test_moments_can_be_taken_up_again(name, slots):
    settings = EngineSettings(optimizer=name, weight_decay=0.1)
    first, second = network(), network()
    optimizer = make_optimizer(first, settings)
    assert optimizer_state(optimizer, first) == {}
    for seed in range(3):
        descend(first, optimizer, seed)
    state = {name: tensor.clone() for name, tensor in optimizer_state(optimizer, first).items()}
    if slots:
        assert {key.rpartition("/")[2] for key in state} == slots
    assert not any(key.startswith("1.bias") for key in state)  # it is frozen
    second.load_state_dict(first.state_dict())
    restored = make_optimizer(second, settings)
    restore_optimizer(restored, second, state)
    for one, other in zip(optimizer.state.values(), restored.state.values(), strict=True):
        assert all(one[slot].stride() == other[slot].stride() for slot in one if isinstance(one[slot], torch.Tensor))
    for each, its in ((first, optimizer), (second, restored)):
        descend(each, its, 9)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_moments_of_another_network_are_refused():
    optimizer = make_optimizer(network(), EngineSettings())
    with pytest.raises(KeyError):
        restore_optimizer(optimizer, network(), {"7.weight/exp_avg": torch.zeros(1)})


def test_the_rate_is_set():
    made = network()
    optimizer = make_optimizer(made, EngineSettings(optimizer="sgd", momentum=0.0))
    before = [parameter.clone() for parameter in made.parameters()]
    set_rate(optimizer, 0.0)
    descend(made, optimizer, 1)
    assert all(torch.equal(a, b) for a, b in zip(before, made.parameters(), strict=True))


def test_the_sum_of_squares_falls():
    made = network()
    optimizer = make_optimizer(made, EngineSettings(optimizer="adam", learning_rate=0.05))
    x = torch.randn(16, 2, 3, 3)
    first = float(made(x).square().mean().detach())
    for _ in range(30):
        descend(made, optimizer, 1)
    assert float(made(x).square().mean().detach()) < first
