"""Making images look as if other scanners, doses and reconstruction kernels had made them.

A model that learns from phantoms must not rely on their noise and sharpness: each sample gets its own (domain
randomisation). Works in the unit of the image (HU, SUV), before values are clipped to a window.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .drawn import Drawn, chance, noise, seeds, uniform

AIR_HU = -1000.0


@dataclass(frozen=True)
class IntensitySettings:
    """How much samples vary; each draws its own values. The defaults are for CT in HU, :data:`FOR_SUV` for PET.

    Attributes:
        shift: standard deviation of an offset of all values.
        contrast_range: factor on the distance from ``fixed``.
        fixed: the value that another contrast leaves alone: air stays air.
        noise: standard deviation of the added noise, between 0 and this.
        relative_noise: standard deviation of noise that grows with the value, as a share of it, between 0 and this.
        correlated_noise_share: chance that the noise is smooth over neighbours, as soft kernels leave it.
        kernel_range: strength of a [w, 1 - 2 w, w] filter along the axes in the slice: below 0 it sharpens (lung
            kernels), above 0 it blurs.
        slice_blur: greatest strength of the same filter across slices (thick slices); of volumes only.
        share: chance of each of noise, filter and slice blur; the others leave the sample alone.
    """

    shift: float = 30.0
    contrast_range: tuple[float, float] = (0.88, 1.12)
    fixed: float = AIR_HU
    noise: float = 50.0
    relative_noise: float = 0.0
    correlated_noise_share: float = 0.5
    kernel_range: tuple[float, float] = (-0.15, 0.25)
    slice_blur: float = 0.25
    share: float = 0.5


FOR_SUV = IntensitySettings(shift=0.0, fixed=0.0, noise=0.1, relative_noise=0.15, kernel_range=(-0.1, 0.25))
"""For PET: no uptake stays none, and noise grows with the uptake."""


@dataclass(frozen=True, eq=False)
class IntensityChanges(Drawn):
    """What is done to each sample: filtered, noise added, then contrast and shift. All [n], on the processor.

    Attributes:
        in_slice, across: weights w of the filters.
        noise, relative_noise: standard deviations of the noise.
        smooth: whether the noise is.
        seeds: of the noise.
        contrast, shift: factor and offset.
        fixed: see the settings.
    """

    in_slice: Tensor
    across: Tensor
    noise: Tensor
    relative_noise: Tensor
    smooth: Tensor
    seeds: Tensor
    contrast: Tensor
    shift: Tensor
    fixed: float

    @classmethod
    def draw(cls, count: int, settings: IntensitySettings, generator: torch.Generator) -> IntensityChanges:
        """Changes of a whole global batch."""

        def sometimes(low: float, high: float) -> Tensor:
            return uniform(count, low, high, generator) * chance(count, settings.share, generator)

        return cls(
            in_slice=sometimes(*settings.kernel_range),
            across=sometimes(0.0, settings.slice_blur),
            noise=sometimes(0.0, settings.noise),
            relative_noise=sometimes(0.0, settings.relative_noise),
            smooth=chance(count, settings.correlated_noise_share, generator),
            seeds=seeds(count, generator),
            contrast=uniform(count, *settings.contrast_range, generator),
            shift=torch.randn(count, generator=generator) * settings.shift,
            fixed=settings.fixed,
        )

    def apply(self, values: Tensor) -> Tensor:
        """Images, [n, c, y, x] or [n, c, z, y, x], any type and device, changed; a new float32 tensor.

        Channels are of one image: they share the changes, but for the noise.
        """
        varied = values.to(torch.float32, copy=True)
        _filter(varied, self.in_slice, -1)
        _filter(varied, self.in_slice, -2)
        if values.dim() == 5:
            _filter(varied, self.across, -3)
        self._add_noise(varied)
        factor = _column(self.contrast, varied)
        return varied.mul_(factor).add_(self.fixed * (1 - factor) + _column(self.shift, varied))

    def _add_noise(self, values: Tensor) -> None:
        rows = torch.nonzero((self.noise > 0) | (self.relative_noise > 0)).flatten()
        own = self[rows]
        field = noise(own.seeds, tuple(values.shape[1:]), values.device)
        smooth = torch.nonzero(own.smooth).flatten().to(values.device)
        # [.25 .5 .25] along two axes leaves 0.375 of the standard deviation; it is given back.
        quarter = torch.full((len(smooth),), 0.25, device=values.device)
        field[smooth] = _filtered(_filtered(field[smooth], quarter, -1), quarter, -2) / 0.375
        rows = rows.to(values.device)
        here = values[rows]
        strength = (here - self.fixed).abs_() * _column(own.relative_noise, here) + _column(own.noise, here)
        values[rows] = here + field * strength


def vary_intensity(values: Tensor, settings: IntensitySettings, generator: torch.Generator) -> Tensor:
    """Draw changes for all of ``values`` and apply them: for a batch that is not divided."""
    return IntensityChanges.draw(len(values), settings, generator).apply(values)


def to_unit(values: Tensor, window: tuple[float, float]) -> Tensor:
    """Values clipped to the window and scaled to [0, 1], as the networks take them."""
    low, high = window
    return ((values - low) / (high - low)).clamp_(0.0, 1.0)


def _column(numbers: Tensor, like: Tensor) -> Tensor:
    """[n] as a column that multiplies [n, ...], on the same device."""
    return numbers.to(like.device, torch.float32).reshape(-1, *[1] * (like.dim() - 1))


def _filter(values: Tensor, weights: Tensor, axis: int) -> None:
    """Filter in place those samples whose weight is not 0."""
    rows = torch.nonzero(weights).flatten()
    if len(rows):
        places = rows.to(values.device)
        values[places] = _filtered(values[places], weights[rows].to(values.device), axis)


def _filtered(values: Tensor, weights: Tensor, axis: int) -> Tensor:
    """[w, 1 - 2 w, w] along ``axis``, one w a sample; the border repeats its voxel."""
    column, last = _column(weights, values), values.shape[axis] - 1
    beside = values * column
    result = values - 2 * beside
    result.narrow(axis, 1, last).add_(beside.narrow(axis, 0, last))
    result.narrow(axis, 0, last).add_(beside.narrow(axis, 1, last))
    for border in (0, last):
        result.narrow(axis, border, 1).add_(beside.narrow(axis, border, 1))
    return result
