"""The second stage: where a nodule is from any candidate, and that both ways through the trunk agree."""

from __future__ import annotations

import copy
import functools
import time

import numpy as np
import pytest
import torch
from LesionDetectionLib.core.errors import Cancelled, DeviceError
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.convolution.direct import DirectConvolution
from LesionDetectionLib.methods.folding import for_inference
from LesionDetectionLib.methods.nodule_ct import groups
from LesionDetectionLib.methods.nodule_ct import reduction as reduction_module
from LesionDetectionLib.methods.nodule_ct.network import REDUCTION_INPUT_ZYX, ReductionArchitecture, ReductionResNet
from LesionDetectionLib.methods.nodule_ct.preprocessing import PreparedScan
from LesionDetectionLib.methods.nodule_ct.reduction import classify, patch_start
from LesionDetectionLib.methods.nodule_ct.regression import encode
from LesionDetectionLib.methods.nodule_ct.screening import Candidates
from LesionDetectionLib.methods.nodule_ct.trunk import BLOCK_ZYX, TrunkLayers, union
from torch import nn, tensor

CPU = torch.device("cpu")
GRID = np.array([[-0.75, 0, 0, 30], [0, 0, 1.25, -20], [0, -0.8, 0, 100], [0, 0, 0, 1]])


class Oracle(nn.Module):
    """Finds the brightest voxel of each patch and answers with Eq. 2's targets of a 9 mm nodule there."""

    def __init__(self, spacing_xyz):
        super().__init__()
        self.regress = nn.Identity()
        self.spacing = np.array(spacing_xyz)
        self.batches = []

    def forward(self, patches):
        self.batches.append(len(patches))
        targets = []
        size = np.array(REDUCTION_INPUT_ZYX[::-1])
        for patch in patches[:, 0].numpy():
            zyx = np.array(np.unravel_index(patch.argmax(), patch.shape))
            targets.append(
                encode(
                    zyx[None, ::-1] * self.spacing,
                    np.array([9.0]),
                    (size[None] - 1) / 2 * self.spacing,
                    size * self.spacing,
                )[0]
            )
        logits = tensor([[0.0, float(patch.max())] for patch in patches[:, 0].numpy()])
        return logits, tensor(np.array(targets), dtype=torch.float32)


patch_by_patch = functools.partial(classify, way="patches")
"""An oracle has no trunk."""


@pytest.fixture
def spots():
    """A scan with bright voxels, and candidates a little beside each."""
    random = np.random.default_rng(1)
    voxels = np.zeros((40, 150, 160), dtype=np.float32)
    scan = PreparedScan(voxels, Geometry(voxels.shape, GRID), np.ones(voxels.shape, dtype=bool))
    truth = np.array([[5, 5, 2], [40, 120, 30], [100, 60, 12], [155, 140, 39], [150, 10, 20]])
    for rank, (i, j, k) in enumerate(truth):
        voxels[k, j, i] = 1 - rank / 10
    ijk = truth + random.uniform(-6, 6, truth.shape)
    return scan, truth, Candidates(ijk, scan.geometry.ras_from_ijk(ijk), np.linspace(0.9, 0.5, len(truth)))


def test_regression_finds_the_nodule_from_any_candidate(spots):
    scan, truth, candidates = spots
    found = patch_by_patch(scan, Oracle((0.75, 0.8, 1.25)), candidates, CPU)
    np.testing.assert_allclose(found.center_ras_mm, scan.geometry.ras_from_ijk(truth), atol=1e-3)
    np.testing.assert_allclose(found.diameter_mm, 9.0, atol=1e-3)
    assert np.all(np.diff(found.probability) < 0)


def test_regression_stays_within_the_patch(spots):
    scan, _, candidates = spots
    oracle = Oracle((0.75, 0.8, 1.25))
    wild = lambda patches: (torch.zeros(len(patches), 2), torch.full((len(patches), 4), 1e6))  # noqa: E731
    oracle.forward = wild
    found = patch_by_patch(scan, oracle, candidates, CPU)
    size_mm = np.array(REDUCTION_INPUT_ZYX[::-1]) * (0.75, 0.8, 1.25)
    np.testing.assert_allclose(found.diameter_mm, np.linalg.norm(size_mm))
    assert np.linalg.norm(found.center_ras_mm - candidates.ras_mm, axis=1).max() < np.linalg.norm(size_mm)


