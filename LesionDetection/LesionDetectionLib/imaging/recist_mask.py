"""A mask from two diameters: what a user draws, and what a set such as DeepLesion has for every lesion.

Paper: Zlocha, Dou, Glocker, MICCAI 2019, section 2.2. GrabCut begins with the quadrilateral through the four ends for
lesion, all outside the box for background, and decides on the rest; ``DILATED`` begins with the dilated diameters instead
(Cai et al., MICCAI 2018), ``ELLIPSE`` does not look at the image at all, and ``BEST`` chooses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.lesion import Lesion, Recist
from LesionDetectionLib.core.progress import Progress

from .geometry import to_axial
from .mask_grids import mask_from_axial
from .measurements import measure_mask
from .recist_grabcut import DEFAULTS, grabcut
from .recist_lines import key_slice
from .recist_start import (
    BoolArray,
    Diameters,
    Edges,
    dilated,
    ellipse,
    extent_box,
    nearest_pixel,
    pixels_of,
    quadrilateral,
    require_diameters,
)

__all__ = [
    "BEST",
    "DILATED",
    "ELLIPSE",
    "GRABCUT",
    "WAYS",
    "Diameters",
    "SliceMask",
    "recist_lesion",
    "recist_slice_mask",
]

GRABCUT, DILATED, ELLIPSE, BEST = "grabcut", "grabcut-dilated", "ellipse", "best"
WAYS = (BEST, GRABCUT, DILATED, ELLIPSE)


@dataclass(frozen=True, eq=False)
class SliceMask:
    """A lesion in one slice.

    Attributes:
        voxels: [y, x] bool, trimmed to the lesion.
        start_xy: column and row of its first pixel.
        way: how it was made; never ``BEST``.
        reason: why so, a sentence.
    """

    voxels: BoolArray
    start_xy: tuple[int, int]
    way: str
    reason: str


def recist_slice_mask(
    plane_hu: npt.NDArray[Any],
    diameters: Diameters,
    spacing_mm: tuple[float, float],
    way: str = BEST,
    box: Edges | None = None,
) -> SliceMask:
    """The mask of a lesion in one slice.

    Args:
        plane_hu: [y, x] in HU (or another unit, for which :class:`.recist_grabcut.GrabCutSettings` holds as well).
        diameters: in pixels of the slice.
        spacing_mm: (x, y) of the pixels.
        way: one of :data:`WAYS`.
        box: edges (x0, y0, x1, y1) beyond which is no lesion; None for the extent of the diameters and 5 pixels more.

    Raises:
        UsageError: no such way, a diameter of length 0, or one that lies outside the slice.
    """
    if way not in WAYS:
        raise UsageError(f"There is no way “{way}” from diameters to a mask; there are {', '.join(WAYS)}.")
    require_diameters(diameters)
    _require_inside(diameters, plane_hu.shape)
    box = box or extent_box(diameters)
    margin = max(DEFAULTS.margin_px, round(DEFAULTS.margin_share * max(box[2] - box[0], box[3] - box[1])))
    rows, columns = pixels_of(box, (plane_hu.shape[0], plane_hu.shape[1]), margin)
    chosen = GRABCUT if way == BEST else way
    voxels = _made(chosen, np.asarray(plane_hu[rows, columns], dtype=np.float64), diameters, box, rows, columns)
    return _trimmed(voxels, (columns.start, rows.start), chosen, f"{chosen}, as asked.")


def _made(
    way: str, values: npt.NDArray[np.float64], diameters: Diameters, box: Edges, rows: slice, columns: slice
) -> BoolArray:
    """[rows, columns] of one way; one pixel at least."""
    if way == ELLIPSE:
        found = ellipse(diameters, rows, columns)
    else:
        sure = (quadrilateral if way == GRABCUT else dilated)(diameters, rows, columns)
        if not sure.any():
            sure = nearest_pixel(diameters, rows, columns)
        possible = np.zeros_like(sure)
        inner_rows, inner_columns = pixels_of(box, (rows.stop, columns.stop))
        possible[
            inner_rows.start - rows.start : inner_rows.stop - rows.start,
            inner_columns.start - columns.start : inner_columns.stop - columns.start,
        ] = True
        found = grabcut(values, sure, possible | sure)
    return found if found.any() else nearest_pixel(diameters, rows, columns)


def _trimmed(voxels: BoolArray, start_xy: tuple[int, int], way: str, reason: str) -> SliceMask:
    rows, columns = np.flatnonzero(voxels.any(axis=1)), np.flatnonzero(voxels.any(axis=0))
    own = voxels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return SliceMask(own, (start_xy[0] + int(columns[0]), start_xy[1] + int(rows[0])), way, reason)


def _require_inside(diameters: Diameters, shape: tuple[int, ...]) -> None:
    ends = diameters.ends
    if (ends < -0.5).any() or (ends >= np.array(shape[1::-1]) - 0.5).any():
        raise UsageError("A diameter ends outside the image. Draw both on the lesion.")


def recist_lesion(
    image: Image, recist: Recist, way: str = BEST, carry: bool = True, progress: Progress | None = None
) -> Lesion:
    """The lesion with two diameters: its mask on the image's own grid, and what is measured of it.

    Args:
        image: in any orientation.
        recist: its diameters, drawn in one axial slice.
        way: one of :data:`WAYS`.
        carry: on to the neighbouring slices; otherwise the mask is of the key slice alone.

    Returns:
        A lesion of score 1 with ``recist`` as given. ``note`` says how the mask was made and why so.

    Raises:
        UsageError: no such way; diameters outside the image, not in one slice, that do not cross, or of length 0.
    """
    progress = progress or Progress()
    axial = to_axial(image)
    key = key_slice(image, recist)
    i, j, _ = axial.spacing_mm
    found = recist_slice_mask(axial.voxels[key.k], key.diameters, (i, j), way)
    progress(0.5)
    mask = mask_from_axial(image, found.voxels[None], (*found.start_xy, key.k))
    measured = measure_mask(image, mask)
    progress(1.0)
    return Lesion(
        center_ras_mm=measured.center_ras_mm,
        diameter_mm=recist.long_mm,
        score=1.0,
        box_ras_mm=measured.box_ras_mm,
        mask=mask,
        recist=recist,
        measurements=measured.values,
        method="recist",
        note=found.reason,
    )
