"""Boxes of the lesions of a cohort, each in the slice where it is largest."""

from __future__ import annotations

import numpy as np
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.lesion import Lesion, Mask
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.imaging.geometry import AxialOrder

from ..cohorts.case import Case
from ..cohorts.cohort import Cohort, work_on
from ..cohorts.deeplesion import DeepLesionCase
from .box_tables import box_of_marked
from .boxes import OneBox, Reading, Source

MASK_MARGIN_PX = 5.0
"""Of a mask's box on each side: what DeepLesion's boxes reach beyond the lesion."""


def boxes_of_cohort(cohort: Cohort, reading: Reading, progress: Progress) -> Source:
    """The boxes of all lesions of the labelled cases; cases that cannot be read are left out.

    Of a mask it is the box around the slice with the most voxels; of a box its extent in the slice; of a diameter a square.

    Raises:
        InputError: no case is labelled.
        Cancelled: through ``progress``.
    """
    labelled = [case for case in cohort.cases if case.labelled]
    if not labelled:
        raise InputError(f"No case of {cohort.spec} has labels.")
    done, left_out = work_on(labelled, lambda case: boxes_of_case(case, reading), progress)
    boxes = [box for _, of_case in done for box in of_case]
    return Source(cohort.title, boxes, (*cohort.left_out, *left_out), tuple(cohort.notes), cohort.on_phantoms)


def boxes_of_case(case: Case, reading: Reading) -> list[OneBox]:
    """Raises what the case raises when it is read."""
    if isinstance(case, DeepLesionCase):  # its list says it all: no image is read
        wanted = [one for one in case.key.lesions if case.noisy or not one.noisy]
        if case.kinds:
            wanted = [one for one in wanted if one.kind in case.kinds]
        return [box_of_marked(case.key, one, reading) for one in wanted]
    image = case.images()[case.modalities[0]]
    found = (box_of_lesion(lesion, image, reading.margin_px, case.split) for lesion in case.truth().lesions)
    return [box for box in found if box is not None]


def box_of_lesion(lesion: Lesion, image: Image, margin_px: float | None = None, split: str = "") -> OneBox | None:
    """The box of one lesion in an axial slice of the image, in its pixels; None of a point without a size."""
    order = AxialOrder.of(image.geometry)
    _, rows, columns = (image.voxels.shape[axis] for axis in order.axes)
    # Spacing comes as i, j, k; the axes of arrays as k, j, i.
    spacing_y, spacing_x = (image.geometry.spacing_mm[2 - axis] for axis in order.axes[1:])
    margin = margin_px or 0.0
    if lesion.mask is not None:
        width, height = _largest_section(lesion.mask, order)
        margin = MASK_MARGIN_PX if margin_px is None else margin_px
    elif lesion.box_ras_mm is not None:
        low, high = lesion.box_ras_mm
        width, height = (high[0] - low[0]) / spacing_x, (high[1] - low[1]) / spacing_y
    elif lesion.diameter_mm > 0:
        width, height = lesion.diameter_mm / spacing_x, lesion.diameter_mm / spacing_y
    else:
        return None
    size_mm = lesion.diameter_mm if lesion.diameter_mm > 0 else float("nan")
    return OneBox(width + 2 * margin, height + 2 * margin, max(rows, columns), size_mm, split)


def _largest_section(mask: Mask, order: AxialOrder) -> tuple[float, float]:
    """Columns and rows that the slice with the most voxels spans."""
    voxels = order.apply_array(mask.voxels)
    section = voxels[int(np.argmax(voxels.sum(axis=(1, 2))))]
    rows, columns = (np.flatnonzero(section.any(axis=axis)) for axis in (1, 0))
    return float(np.ptp(columns)) + 1, float(np.ptp(rows)) + 1