def test_the_patch_lies_around_the_candidate():
    """Exactly where it comes from screening, at 2 x + 0.5 in the slice; its first voxel is odd."""
    assert patch_start([[30.5, 32.5, 11.5]]).tolist() == [[0, 3, 1]]
    assert patch_start([[31.4, 30.9, 11.2]]).tolist() == [[0, 1, 1]]
    assert patch_start([[0.5, -1.5, 12.1]]).tolist() == [[1, -31, -29]]
    ijk = np.random.default_rng(0).uniform(-50, 50, (100, 3))
    missed = patch_start(ijk) + (np.array(REDUCTION_INPUT_ZYX) - 1) / 2 - ijk[:, ::-1]
    assert np.all(np.abs(missed) <= (0.5, 1, 1))


def test_no_candidates(spots):
    scan, _, _ = spots
    none = Candidates(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0))
    found = patch_by_patch(scan, Oracle((0.75, 0.8, 1.25)), none, CPU)
    assert found.probability.shape == (0,)
    assert found.center_ras_mm.shape == (0, 3)


def test_too_little_memory_halves_the_batch(spots):
    scan, _, candidates = spots
    oracle = Oracle((0.75, 0.8, 1.25))
    roomy, answer = patch_by_patch(scan, oracle, candidates, CPU), oracle.forward

    def at_most(limit):
        def forward(patches):
            if len(patches) > limit:
                raise MemoryError
            return answer(patches)

        return forward

    oracle.forward = at_most(2)
    tight = patch_by_patch(scan, oracle, candidates, CPU)
    np.testing.assert_array_equal(tight.probability, roomy.probability)
    np.testing.assert_array_equal(tight.center_ras_mm, roomy.center_ras_mm)
    oracle.forward = at_most(0)
    with pytest.raises(DeviceError, match="memory is full"):
        patch_by_patch(scan, oracle, candidates, CPU)


def test_cancel_between_batches(spots):
    """No batch is begun once the user's wish is known."""
    scan, _, candidates = spots
    many = Candidates(*(np.repeat(n, 3, axis=0) for n in (candidates.ijk, candidates.ras_mm, candidates.probability)))
    progress, oracle = Progress(lambda fraction, text: fraction > 0 and progress.cancel()), Oracle((0.75, 0.8, 1.25))
    answer = oracle.forward

    def slow(patches):
        time.sleep(0.5)  # longer than it takes until progress is told of the batch before
        return answer(patches)

    oracle.forward = slow
    with pytest.raises(Cancelled):
        patch_by_patch(scan, oracle, many, CPU, progress)
    assert len(oracle.batches) <= 3


def a_network(seed=0, regression=True, batch_norm=True, widths=(3, 4, 5)):
    """Weights large enough, and batch statistics odd enough, that a mistake anywhere shows."""
    torch.manual_seed(seed)
    architecture = ReductionArchitecture(
        trunk_widths=widths, widths=(4, 8), hidden=8, regression=regression, batch_norm=batch_norm
    )
    network = ReductionResNet(architecture).eval()
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm3d):
            nn.init.uniform_(layer.weight, 0.5, 2)
            nn.init.uniform_(layer.bias, -0.5, 0.5)
            layer.running_mean.uniform_(-0.5, 0.5)
            layer.running_var.uniform_(0.5, 2)
    with torch.no_grad():  # else probabilities near 1 hide the logits
        network.classify[-1].weight *= 0.2
    return network


def a_scan(shape, seed=1):
    voxels = np.random.default_rng(seed).random(shape, dtype=np.float32)
    return PreparedScan(voxels, Geometry(shape, GRID), np.ones(shape, dtype=bool))


def at(scan, ijk):
    ijk = np.asarray(ijk, dtype=np.float64).reshape(-1, 3)
    return Candidates(ijk, scan.geometry.ras_from_ijk(ijk), np.linspace(0.9, 0.5, len(ijk)))


