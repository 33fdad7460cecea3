"""Networks of shapes only, for the weights of a bundle."""

from __future__ import annotations

import torch
from LesionDetectionLib.methods.network_weights import shapes_only
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode


class Done(TorchDispatchMode):
    """The names of what torch does meanwhile."""

    def __init__(self):
        super().__init__()
        self.names = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.names.add(func.overloadpacket.__name__)
        return func(*args, **(kwargs or {}))


class Drawn(nn.Module):
    """Weights drawn in each way that our networks have."""

    def __init__(self):
        super().__init__()
        self.convolution, self.linear, self.norm = nn.Conv3d(2, 3, 3), nn.Linear(4, 5), nn.BatchNorm3d(6)
        nn.init.normal_(self.convolution.weight, std=0.01)
        nn.init.kaiming_normal_(self.linear.weight, nonlinearity="relu")
        nn.init.kaiming_uniform_(self.linear.weight, a=1)
        nn.init.zeros_(self.linear.bias)
        self.linear.weight.data.normal_()


def test_nothing_is_allocated_or_drawn():
    """A normal draw without values would load torch's compiler, at each start of a program that reads a model."""
    with Done() as done, shapes_only():
        network = Drawn()
    assert all(parameter.is_meta for parameter in network.parameters())
    assert {name: tuple(parameter.shape) for name, parameter in network.named_parameters()} == {
        name: tuple(parameter.shape) for name, parameter in Drawn().named_parameters()
    }
    assert done.names
    assert not done.names & {"normal_", "normal", "uniform_"}


def test_afterwards_weights_are_drawn_again():
    with shapes_only():
        pass
    assert nn.init.normal_(torch.zeros(100)).std() > 0.5
