"""Cutting patches out of scans, flipped, turned and scaled at once (Dou et al., MICCAI 2017, section 3, augmentation).

Positions are continuous voxel indices (z, y, x) of the scan's array. A patch of even size has its centre between two
voxels: position 4.5 is the centre of voxels 0 to 9. See :func:`snap`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class GeometrySettings:
    """How patches are varied in space.

    Attributes:
        flip: chance of a flip along each axis.
        turn: turn by 0, 90, 180 or 270 degrees in the transverse plane, each as likely.
        scale_range: least and greatest magnification (the paper prints -0.9 and +1.1; the minus is a misprint).
        scale_share: chance that a patch is scaled at all. The others keep the scan's own voxels, uninterpolated, as the
            networks meet them later; positives and negatives alike, or sharpness alone would tell them apart.
    """

    flip: float = 0.5
    turn: bool = True
    scale_range: tuple[float, float] = (0.9, 1.1)
    scale_share: float = 0.5


@dataclass(frozen=True)
class PatchTransforms:
    """One transform a patch: content is flipped, then turned, then scaled about the patch's centre.

    Attributes:
        flips: [n, 3] bool along z, y, x.
        turns: [n] int64 quarter turns in the transverse plane.
        scales: [n] magnification.
    """

    flips: Tensor
    turns: Tensor
    scales: Tensor

    @classmethod
    def identity(cls, count: int) -> PatchTransforms:
        return cls(torch.zeros(count, 3, dtype=torch.bool), torch.zeros(count, dtype=torch.int64), torch.ones(count))

    @classmethod
    def draw(cls, count: int, settings: GeometrySettings, generator: torch.Generator) -> PatchTransforms:
        low, high = settings.scale_range
        scaled = torch.rand(count, generator=generator) < settings.scale_share
        scales = low + (high - low) * torch.rand(count, generator=generator)
        turns = torch.randint(0, 4 if settings.turn else 1, (count,), generator=generator)
        return cls(
            torch.rand(count, 3, generator=generator) < settings.flip,
            turns,
            torch.where(scaled, scales, torch.ones(count)),
        )

    def matrices(self) -> Tensor:
        """[n, 3, 3]: offset from the centre in the patch = matrix @ offset in the scan; both (z, y, x) in voxels."""
        quarter = self.turns.to(torch.float64) * (torch.pi / 2)
        cosine, sine = torch.cos(quarter).round(), torch.sin(quarter).round()
        turn = torch.zeros(len(self.turns), 3, 3, dtype=torch.float64)
        turn[:, 0, 0] = 1
        turn[:, 1, 1], turn[:, 1, 2] = cosine, -sine
        turn[:, 2, 1], turn[:, 2, 2] = sine, cosine
        signs = 1.0 - 2.0 * self.flips.to(torch.float64)
        return turn * signs[:, None, :] * self.scales.to(torch.float64)[:, None, None]

    def offsets(self, offsets_zyx: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Where things at ``offsets_zyx``, [n, 3] voxels from the centres in the scans, come to lie in the patches."""
        moved: npt.NDArray[np.float64] = np.einsum("nij,nj->ni", self.matrices().numpy(), offsets_zyx)
        return moved


def snap(positions_zyx: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The nearest positions that can be the centre of an even-sized patch of whole voxels: all halves."""
    snapped: npt.NDArray[np.float64] = np.floor(positions_zyx) + 0.5
    return snapped


def cut_patches(
    volumes: Sequence[npt.NDArray[np.int16]],
    centers_zyx: npt.NDArray[np.float64],
    transforms: PatchTransforms,
    size_zyx: tuple[int, int, int],
    outside: float,
) -> Tensor:
    """Patches around positions, transformed; linear interpolation where a patch is scaled, exact voxels elsewhere.

    Args:
        volumes: one scan, [z, y, x], for each patch (the same array may come many times).
        centers_zyx: [n, 3] centres; halves (see :func:`snap`) for even sizes.
        transforms: n of them.
        size_zyx: even patch size, square in the transverse plane.
        outside: value of what lies outside a scan.

    Returns:
        [n, 1, z, y, x] float32 on the CPU.
    """
    inverse = torch.linalg.inv(transforms.matrices())
    reach = float(inverse.abs().sum(dim=2).max())  # 1 / smallest scale
    box = tuple(int(2 * np.ceil(n / 2 * reach)) + 2 for n in size_zyx)
    crops = torch.from_numpy(
        np.stack(
            [
                _crop(volume, np.round(center - (np.array(box) - 1) / 2).astype(int), box, outside)
                for volume, center in zip(volumes, centers_zyx, strict=True)
            ]
        )
    )
    steps = [torch.arange(n, dtype=torch.float64) - (n - 1) / 2 for n in size_zyx]
    # In units of half the crop, as grid_sample (align_corners) counts; and x, y, z order.
    halves = torch.tensor([(n - 1) / 2 for n in box], dtype=torch.float64)
    columns = (inverse / halves[None, :, None]).to(torch.float32)  # [n, source axis, patch axis]
    z, y, x = (step.to(torch.float32) for step in steps)
    grid = torch.stack(
        [
            columns[:, axis, 0, None, None, None] * z[:, None, None]
            + columns[:, axis, 1, None, None, None] * y[None, :, None]
            + columns[:, axis, 2, None, None, None] * x[None, None, :]
            for axis in (2, 1, 0)
        ],
        dim=-1,
    )
    return functional.grid_sample(crops[:, None].to(torch.float32), grid, align_corners=True, padding_mode="border")


def _crop(
    volume: npt.NDArray[np.int16], start: npt.NDArray[np.int_], size: tuple[int, ...], outside: float
) -> npt.NDArray[np.int16]:
    stop = start + size
    low, high = np.maximum(start, 0), np.minimum(stop, volume.shape)
    inner = volume[low[0] : high[0], low[1] : high[1], low[2] : high[2]]
    if inner.shape == size:
        return inner
    crop = np.full(size, outside, dtype=volume.dtype)
    if inner.size:
        at = low - start
        crop[at[0] : at[0] + inner.shape[0], at[1] : at[1] + inner.shape[1], at[2] : at[2] + inner.shape[2]] = inner
    return crop
