"""The highest values along the rays of both views, in one pass over a volume."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

_ALONG = (1, 2)
"""The array axis (k, j, i) that the rays of the coronal and of the sagittal view run along."""


@dataclass(frozen=True, eq=False)
class Rays:
    """Of a volume [k, j, i], as float32.

    Attributes:
        whole: [k, i] the highest along j, and [k, j] the highest along i, of all voxels.
        taken: the same of those that were asked for.
        lowest, highest: of all voxels; NaN where one is NaN, infinite where one is.
    """

    whole: tuple[Array, Array]
    taken: tuple[Array, Array]
    lowest: float
    highest: float


def look_through(volume: Array, taken: tuple[Array, Array] | None = None, threads: int = 1) -> Rays:
    """Look at each slab of a volume while it is in the processor's cache.

    Args:
        volume: [k, j, i], values of any type, in any order in memory.
        taken: indices along j and along i of the voxels that ``Rays.taken`` is about; None for all.
        threads: that share the slabs.
    """
    # Slabs across the axis along which memory lies furthest apart are whole pieces of memory.
    across = int(np.argmax(np.abs(volume.strides)))
    slabs = np.moveaxis(volume, across, 0)
    count = max(1, min(threads, len(slabs)))
    parts = [_Part(volume, across, taken or (None, None)) for _ in range(count)]
    pieces = np.array_split(np.arange(len(slabs)), count)
    if count == 1:
        parts[0].look_at(slabs, pieces[0])
    else:
        with ThreadPoolExecutor(count) as pool:
            list(pool.map(lambda part, piece: part.look_at(slabs, piece), parts, pieces))
    whole, of_taken = (
        _together([[getattr(view, name) for view in part.views] for part in parts]) for name in ("whole", "taken")
    )
    return Rays(whole, of_taken, float(np.min([part.lowest for part in parts])), float(whole[0].max()))


class _Part:
    """What one thread has seen so far."""

    def __init__(self, volume: Array, across: int, taken: tuple[Array | None, Array | None]) -> None:
        self.views = [_View(volume, across, along, own) for along, own in zip(_ALONG, taken, strict=True)]
        self.lowest = np.inf

    def look_at(self, slabs: Array, piece: Array) -> None:
        least = []
        for number in piece.tolist():
            slab = slabs[number]
            least.append(slab.min())
            for view in self.views:
                view.add(number, slab)
        self.lowest = float(np.min(least))


class _View:
    """The highest values so far along the rays of one view: of all voxels, and of those that are taken."""

    def __init__(self, volume: Array, across: int, along: int, taken: Array | None) -> None:
        lowest = -np.inf if volume.dtype.kind == "f" else np.iinfo(volume.dtype).min
        every = np.arange(volume.shape[along])
        self._taken = every if taken is None else np.unique(taken)
        self._others = np.setdiff1d(every, self._taken)
        self.whole = np.full(np.delete(volume.shape, along), lowest, dtype=volume.dtype)
        self.taken = self.whole.copy() if len(self._others) else self.whole
        # A slab lacks one axis, and a picture another: what is left is a line of it, unless both lack the same.
        self._in_slab = None if along == across else along - (across < along)
        self._in_picture = across - (along < across)

    def add(self, number: int, slab: Array) -> None:
        """``slab``: the volume at a place of the axis that slabs lie across."""
        if self._in_slab is None:
            np.maximum(self.whole, slab, out=self.whole)
            if len(self._others) and self._taken[np.searchsorted(self._taken[:-1], number)] == number:
                np.maximum(self.taken, slab, out=self.taken)
            return
        line = np.moveaxis(self.whole, self._in_picture, 0)[number]
        slab.max(axis=self._in_slab, out=line)
        if not len(self._others):
            return
        of_taken = np.moveaxis(self.taken, self._in_picture, 0)[number]
        of_taken[...] = line
        # Most voxels are taken: only where one of the others is as high must those be looked at on their own.
        doubtful = np.flatnonzero(~(slab.take(self._others, axis=self._in_slab).max(axis=self._in_slab) < line))
        rays = slab.take(doubtful, axis=1 - self._in_slab)
        of_taken[doubtful] = rays.take(self._taken, axis=self._in_slab).max(axis=self._in_slab)


def _together(parts: Sequence[Sequence[Array]]) -> tuple[Array, Array]:
    coronal, sagittal = (
        np.maximum.reduce([part[view] for part in parts]).astype(np.float32, copy=False) for view in range(2)
    )
    return coronal, sagittal
