"""The comparison with MONAI's RetinaNet: patches and their boxes, the schedule, and, where MONAI is, network and marks."""

from __future__ import annotations

import importlib
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from LesionDetectionLib.core.image import Geometry
from LesionTrainingLib.learning.nodule_ct.scans import TrainingScan

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
CPU = torch.device("cpu")
CENTERS_ZYX = np.array([(20.0, 30.0, 40.0), (40.0, 80.0, 90.0), (12.0, 70.0, 20.0)])
SPACING = (0.75, 0.75, 1.25)


@pytest.fixture(scope="module")
def comparison():
    """The peer's side of it."""
    sys.path.insert(0, str(BENCHMARKS))
    yield importlib.import_module("retinanet_peer")
    sys.path.remove(str(BENCHMARKS))


@pytest.fixture
def a_scan_with_three_nodules() -> TrainingScan:
    """Air with three blocks of 5 x 5 x 3 voxels, diameter 3.75 mm."""
    hu = np.full((56, 120, 112), -1024, np.int16)
    for z, y, x in CENTERS_ZYX.astype(int):
        hu[z - 1 : z + 2, y - 2 : y + 3, x - 2 : x + 3] = 300
    to_ras = np.diag([-SPACING[0], -SPACING[1], SPACING[2], 1.0])
    to_ras[:3, 3] = 60, 50, -40
    nothing = np.zeros((0, 3))
    return TrainingScan("a", hu, Geometry(hu.shape, to_ras), CENTERS_ZYX, np.full(3, 3.75), nothing, np.zeros(0), {})


def middle_of(block: torch.Tensor) -> np.ndarray:
    weights = block / block.sum()
    return np.array([float((weights.sum(other) * torch.arange(n)).sum()) for other, n in axes_of(block)])


def axes_of(block: torch.Tensor):
    return [(tuple({0, 1, 2} - {axis}), n) for axis, n in enumerate(block.shape)]


def test_the_boxes_of_a_patch_lie_on_its_nodules_however_it_is_turned(
    comparison, a_scan_with_three_nodules, monkeypatch
) -> None:
    volume, random, seen = comparison.on_device(a_scan_with_three_nodules, CPU), np.random.default_rng(0), 0
    monkeypatch.setattr(comparison, "varied", lambda image, random: image)
    for _ in range(60):
        image, boxes = comparison.crop(volume, (64, 64, 32), random)
        assert image.shape == (64, 64, 32)
        for box in boxes:
            low, high = np.floor(box[:3] - 2).astype(int), np.ceil(box[3:] + 3).astype(int)
            if (low < 0).any() or (high > image.shape).any():
                continue  # cut off by the patch's edge
            block = image[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
            np.testing.assert_allclose(middle_of(block) + low, (box[:3] + box[3:]) / 2, atol=0.3)
            seen += 1
    assert seen > 20


def test_half_of_the_patches_hold_a_whole_nodule_at_least(comparison, a_scan_with_three_nodules) -> None:
    volume, random = comparison.on_device(a_scan_with_three_nodules, CPU), np.random.default_rng(1)
    assert np.mean([len(comparison.crop(volume, (32, 32, 16), random)[1]) > 0 for _ in range(200)]) > 0.5


def test_a_scan_smaller_than_the_patch_is_filled_up_with_air(comparison, a_scan_with_three_nodules) -> None:
    volume = comparison.on_device(a_scan_with_three_nodules, CPU)
    image, boxes = comparison.crop(volume, (192, 192, 80), np.random.default_rng(2))
    assert image.shape == (192, 192, 80)
    assert len(boxes) == 3


def test_the_rate_warms_up_and_falls_to_nothing(comparison) -> None:
    rates = [comparison.rate_share(share) for share in np.linspace(0, 1, 101)]
    assert rates[0] < 0.05
    assert max(rates) == rates[10] == 1
    assert rates[-1] == pytest.approx(0, abs=1e-9)


@pytest.fixture
def monai_networks():
    pytest.importorskip("torchvision")
    return pytest.importorskip("monai.networks.nets.resnet", reason="MONAI is a peer of a comparison, no dependency")


def test_the_network_is_the_one_that_monais_own_factory_makes(comparison, monai_networks) -> None:
    from monai.apps.detection.networks.retinanet_network import RetinaNet, resnet_fpn_feature_extractor

    backbone = monai_networks.resnet50(
        spatial_dims=3, n_input_channels=1, conv1_t_stride=[2, 2, 1], conv1_t_size=[7, 7, 7]
    )
    theirs = RetinaNet(3, 1, 3, resnet_fpn_feature_extractor(backbone, 3, False, [1, 2], None), [16, 16, 8])
    ours = comparison.make_detector(comparison.Peer(), CPU).network.network
    assert {n: v.shape for n, v in ours.state_dict().items()} == {n: v.shape for n, v in theirs.state_dict().items()}
    assert str(ours) == str(theirs)


@pytest.mark.parametrize("window", [(64, 64, 32), (512, 512, 192)], ids=["windows", "whole"])
def test_marks_lie_where_the_network_sees_something(
    comparison, monai_networks, a_scan_with_three_nodules, window
) -> None:
    """A network that scores each anchor's place by the brightness there."""
    peer = replace(comparison.PEERS["smoke"], window_xyz=window)
    detector = comparison.make_detector(peer, CPU).eval()

    def bright(images):
        levels, strides = [], [(4, 4, 2), (8, 8, 4), (16, 16, 8)]
        for x, y, z in strides:
            seen = images[:, :, x // 2 :: x, y // 2 :: y, z // 2 :: z] * (20.0 if x == 4 else 0.0) - 10
            levels.append(seen)
        return {
            "classification": [level.expand(-1, 3, -1, -1, -1).contiguous() for level in levels],
            "box_regression": [torch.zeros(1, 18, *level.shape[2:]) for level in levels],
        }

    detector.network.forward = bright
    centers, scores = comparison.peer_marks(detector, a_scan_with_three_nodules, peer, CPU)
    away = np.linalg.norm(centers[:, None] - a_scan_with_three_nodules.nodules_ras_mm, axis=2)
    assert away.min(axis=1).max() < 3
    assert (away.min(axis=0) < 3).all()
    assert (scores > 0.9).all()
