"""Heads at some places, layers in bands and the mask in rectangles are exactly what whole maps give: weights are whole numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from LesionDetectionLib.methods.universal_ct import engine_bands, engine_head
from LesionDetectionLib.methods.universal_ct.architecture import UniversalArchitecture
from LesionDetectionLib.methods.universal_ct.engine_bands import in_bands
from LesionDetectionLib.methods.universal_ct.engine_head import LeanHead
from LesionDetectionLib.methods.universal_ct.engine_outline import TILE, outline_at, rectangles
from LesionDetectionLib.methods.universal_ct.heads import Head
from LesionDetectionLib.methods.universal_ct.network import UniversalNetwork
from torch import nn

ARCHITECTURE = UniversalArchitecture(base=4, pyramid=3, head=4, head_layers=3, ratios=(1.0, 2.0), scales=(1.0,))


def in_whole_numbers(module: nn.Module, seed: int = 0) -> nn.Module:
    generator = torch.Generator().manual_seed(seed)
    for value in module.requires_grad_(False).parameters():
        value.copy_(torch.randint(-2, 3, value.shape, generator=generator))
    return module.eval()


def a_map(channels: int, height: int, width: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    values = torch.randint(-3, 4, (1, channels, height, width), generator=generator).float()
    return values.contiguous(memory_format=torch.channels_last)


@pytest.fixture(scope="module")
def heads():
    whole = in_whole_numbers(Head(ARCHITECTURE, 4))
    same = in_whole_numbers(Head(ARCHITECTURE, 4))
    return whole, LeanHead(same)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 9), st.integers(1, 12), st.data())
@example(1, 1, None)
def test_a_head_at_some_places_is_the_whole_head_there(heads, height, width, data):
    whole, lean = heads
    places = [0]
    if data is not None:
        places = sorted(data.draw(st.sets(st.integers(0, height * width - 1), min_size=1)))
    level = a_map(3, height, width)
    expected = whole(level).reshape(height * width, 2, 4)[places]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine_head, "FEW", 1e9)
        patch.setattr(engine_head, "_CHUNK", 7)
        assert torch.equal(lean.at(level, torch.tensor(places)), expected)
    assert torch.equal(lean.at(level, torch.tensor(places)), expected)
    assert torch.equal(lean.everywhere(level), whole(level))


def test_only_neighbours_are_computed(heads, monkeypatch):
    _, lean = heads
    needed = lean.needed(torch.tensor([5 * 20 + 7]), 20, 20)
    assert list(map(len, needed)) == [49, 25, 9, 1]
    assert list(map(len, lean.needed(torch.tensor([0]), 20, 20))) == [16, 9, 4, 1]
    monkeypatch.setattr(lean, "everywhere", None)
    lean.at(a_map(3, 20, 20), torch.tensor([107]))


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 40), st.integers(1, 5), st.integers(1, 3), st.booleans(), st.integers(1, 600))
def test_bands_are_the_whole(half_height, half_width, convolutions, pooled, band_bytes):
    layers = []
    for _ in range(convolutions):
        layers += [nn.Conv2d(2, 2, 3, padding=1), nn.ReLU(inplace=True)]
    layers += [nn.MaxPool2d(2)] * pooled
    in_whole_numbers(nn.Sequential(*layers))
    x = a_map(2, 2 * half_height, 2 * half_width)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine_bands, "BAND_BYTES", band_bytes)
        assert torch.equal(in_bands(layers, x), nn.Sequential(*layers)(x))


def some_windows(height: int, width: int):
    """[m, 4]."""

    def along(length):
        return st.tuples(st.integers(0, length - 1), st.integers(1, length)).map(
            lambda pair: (min(pair[0], pair[1] - 1), max(pair[0] + 1, pair[1]))
        )

    one = st.tuples(along(width), along(height)).map(lambda xy: (xy[0][0], xy[1][0], xy[0][1], xy[1][1]))
    return st.lists(one, max_size=4).map(lambda found: np.array(found, np.int64).reshape(-1, 4))


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 300), st.integers(1, 300), st.data())
def test_rectangles_hold_all_windows_once(height, width, data):
    windows = data.draw(some_windows(height, width))
    times = np.zeros((height, width), int)
    for y0, y1, x0, x1 in rectangles(windows, height, width):
        assert 0 <= y0 < y1 <= height
        assert 0 <= x0 < x1 <= width
        times[y0:y1, x0:x1] += 1
    assert times.max(initial=0) <= 1
    wanted, near = np.zeros((2, height, width), bool)
    for x0, y0, x1, y1 in windows:
        wanted[y0:y1, x0:x1] = True
        near[max(0, y0 - TILE + 1) : y1 + TILE - 1, max(0, x0 - TILE + 1) : x1 + TILE - 1] = True
    assert times[wanted].all()
    assert not times[~near].any()


@pytest.fixture(scope="module")
def outlined():
    network = in_whole_numbers(UniversalNetwork(ARCHITECTURE))
    for value in network.dense.parameters():
        value.clamp_(-1, 1)
    with torch.inference_mode():
        features = network.features(a_map(3, 192, 256) / 64)
        low = min(float(features.levels[0].abs().max()), 1e3)
        levels = (torch.round(features.levels[0].clamp(-low, low) / low * 3), *features.levels[1:])
        features = type(features)(levels, torch.round(features.first * 2).clamp(-3, 3), features.slices)
        return network, features, torch.sigmoid(network.outline(features))[0].numpy()


@settings(max_examples=10, deadline=None)
@given(some_windows(192, 256))
@example(np.array([[0, 0, 256, 192]]))
@example(np.array([[63, 64, 65, 128]]))
def test_the_mask_in_windows_is_that_of_the_whole_slice(outlined, windows):
    network, features, expected = outlined
    found = outline_at(network, features, windows)
    for x0, y0, x1, y1 in windows:
        np.testing.assert_allclose(found[y0:y1, x0:x1], expected[y0:y1, x0:x1], atol=1e-6)
    assert found.shape == (192, 256)
