"""From a PET in SUV to regions of uptake: one a peak that stands out, outlined at a share of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.imaging.ball_growth import grown_by_ball
from LesionDetectionLib.imaging.basins import Basins, basins, joined
from LesionDetectionLib.imaging.hills import Triple, connected_part, filled_box, triple

from .settings import BY_SHARE, ActivePetCtSettings

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.floating[Any]]
MOST_CUT = 0.15
"""An outline of which more was cut off is raised."""


@dataclass(frozen=True, eq=False)
class Uptake:
    """One region of uptake.

    Attributes:
        voxels: [k, j, i] bool, its box; connected (26 neighbours).
        start_kji: where the box begins in the array that was looked at.
        peak_kji: the voxel of its maximum, in that array.
        suvmax: its maximum.
        share: where it ends, as a share of its maximum.
        is_raised: whether that is higher than usual, because it flowed out.
        cut_share: of what lies above that, the share that was cut off because it is too far from its core.
    """

    voxels: BoolArray
    start_kji: Triple
    peak_kji: Triple
    suvmax: float
    share: float
    is_raised: bool = False
    cut_share: float = 0.0

    @property
    def slices(self) -> tuple[slice, slice, slice]:
        """The box in the array that was looked at."""
        k, j, i = (slice(n, n + size) for n, size in zip(self.start_kji, self.voxels.shape, strict=True))
        return k, j, i

    @property
    def count(self) -> int:
        return int(np.count_nonzero(self.voxels))

    def raised_to(self, suv: FloatArray, share: float) -> Uptake:
        """What of it lies at ``share`` of its maximum or above, connected to its peak. ``suv``: what was looked at."""
        above = self.voxels & (suv[self.slices] >= share * self.suvmax)
        return replace(_connected(above, self.start_kji, self.peak_kji, self.suvmax, share), is_raised=True)


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
    box = filled_box(mask)
    if box is None:
        return []
    inside = suv[box]
    mask = mask[box] & _near(inside, floor, geometry, settings)
    if not mask.any():
        return []
    found = basins(inside, mask)
    leader = joined(found, level, settings.split_share)
    near = _near(inside, threshold, geometry, settings).ravel()[found.voxels]
    peaks = found.peak_values
    wanted = peaks >= (floor if settings.all_candidates else threshold)
    regions = [
        _region(found, members, near | (suvmax < threshold), level(suvmax), inside.shape, box, settings)
        for members, suvmax in _members(found, leader, wanted, level)
    ]
    return sorted(regions, key=lambda region: -region.suvmax)


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


def _near(suv: FloatArray, least: float, geometry: Geometry, settings: ActivePetCtSettings) -> BoolArray:
    return grown_by_ball(np.ascontiguousarray(suv >= least), geometry.spacing_mm, settings.grow_reach_mm)


def _members(
    found: Basins, leader: npt.NDArray[Any], wanted: BoolArray, level: _Level
) -> Iterator[tuple[npt.NDArray[Any], float]]:
    """For each lesion the positions, among the voxels of ``found``, of those at its level or above, its peak first; and its
    maximum."""
    own = leader[found.basin]
    taken = np.flatnonzero(wanted[own])
    taken = taken[np.argsort(own[taken], kind="stable")]
    bounds = np.flatnonzero(np.diff(own[taken], prepend=-1, append=-1))
    for start, stop in pairwise(bounds):
        members = taken[start:stop]
        peak = found.peaks[own[members[0]]]
        suvmax = float(found.values[peak])
        above = members[found.values[members] >= level(suvmax)]
        yield np.concatenate([[peak], above[above != peak]]), suvmax


def _region(
    found: Basins,
    members: npt.NDArray[Any],
    near: BoolArray,
    end: float,
    shape: tuple[int, ...],
    box: tuple[slice, slice, slice],
    settings: ActivePetCtSettings,
) -> Uptake:
    """The region of a lesion, its outline raised where it flows out of its reach."""
    suvmax = float(found.values[members[0]])
    offset = np.array([part.start for part in box])

    def outlined(share: float) -> Uptake:
        above = members if share == usual else members[found.values[members] >= share * suvmax]
        kept = above[near[above]]
        places = np.stack(np.unravel_index(found.voxels[kept], shape), axis=1) + offset
        low = places.min(axis=0)
        voxels = np.zeros(places.max(axis=0) - low + 1, dtype=bool)
        voxels[tuple((places - low).T)] = True
        region = _connected(voxels, triple(low), triple(places[0]), suvmax, share)
        return replace(region, is_raised=share > usual, cut_share=1 - region.count / len(above))

    usual = end / suvmax
    first = outlined(usual)
    if first.cut_share <= MOST_CUT or usual > settings.grow_share + 1e-9:
        return first
    surroundings = usual
    for share in settings.higher_shares:
        if outlined(share).cut_share <= MOST_CUT:
            break
        surroundings = share
    return outlined(settings.above_surroundings(surroundings)) if settings.higher_shares else first


def _connected(voxels: BoolArray, start_kji: Triple, peak_kji: Triple, suvmax: float, share: float) -> Uptake:
    """The part of a mask that holds the peak, trimmed."""
    part, offset = connected_part(voxels, triple(np.subtract(peak_kji, start_kji)))
    return Uptake(part, triple(np.add(start_kji, offset)), peak_kji, suvmax, share)
