"""A lesion in the slices that it is known in: its box there, and its pixels where these are known."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.lesion import Lesion, Mask, Recist
from LesionDetectionLib.imaging.geometry import AxialOrder, to_axial
from LesionDetectionLib.imaging.recist import recist_of_mask
from LesionDetectionLib.imaging.recist_mask import Diameters, recist_slice_mask

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]
Outline = tuple[BoolArray, tuple[int, int]]
"""Pixels, [y, x], and where (x, y) in the slice they begin."""


@dataclass(frozen=True, eq=False)
class Section:
    """A lesion in one slice. Pixels and edges are those of the slice, in axial order.

    Attributes:
        edges: [4] of its box.
        tight: whether the box ends at the lesion, and not some pixels beyond, as those of DeepLesion do.
        outline: its pixels; None where they are not known.
        diameter_mm: the longest.
    """

    edges: FloatArray
    tight: bool
    outline: Outline | None
    diameter_mm: float

    @property
    def pixels(self) -> float:
        """How many it has, about."""
        if self.outline is not None:
            return float(np.count_nonzero(self.outline[0]))
        x0, y0, x1, y1 = self.edges
        return float((x1 - x0) * (y1 - y0) * math.pi / 4)


def sections_of(lesion: Lesion, image: Image, mask_way: str) -> dict[int, Section]:
    """The slices of ``image`` in axial order in which a lesion is known, and what it is there: all that it cuts where it has a
    mask; the one with its diameters where it has only these; those of a sphere where it has neither.

    Args:
        mask_way: how diameters become a mask, see :data:`LesionDetectionLib.imaging.recist_mask.WAYS`.

    Returns:
        By slice; empty where the lesion lies outside the image.
    """
    if lesion.mask is not None:
        return _of_mask(lesion.mask, image)
    if lesion.recist is not None:
        return _of_diameters(lesion, lesion.recist, to_axial(image), mask_way)
    return _of_sphere(lesion, to_axial(image))


def _of_mask(mask: Mask, image: Image) -> dict[int, Section]:
    order, grid = AxialOrder.of(image.geometry), to_axial(image).geometry
    voxels, starts = order.apply_array(mask.voxels), mask.start_ijk[::-1]
    first = []
    for axis, flipped in zip(order.axes, order.flips, strict=True):
        start, size = starts[axis], mask.voxels.shape[axis]
        first.append(image.shape_kji[axis] - start - size if flipped else start)
    k0, y0, x0 = first
    found = {}
    for n, plane in enumerate(voxels):
        if not plane.any():
            continue
        rows, columns = np.flatnonzero(plane.any(axis=1)), np.flatnonzero(plane.any(axis=0))
        own = np.ascontiguousarray(plane[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])
        x, y = x0 + int(columns[0]), y0 + int(rows[0])
        edges = np.array([x, y, x + own.shape[1], y + own.shape[0]], dtype=np.float64)
        length = recist_of_mask(Mask(own[None], (x, y, k0 + n)), grid).long_mm
        found[k0 + n] = Section(edges, True, (own, (x, y)), length)
    return found


def _of_diameters(lesion: Lesion, recist: Recist, axial: Image, way: str) -> dict[int, Section]:
    """The one slice that the diameters lie in."""
    ends = axial.geometry.ijk_from_ras(np.array([*recist.long_axis_ras_mm, *recist.short_axis_ras_mm]))
    k = round(float(ends[:, 2].mean()))
    if not 0 <= k < len(axial.voxels):
        return {}
    a, b, c, d = ((float(x), float(y)) for x, y, _ in ends)
    box = None
    if lesion.box_ras_mm is not None:
        corners = np.sort(axial.geometry.ijk_from_ras(np.array(lesion.box_ras_mm))[:, :2], axis=0) + 0.5
        box = corners.ravel()
    else:
        box = np.concatenate([ends[:, :2].min(axis=0), ends[:, :2].max(axis=0) + 1])
    try:
        x, y = axial.spacing_mm[:2]
        limits = None if lesion.box_ras_mm is None else (float(box[0]), float(box[1]), float(box[2]), float(box[3]))
        made = recist_slice_mask(axial.voxels[k], Diameters((a, b), (c, d)), (x, y), way, limits)
        outline = made.voxels, made.start_xy
    except UsageError:  # diameters that end outside the slice, or have no length: the box is good all the same
        outline = None
    return {k: Section(box, lesion.box_ras_mm is None, outline, lesion.diameter_mm or recist.long_mm)}


def _of_sphere(lesion: Lesion, axial: Image) -> dict[int, Section]:
    """A circle in each slice; in the slice nearest to the centre, where even that lies beyond the sphere, a great one."""
    center, (x_mm, y_mm, z_mm) = axial.geometry.ijk_from_ras(lesion.center_ras_mm), axial.spacing_mm
    radius, nearest = lesion.diameter_mm / 2, round(float(center[2]))
    reach = math.floor(radius / z_mm) + 1
    found = {}
    for k in range(max(0, nearest - reach), min(len(axial.voxels), nearest + reach + 1)):
        off = abs(k - float(center[2])) * z_mm
        if off >= radius and k != nearest:
            continue
        own = math.sqrt(radius**2 - off**2) if off < radius else radius
        half = np.array([own / x_mm, own / y_mm])
        middle = center[:2] + 0.5
        found[k] = Section(np.concatenate([middle - half, middle + half]), True, None, 2 * own)
    return found
