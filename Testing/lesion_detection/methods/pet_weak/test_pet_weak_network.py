"""The networks: the paper's geometry by shape and count, and the class activation map."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from cuda_double import gpu
from LesionDetectionLib.methods import pet_weak
from LesionDetectionLib.methods.pet_weak.architecture import CAM, FCN, UNET, PetWeakArchitecture
from LesionDetectionLib.methods.pet_weak.looking import Looker
from LesionDetectionLib.methods.pet_weak.maps import class_activation_map
from LesionDetectionLib.methods.pet_weak.network import make_network
from LesionDetectionLib.methods.pet_weak.segmentation_networks import UNet
from torch import nn

TINY = (2, 3, 4, 5)


def of_kind(kind, widths=TINY, **changes):
    torch.manual_seed(0)
    return make_network(PetWeakArchitecture(kind=kind, widths=widths, **changes)).eval()


@pytest.mark.parametrize("name", ["architecture", "layers", "network", "segmentation_networks", "maps"])
def test_the_networks_need_torch_alone(name):
    """They run on a bare GPU machine."""
    tree = ast.parse((Path(pet_weak.__file__).parent / f"{name}.py").read_text(encoding="utf-8"))
    absolute = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and not node.level]
    found = {node.module.split(".")[0] for node in absolute}
    found |= {
        alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }
    assert found - set(sys.stdlib_module_names) <= {"torch", "numpy"}


@pytest.mark.parametrize("kind", [CAM, FCN, UNET])
def test_a_gpu_sees_what_the_processor_sees(kind):
    network, views = of_kind(kind), np.random.default_rng(0).uniform(0, 1, (2, 1, 32, 48)).astype(np.float32)
    known = Looker(network, torch.device("cpu")).look(views)
    with gpu() as device:
        found = Looker(network, device).look(views)
    np.testing.assert_allclose(found.maps, known.maps, atol=1e-5)
    assert (found.kind, found.probabilities) == (known.kind, pytest.approx(known.probabilities))


def test_values_too_large_for_float16_are_no_empty_map_on_a_gpu():
    network = of_kind(CAM)
    network.features.blocks[0][0].weight.data.mul_(1e6)
    network.classification.weight.data.mul_(1e-6)
    with gpu() as device:
        found = Looker(network, device).look(np.ones((2, 1, 32, 32), np.float32))
    assert np.isfinite(found.maps).all()
    assert found.maps.max() == 1


def test_eight_convolutions_in_four_blocks_and_a_map_of_a_sixteenth():
    network = make_network(PetWeakArchitecture())
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    assert [layer.out_channels for layer in layers] == [32, 32, 64, 64, 128, 128, 256, 256]
    assert {layer.kernel_size for layer in layers} == {(3, 3)}
    pairs = [(1, 32), (32, 32), (32, 64), (64, 64), (64, 128), (128, 128), (128, 256), (256, 256)]
    # Weights, then scale and shift of each normalisation; the classes.
    assert sum(p.numel() for p in network.parameters()) == sum(9 * a * b + 2 * b for a, b in pairs) + 2 * 257
    scored = of_kind("cam")(torch.rand(3, 1, 96, 64))
    assert scored.logits.shape == (3, 2)
    assert scored.activations.shape == (3, 2, 6, 4)


def test_without_normalisation_each_convolution_has_its_bias():
    network = make_network(PetWeakArchitecture(widths=TINY, normalised=False))
    pairs = [(1, 2), (2, 2), (2, 3), (3, 3), (3, 4), (4, 4), (4, 5), (5, 5)]
    assert sum(p.numel() for p in network.parameters()) == sum(9 * a * b + b for a, b in pairs) + 2 * 6


def test_logits_are_a_linear_layer_on_the_mean_of_the_last_features():
    network = of_kind("cam", classes=("lung", "oesophagus", "none"))
    views = torch.rand(2, 1, 32, 48)
    scored = network(views)
    features = network.features(views)[-1]
    assert torch.allclose(scored.logits, network.classification(features.mean(dim=(2, 3))), atol=1e-6)
    expected = torch.einsum("cf,nfhw->nchw", network.classification.weight, features)
    assert torch.allclose(scored.activations, expected, atol=1e-6)


@pytest.mark.parametrize("kind", [FCN, UNET])
def test_a_segmenting_network_gives_the_size_of_its_input(kind):
    assert of_kind(kind)(torch.rand(2, 1, 48, 32)).shape == (2, 1, 48, 32)


def test_the_fcn_sums_heads_on_its_last_three_blocks():
    network = of_kind(FCN)
    assert [layer.in_channels for layer in network.layers.heads] == [3, 4, 5]
    views = torch.rand(1, 1, 32, 32)
    with torch.no_grad():
        for layer in network.layers.heads:
            layer.weight.zero_()
        for share, layer in zip((1.0, 10.0, 100.0), network.layers.heads, strict=True):
            layer.bias.fill_(share)
        assert torch.allclose(network(views), torch.full((1, 1, 32, 32), 111.0))


def test_one_unet_for_planes_and_volumes():
    flat, solid = UNet(TINY), UNet(TINY, dimensions=3)
    assert flat(torch.rand(1, 1, 16, 24)).shape == (1, 1, 16, 24)
    assert solid(torch.rand(1, 1, 8, 16, 24)).shape == (1, 1, 8, 16, 24)
    assert [p.shape[:2] for p in flat.parameters()] == [p.shape[:2] for p in solid.parameters()]


def test_a_unet_hands_the_finest_details_through():
    network = of_kind(UNET).layers
    with torch.no_grad():
        for layer in network.enlarge:
            layer.weight.zero_()
            layer.bias.zero_()
    views = torch.rand(1, 1, 16, 16)
    changed = views.clone()
    changed[0, 0, 0, 0] += 1.0
    difference = (network(changed) - network(views)).abs()[0, 0]
    # Four convolutions of 3 x 3 reach four pixels far; what is coarser is cut off.
    assert difference[:5, :5].max() > 0
    assert difference[5:].max() == difference[:, 5:].max() == 0


@pytest.mark.parametrize("kind", ["cam", FCN, UNET])
def test_sides_that_a_pooling_would_cut_are_refused(kind):
    with pytest.raises(ValueError, match="multiple of 16"):
        of_kind(kind)(torch.rand(1, 1, 40, 32))


def test_a_network_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="no kind of network"):
        make_network(PetWeakArchitecture(kind="transformer"))


def test_the_map_is_what_speaks_for_a_class_over_its_maximum():
    activations = torch.tensor([[[-1.0, 2.0], [4.0, 0.0]], [[-1.0, -2.0], [-3.0, -4.0]]])
    assert class_activation_map(activations).tolist() == [[[0, 0.5], [1, 0]], [[0, 0], [0, 0]]]


def test_the_map_has_gradients_and_none_that_are_no_numbers():
    activations = torch.tensor([[[1.0, 2.0], [4.0, -1.0]], [[-1.0, -2.0], [-3.0, -4.0]]], requires_grad=True)
    (class_activation_map(activations)[:, 0, 0].sum()).backward()
    # d (a / m) = da / m - a dm / m^2
    assert activations.grad.tolist() == [[[0.25, 0], [-1 / 16, 0]], [[0, 0], [0, 0]]]
