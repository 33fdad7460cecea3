"""The network has the paper's geometry, and patches hold what lies around their pixel."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from LesionDetectionLib.methods.high_uptake_ct.network import (
    CENTER_ZYX,
    PATCH_ZYX,
    PRESETS,
    PatchArchitecture,
    PatchNetwork,
    parameter_count,
    similarity,
)
from LesionDetectionLib.methods.high_uptake_ct.patches import PAD, patch_by_patch, patches_at

TINY = PatchArchitecture(filters=(2, 3), hidden=(4, 5))


def test_the_paper_s_sizes():
    network = PatchNetwork().eval()
    with torch.no_grad():
        first = network.conv1(torch.zeros(2, *PATCH_ZYX))
        second = network.conv2(first)
        assert network(torch.zeros(2, *PATCH_ZYX)).shape == (2, 2)
    assert first.shape == (2, 16, 34, 34)
    assert second.shape == (2, 48, 10, 10)
    assert network.fc1.in_features == 4800
    convolutions = 5 * 81 * 16 + 16 + 16 * 49 * 48 + 48
    assert parameter_count(network) == convolutions + 4801 * 512 + 513 * 512 + 513 * 2 == 2_765_970


def test_presets():
    assert PRESETS["paper"] == PatchArchitecture((16, 48), (512, 512), 0.5)
    small = PatchNetwork(PRESETS["small"])
    assert (small.fc1.out_features, small.fc2.out_features) == (256, 64)
    with pytest.raises(TypeError):
        PRESETS["mine"] = TINY  # shared by all: nobody may change them


def test_the_middle_of_a_patch_is_its_centre():
    assert tuple((n - 1) // 2 for n in PATCH_ZYX) == CENTER_ZYX


def test_similarity_is_the_difference_of_the_probabilities():
    logits = torch.randn(4, 3, 2, dtype=torch.float64) * 3
    background, lesion = logits.softmax(dim=-1).unbind(dim=-1)
    torch.testing.assert_close(similarity(logits), lesion - background)
    assert similarity(torch.tensor([0.7, 0.7])) == 0
    # Very sure responses neither overflow nor turn to no number.
    assert similarity(torch.tensor([-2000.0, 2000.0])) == 1


def test_dropout_is_behind_both_hidden_layers_and_only_in_training():
    torch.manual_seed(0)
    network = PatchNetwork(PatchArchitecture((2, 3), (40, 50), dropout=1.0))
    patches = torch.rand(3, *PATCH_ZYX)
    with torch.no_grad():
        torch.testing.assert_close(network(patches), network.fc3.bias.expand(3, 2))
        assert not torch.equal(network.eval()(patches), network.fc3.bias.expand(3, 2))
        network.fc3.weight.zero_()
        assert torch.equal(network(patches), network.fc3.bias.expand(3, 2))


def test_a_patch_holds_what_lies_around_its_pixel_and_air_beyond_the_slice():
    stack = np.random.default_rng(0).random((5, 90, 81), dtype=np.float32) + 1
    places = np.array([(0, 0), (89, 80), (45, 40), (3, 70)])
    patches = patches_at(stack, places).numpy()
    padded = np.pad(stack, [(0, 0), (37, 37), (37, 37)], constant_values=PAD)
    for patch, (row, column) in zip(patches, places, strict=True):
        np.testing.assert_array_equal(patch, padded[:, row : row + 75, column : column + 75])
        assert patch[CENTER_ZYX] == stack[2, row, column]


@pytest.mark.parametrize("shape", [(1, 1), (3, 7)])
def test_slices_smaller_than_a_patch(shape):
    stack = np.random.default_rng(1).random((5, *shape), dtype=np.float32)
    patch = patches_at(stack, np.array([(shape[0] - 1, 0)])).numpy()[0]
    np.testing.assert_array_equal(patch[:, 38 - shape[0] : 38, 37 : 37 + shape[1]], stack)
    assert patch.sum() == pytest.approx(stack.sum(), rel=1e-5)


def test_patch_by_patch_is_the_network_at_each_pixel_whatever_the_batch():
    torch.manual_seed(0)
    network = PatchNetwork(TINY)
    stack = np.random.default_rng(2).random((5, 4, 6), dtype=np.float32)
    everywhere = patch_by_patch(network, stack, batch=7)
    assert everywhere.shape == (4, 6)
    assert everywhere.dtype == np.float32
    assert network.training  # as it was
    network.eval()
    for place in ((0, 0), (3, 5), (2, 1)):
        with torch.no_grad():
            logits = network(patches_at(stack, np.array([place])))[0]
        expected = math.tanh(float(logits[1] - logits[0]) / 2)
        assert everywhere[place] == pytest.approx(expected, abs=1e-6)
        assert patch_by_patch(network, stack, np.array([place]))[0] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("shape", "places", "says"),
    [
        ((4, 9, 9), [(0, 0)], "5 slices, not 4"),
        ((5, 9, 9), [(0, 9)], "outside a slice of 9 x 9"),
        ((5, 9, 9), [(-1, 0)], "outside a slice"),
        ((5, 9, 9), [(0, 0, 0)], "pairs of row and column"),
    ],
)
def test_wrong_stacks_and_places_are_told(shape, places, says):
    with pytest.raises(ValueError, match=says):
        patches_at(np.zeros(shape, dtype=np.float32), np.array(places))
