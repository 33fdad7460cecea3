"""First weights follow from seed and name alone."""

from __future__ import annotations

import torch
from LesionTrainingLib.learning.engine.networks import fresh
from torch import nn


def made(seed, name="a"):
    return fresh(lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv3d(2, 4, 3), nn.Linear(4, 2)), seed, name)


def test_first_weights_follow_from_seed_and_name():
    torch.manual_seed(5)
    first = made(1)
    drawn = torch.rand(3)
    torch.manual_seed(5)
    assert torch.equal(torch.rand(3), drawn)  # nobody else's random numbers are used up
    torch.manual_seed(6)
    assert torch.equal(first[0].weight, made(1)[0].weight)
    assert not torch.equal(first[0].weight, made(2)[0].weight)
    assert not torch.equal(first[0].weight, made(1, "b")[0].weight)


def test_convolutions_are_laid_out_channels_last():
    network = made(0)
    assert network[0].weight.is_contiguous(memory_format=torch.channels_last)
    assert network[1].weight.is_contiguous(memory_format=torch.channels_last_3d)
    assert network[2].weight.is_contiguous()
