"""Outlines of lesions that have a box and no mask, by the segmenter that needs no training.

From the middle of the box alone, in an organ whose lesions differ little from it, the segmenter may stop at a lesion's core or
run on into the organ. An outline that does not fill its box is tried once more, bound to the middles of the box's sides, and left
out where that does not fill it either. On 30 liver phantoms with 58 lesions (Testing/benchmarks/box_outlines.py) 53 had an outline
from the middle alone, 6 of them with a Dice coefficient below .5; so, 51 have one and none is that bad, and of 57 boxes beside
lesions 16 are outlined, in place of 30.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from LesionDetectionLib.core.errors import InputError, UsageError
from LesionDetectionLib.core.image import Geometry, Image
from LesionDetectionLib.core.lesion import Lesion, Mask
from LesionDetectionLib.imaging.click import GUESSED, ClickSettings, measure_at, measure_candidate
from LesionDetectionLib.imaging.rectangles import area, iou

from .lesions import Found

FloatArray = npt.NDArray[np.float64]

NOT_OUTLINED = "It could not be outlined: the diameter is that of the box."
BY_SIDES = "The outline was bound to the sides of the box."
LEAST_AGREEMENT = 0.4
"""IoU of the box around an outline, seen from above, with the lesion's box without its margin [choice]."""
MOST_RATIO = 3.0
"""So many times the volume of an ellipsoid in that box an outline may have, or that of its outline be [choice]."""


def clicked(image: Image, axial: Geometry, found: Found, plain: Lesion, margin_px: float, said: str) -> Lesion:
    """A lesion without an outline, outlined from its box; place, box and score stay.

    Args:
        image: the scan as it was given.
        axial: the grid of the image in axial order.
        plain: what is known of it so far.
        margin_px: that the box has around the lesion.
        said: of an outline, in the lesion's note.
    """
    inner = found.inner_box(margin_px)
    outlined, notes = measure_candidate(image, plain.center_ras_mm, plain.diameter_mm), [said]
    if outlined is None or not _fills(outlined.mask, image, axial, found, inner):
        outlined, notes = _by_sides(image, axial, found, inner, plain), [said, BY_SIDES]
    if outlined is None or not _fills(outlined.mask, image, axial, found, inner):
        return replace(plain, note=NOT_OUTLINED)
    return replace(
        outlined,
        center_ras_mm=plain.center_ras_mm,
        score=plain.score,
        box_ras_mm=plain.box_ras_mm,
        measurements={**outlined.measurements, **plain.measurements},
        meaning=plain.meaning,
        method=plain.method,
        note=" ".join(note for note in (*notes, outlined.note) if note),
    )


def _by_sides(image: Image, axial: Geometry, found: Found, inner: FloatArray, plain: Lesion) -> Lesion | None:
    """Outlined through the middles of the box's sides; None where nothing stands out even so."""
    x, y, k = found.center_ijk()
    x0, y0, x1, y1 = inner - 0.5
    sides = [(x0, y, k), (x1, y, k), (x, y0, k), (x, y1, k)]
    # Below and above, too: bound in one slice only, an outline that stops at a core becomes a disk. Not where the lesion may go
    # on beyond the scan, nor in one slice, which is as thick as it happens to be.
    if found.last > found.first:
        ends = (found.first, found.first - 0.5), (found.last + 1, found.last + 0.5)
        sides += [(x, y, end) for limit, end in ends if 0 < limit < axial.shape_kji[0]]
    points = axial.ras_from_ijk(sides)
    largest_mm = (
        max(2 * plain.diameter_mm, 2 * float(np.linalg.norm(points - plain.center_ras_mm, axis=1).max())) + 10.0
    )
    try:
        outlined = measure_at(image, plain.center_ras_mm, ClickSettings(largest_diameter_mm=largest_mm), None, points)
    except (InputError, UsageError):  # such as sides that are the middle itself
        return None
    return None if GUESSED in outlined.note else outlined


def _fills(mask: Mask | None, image: Image, axial: Geometry, found: Found, inner: FloatArray) -> bool:
    """Whether an outline has about the place and size of the box in all directions."""
    if mask is None:
        return False
    start, size = np.array(mask.start_ijk), np.array(mask.voxels.shape[::-1])
    corners = axial.ijk_from_ras(image.geometry.ras_from_ijk([start, start + size - 1]))
    low, high = corners.min(axis=0), corners.max(axis=0) + 1
    around = [low[0], low[1], high[0], high[1]]
    if iou([around], [inner])[0, 0] < LEAST_AGREEMENT:
        return False
    expected = np.pi / 6 * float(area(inner)[0]) * (found.last - found.first + 1)
    return bool(expected / MOST_RATIO <= mask.count <= expected * MOST_RATIO)
