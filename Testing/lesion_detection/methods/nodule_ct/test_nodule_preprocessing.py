"""What the networks see of a scan, and that its place is known to a fraction of a voxel."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from LesionDetectionLib.core.errors import Cancelled, DeviceError
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.nodule_ct import reduction as reduction_module
from LesionDetectionLib.methods.nodule_ct.network import REDUCTION_INPUT_ZYX
from LesionDetectionLib.methods.nodule_ct.preprocessing import PreparedScan, prepare
from LesionDetectionLib.methods.nodule_ct.reduction import classify, patch_start
from LesionDetectionLib.methods.nodule_ct.regression import encode
from LesionDetectionLib.methods.nodule_ct.screening import Candidates
from LesionDetectionLib.methods.nodule_ct.settings import NoduleSettings
from torch import nn, tensor

CPU = torch.device("cpu")


def test_values_spacing_and_search(chest):
    prepared = prepare(chest(), NoduleSettings())
    assert prepared.voxels.dtype == np.float32
    assert prepared.voxels.min() == 0
    assert prepared.voxels.max() <= 1
    np.testing.assert_allclose(prepared.geometry.spacing_mm, (0.75, 0.75, 1.25), rtol=0.01)

    def value(*ras):
        k, j, i = np.round(prepared.geometry.ijk_from_ras(ras)).astype(int)[::-1]
        return prepared.voxels[k, j, i], prepared.search[k, j, i]

    assert value(35, 0, 5) == (pytest.approx(1040 / 1400, abs=0.04), True)
    assert value(-35, 0, 5) == (pytest.approx(150 / 1400, abs=0.04), True)
    assert value(0, 58, 5) == (pytest.approx(1000 / 1400, abs=0.04), False)


def test_a_nodule_stays_where_it_is(chest):
    center = np.array([38.0, 6.0, -9.0])
    prepared = prepare(chest([(*center, 14.0)]), NoduleSettings())
    kji = np.argwhere(prepared.voxels > 0.5)
    ras = prepared.geometry.ras_from_ijk(kji[:, ::-1])
    near = np.linalg.norm(ras - center, axis=1) < 12
    np.testing.assert_allclose(ras[near].mean(axis=0), center, atol=0.25)


def test_cropping_shows_the_networks_the_same_voxels(chest):
    """Around every searched place there is as much of the scan as the second network sees."""
    image = chest()
    prepared = prepare(image, NoduleSettings())
    searched = prepared.geometry.ras_from_ijk(np.argwhere(prepared.search)[:, ::-1])
    half = np.array(REDUCTION_INPUT_ZYX[::-1]) / 2 * (0.75, 0.75, 1.25)
    low = prepared.geometry.ras_from_ijk(np.array(prepared.voxels.shape[::-1]) - 1)
    high = prepared.geometry.ras_from_ijk([0, 0, 0])
    image_low, image_high = (
        image.geometry.ras_from_ijk(ijk) for ijk in (np.array(image.shape_kji[::-1]) - 1, (0, 0, 0))
    )
    for axis in (0, 1):
        assert low[axis] <= max(searched[:, axis].min() - half[axis], image_low[axis]) + 1
        assert high[axis] >= min(searched[:, axis].max() + half[axis], image_high[axis]) - 1


def test_everywhere(chest):
    image = chest()
    prepared = prepare(image, NoduleSettings(lungs_only=False, spacing_mm=(2.0, 2.0, 2.5)))
    assert prepared.search.all()
    assert prepared.geometry.same_grid(image.geometry)


def test_a_box_beyond_the_edge_is_air():
    voxels = np.random.default_rng(0).random((4, 5, 6), dtype=np.float32)
    prepared = PreparedScan(voxels, Geometry(voxels.shape, np.eye(4)), np.ones(voxels.shape, dtype=bool))
    padded = np.pad(voxels, 10)
    for start in [(0, 0, 0), (-3, 2, 5), (2, -2, -10), (-10, -10, -10), (7, 1, 1)]:
        z, y, x = (n + 10 for n in start)
        np.testing.assert_array_equal(prepared.box(start, (3, 4, 5)), padded[z : z + 3, y : y + 4, x : x + 5])


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


@pytest.fixture
def spots():
    """A scan with bright voxels, and candidates a little beside each."""
    random = np.random.default_rng(1)
    matrix = np.array([[-0.75, 0, 0, 30], [0, 0, 1.25, -20], [0, -0.8, 0, 100], [0, 0, 0, 1]])
    voxels = np.zeros((40, 150, 160), dtype=np.float32)
    scan = PreparedScan(voxels, Geometry(voxels.shape, matrix), np.ones(voxels.shape, dtype=bool))
    truth = np.array([[5, 5, 2], [40, 120, 30], [100, 60, 12], [155, 140, 39], [150, 10, 20]])
    for rank, (i, j, k) in enumerate(truth):
        voxels[k, j, i] = 1 - rank / 10
    ijk = truth + random.uniform(-6, 6, truth.shape)
    return scan, truth, Candidates(ijk, scan.geometry.ras_from_ijk(ijk), np.linspace(0.9, 0.5, len(truth)))


def test_regression_finds_the_nodule_from_any_candidate(spots):
    scan, truth, candidates = spots
    found = classify(scan, Oracle((0.75, 0.8, 1.25)), candidates, CPU)
    np.testing.assert_allclose(found.center_ras_mm, scan.geometry.ras_from_ijk(truth), atol=1e-3)
    np.testing.assert_allclose(found.diameter_mm, 9.0, atol=1e-3)
    assert np.all(np.diff(found.probability) < 0)


def test_regression_stays_within_the_patch(spots):
    scan, _, candidates = spots
    oracle = Oracle((0.75, 0.8, 1.25))
    wild = lambda patches: (torch.zeros(len(patches), 2), torch.full((len(patches), 4), 1e6))  # noqa: E731
    oracle.forward = wild
    found = classify(scan, oracle, candidates, CPU)
    size_mm = np.array(REDUCTION_INPUT_ZYX[::-1]) * (0.75, 0.8, 1.25)
    np.testing.assert_allclose(found.diameter_mm, np.linalg.norm(size_mm))
    assert np.linalg.norm(found.center_ras_mm - candidates.ras_mm, axis=1).max() < np.linalg.norm(size_mm)


def test_the_patch_lies_around_the_candidate():
    assert patch_start([[29.5, 29.5, 11.5]]).tolist() == [[0, 0, 0]]
    assert patch_start([[29.9, 29.1, 11.2]]).tolist() == [[0, 0, 0]]
    assert patch_start([[30.1, 28.9, 12.1]]).tolist() == [[1, -1, 1]]


def test_no_candidates(spots):
    scan, _, _ = spots
    none = Candidates(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0))
    found = classify(scan, Oracle((0.75, 0.8, 1.25)), none, CPU)
    assert found.probability.shape == (0,)
    assert found.center_ras_mm.shape == (0, 3)


def test_too_little_memory_halves_the_batch(spots):
    scan, _, candidates = spots
    oracle = Oracle((0.75, 0.8, 1.25))
    roomy, answer = classify(scan, oracle, candidates, CPU), oracle.forward

    def at_most(limit):
        def forward(patches):
            if len(patches) > limit:
                raise MemoryError
            return answer(patches)

        return forward

    oracle.forward = at_most(2)
    tight = classify(scan, oracle, candidates, CPU)
    np.testing.assert_array_equal(tight.probability, roomy.probability)
    np.testing.assert_array_equal(tight.center_ras_mm, roomy.center_ras_mm)
    oracle.forward = at_most(0)
    with pytest.raises(DeviceError, match="memory is full"):
        classify(scan, oracle, candidates, CPU)


def test_cancel_between_batches(spots, monkeypatch):
    scan, _, candidates = spots
    monkeypatch.setattr(reduction_module, "BATCH", 2)
    reports = []
    progress = Progress(lambda fraction, text: (reports.append(fraction), fraction > 0 and progress.cancel()))
    with pytest.raises(Cancelled):
        classify(scan, Oracle((0.75, 0.8, 1.25)), candidates, CPU, progress)
    assert reports == [0, pytest.approx(0.4)]


def test_settings_change_what_is_seen(chest):
    narrow = prepare(chest(), NoduleSettings(window_hu=(-900.0, -800.0)))
    assert (narrow.voxels == 1).mean() > 0.2
    tight = prepare(chest(), dataclasses.replace(NoduleSettings(), lung_margin_mm=0.0, closing_mm=0.0))
    assert tight.search.sum() < 0.9 * prepare(chest(), NoduleSettings()).search.sum()