def assert_same(scan, network, candidates):
    """The streamed trunk, the patches, and in float64 the network as it was trained."""
    streamed = classify(scan, network, candidates, CPU, way="streamed")
    starts = patch_start(candidates.ijk)
    patches = np.stack([scan.box(tuple(start), REDUCTION_INPUT_ZYX) for start in starts.tolist()])
    with torch.no_grad():
        logits, targets = copy.deepcopy(network).double()(torch.from_numpy(patches).double()[:, None])
    logit = (logits[:, 1] - logits[:, 0]).numpy()
    np.testing.assert_allclose(np.log(streamed.probability / (1 - streamed.probability)), logit, atol=1e-4)
    plain = patch_by_patch(scan, network, candidates, CPU)
    np.testing.assert_allclose(streamed.probability, plain.probability, atol=1e-5)
    np.testing.assert_allclose(streamed.center_ras_mm, plain.center_ras_mm, atol=1e-3)
    np.testing.assert_allclose(streamed.diameter_mm, plain.diameter_mm, rtol=1e-4)
    if targets is None:
        assert np.isnan(streamed.diameter_mm).all()
    else:
        exact = reduction_module._places(scan, starts, targets.numpy())
        np.testing.assert_allclose(streamed.center_ras_mm, exact[0], atol=1e-3)
        np.testing.assert_allclose(streamed.diameter_mm, exact[1], rtol=1e-4)
    return streamed


PLACES = {
    "one": [(20.5, 30.5, 10.5)],
    "the same twice": [(20.5, 30.5, 10.5)] * 2,
    "the corners": [(0, 0, 0), (60, 70, 28), (60, 0, 0), (0, 70, 28)],
    "beside each other": [(20.5, 30.5, 10.5), (22.5, 30.5, 11.5), (20.5, 34.5, 9.5), (40.5, 32.5, 20.5)],
    "outside": [(-50, 10, 5), (20.5, 30.5, 10.5), (20, 10, 90)],
    "between screening's places": [(20.1, 30.9, 10.3), (21.7, 31.2, 12.8), (24.99, 28.01, 10.0)],
}


@pytest.mark.parametrize("places", PLACES.values(), ids=PLACES)
def test_streamed_equals_patch_by_patch(places):
    scan = a_scan((29, 71, 61))
    assert_same(scan, a_network(), at(scan, places))


@pytest.mark.parametrize("shape", [(29, 71, 61), (5, 30, 200), (90, 40, 33), (1, 1, 1)])
def test_of_many_candidates_the_order_stays(shape, monkeypatch):
    """In several groups, far apart and overlapping ones together; each answer belongs to its candidate."""
    monkeypatch.setattr(groups, "MOST", 4)
    scan = a_scan(shape, seed=2)
    ijk = np.random.default_rng(3).uniform(0, 1, (12, 3)) * np.array(shape[::-1])
    found = assert_same(scan, a_network(1), at(scan, ijk))
    turned = classify(scan, a_network(1), at(scan, ijk[::-1]), CPU, way="streamed")
    np.testing.assert_allclose(turned.probability[::-1], found.probability, atol=1e-5)


def test_with_a_gap_between_slices():
    """Where no patch is, the trunk begins anew."""
    scan = a_scan((120, 62, 64), seed=4)
    assert_same(
        scan, a_network(2), at(scan, [(30.5, 30.5, 10.5), (34.5, 30.5, 60.5), (20.5, 36.5, 61.5), (30.5, 32.5, 110.5)])
    )


@pytest.mark.parametrize("options", [{"regression": False}, {"batch_norm": False}, {"widths": (4, 16, 16)}], ids=str)
def test_every_kind_of_network(options):
    scan = a_scan((29, 71, 61), seed=5)
    assert_same(scan, a_network(3, **options), at(scan, PLACES["beside each other"]))


@pytest.mark.parametrize("route", ["direct", "fourier"])
def test_blocks_are_the_trunks_of_the_patches(route):
    scan, network = a_scan((40, 90, 80), seed=6), a_network(4).requires_grad_(False)
    starts = patch_start(
        at(scan, [(40.5, 40.5, 5.5), (44.5, 42.5, 30.5), (20.5, 60.5, 12.5), (50.5, 40.5, 12.5), (8.5, 8.5, 20.5)]).ijk
    )
    lean = for_inference(network, CPU)
    seen = []
    for some, features in TrunkLayers(lean, CPU, route).blocks(scan, starts, 2):
        if features is None:
            continue
        assert 2 <= len(some) <= 3
        assert features.shape == (len(some), 5, *BLOCK_ZYX)
        patches = [scan.box(tuple(starts[index].tolist()), REDUCTION_INPUT_ZYX) for index in some]
        np.testing.assert_allclose(features, network.trunk(torch.from_numpy(np.stack(patches))[:, None]), atol=1e-4)
        seen += some
    assert sorted(seen) == list(range(5))


