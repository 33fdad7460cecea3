"""The convolution of upsampled features without these: the same numbers and gradients as from the large maps."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionDetectionLib.methods.backbones.vgg import Vgg
from LesionDetectionLib.methods.liver_ct.architecture import VGG, LiverArchitecture
from LesionDetectionLib.methods.liver_ct.network import freeze, make_network
from LesionDetectionLib.methods.liver_ct.upsampled import beside_upsampled
from LesionDetectionLib.methods.liver_ct.vgg import vgg_features
from torch import nn

TINY = LiverArchitecture(detector=VGG, input_px=32, widths=(2, 3, 4, 5), vgg_base=2)


def plainly(layer, maps, coarse):
    return layer(torch.cat([nn.functional.interpolate(coarse, size=maps.shape[2:], mode="nearest"), maps], dim=1))


@settings(max_examples=40, deadline=None)
@given(
    shape=st.tuples(*[st.integers(1, 4)] * 2),
    factor=st.sampled_from([2, 3, 8]),
    channels=st.tuples(*[st.integers(1, 3)] * 3),
    count=st.integers(1, 2),
    seed=st.integers(0, 99),
)
def test_as_from_the_large_maps(shape, factor, channels, count, seed):
    torch.manual_seed(seed)
    few, own, outputs = channels
    layer = nn.Conv2d(few + own, outputs, 3, padding=1).double()
    coarse = torch.randn(count, few, *shape, dtype=torch.float64, requires_grad=True)
    maps = torch.randn(count, own, *(factor * side for side in shape), dtype=torch.float64, requires_grad=True)
    of = (coarse, maps, layer.weight, layer.bias)
    found, expected = beside_upsampled(layer, maps, coarse), plainly(layer, maps, coarse)
    torch.testing.assert_close(found, expected)
    aim = torch.randn_like(found)
    ours, plain = (torch.autograd.grad((one * aim).sum(), of) for one in (found, expected))
    for one, other in zip(ours, plain, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("learns", [True, False])
def test_the_whole_network_and_its_gradients(learns):
    """Stages whose maps are computed anew for the gradients, and frozen ones, too."""
    torch.manual_seed(0)
    network, inputs = make_network(TINY), torch.randn(2, 3, 32, 32)
    if not learns:
        freeze(network, False, 5)

    def plain_outputs():
        features = network.backbone(inputs)[-1]
        return network.baseline.after_first(plainly(network.baseline.first, inputs, features))

    of = [one for one in network.parameters() if one.requires_grad]
    assert len(of) == (10 if not learns else 36)
    torch.testing.assert_close(network(inputs), plain_outputs())
    ours, plain = (torch.autograd.grad(one.square().sum(), of) for one in (network(inputs), plain_outputs()))
    for one, other in zip(ours, plain, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5 * float(other.abs().max()))


@pytest.mark.parametrize(
    ("normalised", "learns", "twice"), [(False, True, True), (True, True, False), (False, False, False)]
)
def test_only_large_stages_that_learn_are_computed_twice(normalised, learns, twice):
    """Statistics of normalisation count each batch once."""
    torch.manual_seed(0)
    backbone = make_network(replace(TINY, vgg_normalised=normalised)).backbone.requires_grad_(learns)
    assert isinstance(backbone, Vgg)
    calls = []
    convolutions = [layer for layer in backbone.features if isinstance(layer, nn.Conv2d)]
    for n, layer in enumerate(convolutions):
        layer.register_forward_hook(lambda *_, n=n: calls.append(n))
    inputs = torch.randn(1, 3, 32, 32)
    features = vgg_features(backbone, inputs)
    if learns:
        features.sum().backward()
    assert sorted(calls) == sorted([*range(13), *(range(4) if twice else ())])
    with torch.no_grad():
        torch.testing.assert_close(vgg_features(backbone.eval(), inputs), backbone(inputs)[-1])
