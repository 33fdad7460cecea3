"""How well anchors fit boxes where they really lie: on the grids of the pyramid's levels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.methods.universal_ct.anchor_file import Anchors

from .overlap import FloatArray

_DRAWN = 1 << 15
"""Places that are looked at of few boxes; of many boxes one each."""
_MOST_PLACES = 256
_AT_ONCE = 1 << 12
_PLASTIC = 1.32471795724474602596
"""The powers of its inverse spread points evenly over a square, any run of them (the R2 sequence)."""


def placed_overlap(sides: npt.ArrayLike, anchors: Anchors, first_stride: int) -> FloatArray:
    """[n, places] IoU of each box with the best anchor, for even places of the box in relation to the grids.

    An anchor's centre is the middle of stride x stride pixels; the stride doubles from level to level. What a slice's
    border cuts off is not looked at.

    Args:
        sides: [n, 2] width and height of the boxes in pixels.
        first_stride: of the level of the first size, in pixels.
    """
    boxes = np.asarray(sides, dtype=np.float64).reshape(-1, 2)
    places = int(np.clip(-(-_DRAWN // max(1, len(boxes))), 1, _MOST_PLACES))
    many = np.repeat(boxes, places, axis=0)
    coarsest = first_stride * 2 ** (len(anchors.sizes) - 1)
    steps = np.arange(1, len(many) + 1)[:, None] / np.array([_PLASTIC, _PLASTIC**2])
    centers = (0.5 + steps) % 1 * coarsest
    best = [
        _best(many[n : n + _AT_ONCE], centers[n : n + _AT_ONCE], anchors, first_stride)
        for n in range(0, len(many), _AT_ONCE)
    ]
    return np.concatenate([*best, np.zeros(0)]).reshape(len(boxes), places)


def _best(boxes: FloatArray, centers: FloatArray, anchors: Anchors, first_stride: int) -> FloatArray:
    """[n] of boxes, [n, 2] sides, at centers, [n, 2]."""
    area, best = boxes.prod(axis=1)[:, None], np.zeros(len(boxes))
    for level, size in enumerate(anchors.sizes):
        stride = first_stride * 2**level
        # Of one level the anchor with the nearest centre overlaps most, along each axis.
        away = np.abs(centers % stride - stride / 2)
        side = size * np.repeat(anchors.scales, len(anchors.ratios))
        root = np.sqrt(np.tile(anchors.ratios, len(anchors.scales)))
        shared = np.ones((len(boxes), side.size))
        for axis, length in enumerate((side / root, side * root)):
            own = boxes[:, axis, None]
            reach = np.minimum(np.minimum(own, length), (own + length) / 2 - away[:, axis, None])
            shared *= np.maximum(reach, 0)
        best = np.maximum(best, (shared / (area + side**2 - shared)).max(axis=1))
    return best
