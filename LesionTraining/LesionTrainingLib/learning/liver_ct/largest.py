"""One box against a slice: the target of the single-box detectors, and how far they are from it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.methods.liver_ct.settings import LiverSettings

from ...evaluation.matching.deeplesion import DeepLesion
from ..slices.judged import JudgedSlice

FloatArray = npt.NDArray[np.float64]
PAPER_IOU, STRICT_IOU = 0.1, 0.5
"""A box counts from an overlap above these: the first for all detectors (section 5.1.2), the second for Faster R-CNN, too."""


def rule(iou: float) -> DeepLesion:
    """By which a box hits a lesion if their IoU is above this; one that equals it does not."""
    return DeepLesion(least_iou=math.nextafter(iou, 1.0))


def largest(boxes: FloatArray) -> FloatArray:
    """[4] the box of the largest area of [k, 4], k > 0; of equal ones the first.

    DeepLesion marks one lesion in most slices; of several the largest is learned [choice].
    """
    sides = boxes[:, 2:] - boxes[:, :2]
    return np.asarray(boxes[int((sides[:, 0] * sides[:, 1]).argmax())], dtype=np.float64)


def showing(judged: Sequence[JudgedSlice]) -> list[JudgedSlice]:
    """The slices that show a lesion: only these tell how good one box a slice is."""
    return [one for one in judged if len(one.truth)]


def mean_squared_error(judged: Sequence[JudgedSlice], method: LiverSettings) -> float:
    """Between one box a slice and the largest lesion, in shares of the input's side, over slices with a lesion and the four
    edges; not a number where there is no such slice."""
    errors = [np.square((one.boxes[0] - largest(one.truth)) / method.size_px).mean() for one in showing(judged)]
    return float(np.mean(errors)) if errors else math.nan


def sensitivity(judged: Sequence[JudgedSlice], iou: float = PAPER_IOU) -> float:
    """Share of the slices with a lesion in which a box hits one; not a number where there is no such slice."""
    found = [bool((one.outcome(rule(iou)).lesion_marks >= 0).any()) for one in showing(judged)]
    return float(np.mean(found)) if found else math.nan
