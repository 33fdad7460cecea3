"""Growing a mask by a ball, exactly and without a distance transform of the whole image."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
from scipy import ndimage

BoolArray = npt.NDArray[np.bool_]

_LARGE_PIXELS = 12
_TOLERANCE = 1e-6
"""Three steps of 2 mm are 6 mm, whatever the last digit of a square root says."""


def grown_by_ball(mask: BoolArray, spacing_mm: Sequence[float], radius_mm: float) -> BoolArray:
    """The voxels at most ``radius_mm`` from one of the mask's, centre to centre; nothing grows out of the array.

    The same as thresholding a Euclidean distance transform, which is what large balls are left to. The cost of small ones
    grows with the mask's slices and the ball's section: at a PET's 4 mm and 10 mm of growth they are 20 times faster.

    Args:
        mask: [k, j, i] bool.
        spacing_mm: (i, j, k), of orthogonal axes.
        radius_mm: 0 or less gives a copy.
    """
    if radius_mm <= 0:
        return mask.copy()
    if radius_mm > _LARGE_PIXELS * min(spacing_mm[:2]):
        if not mask.any():
            return mask.copy()
        return np.asarray(ndimage.distance_transform_edt(~mask, sampling=spacing_mm[::-1]) <= radius_mm + _TOLERANCE)
    out = np.zeros(mask.shape, dtype=np.uint8)
    filled = np.flatnonzero(mask.any(axis=(1, 2)))
    for step in range(int(radius_mm / spacing_mm[2] + _TOLERANCE) + 1):
        disc = _disc(spacing_mm, radius_mm**2 - (step * spacing_mm[2]) ** 2 + _TOLERANCE)
        for k in filled:
            plane = cv2.dilate(mask[k].view(np.uint8), disc, borderType=cv2.BORDER_CONSTANT, borderValue=0)
            for target in {k - step, k + step}:
                if 0 <= target < len(out):
                    out[target] |= plane
    return out.view(bool)


def _disc(spacing_mm: Sequence[float], radius_squared: float) -> npt.NDArray[np.uint8]:
    """[j, i] 1 within the radius of the middle."""
    reach = max(radius_squared, 0.0) ** 0.5
    ni, nj = (int(reach / spacing) for spacing in spacing_mm[:2])
    j, i = np.ogrid[-nj : nj + 1, -ni : ni + 1]
    inside = (i * spacing_mm[0]) ** 2 + (j * spacing_mm[1]) ** 2 <= radius_squared
    return np.asarray(inside, dtype=np.uint8)
