"""The box that is searched: where it is in a slice, and what a hand does to it there."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from LesionDetectionLib.app.region import Box
from LesionDetectionLib.core.lesion import Point

from .marks import Place
from .slice_moves import from_ras

LEAST_MM = 10.0
"""Of the box along each side."""
MIDDLE = "middle"
"""The handle that moves all of it; the others are named after the edges that they move, ``left``, ``top left``."""
_ENDS = {"left": (0, -1), "right": (0, 1), "bottom": (1, -1), "top": (1, 1)}
"""Of each edge: along which axis of the view it lies, and at which end."""


def slice_box(box: Box | None, node: Any, place: Place) -> dict[str, Any] | None:
    """The box as a rectangle of the page; None for none.

    Args:
        node: slice node of the view.
        place: from a pixel of the view to the page.
    """
    if box is None:
        return None
    places, depths = from_ras(node, np.array(box))
    (x1, y1), (x2, y2) = (place(x, y) for x, y in places)
    left, top = min(x1, x2), min(y1, y2)
    return {
        "x": round(left, 1),
        "y": round(top, 1),
        "w": round(abs(x2 - x1), 1),
        "h": round(abs(y2 - y1), 1),
        "cut": bool(depths.min() <= 0 <= depths.max()),
    }


def moved(box: Box, node: Any, handle: str, point_ras_mm: Point) -> Box:
    """The box after one of its handles was moved to a place of the slice. No edge goes past the one across it.

    Args:
        node: slice node of the view, straight along the patient's axes.
    """
    ends, point = np.array([box[0], box[1]]), np.array(point_ras_mm)
    if handle == MIDDLE:
        shift = point - ends.mean(axis=0)
        for column in (0, 1):
            axis, _sign = _axis(node, column)
            ends[:, axis] += shift[axis]
        return _box(ends)
    for name in handle.split():
        if name not in _ENDS:
            continue
        column, end = _ENDS[name]
        axis, sign = _axis(node, column)
        upper = int(end * sign > 0)
        limit = ends[1 - upper, axis] + (LEAST_MM if upper else -LEAST_MM)
        ends[upper, axis] = max(point[axis], limit) if upper else min(point[axis], limit)
    return _box(ends)


def _axis(node: Any, column: int) -> tuple[int, float]:
    """Of RAS, that along which the view's right (0) or up (1) lies, and its sign."""
    direction = np.array([node.GetSliceToRAS().GetElement(row, column) for row in range(3)])
    axis = int(np.abs(direction).argmax())
    return axis, float(np.sign(direction[axis]))


def _box(ends: npt.NDArray[np.float64]) -> Box:
    (a, b, c), (d, e, f) = ends.tolist()
    return (a, b, c), (d, e, f)
