"""The score volume is that of one pass over the whole scan, whatever the tile; its peaks lie where the lesion is."""

from __future__ import annotations

import copy
import dataclasses

import numpy as np
import pytest
import torch
from LesionDetectionLib.core.errors import Cancelled, DeviceError, UsageError
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods import tiles
from LesionDetectionLib.methods.convolution.direct import DirectConvolution
from LesionDetectionLib.methods.nodule_ct.network import ScreeningArchitecture, ScreeningFCN
from LesionDetectionLib.methods.nodule_ct.preprocessing import PreparedScan
from LesionDetectionLib.methods.nodule_ct.screening import score_volume, screen
from LesionDetectionLib.methods.nodule_ct.settings import NoduleSettings
from torch import nn

CPU = torch.device("cpu")
GRID = np.array([[-0.75, 0, 0, 30], [0, -0.8, 0, -20], [0, 0, 1.25, 100], [0, 0, 0, 1]])


def a_network(seed=0):
    """Weights large enough, and batch statistics odd enough, that a mistake anywhere shows."""
    torch.manual_seed(seed)
    network = ScreeningFCN(ScreeningArchitecture(widths=(3, 4, 5, 6))).eval()
    for layer in network.modules():
        if isinstance(layer, nn.Conv3d):
            nn.init.kaiming_normal_(layer.weight)
        if isinstance(layer, nn.BatchNorm3d):
            nn.init.uniform_(layer.weight, 0.5, 2)
            nn.init.uniform_(layer.bias, -0.5, 0.5)
            layer.running_mean.uniform_(-0.5, 0.5)
            layer.running_var.uniform_(0.5, 2)
    return network


def a_blob_finder():
    """A network that answers with the sum of its window under a smooth, centred weight: it peaks on a bright spot."""
    network = ScreeningFCN(ScreeningArchitecture(widths=(1, 1, 1, 1), batch_norm=False)).eval()
    for layer in network.modules():
        if isinstance(layer, nn.Conv3d):
            nn.init.zeros_(layer.bias)
            kernels = [torch.hann_window(n + 2, periodic=False)[1:-1] for n in layer.kernel_size]
            layer.weight.data = torch.einsum("a,b,c->abc", *kernels)[None, None].repeat(layer.out_channels, 1, 1, 1, 1)
    last = network.head[-1]
    last.weight.data[0] = 0
    return network


def a_scan(voxels, search=None):
    return PreparedScan(
        voxels, Geometry(voxels.shape, GRID), np.ones(voxels.shape, dtype=bool) if search is None else search
    )


