"""Cutting patches out of scans, flipped, turned and scaled at once (Dou et al., MICCAI 2017, section 3, augmentation).

Positions are continuous voxel indices (z, y, x) of the scan's array. A patch of even size has its centre between two
voxels: position 4.5 is the centre of voxels 0 to 9. See :func:`snap`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from .affine import warp
from .spatial_3d import PatchTransforms

Size = tuple[int, int, int]


def snap(positions_zyx: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The nearest positions that can be the centre of an even-sized patch of whole voxels: all halves."""
    snapped: npt.NDArray[np.float64] = np.floor(positions_zyx) + 0.5
    return snapped


def cut_patches(
    volumes: Sequence[npt.NDArray[Any]],
    centers_zyx: npt.NDArray[np.float64],
    transforms: PatchTransforms,
    size_zyx: Size,
    outside: float,
    device: torch.device | str = "cpu",
    nearest: bool = False,
) -> Tensor:
    """Patches around positions, transformed: exact voxels where they are only flipped and turned by quarters around
    centres that :func:`snap` gives (for odd sizes: whole numbers), linear interpolation elsewhere.

    Boxes are copied from the scans on the processor, in the scans' own type; the rest is done on ``device``.

    Args:
        volumes: one scan, [z, y, x], for each patch (the same array may come many times); may be mapped from disk.
        centers_zyx: [n, 3] centres.
        transforms: n of them.
        size_zyx: of a patch.
        outside: value of what lies outside a scan.
        nearest: for masks and labels: no interpolation, and the scans' own type is kept.

    Returns:
        [n, 1, z, y, x] on ``device``; float32 but for masks.
    """
    z, y, x = size_zyx
    # What is only flipped and turned by quarters needs no margin: a third of the voxels to copy.
    tight, wide = (z, max(y, x), max(y, x)), transforms.reach.box(size_zyx)
    whole = torch.from_numpy(((centers_zyx - (np.array(tight) - 1) / 2) % 1 == 0).all(axis=1))
    still = transforms.is_still() & whole & ((y - x) % 2 == 0)
    kind = torch.from_numpy(np.empty(0, _common(volumes))).dtype if nearest else torch.float32
    result = torch.empty(len(volumes), 1, *size_zyx, dtype=kind, device=device)
    for mask, box in ((still, tight), (~still, wide)):
        rows = torch.nonzero(mask).flatten()
        if len(rows):
            crops, rest = _crops([volumes[row] for row in rows.tolist()], centers_zyx[rows.numpy()], box, outside)
            matrices, shifts = transforms[rows].matrices(), transforms.shifts[rows]
            shifts = shifts - torch.einsum("nij,nj->ni", matrices, torch.from_numpy(rest))
            moved = warp(torch.from_numpy(crops).to(device), matrices, shifts, size_zyx, outside, nearest)
            result[rows.to(device)] = moved.to(kind)
    return result


def _crops(
    volumes: Sequence[npt.NDArray[Any]], centers_zyx: npt.NDArray[np.float64], box: Size, outside: float
) -> tuple[npt.NDArray[Any], npt.NDArray[np.float64]]:
    """[n, 1, *box] around the voxels nearest to the centres, and [n, 3] where the centres lie from those of the boxes."""
    half = (np.array(box) - 1) / 2
    starts = np.floor(centers_zyx - half + 0.5).astype(int)
    crops = np.full((len(volumes), 1, *box), outside, dtype=_common(volumes))
    for volume, start, crop in zip(volumes, starts, crops[:, 0], strict=True):
        _copy(volume, start, crop)
    return crops, centers_zyx - (starts + half)


def _common(volumes: Sequence[npt.NDArray[Any]]) -> np.dtype[Any]:
    """A type that holds the values of all."""
    return np.result_type(*{volume.dtype for volume in volumes}) if volumes else np.dtype(np.float32)


def _copy(volume: npt.NDArray[Any], start: npt.NDArray[np.int_], crop: npt.NDArray[Any]) -> None:
    """Copy what of a scan lies from ``start`` on into ``crop``; what lies outside stays as it was."""
    stop = start + crop.shape
    low, high = np.maximum(start, 0), np.minimum(stop, volume.shape)
    if (low < high).all():
        inner = tuple(slice(a, b) for a, b in zip(low - start, high - start, strict=True))
        crop[inner] = volume[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