@pytest.mark.parametrize("way", ["streamed", "patches"])
def test_too_little_memory_on_either_way(way, monkeypatch):
    scan, network = a_scan((29, 71, 161), seed=7), a_network(5)
    candidates = at(
        scan, [(30.5, 30.5, 10.5), (130.5, 30.5, 12.5), (34.5, 30.5, 9.5), (120.5, 40.5, 20.5), (80.5, 30.5, 9.5)]
    )
    roomy = classify(scan, network, candidates, CPU, way=way)
    after, asked = ReductionResNet.after_trunk, []

    def limit(most):
        def tight(self, features):
            asked.append(len(features))
            if len(features) > most:
                raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes.")
            return after(self, features)

        monkeypatch.setattr(ReductionResNet, "after_trunk", tight)

    limit(1)
    tight = classify(scan, network, candidates, CPU, way=way)
    assert max(asked) > 1
    np.testing.assert_allclose(tight.probability, roomy.probability, atol=1e-5)
    np.testing.assert_allclose(tight.center_ras_mm, roomy.center_ras_mm, atol=1e-3)
    limit(0)
    with pytest.raises(DeviceError, match="memory is full"):
        classify(scan, network, candidates, CPU, way=way)


def test_other_failures_are_not_taken_for_lack_of_memory(monkeypatch):
    def fail(self, features, corners):
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    monkeypatch.setattr(DirectConvolution, "__call__", fail)
    scan, threads = a_scan((29, 71, 61)), torch.get_num_threads()
    with pytest.raises(RuntimeError, match="shapes"):
        classify(scan, a_network(), at(scan, PLACES["one"]), CPU, way="streamed")
    assert torch.get_num_threads() == threads


def test_cancelling_stops_the_trunk_between_slices(monkeypatch):
    scan, network = a_scan((300, 62, 64)), a_network()
    candidates = at(scan, [(30.5, 30.5, k + 0.5) for k in range(10, 290, 12)])
    progress = Progress(lambda fraction, text: progress.cancel())
    read, box = [], PreparedScan.box

    def slow(self, start, size):
        time.sleep(0.1)
        read.append(start)
        return box(self, start, size)

    monkeypatch.setattr(PreparedScan, "box", slow)
    with pytest.raises(Cancelled):
        classify(scan, network, candidates, CPU, progress, way="streamed")
    assert len(read) < 10


def test_the_cheaper_way_is_told_by_operations(monkeypatch):
    near = np.zeros((10, 3), dtype=np.intp)
    near[:, 2] = np.arange(10)
    far = near * 100
    with torch.device("meta"):
        networks = {
            width: ReductionResNet(ReductionArchitecture(trunk_widths=(width, width, width))) for width in (16, 64)
        }
    assert groups.streaming_pays(networks[16], near)
    assert groups.streaming_pays(networks[64], near)
    assert not groups.streaming_pays(networks[16], far)
    assert groups.streaming_pays(networks[64], far)


def test_each_group_takes_its_way(monkeypatch):
    scan, network = a_scan((29, 71, 61)), a_network()
    candidates = at(scan, PLACES["beside each other"])
    streamed = []
    blocks = TrunkLayers.blocks
    monkeypatch.setattr(TrunkLayers, "blocks", lambda *given: streamed.append(given) or blocks(*given))
    for pays in (False, True):
        monkeypatch.setattr(reduction_module, "streaming_pays", lambda network, places, pays=pays: pays)
        classify(scan, network, candidates, CPU)
        assert len(streamed) == pays


def test_groups_hold_every_candidate_once_and_lie_together():
    random = np.random.default_rng(8)
    places = np.concatenate([random.integers(0, 40, (30, 3)), random.integers((0, 0, 200), (40, 40, 240), (30, 3))])
    found = groups.groups_of(places)
    assert sorted(np.concatenate(found).tolist()) == list(range(60))
    assert all(len(group) <= groups.MOST for group in found)
    assert all(len(set(places[group, 2] > 100)) == 1 for group in found)
    assert groups.groups_of(places[:0]) == []
    assert [len(part) for part in groups.halves(np.zeros((3, 3), dtype=np.intp), np.arange(2))] == [1, 1]


def test_the_union_counts_each_place_once():
    places = np.array([(0, 0, 0), (0, 0, 10), (30, 0, 0)])
    assert union(places).shape == (48, 20, 30)
    assert union(places).sum() == 18 * 20 * (30 + 20)
