"""What is asked of a network for a slice, and what it gives. No torch here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Rectangle = tuple[float, float, float, float]


@dataclass(frozen=True)
class Limits:
    """Which boxes are wanted; the single-box detectors give their one box whatever is asked.

    Attributes:
        least_probability: of a box.
        proposals: of the first stage's boxes so many, the best, are judged by the second.
        nms_iou: of two boxes that overlap more, only the more probable is kept.
        most_boxes: of a slice.
    """

    least_probability: float = 0.001
    proposals: int = 300
    nms_iou: float = 0.5
    most_boxes: int = 100


@dataclass(frozen=True, eq=False)
class SliceBoxes:
    """What was found in a slice.

    Attributes:
        boxes: float64 [m, 4] edges (x0, y0, x1, y1) in pixels of the input, clipped to it.
        probability: float64 [m], falling; of a single-box detector 1, which says nothing.
    """

    boxes: npt.NDArray[np.float64]
    probability: npt.NDArray[np.float64]
