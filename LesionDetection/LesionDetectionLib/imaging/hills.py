"""What belongs to one peak of a landscape of values: all that leads up to it, down to a share of it, and hangs together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from .basins import BoolArray, FloatArray, IntArray, basins, joined

Triple = tuple[int, int, int]
Box = tuple[slice, slice, slice]

_TOUCHING = np.ones((3, 3, 3), dtype=bool)


@dataclass(frozen=True, eq=False)
class Hill:
    """A peak and what belongs to it.

    Attributes:
        voxels: [k, j, i] bool, its box; connected (26 neighbours).
        start_kji: where the box begins in the array that was looked at.
        peak_kji: the voxel of its maximum, in that array.
        peak: its maximum.
    """

    voxels: BoolArray
    start_kji: Triple
    peak_kji: Triple
    peak: float

    def holds(self, kji: Triple) -> bool:
        """Whether a voxel of that array is one of its."""
        k, j, i = np.subtract(kji, self.start_kji).tolist()
        nk, nj, ni = self.voxels.shape
        return 0 <= k < nk and 0 <= j < nj and 0 <= i < ni and bool(self.voxels[k, j, i])


class Hills:
    """All hills of an array within a mask.

    Args:
        values: [k, j, i].
        mask: [k, j, i] bool; nothing else is looked at.
        share: a hill ends at this share of its peak.
        split_share: two peaks are two hills where the pass between them falls below this share of the lower one.
        core: [k, j, i] bool; a peak in it is none of a hill whose peak lies outside of it, unless their pass is as high as
            ``one_share`` of the lower one: within the noise of one peak.
    """

    def __init__(
        self,
        values: FloatArray,
        mask: BoolArray,
        share: float,
        split_share: float,
        core: BoolArray | None = None,
        one_share: float = 0.9,
    ) -> None:
        self._share, self._shape = share, mask.shape
        self._found = basins(values, mask)
        own = self._found
        if core is not None and len(own.passes):
            inside = core.ravel()[own.voxels[own.peaks]]
            a, b = own.passes.T
            lower = np.minimum(own.peak_values[a], own.peak_values[b])
            kept = (inside[a] == inside[b]) | (own.heights >= one_share * lower)
            own = type(own)(own.voxels, own.values, own.basin, own.peaks, own.passes[kept], own.heights[kept])
        self._leader = joined(own, lambda peak: share * peak, split_share)
        # The voxels by the hill that they belong to, so that each hill is a piece of the list.
        leader = self._leader[self._found.basin]
        self._members = np.argsort(leader, kind="stable")
        self._bounds = np.searchsorted(leader[self._members], np.arange(len(self._leader) + 1))

    @property
    def peaks(self) -> list[tuple[int, Triple, float]]:
        """Of each hill its number, the voxel of its peak and the value there, by falling value."""
        leaders = np.unique(self._leader)
        places = np.stack(np.unravel_index(self._found.voxels[self._found.peaks[leaders]], self._shape), axis=1)
        rows = zip(leaders.tolist(), map(triple, places), self._found.peak_values[leaders].tolist(), strict=True)
        return sorted(rows, key=lambda row: -row[2])

    def number_at(self, kji: Triple) -> int | None:
        """The number of the hill that a voxel belongs to, be it high enough or not; None for one out of the mask."""
        flat = np.ravel_multi_index(kji, self._shape)
        at = int(np.searchsorted(self._found.voxels, flat))
        if at == len(self._found.voxels) or self._found.voxels[at] != flat:
            return None
        return int(self._leader[self._found.basin[at]])

    def hill(self, number: int) -> Hill:
        """One of those of :attr:`peaks`."""
        found, peak = self._found, int(self._found.peaks[number])
        value = float(found.values[peak])
        own = self._members[self._bounds[number] : self._bounds[number + 1]]
        own = own[found.values[own] >= self._share * value]
        places = np.stack(np.unravel_index(found.voxels[own], self._shape), axis=1)
        low = places.min(axis=0)
        voxels = np.zeros(places.max(axis=0) - low + 1, dtype=bool)
        voxels[tuple((places - low).T)] = True
        at = triple(np.array(np.unravel_index(found.voxels[peak], self._shape)))
        part, start = connected_part(voxels, triple(np.subtract(at, low)))
        return Hill(part, triple(np.add(start, low)), at, value)


def connected_part(voxels: BoolArray, holding_kji: Triple) -> tuple[BoolArray, Triple]:
    """The part of a mask that hangs together (26 neighbours) and holds a voxel, trimmed; and where in the mask that begins."""
    labels: npt.NDArray[Any] = ndimage.label(voxels, structure=_TOUCHING)[0]
    own = labels == labels[holding_kji]
    box = filled_box(own)
    assert box is not None
    return own[box], triple(np.array([part.start for part in box]))


def filled_box(mask: BoolArray) -> Box | None:
    """The smallest box that holds all of a mask, [k, j, i]; None where that is empty."""
    parts = []
    for axis in range(3):
        filled = np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis)))
        if not len(filled):
            return None
        parts.append(slice(int(filled[0]), int(filled[-1]) + 1))
    return parts[0], parts[1], parts[2]


def triple(values: npt.NDArray[Any] | IntArray) -> Triple:
    """Three whole numbers as such."""
    k, j, i = (int(n) for n in values)
    return k, j, i
