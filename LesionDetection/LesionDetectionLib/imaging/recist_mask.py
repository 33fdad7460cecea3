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

from LesionDetectionLib.core.errors import InputError, UsageError
from LesionDetectionLib.core.image import CT, HU, UNKNOWN, Image
from LesionDetectionLib.core.lesion import Lesion, Recist
from LesionDetectionLib.core.progress import Progress

from .geometry import to_axial
from .mask_grids import mask_from_axial
from .measurements import extent_note, measure_mask
from .recist_carry import carried, ellipsoid, lost_it
from .recist_lines import key_slice
from .recist_names import BEST, DILATED, ELLIPSE, GRABCUT, WAY_TEXTS, WAYS
from .recist_start import BoolArray, Diameters, Edges, require_diameters
from .recist_ways import Part

__all__ = [
    "BEST",
    "DILATED",
    "ELLIPSE",
    "GRABCUT",
    "METHOD",
    "WAYS",
    "WAY_TEXTS",
    "Diameters",
    "SliceMask",
    "recist_lesion",
    "recist_slice_mask",
]

METHOD = "recist"
"""``Lesion.method`` of a lesion whose diameters a person drew."""
_OTHER_MODALITY = "The choice of the way was made for CT: look at the outline."


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
        plane_hu: [y, x] in HU.
        diameters: in pixels of the slice.
        spacing_mm: (x, y) of the pixels: the ellipse is one in mm.
        way: one of :data:`WAYS`.
        box: edges (x0, y0, x1, y1) beyond which is no lesion; None for the extent of the diameters and 5 pixels more.

    Raises:
        UsageError: no such way, a diameter of length 0, or one that lies outside the slice.
        InputError: values around the lesion that are not numbers.
    """
    part = _part(plane_hu, diameters, way, box, " HU", spacing_mm)
    voxels, chosen, reason = part.made(way)
    return _trimmed(voxels, part.start_xy, chosen, reason)


def recist_lesion(
    image: Image, recist: Recist, way: str = BEST, carry: bool = True, progress: Progress | None = None
) -> Lesion:
    """The lesion with two diameters: its mask on the image's own grid, and what is measured of it.

    Args:
        image: in any orientation.
        recist: its diameters, drawn in one axial slice.
        way: one of :data:`WAYS`. The mask goes on into the neighbouring slices in the same way: by GrabCut from the slice
            before, or as an ellipsoid.
        carry: on to the neighbouring slices; otherwise the mask is of the key slice alone.

    Returns:
        A lesion of score 1 with ``recist`` as given, and the mask's measurements. ``note`` says how the mask was made, and
        why so.

    Raises:
        UsageError: no such way; diameters outside the image, not in one slice, that do not cross, or of length 0.
        InputError: values around the lesion that are not numbers.
    """
    progress = progress or Progress()
    axial = to_axial(image)
    key = key_slice(image, recist)
    unit = {HU: " HU", "": " HU" if image.modality == CT else ""}.get(image.unit, f" {image.unit}")
    x_mm, y_mm, _ = axial.spacing_mm
    part = _part(axial.voxels[key.k], key.diameters, way, None, unit, (x_mm, y_mm))
    voxels, chosen, reason = part.made(way)
    progress(0.2)
    if carry and axial.shape_kji[0] > 1:
        body, lost = _carried(axial, part, key.k, voxels, chosen, recist.long_mm, way, progress.part(0.2, 0.9))
        reason = f"{reason} {lost}".strip()
    else:
        body = voxels[None]
    first = key.k if len(body) == 1 else 0
    mask = mask_from_axial(image, body, (*part.start_xy, first))
    measured = measure_mask(image, mask)
    notes = [reason, extent_note(image, measured.touches_border)]
    if image.modality not in (CT, UNKNOWN) and way == BEST:
        notes.append(_OTHER_MODALITY)
    progress(1.0)
    return Lesion(
        center_ras_mm=measured.center_ras_mm,
        diameter_mm=recist.long_mm,
        score=1.0,
        box_ras_mm=measured.box_ras_mm,
        mask=mask,
        recist=recist,
        measurements=measured.values,
        method=METHOD,
        note=" ".join(note for note in notes if note),
    )


def _carried(
    axial: Image, part: Part, key: int, voxels: BoolArray, chosen: str, long_mm: float, way: str, progress: Progress
) -> tuple[BoolArray, str]:
    """[k, y, x] in all slices of the image, on the part's rows and columns; and a sentence where ``BEST`` changed the way."""
    plain = ellipsoid(part.diameters, part.rows, part.columns, key, axial.shape_kji[0], axial.spacing_mm)
    plain[key] = voxels
    if chosen == ELLIPSE:
        return plain, ""
    volume = axial.voxels[:, part.rows, part.columns]
    found = carried(volume, key, voxels, part.look, long_mm, axial.spacing_mm[2], progress=progress)
    if way == BEST and lost_it(found, plain):
        return plain, "In the neighbouring slices an ellipsoid is used: GrabCut lost the lesion there."
    return found, ""


def _part(
    plane: npt.NDArray[Any],
    diameters: Diameters,
    way: str,
    box: Edges | None,
    unit: str,
    spacing_mm: tuple[float, float],
) -> Part:
    """Raises UsageError, InputError."""
    if way not in WAYS:
        raise UsageError(f"There is no way “{way}” from diameters to a mask; there are {', '.join(WAYS)}.")
    require_diameters(diameters)
    ends = diameters.ends
    if (ends < -0.5).any() or (ends >= np.array(plane.shape[::-1]) - 0.5).any():
        raise UsageError("A diameter ends outside the image. Draw both on the lesion.")
    part = Part.of(plane, diameters, box, unit, spacing_mm)
    if not np.isfinite(part.values).all():
        raise InputError("There are voxels around the lesion that are not numbers (NaN or infinite).")
    return part


def _trimmed(voxels: BoolArray, start_xy: tuple[int, int], way: str, reason: str) -> SliceMask:
    rows, columns = np.flatnonzero(voxels.any(axis=1)), np.flatnonzero(voxels.any(axis=0))
    own = voxels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return SliceMask(own, (start_xy[0] + int(columns[0]), start_xy[1] + int(rows[0])), way, reason)
