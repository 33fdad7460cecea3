"""OpenCV's GrabCut on the part of a slice around a lesion: Rother, Kolmogorov, Blake, ACM Trans Graph 23 (2004) 309-314.

OpenCV wants bytes in three channels: values are mapped through a window that the lesion itself sets. What is sure to be
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
    """How GrabCut is run. Widths and rounds matter little: IoU changes by less than .01 for half or twice as much.

    Attributes:
        margin_px: of background around the box that it sees. The whole slice would be slow, and another background.
        margin_share: or this share of the box's larger side, if that is more.
        window_contrasts: half of the window that is mapped to bytes, in contrasts of the lesion to what is around it.
        window_spreads: and not less than this many standard deviations of the values in the lesion.
        rounds: of models and cut.
        most_px: larger parts are halved, or more, before (a cut of 200 x 200 pixels takes ten times that of 100 x 100).
    """

    margin_px: int = 8
    margin_share: float = 0.25
    window_contrasts: float = 2.0
    window_spreads: float = 4.0
    rounds: int = 5
    most_px: int = 120


DEFAULTS = GrabCutSettings()


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

    if not (possible & ~sure).any() or (possible | sure).all():  # nothing to decide, or no background to learn from
        return one_piece(sure, sure)
    marks = np.full(values.shape, cv2.GC_BGD, np.uint8)
    marks[possible] = cv2.GC_PR_BGD
    marks[sure] = cv2.GC_FGD
    grey = as_bytes(values, sure, possible, settings)
    shrink = -(-max(values.shape) // settings.most_px)
    if shrink > 1:
        height, width = (-(-n // shrink) for n in values.shape)
        grey = np.asarray(cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA))
        marks = np.asarray(cv2.resize(marks, (width, height), interpolation=cv2.INTER_NEAREST))
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.setRNGSeed(_SEED)
    colour = np.repeat(grey[..., None], 3, axis=2)
    if (marks == cv2.GC_FGD).any() and (marks == cv2.GC_PR_BGD).any():
        cv2.grabCut(colour, marks, None, *models, settings.rounds, cv2.GC_INIT_WITH_MASK)  # type: ignore[call-overload]
    found = (marks == cv2.GC_FGD) | (marks == cv2.GC_PR_FGD)
    if shrink > 1:
        smooth = cv2.resize(found.astype(np.float32), values.shape[::-1], interpolation=cv2.INTER_LINEAR)
        found = (np.asarray(smooth) >= 0.5) & (possible | sure)
    return one_piece(found, sure)


def as_bytes(
    values: FloatArray, sure: BoolArray, possible: BoolArray, settings: GrabCutSettings = DEFAULTS
) -> npt.NDArray[np.uint8]:
    """The window around the lesion's median, [y, x] 0 to 255: what is brighter or darker by far is all the same.

    The contrast is that of the medians of what is sure and of all that is background: a nodule in the lung so gets a window
    of some thousand HU, a metastasis in the liver one of 200.
    """
    within, outside = values[sure], values[~(possible | sure)]
    inside = float(np.median(within))
    contrast = abs(inside - float(np.median(outside))) if outside.size else 0.0
    spread = float(1.4826 * np.median(np.abs(within - inside)))
    half = max(settings.window_contrasts * contrast, settings.window_spreads * spread)
    if half <= 0:
        return np.full(values.shape, 128, np.uint8)
    return np.asarray(np.clip((values - inside) / half * 127.5 + 127.5, 0, 255).round().astype(np.uint8))


def one_piece(found: BoolArray, sure: BoolArray) -> BoolArray:
    """The parts of ``found`` that hold something of ``sure``, and their holes."""
    labels, _ = ndimage.label(found | sure)
    kept = np.unique(labels[sure])
    return np.asarray(ndimage.binary_fill_holes(np.isin(labels, kept[kept > 0])))
