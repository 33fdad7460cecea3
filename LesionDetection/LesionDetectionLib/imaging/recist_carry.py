"""From the mask in the slice of the diameters to its neighbours: by GrabCut from slice to slice, or as an ellipsoid.

A lesion is taken to be about as tall as it is wide. GrabCut goes from the key slice up and down, begins in each slice with
the inner half of the mask before, and ends where that no longer looks like the lesion, or at one and a half times the height
of a ball: so it does not run away along a vessel. Slice by slice as Cai et al., MICCAI 2018, propagate theirs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from LesionDetectionLib.core.progress import Progress

from .recist_choice import Look
from .recist_grabcut import grabcut
from .recist_start import BoolArray, Diameters, ellipse


@dataclass(frozen=True)
class CarrySettings:
    """How far and how a mask is carried.

    Attributes:
        tallest: of a lesion: its height at most, as a multiple of the long diameter.
        inner_share: pixels of the mask before that are farther from its border than this share of its deepest pixel begin the
            next slice.
        least_alike: it ends where a smaller share of these looks like the lesion: nearer to its value than to that around.
        grown_px: what the mask may grow by in one slice.
        least_overlap: Dice with the mask before below which it ends.
        least_volume: of GrabCut's mask over the ellipsoid's, below which it lost the lesion: on 41 lesions the ellipsoid was the
            better one in all with less, and in few with more.
    """

    tallest: float = 1.5
    inner_share: float = 0.5
    least_alike: float = 0.5
    grown_px: int = 1
    least_overlap: float = 0.3
    least_volume: float = 0.35


DEFAULTS = CarrySettings()


def ellipsoid(
    diameters: Diameters, rows: slice, columns: slice, key: int, count: int, spacing_mm: tuple[float, float, float]
) -> BoolArray:
    """[count, rows, columns] around slice ``key``: the ellipse in it, and a third axis that is the mean of the two."""
    half_mm = _height_mm(diameters, spacing_mm) / 2
    found = np.zeros((count, rows.stop - rows.start, columns.stop - columns.start), dtype=bool)
    for k in range(count):
        share = 1 - ((k - key) * spacing_mm[2] / half_mm) ** 2
        if share > 0:
            found[k] = ellipse(diameters, rows, columns, math.sqrt(share), spacing_mm[:2])
    return found


def carried(
    volume: npt.NDArray[Any],
    key: int,
    mask: BoolArray,
    seen: Look,
    long_mm: float,
    slice_mm: float,
    settings: CarrySettings = DEFAULTS,
    progress: Progress | None = None,
) -> BoolArray:
    """[k, y, x] the lesion in all slices of a part of the image.

    Args:
        volume: [k, y, x] of the part.
        key: the slice of the diameters.
        mask: [y, x] the lesion in it.
        seen: how it stands out there.
        long_mm: its longest diameter.
        slice_mm: from slice to slice.
    """
    progress = progress or Progress()
    found = np.zeros(volume.shape, dtype=bool)
    found[key] = mask
    half_mm = settings.tallest * long_mm / 2
    reach = int(half_mm / slice_mm)
    depth = _depth(mask)
    for direction in (1, -1):
        before = mask
        for n in range(1, reach + 1):
            k = key + direction * n
            if not 0 <= k < len(volume):
                break
            progress((n + (direction < 0) * reach) / (2 * reach + 1))
            # Within a dome of this height over the key slice's mask.
            room = depth > depth.max() * (1 - math.sqrt(1 - (n * slice_mm / half_mm) ** 2)) - 1
            before = _next(np.asarray(volume[k], dtype=np.float64), before, room, seen, settings)
            if not before.any():
                break
            found[k] = before
    return found


def lost_it(found: BoolArray, plain: BoolArray, settings: CarrySettings = DEFAULTS) -> bool:
    """Whether GrabCut ended far too early, by the ellipsoid ``plain``."""
    return bool(np.count_nonzero(found) < settings.least_volume * np.count_nonzero(plain))


def _next(
    values: npt.NDArray[np.float64], before: BoolArray, room: BoolArray, seen: Look, settings: CarrySettings
) -> BoolArray:
    """The lesion in the next slice; empty where it has ended."""
    nothing = np.zeros_like(before)
    depth = _depth(before)
    inner = depth > settings.inner_share * depth.max()
    alike = np.abs(values - seen.inside) < np.abs(values - seen.around)
    sure = inner & alike & room
    if np.count_nonzero(sure) < settings.least_alike * np.count_nonzero(inner):
        return nothing
    possible = ndimage.binary_dilation(before, iterations=settings.grown_px) & room
    found = grabcut(values, sure, possible)
    overlap = 2 * np.count_nonzero(found & before) / (np.count_nonzero(found) + np.count_nonzero(before))
    return found if overlap >= settings.least_overlap else nothing


def _depth(mask: BoolArray) -> npt.NDArray[np.float64]:
    """[y, x] pixels from the border, 0 outside."""
    return np.asarray(ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1])


def _height_mm(diameters: Diameters, spacing_mm: tuple[float, float, float]) -> float:
    scale = np.array(spacing_mm[:2])
    return float(
        np.mean([np.linalg.norm(np.subtract(*line) * scale) for line in (diameters.long_xy, diameters.short_xy)])
    )
