"""What a hand does to a slice view: scroll, move, zoom, window; and where in the patient a pixel is.

Pixels count from the lower left corner, as VTK's do; all places are RAS mm.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from LesionDetectionLib.core.lesion import Point

Matrix = npt.NDArray[np.float64]

_PIXELS_PER_E = 250.0
"""Dragging over so many pixels of the page multiplies the window's width, or the zoom, by e."""
_NARROWEST, _WIDEST_MM = 5.0, 5000.0
"""Of what a view may show, mm."""
_LEAST_WIDTH = 1e-6


def ras_of(slice_node: Any, xy: tuple[float, float]) -> Point:
    """Where a pixel is: the place whose value it shows."""
    r, a, s, _one = _array(slice_node.GetXYToRAS()) @ (xy[0], xy[1], 0.0, 1.0)
    return float(r), float(a), float(s)


def xy_of(slice_node: Any, point_ras_mm: Sequence[float]) -> tuple[float, float, float]:
    """The pixel of a place, and how far before the plane it lies, mm."""
    places, depths = from_ras(slice_node, np.array([point_ras_mm], dtype=float))
    return float(places[0, 0]), float(places[0, 1]), float(depths[0])


def from_ras(slice_node: Any, points_ras_mm: Matrix) -> tuple[Matrix, Matrix]:
    """The pixels [N, 2] of places [N, 3], and how far before the plane each lies, mm [N]."""
    from_xyz, to_ras = np.linalg.inv(_array(slice_node.GetXYToRAS())), _array(slice_node.GetSliceToRAS())
    places = points_ras_mm @ from_xyz[:3, :3].T + from_xyz[:3, 3]
    return places[:, :2], (points_ras_mm - to_ras[:3, 3]) @ to_ras[:3, 2]


def slice_range(logic: Any) -> tuple[float, float, float]:
    """First and last offset of the view's slices, and from one to the next, mm."""
    lowest, highest = _offsets(logic)
    return lowest, highest, _spacing(logic)


def scroll(logic: Any, steps: int) -> None:
    """Go on by whole slices; not beyond the volume."""
    set_offset(logic, logic.GetSliceOffset() + steps * _spacing(logic))


def set_offset(logic: Any, offset_mm: float) -> None:
    """Show the slice there, or the nearest that there is."""
    lowest, highest = _offsets(logic)
    if highest < lowest or not math.isfinite(offset_mm):
        return
    logic.SetSliceOffset(min(max(offset_mm, lowest), highest))


def pan(slice_node: Any, x: float, y: float) -> None:
    """Move what is shown by so many pixels, to the right and up."""
    across, up = _pixel_mm(slice_node)
    origin = slice_node.GetXYZOrigin()
    slice_node.SetXYZOrigin(origin[0] - x * across, origin[1] - y * up, origin[2])


def zoom(slice_node: Any, by: float, xy: tuple[float, float]) -> None:
    """Zoom in (``by`` above 1) or out, with the pixel ``xy`` staying where it is."""
    wide, high, deep = slice_node.GetFieldOfView()
    smaller, larger = min(wide, high) / _NARROWEST, _WIDEST_MM / max(wide, high)
    by = min(max(by, 1 / max(larger, 1.0)), max(smaller, 1.0))
    if by == 1.0:
        return
    before = _array(slice_node.GetXYToSlice()) @ (*xy, 0.0, 1.0)
    modifying = slice_node.StartModify()
    slice_node.SetFieldOfView(wide / by, high / by, deep)
    after = _array(slice_node.GetXYToSlice()) @ (*xy, 0.0, 1.0)
    origin = slice_node.GetXYZOrigin()
    slice_node.SetXYZOrigin(origin[0] + before[0] - after[0], origin[1] + before[1] - after[1], origin[2])
    slice_node.EndModify(modifying)


def zoom_to(slice_node: Any, point_ras_mm: Sequence[float], near_mm: float) -> None:
    """Show so many mm around a place along the view's shorter side; a view that shows less stays as it is."""
    wide, high, _deep = slice_node.GetFieldOfView()
    x, y, _depth = xy_of(slice_node, point_ras_mm)
    zoom(slice_node, max(min(wide, high) / near_mm, 1.0), (x, y))


def drag_zoom(slice_node: Any, y: float, xy: tuple[float, float]) -> None:
    """Zoom by dragging: down makes larger, as in Slicer."""
    zoom(slice_node, math.exp(y / _PIXELS_PER_E), xy)


def drag_window(display_node: Any, x: float, y: float) -> None:
    """Window by dragging over pixels of the page: to the right wider, down darker, as at a workstation."""
    width, level = display_node.GetWindow(), display_node.GetLevel()
    width = max(width, _LEAST_WIDTH)
    display_node.SetAutoWindowLevel(False)
    display_node.SetWindowLevel(
        max(width * math.exp(x / _PIXELS_PER_E), _LEAST_WIDTH), level + y * width / _PIXELS_PER_E
    )


def _offsets(logic: Any) -> tuple[float, float]:
    """Between the middles of the first and the last slice; Slicer's own range ends at their outer faces."""
    bounds = [0.0] * 6
    logic.GetLowestVolumeSliceBounds(bounds)
    half = _spacing(logic) / 2
    lowest, highest = bounds[4] + half, bounds[5] - half
    middle = (bounds[4] + bounds[5]) / 2
    return (lowest, highest) if lowest <= highest else (middle, middle)


def _spacing(logic: Any) -> float:
    return float(logic.GetLowestVolumeSliceSpacing()[2]) or 1.0


def _pixel_mm(slice_node: Any) -> tuple[float, float]:
    wide, high, _deep = slice_node.GetFieldOfView()
    columns, rows, _slices = slice_node.GetDimensions()
    return wide / max(columns, 1), high / max(rows, 1)


def _array(matrix: Any) -> Matrix:
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])
