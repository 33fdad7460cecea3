"""RECIST diameters of a mask: the longest one in an axial slice, and the longest one perpendicular to it.

How a voxel counts: the border of a lesion in a slice is the contour at level 1/2 of the mask, after a [1 4 6 4 1]/16 filter
along rows and columns. A straight border so runs half-way between the voxel centres inside and outside: a row of n voxels
of s mm is n s mm wide. Without the filter the *longest* diameter is too long by 0.6 to 0.8 voxel at every size, since it
picks the two stairs of the outline that stick out most; with it, spheres of 4 to 40 mm are right to half a voxel on
average (the tests hold that). The filter rounds off pointed ends, by up to a voxel where their radius is about one. Parts
too thin for it, which would lose a tenth of their area, keep the plain contour.

The longest diameter may cross a notch of a lesion that is not convex, as callipers would; its ends lie on one connected
part of the mask in the slice. The perpendicular one runs between the outermost border points on one line. RECIST 1.1:
Eisenhauer et al., Eur J Cancer 45 (2009) 228-247.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage, spatial

from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.core.lesion import Mask, Point, Recist

from .geometry import AxialOrder

FloatArray = npt.NDArray[np.float64]
_EQUAL = 1e-9
"""Lengths that differ by less than this share are equal."""
_LEVEL_BELOW_HALF = 1e-6
"""Outlines are drawn at a level just below 1/2: a value of exactly 1/2 at a voxel centre would end one in a point."""
_LARGEST_AREA_LOSS = 0.1
"""A part that the filter would shrink by more than this share is measured unfiltered."""


@dataclass(frozen=True, eq=False)
class _Longest:
    """The longest diameter of one connected part in one slice.

    Attributes:
        length_mm: its length.
        ends_ij: [2, 2]; (i, j) of its ends in the slice.
        border_ij: [n, 2]; the outline of the part, closed (first point = last).
    """

    length_mm: float
    ends_ij: FloatArray
    border_ij: FloatArray


def recist_of_mask(mask: Mask, geometry: Geometry) -> Recist:
    """The diameters of ``mask``, which lies on the grid ``geometry``, in the axial slice where the longest is longest.

    In an oblique image the axial slices are the image slices that are nearest to axial. Of slices with equally long
    diameters the lowest one counts.
    """
    order = AxialOrder.of(geometry)
    voxels = order.apply_array(mask.voxels)
    corner, steps = _axial_frame(mask, geometry, order)
    in_plane = steps[:, :2]
    # The unfiltered outline is an upper bound, but for the level: slices are looked at closely from the longest bound on.
    bounds = np.array([_hull_diameter(_extreme_points(plane), in_plane)[0] for plane in voxels])
    bounds += 4 * _LEVEL_BELOW_HALF * np.linalg.norm(in_plane, axis=0).sum()
    best: tuple[int, _Longest] | None = None
    for k in np.argsort(-bounds, kind="stable"):
        if best is not None and bounds[k] < best[1].length_mm - 1e-9:
            break
        found = _longest_in_slice(voxels[k], in_plane)
        if best is None or _better(found.length_mm, int(k), best[1].length_mm, best[0]):
            best = (int(k), found)
    assert best is not None, "a Mask holds at least one voxel"
    k, longest = best
    ends = np.concatenate([longest.ends_ij, _perpendicular_chord(longest, in_plane)])
    points = corner + np.column_stack([ends, np.full(4, float(k))]) @ steps.T
    a, b, c, d = (_point(p) for p in points)
    return Recist((a, b), (c, d))


def _better(length: float, k: int, best_length: float, best_k: int) -> bool:
    return length > best_length + 1e-9 or (abs(length - best_length) <= 1e-9 and k < best_k)


def _axial_frame(mask: Mask, geometry: Geometry, order: AxialOrder) -> tuple[FloatArray, FloatArray]:
    """RAS mm of the axial box's first voxel, [3], and RAS steps along its i, j, k, [3, 3] (columns)."""
    size = mask.voxels.shape
    first = np.array(mask.start_ijk, dtype=float)
    steps = np.empty((3, 3))
    for axial_axis in range(3):
        source = order.axes[axial_axis]
        column = geometry.ijk_to_ras[:3, 2 - source]
        flipped = order.flips[axial_axis]
        steps[:, 2 - axial_axis] = -column if flipped else column
        if flipped:
            first[2 - source] += size[source] - 1
    return geometry.ras_from_ijk(first), steps


