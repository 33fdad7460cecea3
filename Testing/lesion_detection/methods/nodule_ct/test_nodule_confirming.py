"""With a 16-bit volume and float32 where it matters, the candidates are those of the float32 volume."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.nodule_ct import confirming, screening
from LesionDetectionLib.methods.nodule_ct.confirming import Confirmation
from LesionDetectionLib.methods.nodule_ct.network import ScreeningArchitecture, ScreeningFCN
from LesionDetectionLib.methods.nodule_ct.peaks import grown, peaks
from LesionDetectionLib.methods.nodule_ct.preprocessing import PreparedScan, prepare
from LesionDetectionLib.methods.nodule_ct.scores import ScoreVolume, score_volume
from LesionDetectionLib.methods.nodule_ct.screening import screen
from LesionDetectionLib.methods.nodule_ct.settings import NoduleSettings
from scipy import ndimage
from torch import nn

CPU = torch.device("cpu")
GRID = np.diag([-0.75, 0.75, 1.25, 1.0])


def a_network(widths=(4, 5, 6, 7), seed=0):
    torch.manual_seed(seed)
    network = ScreeningFCN(ScreeningArchitecture(widths=widths)).eval()
    for layer in network.modules():
        if isinstance(layer, nn.Conv3d):
            nn.init.kaiming_normal_(layer.weight)
    return network


def a_scan(shape=(24, 90, 80), seed=0):
    """Smooth random blobs, searched in a ball: as in lungs, the rest is not asked for."""
    voxels = ndimage.gaussian_filter(np.random.default_rng(seed).random(shape), 1.5)
    voxels = (voxels - voxels.min()) / (voxels.max() - voxels.min())
    distance = [(np.arange(n) - n / 2) / (n / 2) for n in shape]
    search = sum(axis**2 for axis in np.meshgrid(*distance, indexing="ij")) < 1
    return PreparedScan(voxels.astype(np.float32), Geometry(shape, GRID), search)


@pytest.fixture
def rough_format(monkeypatch):
    """``rough_format(torch.bfloat16)``: what this machine is said to multiply fastest; None for nothing."""

    def pretend(number):
        monkeypatch.setattr(screening, "narrow_format", lambda device: number)

    return pretend


def the_same(some, others):
    np.testing.assert_array_equal(some.ijk, others.ijk)
    np.testing.assert_allclose(some.probability, others.probability, atol=1e-5)


@pytest.mark.parametrize("number", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("share", [0.999, 0.99, 0.5])
def test_candidates_are_those_of_float32(rough_format, number, share):
    """With few candidates and with many: near the threshold and far from it."""
    prepared, network = a_scan(), a_network()
    rough_format(None)
    logits = score_volume(prepared, network, CPU).logits
    threshold = float(1 / (1 + np.exp(-np.quantile(logits[np.isfinite(logits)], share))))
    settings = NoduleSettings(candidate_threshold=threshold, candidate_distance_mm=2.0)
    expected = screen(prepared, network, settings, CPU)
    rough_format(number)
    the_same(screen(prepared, network, settings, CPU), expected)
    few = dataclasses.replace(settings, most_candidates=3)
    found = screen(prepared, network, few, CPU)
    assert len(found) == min(3, len(expected)) > 0
    np.testing.assert_array_equal(found.ijk, expected.ijk[:3])


@pytest.mark.parametrize("error", [1e-3, 0.05, 1.0])
def test_any_rough_volume_will_do(error, monkeypatch):
    """Scores wrong by as much as ``error``: the tolerance grows with it, and the peaks stay those of the exact volume."""
    monkeypatch.setattr(confirming, "MOST_SHARE", 1.0)
    prepared, network = a_scan((14, 50, 44)), a_network()
    exact = score_volume(prepared, network, CPU)
    noise = np.random.default_rng(1).uniform(-error, error, exact.logits.shape).astype(np.float32)
    rough = ScoreVolume(exact.logits + noise, exact.stride_zyx, exact.first_zyx)
    confirmation = Confirmation(prepared, network, CPU, rough)
    threshold = float(np.quantile(exact.logits[np.isfinite(exact.logits)], 0.98))
    places, logits = confirmation.peaks(threshold, Progress())
    expected = peaks(exact.logits, prepared.search[:, ::2, ::2], threshold)
    np.testing.assert_array_equal(places, expected)
    np.testing.assert_allclose(logits, exact.logits[tuple(expected.T)], atol=1e-5)
    assert 0.9 * error < confirmation.deviation <= error * 1.01
    assert confirmation.tolerance >= confirming.SAFETY * confirmation.deviation


def test_with_too_many_places_or_overflow_it_gives_up():
    prepared, network = a_scan(), a_network()
    exact = score_volume(prepared, network, CPU)
    assert Confirmation(prepared, network, CPU, exact).peaks(-np.inf, Progress()) is None
    broken = ScoreVolume(exact.logits.copy(), exact.stride_zyx, exact.first_zyx)
    broken.logits[tuple(np.argwhere(prepared.search[:, ::2, ::2])[0])] = np.inf
    assert Confirmation(prepared, network, CPU, broken).peaks(0.0, Progress()) is None


def test_overflow_in_float16_loses_nothing(rough_format):
    prepared, network = a_scan(), a_network()
    with torch.no_grad():
        network.trunk[2][0].weight *= 1e3  # batch normalisation in evaluation mode does not undo it
        network.trunk[3][0].weight *= 1e3
    settings = NoduleSettings(candidate_threshold=0.5)
    rough_format(None)
    expected = screen(prepared, network, settings, CPU)
    rough_format(torch.float16)
    the_same(screen(prepared, network, settings, CPU), expected)


def test_progress_only_rises(rough_format):
    rough_format(torch.bfloat16)
    for threshold in (0.0, 0.5, 0.99):
        fractions = []
        progress = Progress(lambda fraction, text, into=fractions: into.append(fraction))
        screen(a_scan(), a_network(), NoduleSettings(candidate_threshold=threshold), CPU, progress)
        assert np.all(np.diff(fractions) >= 0)


@pytest.mark.parametrize("shape", [(9, 8, 7), (1, 1, 1), (1, 5, 1)])
def test_neighbourhoods(shape):
    rng = np.random.default_rng(0)
    logits = rng.standard_normal(shape).astype(np.float32)
    mask = rng.random(shape) > 0.3
    expected = mask & (logits == ndimage.maximum_filter(logits, 3, mode="nearest")) & (logits >= 0.1)
    np.testing.assert_array_equal(peaks(logits, mask, 0.1), np.argwhere(expected))
    np.testing.assert_array_equal(grown(mask), ndimage.binary_dilation(mask, np.ones((3, 3, 3))))


@pytest.mark.slow
def test_on_a_real_scan(rough_format, real_data):
    """A part of a chest of a real patient: both routes of float32, bfloat16, and the plain network."""
    from LesionDetectionLib.io.files import read_image

    whole = prepare(read_image(real_data("lidc-0314/ct.nrrd")), NoduleSettings())
    part = (slice(100, 124), slice(120, 240), slice(60, 200))
    prepared = PreparedScan(whole.voxels[part], Geometry(whole.voxels[part].shape, GRID), whole.search[part])
    network = a_network((16, 16, 16, 48))
    padded = np.pad(prepared.voxels, [(4, 5), (14, 16), (14, 16)])
    with torch.no_grad():
        plain = network(torch.from_numpy(padded)[None, None])[0]
    plain = (plain[1] - plain[0]).numpy()[:, :60, :70]
    for route in ("direct", "fourier"):
        logits = score_volume(prepared, network, CPU, route=route).logits
        asked = np.isfinite(logits)
        assert asked.any()
        np.testing.assert_allclose(logits[asked], plain[asked], atol=1e-4)
    settings = NoduleSettings(candidate_threshold=float(1 / (1 + np.exp(-np.quantile(logits[asked], 0.995)))))
    rough_format(None)
    expected = screen(prepared, network, settings, CPU)
    rough_format(torch.bfloat16)
    the_same(screen(prepared, network, settings, CPU), expected)
    assert len(expected) > 3
