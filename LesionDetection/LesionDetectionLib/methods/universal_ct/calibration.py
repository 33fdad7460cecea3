"""Score calibration by the agreement of a box and the mask in it (section 2.2): p (1 + IoU)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from LesionDetectionLib.imaging.rectangles import iou

from ..slices.findings import Outline
from .settings import UniversalSettings

if TYPE_CHECKING:
    from .engine_boxes import SliceBoxes

FloatArray = npt.NDArray[np.float64]


def calibrated(found: SliceBoxes, settings: UniversalSettings) -> tuple[FloatArray, list[Outline | None]]:
    """Scores of the boxes of one slice, and their masks.

    The paper compares the box that was regressed with "a bounding-box around the predicted segmentation mask": of the mask
    that is its part, in one piece, that shares most pixels with the regressed box, and the box around it is as much larger as
    the boxes that are learned are (``mask_box_margin_px``) [choice]. Scores rank; they are no probabilities.

    Args:
        found: in pixels of the input, as the engine gives it.

    Returns:
        scores: [m] from 0 to 2, in the order of the boxes: p times (1 + IoU); p alone where there is no mask.
        masks: for each box its pixels in the input; None where no part of the mask meets it.
    """
    if not found.windows:
        return np.asarray(found.probability, dtype=np.float64), [None] * len(found.boxes)
    masks = [
        outline_in(window.probability, window.start_xy, box, settings.mask_threshold)
        for box, window in zip(found.boxes, found.windows, strict=True)
    ]
    agreement = np.zeros(len(masks))
    for n, (box, mask) in enumerate(zip(found.boxes, masks, strict=True)):
        if mask is not None:
            around = box_around(mask, settings.mask_box_margin_px)
            # Regressed boxes end where the input does.
            agreement[n] = iou(box, np.clip(around, 0, settings.size_px))[0, 0]
    return found.probability * (1 + agreement), masks


def outline_in(
    probability: npt.NDArray[np.floating[Any]], start_xy: tuple[int, int], box: npt.ArrayLike, threshold: float
) -> Outline | None:
    """The part of a mask, connected at sides or corners, that shares most pixels with a box; of several, the largest.

    Args:
        probability: [y, x] of the mask in a window.
        start_xy: of the window.
        box: edges; a pixel is in it where its centre is.
        threshold: pixels of at least this probability belong to the mask.

    Returns:
        None where no pixel of the mask lies in the box.
    """
    import cv2  # late: Slicer may not have it yet when a panel is opened

    passed = np.ascontiguousarray(probability >= threshold)
    left, top = start_xy
    edges = np.asarray(box, dtype=np.float64) - (left, top, left, top)
    # The first and the last centre at or after x are those of pixel ceil(x - 1/2) on.
    x0, y0, x1, y1 = np.maximum(np.ceil(edges - 0.5), 0).astype(int)
    if not passed[y0:y1, x0:x1].any():
        return None
    count, labels, stats, _ = cv2.connectedComponentsWithStats(passed.view(np.uint8), connectivity=8)
    shared = np.bincount(labels[y0:y1, x0:x1].ravel(), minlength=count)
    shared[0] = 0
    best = int(np.lexsort((stats[:, cv2.CC_STAT_AREA], shared))[-1])
    x, y, width, height = (int(n) for n in stats[best, : cv2.CC_STAT_AREA])
    return labels[y : y + height, x : x + width] == best, (left + x, top + y)


def box_around(outline: Outline, margin: float = 0.0) -> FloatArray:
    """[4] edges of the box around all pixels, and ``margin`` more on each side."""
    pixels, (x, y) = outline
    height, width = pixels.shape
    return np.array([x - margin, y - margin, x + width + margin, y + height + margin])
