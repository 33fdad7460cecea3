"""From logits and offsets to a slice's boxes: what the plain way and the fast one have in common."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torchvision.ops import nms

FIRST = 512
"""Of the most probable boxes so many are looked at first: what is kept of them does not depend on those that follow, and of 5000
boxes non-maximum suppression takes 80 times as long."""
_WINDOW_MARGIN = 0.5
"""Of a box's sides, on each side of it, that its window reaches beyond it."""


@dataclass(frozen=True)
class Limits:
    """Which boxes are wanted.

    Attributes:
        least_probability: of a box.
        most_candidates: of a level of the pyramid in a slice: so many of the most probable anchors become boxes.
        nms_iou: of two boxes that overlap more, only the more probable is kept.
        most_boxes: of a slice.
        windows: whether the mask around each box is wanted.
    """

    least_probability: float = 0.001
    most_candidates: int = 1000
    nms_iou: float = 0.5
    most_boxes: int = 100
    windows: bool = True


@dataclass(frozen=True, eq=False)
class Window:
    """The mask's probability around a box: in the box enlarged by half its side on each side, clipped to the input.

    Attributes:
        start_xy: column and row of its first pixel.
        probability: float32 [y, x].
    """

    start_xy: tuple[int, int]
    probability: npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class SliceBoxes:
    """What was found in a slice.

    Attributes:
        boxes: float64 [m, 4] edges (x0, y0, x1, y1) in pixels of the input, clipped to it.
        probability: float64 [m], falling.
        windows: of each box; empty without a mask branch, or where they were not asked for.
    """

    boxes: npt.NDArray[np.float64]
    probability: npt.NDArray[np.float64]
    windows: tuple[Window, ...] = ()


def best_anchors(logits: Tensor, limits: Limits) -> tuple[Tensor, Tensor]:
    """Of one level: [n, anchors] logits -> [n, c] which anchors are the most probable, falling, and their probabilities.

    Those below the least probability are among them: what differs between slices is sorted out where it costs no wait.
    """
    best, where = torch.topk(logits.float(), min(limits.most_candidates, logits.shape[1]), dim=1)
    return where, torch.sigmoid(best)


def kept_boxes(boxes: Tensor, probability: Tensor, height: int, width: int, limits: Limits) -> tuple[Tensor, Tensor]:
    """Of one slice: candidates of all levels, float32 [c, 4] and [c], clipped and without those that overlap a better one.

    Returns:
        [m, 4] and [m], the most probable first.
    """
    limit = torch.tensor([width, height, width, height], dtype=boxes.dtype, device=boxes.device)
    boxes = torch.minimum(boxes.clamp(min=0), limit)
    wanted = (probability >= limits.least_probability) & (boxes[:, 2:] > boxes[:, :2]).all(dim=1)
    probability, order = torch.sort(probability[wanted], descending=True, stable=True)
    boxes, tried = boxes[wanted][order], FIRST
    # Each of those kept is kept for good: more are needed only where there are too few of them.
    while len(best := nms(boxes[:tried], probability[:tried], limits.nms_iou)) < limits.most_boxes and tried < len(
        boxes
    ):
        tried *= 2
    best = best[: limits.most_boxes]
    return boxes[best], probability[best]


def window_edges(boxes: npt.NDArray[np.float64], height: int, width: int) -> npt.NDArray[np.int64]:
    """[m, 4] first and last-but-one columns and rows (x0, y0, x1, y1) of the windows of boxes [m, 4]."""
    margin = _WINDOW_MARGIN * (boxes[:, 2:] - boxes[:, :2])
    low = np.floor(boxes[:, :2] - margin).clip(min=0)
    high = np.minimum(np.ceil(boxes[:, 2:] + margin), (width, height))
    return np.concatenate([low, high], axis=1).astype(np.int64)


def cut_windows(mask: npt.NDArray[np.float32], edges: npt.NDArray[np.int64]) -> tuple[Window, ...]:
    """Out of the probabilities of a whole slice, [h, w]."""
    return tuple(Window((int(x0), int(y0)), mask[y0:y1, x0:x1].copy()) for x0, y0, x1, y1 in edges)
