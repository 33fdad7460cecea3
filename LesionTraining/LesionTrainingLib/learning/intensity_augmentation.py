"""Making CT patches look as if other scanners, doses and reconstruction kernels had made them.

A model that learns from phantoms must not rely on their noise and sharpness: each patch gets its own (domain
randomisation). Works in Hounsfield units, before they are clipped to the window.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

AIR_HU = -1000.0


@dataclass(frozen=True)
class IntensitySettings:
    """How much patches vary; each patch draws its own values.

    Attributes:
        shift_hu: standard deviation of an offset of all values.
        contrast_range: factor on the distance from air, so that air stays air.
        noise_hu: standard deviation of the added noise, between 0 and this.
        correlated_noise_share: chance that the noise is smooth over neighbours, as soft kernels leave it.
        kernel_range: strength of a [w, 1 - 2 w, w] filter along the axes in the slice: below 0 it sharpens (lung
            kernels), above 0 it blurs.
        slice_blur: greatest strength of the same filter across slices (thick slices).
        share: chance of each of noise, filter and slice blur; the others leave the patch alone.
    """

    shift_hu: float = 30.0
    contrast_range: tuple[float, float] = (0.88, 1.12)
    noise_hu: float = 50.0
    correlated_noise_share: float = 0.5
    kernel_range: tuple[float, float] = (-0.15, 0.25)
    slice_blur: float = 0.25
    share: float = 0.5


def vary_intensity(hu: Tensor, settings: IntensitySettings, generator: torch.Generator) -> Tensor:
    """Patches [n, 1, z, y, x] in HU with a filter, noise, contrast and offset of their own; a new tensor."""
    count = len(hu)

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, 1, 1, 1, 1, generator=generator)

    def sometimes(values: Tensor, share: float) -> Tensor:
        return values * (torch.rand(count, 1, 1, 1, 1, generator=generator) < share)

    in_slice = sometimes(uniform(*settings.kernel_range), settings.share)
    across = sometimes(uniform(0.0, settings.slice_blur), settings.share)
    varied = _filtered(_filtered(_filtered(hu, in_slice, 4), in_slice, 3), across, 2)
    noise = torch.randn(hu.shape, generator=generator)
    smooth = sometimes(torch.full((count, 1, 1, 1, 1), 1.0), settings.correlated_noise_share)
    # [.25 .5 .25] along two axes leaves 0.375 of the standard deviation; it is given back.
    quarter = torch.full((count, 1, 1, 1, 1), 0.25)
    noise = torch.where(smooth > 0, _filtered(_filtered(noise, quarter, 4), quarter, 3) / 0.375, noise)
    varied = varied + noise * sometimes(uniform(0.0, settings.noise_hu), settings.share)
    contrast = uniform(*settings.contrast_range)
    shift = torch.randn(count, 1, 1, 1, 1, generator=generator) * settings.shift_hu
    return (varied - AIR_HU) * contrast + AIR_HU + shift


def to_unit(hu: Tensor, window_hu: tuple[float, float]) -> Tensor:
    """HU clipped to the window and scaled to [0, 1], as the networks take them."""
    low, high = window_hu
    return ((hu - low) / (high - low)).clamp_(0.0, 1.0)


def _filtered(values: Tensor, weights: Tensor, axis: int) -> Tensor:
    """[w, 1 - 2 w, w] along ``axis``, one w a patch; the border repeats its voxel."""
    size = values.shape[axis]
    before = torch.cat([values.narrow(axis, 0, 1), values.narrow(axis, 0, size - 1)], dim=axis)
    after = torch.cat([values.narrow(axis, 1, size - 1), values.narrow(axis, size - 1, 1)], dim=axis)
    return values + weights * (before + after - 2 * values)
