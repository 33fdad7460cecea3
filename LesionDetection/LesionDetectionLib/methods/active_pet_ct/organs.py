"""Heart, liver, spleen, stomach: the thick tissue that a convex hull of the lungs takes in, and that a lung lesion is not.

What is left out is found by thickness and place alone, so that no organ needs to be recognised: all places that a ball of
60 mm can reach within tissue, starting in the abdomen, or between the lungs in their lower half, which is where the heart
is. It does not get into the hila or the upper mediastinum, whose tissue airways and lung divide, nor into a tumour, unless
that is as thick *and* has grown into an organ over such a width.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from LesionDetectionLib.imaging.ball_growth import grown_by_ball
from LesionDetectionLib.imaging.lungs import LungMask
from LesionDetectionLib.imaging.lungs_hull import between_lungs

from .coarse_ct import CoarseCt

_BESIDE_MM = 20.0
"""A ball that far from what lies between the lungs is the heart's; one in a tumour that only touches it is 30 mm away."""
_BELOW_MM = 20.0
"""Beyond the ball's radius, so far below the lungs' base the abdomen is looked at."""


def thick_organs(ct: CoarseCt, lungs: LungMask, thicker_mm: float, margin_mm: float) -> LungMask:
    """Tissue in and beside the lungs' hull that is as thick as a ball, and belongs to heart or abdomen.

    Args:
        lungs: between base and apex; the abdomen is what lies at or below their lowest slice. Where the scan ends above,
            it is the scan's lowest slice.
        thicker_mm: diameter of the ball.
        margin_mm: grown so much in the end.

    Returns:
        A mask on the grid of ``ct``, from below the lungs' base to their apex.
    """
    filled = np.flatnonzero(lungs.voxels.any(axis=(1, 2)))
    organs = np.zeros_like(ct.hu, dtype=bool)
    if not len(filled) or thicker_mm <= 0:
        return LungMask(organs, ct.geometry)
    radius, slice_mm = thicker_mm / 2, ct.geometry.spacing_mm[2]
    base, apex = (_slice_at(ct, lungs, int(k)) for k in (filled[0], filled[-1]))
    below = max(0, base - int((radius + _BELOW_MM) / slice_mm))
    box = slice(below, apex + 1 + int(radius / slice_mm))
    core = ~grown_by_ball(~ct.tissue[box], ct.geometry.spacing_mm, radius)
    seeds = grown_by_ball(between_lungs(lungs).on_grid(ct.geometry)[box], ct.geometry.spacing_mm, _BESIDE_MM)
    seeds[(base + apex) // 2 - below :] = False
    seeds[: base - below + 1] = True
    labels: npt.NDArray[Any] = ndimage.label(core)[0]
    found = np.unique(labels[seeds])
    core = np.isin(labels, found[found > 0])
    organs[box] = grown_by_ball(core, ct.geometry.spacing_mm, radius + margin_mm)
    return LungMask(organs, ct.geometry)


def _slice_at(ct: CoarseCt, lungs: LungMask, k: int) -> int:
    """The slice of ``ct`` nearest to a slice of the lungs' grid, whose axes are parallel."""
    middle = [(n - 1) / 2 for n in lungs.geometry.shape_kji[:0:-1]]
    at = ct.geometry.ijk_from_ras(lungs.geometry.ras_from_ijk((*middle, k)))[2]
    return int(np.clip(round(float(at)), 0, len(ct.hu) - 1))
