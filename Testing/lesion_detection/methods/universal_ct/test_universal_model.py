"""The network in a bundle: what goes in comes out, and what does not fit is refused before memory is taken."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from LesionDetectionLib.core.errors import BundleError
from LesionDetectionLib.methods.universal_ct.architecture import ROWS, VGG19_BN, UniversalArchitecture
from LesionDetectionLib.methods.universal_ct.model import load_network, weights_of
from LesionDetectionLib.methods.universal_ct.network import UniversalNetwork

TINY = UniversalArchitecture(base=2, pyramid=4, head=4, head_layers=1, dense_widths=(2, 2))


def tiny(architecture):
    return dataclasses.replace(architecture, base=2, pyramid=4, head=4, head_layers=1, dense_widths=(2, 2))


@pytest.mark.parametrize("row", list(ROWS))
def test_every_row_comes_back(a_bundle, row):
    architecture = tiny(ROWS[row])
    network = load_network(a_bundle(architecture=architecture))
    assert network.architecture == architecture
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())
    inputs = torch.randn(1, 3, 128, 128)
    torch.manual_seed(1)
    again = UniversalNetwork(architecture).eval()
    with torch.inference_mode():
        torch.testing.assert_close(network(inputs).logits, again(inputs).logits, rtol=0, atol=0)


def test_statistics_of_normalisation_come_back(a_bundle):
    bundle = a_bundle(architecture=dataclasses.replace(TINY, backbone=VGG19_BN))
    network = load_network(bundle)
    assert any("running_var" in name for name in network.state_dict())
    for name, array in bundle.weights().items():
        np.testing.assert_array_equal(weights_of(network)[name], array)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"base": 10**6}, "sizes must lie between 1 and 4096"),
        ({"head_layers": 0}, "sizes must lie"),
        ({"backbone": "vgg16"}, "no backbone “vgg16”"),
        ({"lowest": 3}, "a mask needs"),
        ({"scales": [0.5] * 17}, "more than 16"),
        ({"scales": []}, "a scale and a ratio"),
        ({"ratios": [1.0, -1.0]}, "above 0"),
        ({"ratios": "many"}, "“ratios” cannot be 'many'"),
        ({"depth": 3}, "“depth” is not known"),
        ({"sizes": [32.0]}, "5 sizes of anchors"),
    ],
)
def test_architectures_that_cannot_be(a_bundle, changed, told):
    bundle = a_bundle(architecture={**dataclasses.asdict(TINY), **changed}, network=UniversalNetwork(TINY))
    with pytest.raises(BundleError, match=told):
        load_network(bundle)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda w: {name: a for name, a in w.items() if name != "dense.mask.bias"}, "dense.mask.bias is missing"),
        (lambda w: {**w, "extra": np.zeros(1, np.float32)}, "also holds extra"),
        (lambda w: {**w, "dense.mask.bias": np.zeros(2, np.float32)}, "has the shape"),
        (lambda w: {**w, "dense.mask.bias": np.full(1, np.nan, np.float32)}, "not numbers"),
    ],
)
def test_weights_that_do_not_fit(a_bundle, change, told):
    with pytest.raises(BundleError, match=told):
        load_network(a_bundle(change, architecture=TINY))
