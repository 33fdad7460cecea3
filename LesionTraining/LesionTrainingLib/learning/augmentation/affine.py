"""Moving voxels by matrices, in two or three dimensions: exactly where nothing needs to be interpolated.

A transform says where content comes to lie: what is at offset o from the centre of the source lies at
``matrix @ o + shift`` from the centre of the result. Offsets are (z, y, x) or (y, x) in voxels; the centre of an axis of
n voxels is (n - 1) / 2.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

Permutation = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
"""Of each axis of the result: the axis of the source, its sign, and the shift in whole voxels."""


def warp(
    values: Tensor,
    matrices: Tensor,
    shifts: Tensor,
    size: Sequence[int],
    outside: float = 0.0,
    nearest: bool = False,
) -> Tensor:
    """Move the content of images. Samples that are only flipped, turned by quarters or shifted by whole voxels keep
    their very values; the others are interpolated linearly, or take the nearest value.

    Args:
        values: [n, c, *source size], any type; on any device.
        matrices: [n, d, d] float64 on the processor; d = 2 or 3.
        shifts: [n, d] float64 on the processor.
        size: of the result, d numbers.
        outside: value of what lies outside the source.
        nearest: for masks and labels.

    Returns:
        [n, c, *size] on the device of ``values``: of its type with ``nearest`` or when nothing was interpolated, else
        float32 (or float64 for such values).
    """
    size = tuple(size)
    exact = [_permutation(m, s, values.shape[2:], size) for m, s in zip(matrices, shifts, strict=True)]
    blurred = [row for row, found in enumerate(exact) if found is None]
    kind = values.dtype if nearest or not blurred or values.is_floating_point() else torch.float32
    result = torch.empty(*values.shape[:2], *size, dtype=kind, device=values.device)
    for found in sorted({found for found in exact if found is not None}):
        rows = [row for row, other in enumerate(exact) if other == found]
        result[rows] = _permuted(values[rows], found, size, outside).to(kind)
    if blurred:
        result[blurred] = _sampled(values[blurred], matrices[blurred], shifts[blurred], size, outside, nearest).to(kind)
    return result


def _permutation(matrix: Tensor, shift: Tensor, source: Sequence[int], size: Sequence[int]) -> Permutation | None:
    """How to move whole voxels, where that is all there is to do."""
    axes, signs = [], []
    for row in matrix.tolist():
        (axis, *others) = [axis for axis, value in enumerate(row) if value]
        if others or abs(row[axis]) != 1:
            return None
        axes.append(axis)
        signs.append(int(row[axis]))
    for axis, n, by in zip(axes, size, shift.tolist(), strict=True):
        # Between sizes of another parity lies half a voxel.
        if not by.is_integer() or (source[axis] - n) % 2:
            return None
    return tuple(axes), tuple(signs), tuple(int(by) for by in shift.tolist())


def _permuted(values: Tensor, how: Permutation, size: Sequence[int], outside: float) -> Tensor:
    axes, signs, shifts = how
    moved = values.permute(0, 1, *(2 + axis for axis in axes)).flip([2 + a for a, sign in enumerate(signs) if sign < 0])
    padding: list[int] = []
    for axis, (n, by) in enumerate(zip(size, shifts, strict=True), 2):
        start = (moved.shape[axis] - n) // 2 - by
        before, after = max(0, -start), max(0, start + n - moved.shape[axis])
        first = min(max(0, start), moved.shape[axis])
        moved = moved.narrow(axis, first, max(0, n - before - after))
        padding = [min(before, n), n - min(before, n) - moved.shape[axis], *padding]
    return functional.pad(moved, padding, value=outside) if any(padding) else moved


def _sampled(
    values: Tensor, matrices: Tensor, shifts: Tensor, size: Sequence[int], outside: float, nearest: bool
) -> Tensor:
    d = len(size)
    floating = values if values.dtype == torch.float64 else values.to(torch.float32)
    if outside:
        # One voxel of it all around, which is then repeated for ever: cheaper than to subtract it and add it again.
        floating = functional.pad(floating, [1, 1] * d, value=outside)
    inverse = torch.linalg.inv(matrices)
    # grid_sample without align_corners counts from -1 to 1 over the whole axis, last axis first.
    unit = 2.0 / torch.tensor(floating.shape[2:], dtype=torch.float64)
    columns = (inverse * unit[None, :, None]).to(floating)
    start = (torch.einsum("nij,nj->ni", inverse, -shifts) * unit).to(floating)
    steps = [torch.arange(n, device=floating.device, dtype=floating.dtype) - (n - 1) / 2 for n in size]
    shaped = [step.reshape([1] + [-1 if a == axis else 1 for a in range(d)]) for axis, step in enumerate(steps)]
    grid = floating.new_empty(len(values), *size, d)
    for axis in range(d):
        along = start[:, axis].reshape(-1, *[1] * d)
        for other in range(d):
            along = along + columns[:, axis, other].reshape(-1, *[1] * d) * shaped[other]
        grid[..., d - 1 - axis] = along
    moved: Tensor = functional.grid_sample(
        floating,
        grid,
        mode="nearest" if nearest else "bilinear",
        padding_mode="border" if outside else "zeros",
        align_corners=False,
    )
    return moved.round_() if nearest and not values.is_floating_point() else moved
