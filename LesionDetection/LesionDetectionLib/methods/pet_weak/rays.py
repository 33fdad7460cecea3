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
        taken: the same of those that were asked for; where a whole row or column was not, anything.
        lowest, highest: of all voxels; NaN where one is NaN, infinite where one is.
    """

    whole: tuple[Array, Array]
    taken: tuple[Array, Array]
    lowest: float
    highest: float


def look_through(volume: Array, taken: Sequence[Array] | None, threads: int = 1) -> Rays:
    """Look at each slab of a volume while it is in the processor's cache.

    Args:
        volume: [k, j, i], values of any type, in any order in memory.
        taken: along k, j and i the voxels that ``Rays.taken`` is about; None for all.
        threads: that share the slabs.
    """
    # Slabs across the axis along which memory lies furthest apart are whole pieces of memory.
    across = int(np.argmax(np.abs(volume.strides)))
    slabs = np.moveaxis(volume, across, 0)
    count = max(1, min(threads, len(slabs)))
    parts = [_Part(volume, across, taken) for _ in range(count)]
    pieces = np.array_split(np.arange(len(slabs)), count)
    if count == 1:
        parts[0].look_at(slabs, pieces[0])
    else:
        with ThreadPoolExecutor(count) as pool:
            list(pool.map(lambda part, piece: part.look_at(slabs, piece), parts, pieces))
    whole = _together([part.whole for part in parts])
    return Rays(
        whole=whole,
        taken=whole if taken is None else _together([part.taken for part in parts if part.taken is not None]),
        lowest=float(np.min([part.lowest for part in parts])),
        highest=float(whole[0].max()),
    )


class _Part:
    """What one thread has seen so far."""

    def __init__(self, volume: Array, across: int, taken: Sequence[Array] | None) -> None:
        self.whole = _Highest(volume, across)
        self.taken = None if taken is None else _Highest(volume, across)
        self.lowest = np.inf
        self._of_slab, self._slabs = None, frozenset[int]()
        if taken is not None:
            kept = [np.unique(own) for own in taken]
            self._slabs = frozenset(kept.pop(across).tolist())
            self._of_slab = kept

    def look_at(self, slabs: Array, piece: Array) -> None:
        least = []
        for number in piece.tolist():
            slab = slabs[number]
            least.append(slab.min())
            self.whole.add(number, slab)
            if self.taken is not None and self._of_slab is not None and number in self._slabs:
                self.taken.add(number, slab[np.ix_(*self._of_slab)], self._of_slab)
        self.lowest = float(np.min(least))


class _Highest:
    """The highest values so far, [k, i] and [k, j]."""

    def __init__(self, volume: Array, across: int) -> None:
        lowest = -np.inf if volume.dtype.kind == "f" else np.iinfo(volume.dtype).min
        self.found = [np.full(np.delete(volume.shape, along), lowest, dtype=volume.dtype) for along in _ALONG]
        self._across = across

    def add(self, number: int, slab: Array, where: Sequence[Array] | None = None) -> None:
        """``slab``: the volume at this place of the axis that slabs lie across; ``where``: the places along its two axes that
        it holds, None for all."""
        for found, along in zip(self.found, _ALONG, strict=True):
            if along == self._across:
                part = found if where is None else found[np.ix_(*where)]
                higher = np.maximum(part, slab, out=found if where is None else None)
                if where is not None:
                    found[np.ix_(*where)] = higher
                continue
            # The slab lacks one axis, and the picture another: what is left is one line of it.
            line = np.moveaxis(found, self._across - (along < self._across), 0)[number]
            in_slab = along - (self._across < along)
            if where is None:
                slab.max(axis=in_slab, out=line)
            else:
                line[where[1 - in_slab]] = slab.max(axis=in_slab)


def _together(parts: Sequence[_Highest]) -> tuple[Array, Array]:
    coronal, sagittal = (
        np.maximum.reduce([part.found[view] for part in parts]).astype(np.float32, copy=False) for view in range(2)
    )
    return coronal, sagittal
