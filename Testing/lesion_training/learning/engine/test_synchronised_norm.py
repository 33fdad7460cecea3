"""Batch normalisation over processes is torch's own in one process; two are in test_distributed."""

from __future__ import annotations

import importlib

import pytest
import torch
import torch.distributed
from LesionTrainingLib.learning.engine.synchronised_norm import synchronised
from torch import nn

ALONE, AS_IF_TWO = 1, 2


@pytest.fixture(autouse=True)
def a_group_of_one():
    importlib.import_module("torch.distributed.nn.functional")
    torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
    yield
    torch.distributed.destroy_process_group()


@pytest.mark.parametrize(
    ("kind", "shape", "options"),
    [
        (nn.BatchNorm1d, (5, 3), {}),
        (nn.BatchNorm2d, (4, 3, 5, 2), {"affine": False}),
        (nn.BatchNorm3d, (2, 3, 4, 3, 2), {"momentum": None, "eps": 0.1}),
        (nn.BatchNorm3d, (2, 3, 4, 3, 2), {"track_running_stats": False}),
    ],
)
def test_values_gradients_and_statistics_are_torchs(kind, shape, options):
    torch.manual_seed(0)
    plain, synced = kind(3, **options), kind(3, **options)
    for layer in (plain, synced):
        if layer.affine:
            layer.weight.data, layer.bias.data = torch.tensor([0.5, 2.0, -1.0]), torch.tensor([1.0, 0.0, 3.0])
    names = list(synced.state_dict())
    for training in (True, True, False):
        values = torch.randn(shape) * 2 + 50
        slope = torch.randn(shape)
        found = []
        for layer, world in ((plain, ALONE), (synced, AS_IF_TWO)):
            layer.train(training)
            own = values.clone().requires_grad_()
            with synchronised(layer, world):
                assert list(layer.state_dict()) == names
                assert "forward" in vars(layer) if world > 1 else "forward" not in vars(layer)
                result = layer(own)
            (result * slope).sum().backward()
            found.append((result.detach(), own.grad))
        for one, other in zip(*found, strict=True):
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)
        for one, other in zip(plain.parameters(), synced.parameters(), strict=True):
            torch.testing.assert_close(one.grad, other.grad, rtol=1e-4, atol=1e-4)
    for one, other in zip(plain.buffers(), synced.buffers(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-5)
    assert "forward" not in vars(synced)


def test_the_gradient_is_the_slope():
    torch.manual_seed(0)
    layer = nn.BatchNorm1d(2).double()
    values = torch.randn(4, 2, 3, dtype=torch.float64, requires_grad=True)

    def normal(values, weight, bias):
        return torch.func.functional_call(layer, {"weight": weight, "bias": bias}, (values,))

    weight, bias = (torch.randn(2, dtype=torch.float64, requires_grad=True) for _ in range(2))
    with synchronised(layer, AS_IF_TWO):
        layer.track_running_stats = False
        assert torch.autograd.gradcheck(normal, (values, weight, bias))


def test_half_precision_stays_half_outside_and_counts_in_float32():
    layer = nn.BatchNorm2d(3)
    values = (torch.randn(4, 3, 2, 2) + 10).to(torch.bfloat16).requires_grad_()
    with synchronised(layer, AS_IF_TWO):
        result = layer(values)
    result.float().sum().backward()
    assert (result.dtype, values.grad.dtype, layer.weight.grad.dtype) == (torch.bfloat16, torch.bfloat16, torch.float32)
    assert float(result.detach().float().mean()) == pytest.approx(0, abs=0.02)
    expected = nn.BatchNorm2d(3)
    expected(values.detach().float())
    torch.testing.assert_close(layer.running_var, expected.running_var, rtol=1e-5, atol=1e-6)


def test_the_layers_are_themselves_again_after_an_error():
    network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2))
    with pytest.raises(ValueError, match="stop"), synchronised(network, AS_IF_TWO):
        raise ValueError("stop")
    assert all("forward" not in vars(layer) for layer in network.modules())
