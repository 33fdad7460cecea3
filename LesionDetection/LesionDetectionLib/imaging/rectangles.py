"""Upright boxes in a slice, by their edges: (x0, y0, x1, y1) in pixels, of which pixel n covers [n, n + 1].

DeepLesion names a box by its first and last pixels (l, t, r, b), which belong to it: these are the edges (l, t, r + 1, b + 1),
and the overlap of edges is DeepLesion's overlap "with the + 1".
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


def area(boxes: npt.ArrayLike) -> FloatArray:
    """[n] pixels of boxes, [n, 4]; 0 of one that is turned inside out."""
    edges = np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
    sides: FloatArray = np.maximum(edges[:, 2:] - edges[:, :2], 0.0)
    return np.asarray(sides[:, 0] * sides[:, 1])


def iou(first: npt.ArrayLike, second: npt.ArrayLike) -> FloatArray:
    """[a, b] intersection over union of boxes, [a, 4] and [b, 4]; 0 where both are empty."""
    one, other = (np.asarray(boxes, dtype=np.float64).reshape(-1, 4) for boxes in (first, second))
    low = np.maximum(one[:, None, :2], other[None, :, :2])
    high = np.minimum(one[:, None, 2:], other[None, :, 2:])
    shared = np.maximum(high - low, 0.0).prod(axis=2)
    union = area(one)[:, None] + area(other)[None] - shared
    overlap: FloatArray = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return overlap
