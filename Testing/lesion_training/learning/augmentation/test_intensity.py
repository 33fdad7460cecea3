"""Patches vary as the settings say, each in its own way, and the window does what the detector's does."""

from __future__ import annotations

import pytest
import torch
from LesionTrainingLib.learning.augmentation.intensity import (
    FOR_SUV,
    IntensityChanges,
    IntensitySettings,
    to_unit,
    vary_intensity,
)
from LesionTrainingLib.learning.engine.task import Share
from scipy import ndimage

STILL = IntensitySettings(
    shift=0.0,
    contrast_range=(1.0, 1.0),
    noise=0.0,
    correlated_noise_share=0.0,
    kernel_range=(0.0, 0.0),
    slice_blur=0.0,
    share=0.0,
)


def varied(hu, seed=0, **changes):
    return vary_intensity(hu, IntensitySettings(**{**vars(STILL), **changes}), torch.Generator().manual_seed(seed))


@pytest.fixture
def patches():
    return torch.rand(6, 1, 8, 12, 12, generator=torch.Generator().manual_seed(1)) * 1400 - 1000


def test_without_variation_nothing_changes(patches):
    assert torch.equal(varied(patches), patches)


def test_the_input_stays_as_it_was(patches):
    before = patches.clone()
    assert not torch.equal(vary_intensity(patches, IntensitySettings(), torch.Generator()), before)
    assert torch.equal(patches, before)


def test_each_patch_gets_one_shift_of_its_own(patches):
    change = varied(patches, shift=20.0) - patches
    assert change.flatten(1).std(dim=1).max() < 1e-2
    assert len({round(float(value), 2) for value in change[:, 0, 0, 0, 0]}) == 6


def test_contrast_leaves_air_alone():
    air, tissue = torch.full((4, 1, 4, 4, 4), -1000.0), torch.full((4, 1, 4, 4, 4), 0.0)
    assert torch.allclose(varied(air, contrast_range=(0.9, 1.1)), air)
    factors = (varied(tissue, contrast_range=(0.9, 1.1)) + 1000) / 1000
    assert 0.9 <= factors.min() < factors.max() <= 1.1


@pytest.mark.parametrize("correlated", [0.0, 1.0])
def test_noise_has_the_stated_size(correlated):
    flat = torch.zeros(200, 1, 8, 16, 16)
    change = varied(flat, noise=40.0, correlated_noise_share=correlated, share=1.0)
    spread = change[:, :, :, 2:-2, 2:-2].flatten(1).std(dim=1)
    assert spread.max() < 45
    assert spread.mean() == pytest.approx(20, abs=2.5)
    beside = (change[..., 1:] * change[..., :-1]).mean() / change.square().mean()
    assert (beside > 0.5) == (correlated == 1.0)


def test_kernels_blur_and_sharpen_but_keep_the_mean():
    edge = torch.zeros(1, 1, 6, 12, 12)
    edge[..., 6:] = 1000
    blurred = varied(edge, kernel_range=(0.25, 0.25), share=1.0)
    sharpened = varied(edge, kernel_range=(-0.15, -0.15), share=1.0)
    assert blurred[0, 0, 3, 5, 4:8].tolist() == pytest.approx([0, 250, 750, 1000])
    assert sharpened[0, 0, 3, 5, 4:8].tolist() == pytest.approx([0, -150, 1150, 1000])
    for one in (blurred, sharpened):
        assert float(one.mean()) == pytest.approx(500, abs=0.1)


def test_the_window():
    hu = torch.tensor([-2000.0, -1000.0, -300.0, 400.0, 3000.0])
    assert to_unit(hu, (-1000.0, 400.0)).tolist() == pytest.approx([0, 0, 0.5, 1, 1])


@pytest.mark.parametrize("shape", [(6, 20, 20), (20, 20)])
@pytest.mark.parametrize("parts", [2, 3])
def test_parts_computed_apart_equal_the_whole(shape, parts):
    values = torch.rand(13, 2, *shape, generator=torch.Generator().manual_seed(2)) * 1000
    settings = IntensitySettings(relative_noise=0.1)

    def changes():
        return IntensityChanges.draw(13, settings, torch.Generator().manual_seed(3))

    whole = changes().apply(values)
    for index in range(parts):
        share = Share(index, parts)
        assert torch.equal(share.of(changes()).apply(share.of(values)), share.of(whole))


def test_filters_are_those_of_scipy(patches):
    changes = IntensityChanges.draw(
        6, IntensitySettings(**{**vars(STILL), "kernel_range": (-0.1, 0.2), "slice_blur": 0.2, "share": 1.0}),
        torch.Generator().manual_seed(4),
    )  # fmt: skip
    for patch, result, change in zip(patches, changes.apply(patches), range(6), strict=True):
        expected = patch[0].numpy().astype(float)
        for axis, weight in ((2, changes.in_slice), (1, changes.in_slice), (0, changes.across)):
            w = float(weight[change])
            expected = ndimage.correlate1d(expected, [w, 1 - 2 * w, w], axis, mode="nearest")
        assert result[0].numpy() == pytest.approx(expected, abs=0.01)


def test_slices_are_not_blurred_across_their_channels():
    slices = torch.zeros(3, 3, 8, 8)
    slices[:, 1] = 1000.0
    changed = varied(slices, slice_blur=0.25, share=1.0)
    assert torch.equal(changed, slices)


def test_whole_numbers_are_taken_too():
    hu = torch.full((2, 1, 4, 4, 4), 40, dtype=torch.int16)
    assert torch.equal(varied(hu), hu.float())


def test_suv_of_nothing_stays_near_nothing_and_noise_grows_with_uptake():
    settings = IntensitySettings(
        **{**vars(FOR_SUV), "noise": 0.0, "share": 1.0, "kernel_range": (0.0, 0.0), "slice_blur": 0.0}
    )
    low, high = (
        IntensityChanges.draw(100, settings, torch.Generator().manual_seed(5)).apply(torch.full((100, 1, 6, 8, 8), suv))
        for suv in (1.0, 10.0)
    )
    assert torch.allclose(low * 10, high, rtol=1e-4, atol=1e-4)
    spread = high.flatten(1).std(dim=1) / 10
    assert float(spread.max()) < 0.2
    assert float(spread.mean()) == pytest.approx(0.075, abs=0.015)
    nothing = IntensityChanges.draw(5, settings, torch.Generator()).apply(torch.zeros(5, 1, 6, 8, 8))
    assert torch.equal(nothing, torch.zeros(5, 1, 6, 8, 8))


def test_relative_noise_leaves_air_alone():
    air = torch.full((20, 1, 4, 8, 8), -1000.0)
    assert torch.equal(varied(air, relative_noise=0.2, share=1.0), air)
    assert not torch.equal(varied(air + 500, relative_noise=0.2, share=1.0), air + 500)
