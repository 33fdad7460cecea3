"""Uptake as a landscape: which peak each voxel belongs to, how high the passes between peaks are, which peaks are one.

Every voxel belongs to the peak at the end of the steepest way up. Passes are then crossed from the highest down, and two
peaks become one where the lower does not stand out from the pass: persistence, as in F. Chazal et al., Persistence-based
clustering in Riemannian manifolds, Journal of the ACM 60 (2013) 41. Only voxels of a mask are looked at, so that a whole
body costs what its uptake costs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.floating[Any]]
BoolArray = npt.NDArray[np.bool_]

_NEIGHBOURS = [step for step in product((-1, 0, 1), repeat=3) if step > (0, 0, 0)]
"""Half of the 26, (k, j, i); the others are their negatives."""


@dataclass(frozen=True, eq=False)
class Basins:
    """The voxels of a mask by the peak that they lead up to.

    Attributes:
        voxels: [N] flat indices into the array, rising.
        values: [N].
        basin: [N] number of each voxel's basin.
        peaks: [B] for each basin the position of its peak among ``voxels``.
        passes: [E, 2] pairs of basins that touch (26 neighbours), by falling height of the pass between them.
        heights: [E] of the passes: the largest, over all pairs of neighbours, of the lower value of both.
    """

    voxels: IntArray
    values: FloatArray
    basin: IntArray
    peaks: IntArray
    passes: IntArray
    heights: FloatArray

    @property
    def peak_values(self) -> FloatArray:
        return self.values[self.peaks]


def basins(values: FloatArray, mask: BoolArray) -> Basins:
    """The basins of ``values`` within ``mask``, both [k, j, i]. Of equal values the one with the higher index is higher."""
    shape = tuple(n + 2 for n in mask.shape)
    inner = (slice(1, -1),) * 3
    # A frame of one voxel, so that no neighbour is out of the array or on its other side.
    number: npt.NDArray[Any] = np.full(shape, -1, dtype=np.int32)
    voxels = np.flatnonzero(mask)
    number[inner][mask] = np.arange(len(voxels))
    flat, here = number.ravel(), np.flatnonzero(number.ravel() >= 0)
    height = values.ravel()[voxels]
    steps = [
        int(np.ravel_multi_index((1 + k, 1 + j, 1 + i), shape) - np.ravel_multi_index((1, 1, 1), shape))
        for k, j, i in _NEIGHBOURS
    ]
    up = np.arange(len(voxels))
    for step in (*steps, *(-step for step in steps)):
        other = flat[here + step]
        higher = (other >= 0) & _is_higher(height, other, up)
        up[higher] = other[higher]
    while not np.array_equal(further := up[up], up):
        up = further
    peaks, basin = np.unique(up, return_inverse=True)
    pairs, heights = _passes(flat, here, steps, height, basin)
    return Basins(voxels, height, basin, peaks, pairs, heights)


def joined(found: Basins, level: Callable[[float], float], split_share: float) -> IntArray:
    """For each basin, [B], the one that it belongs to in the end: that of the highest peak of its lesion.

    Args:
        level: the value at which a lesion of a peak ends.
        split_share: two peaks stay apart where the pass between them is below this share of the lower; and also where the
            lower one would be an island in the other's lesion, above its level with a pass below it.
    """
    height = [float(value) for value in found.peak_values]
    leader = list(range(len(height)))

    def find(basin: int) -> int:
        while leader[basin] != basin:
            leader[basin] = leader[leader[basin]]
            basin = leader[basin]
        return basin

    for (one, other), saddle in zip(found.passes.tolist(), found.heights.tolist(), strict=True):
        a, b = find(one), find(other)
        if a == b:
            continue
        high, low = (a, b) if (height[a], a) > (height[b], b) else (b, a)
        end = level(height[high])
        if saddle >= split_share * height[low] and not saddle < end <= height[low]:
            leader[low] = high
    return np.array([find(basin) for basin in range(len(height))], dtype=np.int64)


def _is_higher(height: FloatArray, other: npt.NDArray[Any], than: IntArray) -> BoolArray:
    a, b = height[other], height[than]
    return np.asarray((a > b) | ((a == b) & (other > than)))


def _passes(
    flat: npt.NDArray[Any], here: IntArray, steps: list[int], height: FloatArray, basin: IntArray
) -> tuple[IntArray, FloatArray]:
    count = int(basin.max(initial=0)) + 1
    keys, saddles = [], []
    for step in steps:
        other = flat[here + step]
        own = np.flatnonzero(other >= 0)
        own = own[basin[own] != basin[other[own]]]
        a, b = basin[own], basin[other[own]]
        keys.append(np.minimum(a, b) * count + np.maximum(a, b))
        saddles.append(np.minimum(height[own], height[other[own]]))
    key, saddle = np.concatenate(keys), np.concatenate(saddles)
    order = np.argsort(key, kind="stable")
    key, saddle = key[order], saddle[order]
    first = np.flatnonzero(np.diff(key, prepend=-1))
    heights = np.maximum.reduceat(saddle, first) if len(first) else saddle
    falling = np.argsort(-heights, kind="stable")
    pairs = np.stack(np.divmod(key[first], count), axis=1)
    return pairs[falling], heights[falling]
