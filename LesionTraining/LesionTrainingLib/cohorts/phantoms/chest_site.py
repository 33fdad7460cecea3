"""The painted chest as a place for lesions: finding a spot in the lung, and painting a few tubes there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .chest_body import Body
from .chest_patient import Patient
from .chest_vessels import LungTrees
from .fields import Float32, Grid
from .nodules import Float64
from .tubes import Tubes, blend, tube_cover


@dataclass(frozen=True, eq=False)
class Site:
    """What lesions are painted into.

    Attributes:
        volume: [k, j, i] HU, changed in place.
        vessels: [k, j, i] share of vessel or airway, 255 being all.
    """

    grid: Grid
    volume: Float32
    vessels: npt.NDArray[np.uint8]
    body: Body
    patient: Patient
    trees: LungTrees


def random_inside(
    site: Site, low: float, high: float, rng: np.random.Generator, field: Float32 | None = None, within: float = 0.0
) -> Float64 | None:
    """A random point whose lung distance lies between ``low`` and ``high``, and ``field`` within +-``within``."""
    for _ in range(3):
        points = np.stack([rng.choice(axis, 2000) for axis in site.grid.axes], axis=1).astype(np.float64)
        depth = site.grid.sample(site.body.lung, points)
        good = (depth > low) & (depth < high)
        if field is not None:
            good &= np.abs(site.grid.sample(field, points)) < within
        if good.any():
            return np.asarray(points[int(np.argmax(good))])
    return None


def add_tubes(site: Site, tubes: Tubes, hu: float) -> None:
    """Paint a few tubes in their common box only, where they lie in the lung."""
    inside = (site.grid.sample(site.body.lung, tubes.start) < 0) & (site.grid.sample(site.body.lung, tubes.end) < 0)
    if not inside.any():
        return
    tubes = tubes.chosen(inside).cut_up(5.0)
    geometry = site.grid.geometry
    corners = geometry.ijk_from_ras(np.concatenate([tubes.start, tubes.end]))
    margin = (float(max(tubes.start_radius.max(), tubes.end_radius.max())) + 2) / np.array(geometry.spacing_mm)
    low = np.clip(np.floor(corners.min(axis=0) - margin), 0, None).astype(int)
    high = np.minimum(np.ceil(corners.max(axis=0) + margin).astype(int) + 1, geometry.shape_kji[::-1])
    if (high <= low).any():
        return
    size = high - low
    small = Grid(geometry.crop(tuple(low.tolist()), tuple(size.tolist())))
    covered = np.zeros(small.geometry.shape_kji, dtype=np.uint8)
    tube_cover(small, tubes, covered)
    where = tuple(slice(int(x), int(y)) for x, y in zip(low[::-1], high[::-1], strict=True))
    blend(site.volume[where], covered, hu)
