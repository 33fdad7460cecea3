"""From a PET in SUV to regions of uptake: one a peak that stands out, outlined at a share of it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.imaging.ball_growth import grown_by_ball

from .basins import Basins, basins, joined
from .settings import BY_SHARE, ActivePetCtSettings

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.floating[Any]]
Triple = tuple[int, int, int]
_TOUCHING = np.ones((3, 3, 3), dtype=bool)


@dataclass(frozen=True, eq=False)
class Uptake:
    """One region of uptake.

    Attributes:
        voxels: [k, j, i] bool, its box; connected (26 neighbours).
        start_kji: where the box begins in the array that was looked at.
        peak_kji: the voxel of its maximum, in that array.
        suvmax: its maximum.
        cut_share: of what lies above its outline's value, the share that was cut off because it is too far from its core.
    """

    voxels: BoolArray
    start_kji: Triple
    peak_kji: Triple
    suvmax: float
    cut_share: float

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """The box in the array that was looked at."""
        k, j, i = (slice(n, n + size) for n, size in zip(self.start_kji, self.voxels.shape, strict=True))
        return k, j, i

    @property
    def count(self) -> int:
        return int(np.count_nonzero(self.voxels))


def find_uptake(suv: FloatArray, geometry: Geometry, threshold: float, settings: ActivePetCtSettings) -> list[Uptake]:
    """All regions of uptake, in falling SUVmax.

    The regions of a SUVmax of ``threshold`` or more are the same whether ``settings.all_candidates`` is set or not: a
    review changes what is reported, not what it looks like.

    Args:
        suv: [k, j, i] in axial order.
        geometry: of ``suv``.
        threshold: the rule's least SUVmax.
    """
    floor = min(threshold, settings.floor_suv)
    level = _Level(settings, threshold)
    mask = suv >= level(floor)
    box = _box(mask)
    if box is None:
        return []
    inside = suv[box]
    mask = mask[box] & _near(inside, floor, geometry, settings)
    if not mask.any():
        return []
    found = basins(inside, mask)
    leader = joined(found, level, settings.split_share)[found.basin]
    peak = found.peak_values[leader]
    ends = level.of(peak)
    above = found.values >= ends
    near = _near(inside, threshold, geometry, settings).ravel()[found.voxels] | (peak < threshold)
    least = floor if settings.all_candidates else threshold
    return _regions(found, leader, above, near, (peak >= least) & (ends <= peak), inside.shape, box)


class _Level:
    """The SUV at which a region of a peak ends."""

    def __init__(self, settings: ActivePetCtSettings, threshold: float) -> None:
        self._share = settings.grow_share
        self._fixed = None if settings.outline == BY_SHARE else threshold

    def __call__(self, peak: float) -> float:
        # A candidate below a fixed threshold has no outline at it: it is drawn as a share.
        if self._fixed is None or peak < self._fixed:
            return self._share * peak
        return self._fixed

    def of(self, peaks: FloatArray) -> FloatArray:
        if self._fixed is None:
            return np.asarray(self._share * peaks)
        return np.where(peaks < self._fixed, self._share * peaks, self._fixed)


def _near(suv: FloatArray, least: float, geometry: Geometry, settings: ActivePetCtSettings) -> BoolArray:
    return grown_by_ball(np.ascontiguousarray(suv >= least), geometry.spacing_mm, settings.grow_reach_mm)


def _box(mask: BoolArray) -> tuple[slice, slice, slice] | None:
    parts = []
    for axis in range(3):
        filled = np.flatnonzero(mask.any(axis=tuple(other for other in range(3) if other != axis)))
        if not len(filled):
            return None
        parts.append(slice(int(filled[0]), int(filled[-1]) + 1))
    return parts[0], parts[1], parts[2]


def _regions(
    found: Basins,
    leader: npt.NDArray[Any],
    above: BoolArray,
    near: BoolArray,
    wanted: BoolArray,
    shape: tuple[int, ...],
    box: tuple[slice, slice, slice],
) -> list[Uptake]:
    taken = np.flatnonzero(above & wanted)
    taken = taken[np.argsort(leader[taken], kind="stable")]
    bounds = np.flatnonzero(np.diff(leader[taken], prepend=-1, append=-1))
    regions = []
    for start, stop in pairwise(bounds):
        members = taken[start:stop]
        peak = int(found.peaks[leader[members[0]]])
        kept = members[near[members]]
        places = np.stack(np.unravel_index(found.voxels[kept], shape), axis=1)
        at = np.array(np.unravel_index(found.voxels[peak], shape))
        low = places.min(axis=0)
        voxels = np.zeros(places.max(axis=0) - low + 1, dtype=bool)
        voxels[tuple((places - low).T)] = True
        labels: npt.NDArray[Any] = ndimage.label(voxels, structure=_TOUCHING)[0]
        voxels = labels == labels[tuple(at - low)]
        regions.append(_trimmed(voxels, low, at, float(found.values[peak]), len(members), box))
    return sorted(regions, key=lambda region: -region.suvmax)


def _trimmed(
    voxels: BoolArray,
    low: npt.NDArray[Any],
    peak: npt.NDArray[Any],
    suvmax: float,
    members: int,
    box: tuple[slice, ...],
) -> Uptake:
    kept = _box(voxels)
    assert kept is not None
    offset = [part.start for part in box]
    k, j, i = (int(n) + part.start + first for n, part, first in zip(low, kept, offset, strict=True))
    pk, pj, pi = (int(n) + first for n, first in zip(peak, offset, strict=True))
    return Uptake(voxels[kept], (k, j, i), (pk, pj, pi), suvmax, 1 - int(np.count_nonzero(voxels)) / members)