@pytest.mark.parametrize("route", ["direct", "fourier"])
@pytest.mark.parametrize("tile", [(100, 100, 100), (5, 6, 7), (1, 100, 3)])
@pytest.mark.parametrize("shape", [(17, 41, 36), (3, 12, 9), (1, 1, 1), (2, 33, 1)])
def test_tiles_equal_one_pass_with_air_around(tile, shape, route):
    network = a_network()
    voxels = np.random.default_rng(1).random(shape, dtype=np.float32)
    scores = score_volume(a_scan(voxels), network, CPU, tile_zyx=tile, route=route)
    padded = np.pad(voxels, [(4, 5), (14, 16), (14, 16)])
    with torch.no_grad():
        logits = copy.deepcopy(network).double()(torch.from_numpy(padded).double()[None, None])[0]
    whole = (logits[1] - logits[0]).numpy()[tuple(slice(n) for n in scores.logits.shape)]
    assert scores.logits.shape == (shape[0], -(-shape[1] // 2), -(-shape[2] // 2))
    np.testing.assert_allclose(scores.logits, whole, atol=1e-5 * max(1, np.abs(whole).max()))


def test_only_what_is_searched_is_computed(monkeypatch):
    search = np.zeros((40, 60, 60), dtype=bool)
    search[5:8, 10:20, 30:40] = True
    seen = []
    box = PreparedScan.box
    monkeypatch.setattr(PreparedScan, "box", lambda self, start, size: seen.append(size) or box(self, start, size))
    voxels = np.random.default_rng(2).random(search.shape, dtype=np.float32)
    some = score_volume(a_scan(voxels, search), a_network(), CPU)
    whole = score_volume(a_scan(voxels), a_network(), CPU)
    computed = np.isfinite(some.logits)
    assert len(seen) >= 2
    assert seen[0][0] <= 3 + 2 + 9
    assert computed.sum() == 5 * 7 * 7
    np.testing.assert_allclose(some.logits[computed], whole.logits[computed], atol=1e-5)


@pytest.mark.parametrize("ijk", [(30, 24, 12), (31, 24, 12), (7, 40, 3), (0, 0, 0), (59, 49, 24)])
def test_a_bright_spot_is_found_where_it_is(ijk):
    """To half a stride: one voxel in the slice, half a one between slices; at the scan's edges too."""
    i, j, k = ijk
    voxels = np.zeros((25, 50, 60), dtype=np.float32)
    voxels[k, j, i] = 1
    scan = a_scan(voxels)
    candidates = screen(scan, a_blob_finder(), NoduleSettings(candidate_threshold=0.5000001), CPU)
    assert np.all(np.abs(candidates.ijk[0] - ijk) <= (1, 1, 0.5))
    np.testing.assert_allclose(candidates.ras_mm[0], scan.geometry.ras_from_ijk(candidates.ijk[0]))


def test_candidates_are_sorted_apart_above_the_threshold_and_repeatable():
    voxels = np.random.default_rng(3).random((25, 80, 80), dtype=np.float32)
    settings = NoduleSettings(candidate_threshold=0.1, candidate_distance_mm=8.0)
    first, again = (screen(a_scan(voxels), a_network(), settings, CPU) for _ in range(2))
    assert len(first) > 5
    assert np.all(np.diff(first.probability) <= 0)
    assert first.probability.min() >= 0.1
    apart = np.linalg.norm(first.ras_mm[:, None] - first.ras_mm[None], axis=2)
    assert apart[~np.eye(len(first), dtype=bool)].min() >= 8
    np.testing.assert_array_equal(first.ijk, again.ijk)
    np.testing.assert_array_equal(first.probability, again.probability)
    few = screen(a_scan(voxels), a_network(), dataclasses.replace(settings, most_candidates=3), CPU)
    np.testing.assert_array_equal(few.ijk, first.ijk[:3])


def test_a_scan_of_air_or_an_impossible_threshold_gives_no_candidate():
    voxels = np.random.default_rng(4).random((12, 20, 20), dtype=np.float32)
    assert len(screen(a_scan(voxels), a_network(), NoduleSettings(candidate_threshold=1.0), CPU)) == 0
    nowhere = a_scan(voxels, np.zeros(voxels.shape, dtype=bool))
    assert len(screen(nowhere, a_network(), NoduleSettings(candidate_threshold=0.0), CPU)) == 0


def test_the_least_probable_place_has_the_probability_0():
    network = a_blob_finder()
    network.head[-1].bias.data[1] = -1e6
    voxels = np.random.default_rng(4).random((12, 20, 20), dtype=np.float32)
    found = screen(a_scan(voxels), network, NoduleSettings(candidate_threshold=0.0), CPU)
    assert len(found) > 0
    assert not found.probability.any()


@pytest.mark.parametrize("threshold", [-0.1, 1.5, float("nan")])
def test_a_candidate_threshold_that_is_no_probability(threshold):
    with pytest.raises(UsageError, match="from 0 to 1"):
        NoduleSettings(candidate_threshold=threshold)


def test_a_training_network_is_left_as_it_is():
    network = a_network().train()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    score_volume(a_scan(np.ones((10, 20, 20), dtype=np.float32)), network, CPU)
    assert network.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_cancel_between_tiles():
    reports = []
    progress = Progress(lambda fraction, text: (reports.append(fraction), fraction > 0 and progress.cancel()))
    voxels = np.zeros((30, 40, 40), dtype=np.float32)
    with pytest.raises(Cancelled):
        score_volume(a_scan(voxels), a_network(), CPU, progress, tile_zyx=(10, 20, 20))
    assert len(reports) == 2


@pytest.fixture
def memory_for(monkeypatch):
    """``memory_for(n)``: the third layer refuses more than n numbers as PyTorch does when the memory is full."""
    whole = DirectConvolution.__call__

    def limit(numbers):
        def tight(self, features, corners):
            if features.numel() > numbers:
                raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes.")
            return whole(self, features, corners)

        monkeypatch.setattr(DirectConvolution, "__call__", tight)

    return limit


def test_too_little_memory_halves_the_tile(memory_for):
    network = a_network()
    voxels = np.random.default_rng(5).random((20, 80, 80), dtype=np.float32)
    roomy = score_volume(a_scan(voxels), network, CPU)
    memory_for(20 * 40 * 40 * 3)
    tight = score_volume(a_scan(voxels), network, CPU)
    np.testing.assert_allclose(tight.logits, roomy.logits, atol=1e-5)
    memory_for(0)
    with pytest.raises(DeviceError, match="memory is full"):
        score_volume(a_scan(voxels), network, CPU)


def test_other_failures_are_not_taken_for_lack_of_memory(monkeypatch):
    def fail(self, features, corners):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    monkeypatch.setattr(DirectConvolution, "__call__", fail)
    threads = torch.get_num_threads()
    with pytest.raises(RuntimeError, match="shapes"):
        score_volume(a_scan(np.zeros((10, 20, 20), dtype=np.float32)), a_network(), CPU)
    assert torch.get_num_threads() == threads


def test_equal_tiles():
    boxes = list(tiles._split((10, 7, 3), (4, 7, 5)))
    assert boxes == [((0, 0, 0), (3, 7, 3)), ((3, 0, 0), (7, 7, 3)), ((7, 0, 0), (10, 7, 3))]
