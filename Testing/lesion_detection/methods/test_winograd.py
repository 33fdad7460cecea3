"""Convolutions by tiles are PyTorch's, whatever the size of map and batch, and only those are replaced that are meant."""

from __future__ import annotations

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from LesionDetectionLib.methods.convolution import winograd
from LesionDetectionLib.methods.convolution.winograd import WinogradConvolution, use_winograd
from torch import nn


def a_layer(inputs=3, outputs=4, **changes) -> nn.Conv2d:
    torch.manual_seed(0)
    layer = nn.Conv2d(inputs, outputs, 3, **{"padding": 1, **changes}).requires_grad_(False)
    layer.weight.normal_(std=(9 * inputs) ** -0.5)
    return layer


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 3), st.integers(1, 21), st.integers(1, 21), st.booleans(), st.booleans(), st.integers(1, 9))
@example(1, 16, 8, True, True, 2)
@example(3, 7, 7, True, False, 128)
@torch.inference_mode()
def test_a_convolution_by_tiles_is_the_plain_one(count, height, width, bias, relu, tiles):
    layer = a_layer(bias=bias)
    maps = torch.randn(count, 3, height, width).contiguous(memory_format=torch.channels_last)
    expected = layer.double()(maps.double())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(winograd, "_LEAST_TILES", tiles)
        found = WinogradConvolution(layer.float(), relu)(maps)
    torch.testing.assert_close(found.double(), expected.relu() if relu else expected, atol=1e-5, rtol=0)
    assert found.is_contiguous(memory_format=torch.channels_last)


@torch.inference_mode()
def test_many_channels_lose_little():
    layer = a_layer(256, 16)
    maps = torch.randn(1, 256, 24, 24)
    expected = layer.double()(maps.double())
    off = WinogradConvolution(layer.float(), False)(maps).double() - expected
    assert float(off.std()) < 2e-6 * float(expected.std())


def test_what_pays_is_replaced_with_its_relu(monkeypatch):
    monkeypatch.setattr(winograd, "LEAST_CHANNELS", 4)
    network = nn.Sequential(
        a_layer(3, 4),
        nn.ReLU(),
        a_layer(4, 5),
        nn.ReLU(inplace=True),
        a_layer(5, 4, stride=2),
        nn.Sequential(a_layer(4, 4), a_layer(4, 4, dilation=2, padding=2)),
        nn.Conv2d(4, 8, 1),
    ).requires_grad_(False)
    maps = torch.randn(2, 3, 14, 10)
    expected = network(maps)
    use_winograd(network)
    assert [type(layer) for layer in network[:5]] == [
        nn.Conv2d,
        nn.ReLU,
        WinogradConvolution,
        nn.Identity,
        nn.Conv2d,
    ]
    assert [type(layer) for layer in network[5]] == [WinogradConvolution, nn.Conv2d]
    torch.testing.assert_close(network(maps), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize("change", [lambda network: network.bfloat16(), lambda network: network.to("meta")])
def test_in_16_bits_and_elsewhere_nothing_is_replaced(change, monkeypatch):
    monkeypatch.setattr(winograd, "LEAST_CHANNELS", 1)
    network = change(nn.Sequential(a_layer()))
    use_winograd(network)
    assert isinstance(network[0], nn.Conv2d)
