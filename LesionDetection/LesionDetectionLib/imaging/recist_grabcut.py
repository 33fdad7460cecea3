"""OpenCV's GrabCut on the part of a slice around a lesion: Rother, Kolmogorov, Blake, ACM Trans Graph 23 (2004) 309-314.

OpenCV wants bytes in three channels: HU are mapped through a window that is set by the lesion itself. What is sure to be
lesion and what can be lesion is the caller's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.floating[Any]]

_SEED = 0
"""GrabCut begins with k-means at random places: the same slice shall give the same mask."""


@dataclass(frozen=True)
class GrabCutSettings:
    """How GrabCut is run.

    Attributes:
        margin_px: of background around the box that it sees.
        margin_share: or this share of the box's larger side, if that is more.
        window_contrasts: half of the window that is mapped to bytes, in contrasts of the lesion to what is around it.
        least_half_window: and not less than this, in the image's unit (HU).
        rounds: of models and cut.
    """

    margin_px: int = 8
    margin_share: float = 0.25
    window_contrasts: float = 2.0
    least_half_window: float = 100.0
    rounds: int = 5


DEFAULTS = GrabCutSettings()


def as_bytes(
    values: FloatArray, sure: BoolArray, possible: BoolArray, settings: GrabCutSettings = DEFAULTS
) -> npt.NDArray[np.uint8]:
    """The window around the lesion's median, [y, x] 0 to 255: what is brighter or darker by far is all the same.

    The contrast is that of the medians of what is sure and of all else in the part: a nodule in the lung so gets a window of
    some thousand HU, a metastasis in the liver one of 200.
    """
    inside = float(np.median(values[sure]))
    outside = values[~possible] if not possible.all() else values[~sure]
    around = float(np.median(outside)) if outside.size else inside
    half = max(settings.window_contrasts * abs(inside - around), settings.least_half_window)
    return np.asarray(np.clip((values - inside) / half * 127.5 + 127.5, 0, 255).round().astype(np.uint8))


def grabcut(
    values: FloatArray, sure: BoolArray, possible: BoolArray, settings: GrabCutSettings = DEFAULTS
) -> BoolArray:
    """[y, x] what GrabCut takes for lesion, in one piece with what is sure, without holes.

    Args:
        values: [y, x] of the part of the slice.
        sure: lesion for certain; one pixel at least.
        possible: may be lesion; all else is background for certain.
    """
    import cv2  # late: Slicer may not have it yet when a panel is opened

    marks = np.full(values.shape, cv2.GC_BGD, np.uint8)
    marks[possible] = cv2.GC_PR_BGD
    marks[sure] = cv2.GC_FGD
    if not (marks == cv2.GC_PR_BGD).any() or not (marks == cv2.GC_BGD).any():
        return one_piece(sure, sure)
    grey = as_bytes(values, sure, possible, settings)
    cv2.setRNGSeed(_SEED)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(cv2.merge([grey] * 3), marks, None, *models, settings.rounds, cv2.GC_INIT_WITH_MASK)  # type: ignore[call-overload]
    return one_piece((marks == cv2.GC_FGD) | (marks == cv2.GC_PR_FGD), sure)


def one_piece(found: BoolArray, sure: BoolArray) -> BoolArray:
    """The parts of ``found`` that hold something of ``sure``, and their holes."""
    labels, _ = ndimage.label(found | sure)
    kept = np.unique(labels[sure])
    return np.asarray(ndimage.binary_fill_holes(np.isin(labels, kept[kept > 0])))
