"""Both networks on a GPU: what only a GPU does gives what a processor gives. On a double of one, see :mod:`cuda_double`."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from cuda_double import gpu
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.methods.nodule_ct.network import (
    ReductionArchitecture,
    ReductionResNet,
    ScreeningArchitecture,
    ScreeningFCN,
)
from LesionDetectionLib.methods.nodule_ct.preprocessing import PreparedScan
from LesionDetectionLib.methods.nodule_ct.reduction import classify
from LesionDetectionLib.methods.nodule_ct.screening import Candidates, score_volume
from torch import nn

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def scan():
    voxels = np.random.default_rng(0).random((26, 66, 70), dtype=np.float32)
    search = np.zeros(voxels.shape, dtype=bool)
    search[3:20, 8:30, 10:60] = True
    return PreparedScan(voxels, Geometry(voxels.shape, np.diag([-0.75, -0.75, 1.25, 1.0])), search)


@pytest.fixture
def candidates(scan):
    ijk = np.array([[30.5, 20.5, 10.0], [50.5, 28.5, 4.0], [12.5, 60.5, 20.0]])
    return Candidates(ijk, scan.geometry.ras_from_ijk(ijk), np.array([0.9, 0.8, 0.7]))


@pytest.fixture
def reduction():
    torch.manual_seed(0)
    sizes = ReductionArchitecture(trunk_widths=(2, 3, 4), widths=(4, 6), hidden=5)
    return ReductionResNet(sizes).eval()


@pytest.mark.parametrize(
    ("route", "number", "off_by"),
    [("cheaper", torch.float32, 1e-6), ("fourier", torch.float32, 1e-5), ("direct", torch.float16, 0.01)],
)
def test_scores(scan, route, number, off_by):
    torch.manual_seed(0)
    network = ScreeningFCN(ScreeningArchitecture(widths=(2, 3, 4, 5))).eval()
    for layer in network.modules():
        if isinstance(layer, nn.Conv3d):
            nn.init.kaiming_normal_(layer.weight)
    known = score_volume(scan, network, CPU)
    with gpu() as device:
        found = score_volume(scan, network, device, number=number, route=route)
    asked = np.isfinite(known.logits)
    np.testing.assert_array_equal(np.isfinite(found.logits), asked)
    np.testing.assert_allclose(found.logits[asked], known.logits[asked], atol=off_by)


def test_candidates(scan, candidates, reduction):
    known = classify(scan, reduction, candidates, CPU)
    with gpu() as device:
        found = classify(scan, reduction, candidates, device)
    np.testing.assert_allclose(found.probability, known.probability, atol=0.002)
    np.testing.assert_allclose(found.center_ras_mm, known.center_ras_mm, atol=0.1)
    np.testing.assert_allclose(found.diameter_mm, known.diameter_mm, atol=0.1)
    assert not np.array_equal(found.probability, known.probability)  # it was float16


def test_values_too_large_for_float16_lose_no_nodule(scan, candidates, reduction):
    """What one layer makes a million times as large the normalisation behind it makes small again."""
    reduction.shared[0].weight.data *= 1e6
    reduction.shared[0].bias.data *= 1e6
    norm = reduction.shared[1].body[0]
    norm.running_mean *= 1e6
    norm.running_var *= 1e12
    reduction.shared[1].skip = False
    known = classify(scan, reduction, candidates, CPU)
    with gpu() as device:
        found = classify(scan, reduction, candidates, device)
    np.testing.assert_allclose(found.probability, known.probability, atol=1e-5)
    np.testing.assert_allclose(found.diameter_mm, known.diameter_mm, rtol=1e-4)
