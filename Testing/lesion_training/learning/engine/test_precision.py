"""Number formats, the scaled loss of float16, and clipping."""

from __future__ import annotations

import pytest
import torch
from LesionTrainingLib.learning.engine.precision import Precision
from torch import nn

CPU = torch.device("cpu")


def test_auto_is_float32_on_a_processor():
    assert Precision("auto", CPU).name == "float32"


@pytest.mark.parametrize(
    ("name", "kind"), [("float32", torch.float32), ("bf16", torch.bfloat16), ("fp16", torch.float16)]
)
def test_the_format_of_a_product(name, kind):
    precision, layer = Precision(name, CPU), nn.Linear(3, 3)
    with precision.format():
        values = layer(torch.ones(2, 3))
    assert values.dtype == kind
    precision.backward(values.float().sum())
    assert layer.weight.grad.dtype == torch.float32  # weights and their gradients stay whole


@pytest.mark.parametrize("name", ["float32", "fp16"])
def test_clipping_tells_the_norm_before_it(name):
    precision, weight = Precision(name, CPU), nn.Parameter(torch.zeros(2))
    optimizer = torch.optim.SGD([weight], 1.0)
    precision.backward((weight * torch.tensor([3.0, 4.0])).sum())
    norm = precision.descend(optimizer, [weight], 1.0)
    assert float(norm) == pytest.approx(5)
    assert weight.tolist() == pytest.approx([-0.6, -0.8], abs=1e-5)
    assert precision.descend(optimizer, [weight], 0.0) is None


def test_an_overflown_step_is_left_out_and_the_scale_falls():
    precision, weight = Precision("fp16", CPU), nn.Parameter(torch.ones(1))
    optimizer = torch.optim.SGD([weight], 1.0)
    precision.backward((weight * 1e38).sum())
    precision.descend(optimizer, [weight], 0.0)
    assert weight.tolist() == [1.0]
    assert precision.may_overflow()
    state = precision.state()
    other = Precision("fp16", CPU)
    other.restore(state)
    before = Precision("fp16", CPU)
    before.backward((weight * 1.0).sum())
    other.backward((weight * 1.0).sum())
    assert other.state()["scale"] == state["scale"] == 0.5 * before.state()["scale"]


def test_only_float16_needs_a_scale():
    for name in ("float32", "bf16"):
        assert Precision(name, CPU).state() == {}
        assert not Precision(name, CPU).may_overflow()