def _longest_in_slice(plane: npt.NDArray[np.bool_], steps: FloatArray) -> _Longest:
    """``plane`` [j, i], not empty; ``steps`` [3, 2]: RAS mm a step of i and of j."""
    labels, count = ndimage.label(plane, structure=np.ones((3, 3)))
    found = []
    for label in range(1, count + 1):
        for border in _outlines(labels == label):
            length, ends = _hull_diameter(border, steps)
            found.append(_Longest(length, ends, border))
    return max(found, key=lambda longest: round(longest.length_mm, 6))


def _outlines(part: npt.NDArray[np.bool_]) -> list[FloatArray]:
    """Closed outlines (i, j), each [n, 2], of a connected part, [j, i], as the module's text defines them."""
    from skimage.measure import find_contours

    plain = np.pad(part, 3).astype(np.float64)
    kernel = np.array([1, 4, 6, 4, 1]) / 16
    smooth = ndimage.correlate1d(ndimage.correlate1d(plain, kernel, axis=0), kernel, axis=1)
    kept = np.count_nonzero(smooth >= 0.5) >= (1 - _LARGEST_AREA_LOSS) * np.count_nonzero(part)
    contours: list[FloatArray] = find_contours(  # type: ignore[no-untyped-call]
        smooth if kept else plain, 0.5 - _LEVEL_BELOW_HALF, fully_connected="high"
    )
    return [contour[:, ::-1] - 3.0 for contour in contours if len(contour) > 3]


def _hull_diameter(points: FloatArray, steps: FloatArray) -> tuple[float, FloatArray]:
    """Length in mm and ends (i, j), [2, 2], of the longest distance between points (i, j), [n, 2]; -1 of none."""
    if len(points) == 0:
        return -1.0, np.zeros((2, 2))
    points = points[spatial.ConvexHull(points).vertices]  # an affine map keeps the hull, so ij will do
    distances = spatial.distance.squareform(spatial.distance.pdist(points @ steps.T))
    # The first of equals, so that rounding does not choose (a square has two diagonals).
    first, second = np.unravel_index(int((distances >= (1 - _EQUAL) * distances.max()).argmax()), distances.shape)
    return float(distances[first, second]), points[[first, second]]


def _extreme_points(plane: npt.NDArray[np.bool_]) -> FloatArray:
    """Points (i, j), [n, 2], with the convex hull of the unfiltered border at level 1/2 of all of the slice."""
    points = []
    for axis in (0, 1):
        lines = np.flatnonzero(plane.any(axis=1 - axis))
        along = plane[lines] if axis == 0 else plane[:, lines].T
        first = along.argmax(axis=1) - 0.5
        last = along.shape[1] - 0.5 - along[:, ::-1].argmax(axis=1)
        for ends in (first, last):
            points.append(np.column_stack([ends, lines] if axis == 0 else [lines, ends]))
    return np.concatenate(points).astype(np.float64)


def _perpendicular_chord(longest: _Longest, steps: FloatArray) -> FloatArray:
    """Ends (i, j), [2, 2], of the longest chord perpendicular to the longest diameter."""
    # Orthonormal frame of the slice: t along the longest diameter, s across it.
    along = (longest.ends_ij[1] - longest.ends_ij[0]) @ steps.T
    along /= np.linalg.norm(along)
    normal = np.cross(steps[:, 0], steps[:, 1])
    across = np.cross(normal / np.linalg.norm(normal), along)
    frame = np.stack([along, across]) @ steps  # [ts, ij]
    border = longest.border_ij @ frame.T
    start, stop = border[:-1], border[1:]
    low, high = np.minimum(start[:, 0], stop[:, 0]), np.maximum(start[:, 0], stop[:, 0])
    # The width between the outermost crossings is piecewise linear in t: its maximum is at a vertex of the border.
    lines = np.unique(start[:, 0])[:, None]
    crossed = (low <= lines) & (lines <= high)  # [lines, segments]
    span = stop[:, 0] - start[:, 0]
    share = np.where(span == 0, 0.0, (lines - start[:, 0]) / np.where(span == 0, 1.0, span))
    s = start[:, 1] + share * (stop[:, 1] - start[:, 1])
    s_high = np.where(crossed, s, -np.inf).max(axis=1)
    s_low = np.where(crossed, s, np.inf).min(axis=1)
    width = s_high - s_low
    widest = int((width >= (1 - _EQUAL) * width.max()).argmax())
    ends_ts = np.array([[lines[widest, 0], s_low[widest]], [lines[widest, 0], s_high[widest]]])
    return np.asarray(ends_ts @ np.linalg.inv(frame).T)


def _point(values: FloatArray) -> Point:
    x, y, z = (float(n) for n in values)
    return x, y, z
