"""Where a mask from two diameters begins: the quadrilateral, the dilated diameters, the ellipse, on the pixels of a slice.

A pixel counts by its centre, which lies at a whole index. Points are (x, y) = (column, row).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from LesionDetectionLib.core.errors import UsageError

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
PointXY = tuple[float, float]
Line = tuple[PointXY, PointXY]
Edges = tuple[float, float, float, float]

BOX_MARGIN_PX = 5.0
"""A bounding box of DeepLesion is the extent of the diameters and 5 pixels more on each side."""
DILATED_SHARE, DILATED_LEAST_PX = 0.1, 1.0
"""The diameters are dilated by this share of the short one, and by a pixel at least **[choice]**: Cai et al., MICCAI 2018,
give no figure that the paper repeats."""
_ON_BORDER = 1e-9


@dataclass(frozen=True)
class Diameters:
    """Two diameters in a slice, in pixel indices (x = column, y = row; whole numbers are pixel centres).

    Attributes:
        long_xy: ends of the longer one.
        short_xy: ends of the one across it.
    """

    long_xy: Line
    short_xy: Line

    @property
    def ends(self) -> FloatArray:
        """[4, 2] (x, y); the long one's two, then the short one's."""
        return np.array([*self.long_xy, *self.short_xy], dtype=np.float64)

    @property
    def long_px(self) -> float:
        return math.dist(*self.long_xy)

    @property
    def short_px(self) -> float:
        return math.dist(*self.short_xy)


def require_diameters(diameters: Diameters) -> None:
    """Raises UsageError where they are no two lines with a length."""
    ends = diameters.ends
    if ends.shape != (4, 2) or not np.isfinite(ends).all():
        raise UsageError("Two diameters need four ends with two finite numbers each.")
    if min(diameters.long_px, diameters.short_px) <= 0:
        raise UsageError("A diameter of length 0 says nothing: both need two different ends.")


def extent_box(diameters: Diameters, margin_px: float = BOX_MARGIN_PX) -> Edges:
    """(x0, y0, x1, y1), edges: the extent of the ends and ``margin_px`` more, as DeepLesion's boxes are (pixels of the ends
    belong to it)."""
    ends = diameters.ends
    x0, y0 = (float(n) for n in ends.min(axis=0) - margin_px)
    x1, y1 = (float(n) for n in ends.max(axis=0) + margin_px + 1)
    return x0, y0, x1, y1


def pixels_of(box: Edges, shape: tuple[int, int], margin_px: int = 0) -> tuple[slice, slice]:
    """The rows and columns of an image of ``shape`` that a box of edges touches, and ``margin_px`` more; may be empty."""
    x0, y0, x1, y1 = box
    rows = slice(*_clipped(math.floor(y0) - margin_px, math.ceil(y1) + margin_px, shape[0]))
    columns = slice(*_clipped(math.floor(x0) - margin_px, math.ceil(x1) + margin_px, shape[1]))
    return rows, columns


def _clipped(first: int, stop: int, size: int) -> tuple[int, int]:
    low = min(max(first, 0), size)
    return low, max(min(stop, size), low)


def centres(rows: slice, columns: slice) -> tuple[FloatArray, FloatArray]:
    """x [1, columns] and y [rows, 1] of the pixel centres of a part of a slice."""
    x = np.arange(columns.start, columns.stop, dtype=np.float64)[None, :]
    y = np.arange(rows.start, rows.stop, dtype=np.float64)[:, None]
    return x, y


def quadrilateral(diameters: Diameters, rows: slice, columns: slice) -> BoolArray:
    """[rows, columns] inside the polygon through the four ends, joined in their order around the centroid (paper, 2.2)."""
    ends = diameters.ends
    around = ends - ends.mean(axis=0)
    corners = ends[np.argsort(np.arctan2(around[:, 1], around[:, 0]), kind="stable")]
    return inside_polygon(corners, *centres(rows, columns))


def inside_polygon(corners: FloatArray, x: FloatArray, y: FloatArray) -> BoolArray:
    """Whether points lie in a polygon [n, 2], its border included: an odd number of its sides lie to their right."""
    odd = np.zeros(np.broadcast_shapes(x.shape, y.shape), dtype=bool)
    on = np.zeros_like(odd)
    for (ax, ay), (bx, by) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        dx, dy = bx - ax, by - ay
        cross = dx * (y - ay) - dy * (x - ax)
        along = dx * (x - ax) + dy * (y - ay)
        length = dx * dx + dy * dy
        on |= (np.abs(cross) <= _ON_BORDER * max(1.0, length)) & (along >= 0) & (along <= length)
        if dy != 0:
            odd ^= ((ay > y) != (by > y)) & (x < ax + (y - ay) * dx / dy)
    return odd | on


def dilated(diameters: Diameters, rows: slice, columns: slice) -> BoolArray:
    """[rows, columns] near one of the diameters: the start of Cai et al., which the paper compares with."""
    reach = max(DILATED_SHARE * diameters.short_px, DILATED_LEAST_PX)
    x, y = centres(rows, columns)
    near = [_distance(line, x, y) <= reach + _ON_BORDER for line in (diameters.long_xy, diameters.short_xy)]
    return np.asarray(near[0] | near[1])


def _distance(line: Line, x: FloatArray, y: FloatArray) -> FloatArray:
    """Of points from a line with ends, in pixels."""
    (ax, ay), (bx, by) = line
    dx, dy = bx - ax, by - ay
    share = np.clip(((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy), 0, 1)
    return np.asarray(np.hypot(x - ax - share * dx, y - ay - share * dy))


def ellipse(
    diameters: Diameters,
    rows: slice,
    columns: slice,
    scale: float = 1.0,
    spacing_mm: tuple[float, float] = (1.0, 1.0),
) -> BoolArray:
    """[rows, columns] in the ellipse with the two diameters for axes.

    Its centre is the mean of the four ends, its long axis lies along the long diameter; the short one is as long as drawn,
    and square to it, in mm. ``scale`` times as large.
    """
    mm = np.array(spacing_mm)
    long_axis, short_axis = (np.subtract(*line[::-1]) * mm for line in (diameters.long_xy, diameters.short_xy))
    long_mm, short_mm = float(np.hypot(*long_axis)), float(np.hypot(*short_axis))
    (cx, cy), (ux, uy) = diameters.ends.mean(axis=0), long_axis / long_mm
    x, y = centres(rows, columns)
    x, y = (x - cx) * mm[0], (y - cy) * mm[1]
    along, across = x * ux + y * uy, y * ux - x * uy
    a, b = scale * long_mm / 2, scale * short_mm / 2
    return np.asarray((along / a) ** 2 + (across / b) ** 2 <= 1 + _ON_BORDER)


def nearest_pixel(diameters: Diameters, rows: slice, columns: slice) -> BoolArray:
    """[rows, columns] the one pixel nearest to the middle of the ends: what a lesion below a pixel is."""
    cx, cy = diameters.ends.mean(axis=0)
    x, y = centres(rows, columns)
    found = np.zeros((y.size, x.size), dtype=bool)
    found[np.abs(y[:, 0] - cy).argmin(), np.abs(x[0] - cx).argmin()] = True
    return found
