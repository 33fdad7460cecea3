"""The even, right-angled grid under a stack of slices, and what it takes to bring the slices onto it.

Slices are taken as DICOM places them (LPS mm): sorted along their normal, never by number. Most stacks lie on such a
grid already and stay bit for bit as they are. A tilted gantry shears a stack: each slice is moved in its plane. Slices
that are missing or unevenly spaced are interpolated along the normal, or refused when too much would be made up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from LesionDetectionLib.core.errors import GeometryError
from LesionDetectionLib.core.image import FloatArray

SAME_POSITION_MM = 0.01
"""Slices nearer than this lie at one position."""
JITTER_MM, JITTER_SHARE = 0.1, 0.02
"""A slice may lie this far (the larger of mm and share of the spacing) from its even place: headers round."""
SIDEWAYS_MM = 0.1
"""A sideways drift below this over the whole stack is rounding, not tilt."""
SIDEWAYS_RESIDUAL_MM = 0.5
"""How far a slice may lie beside the straight line through the stack; half a pixel of a CT."""
MOST_MISSING_SHARE, LONGEST_GAP = 0.1, 3
"""More missing slices than this share, or more of them in a row, are refused rather than interpolated."""
_NAMED_POSITIONS = 8
"""So many positions are named in a message; the rest is counted."""


@dataclass(frozen=True, eq=False)
class StackGrid:
    """How slices in rising order become an even, right-angled stack.

    Attributes:
        ijk_to_ras: [4, 4] of the result.
        below, part: for each result slice the source slice below it and the weight of the next one, [m].
        shifts: for each source slice its displacement on the result's plane in (columns, rows), [n, 2], never negative.
        padding: columns and rows that the result has more than the source.
        notes: sentences on everything that was changed or tolerated.
    """

    ijk_to_ras: FloatArray
    below: npt.NDArray[np.intp]
    part: FloatArray
    shifts: FloatArray
    padding: tuple[int, int]
    notes: tuple[str, ...]

    @property
    def is_exact(self) -> bool:
        """Whether the source slices are the result as they are."""
        return not self.part.any() and not self.shifts.any() and len(self.below) == len(self.shifts)

    def apply(self, stack: npt.NDArray[Any], outside: float) -> npt.NDArray[Any]:
        """The result's voxels, [m, rows + padding, columns + padding], of the slices [n, rows, columns].

        Args:
            outside: the value where a shifted slice has no pixel.
        """
        if self.is_exact:
            return stack
        straight = self._straighten(stack, outside) if self.shifts.any() else stack
        out = np.empty((len(self.below), *straight.shape[1:]), dtype=stack.dtype)
        for k, (low, part) in enumerate(zip(self.below, self.part, strict=True)):
            if part == 0:
                out[k] = straight[low]
            else:
                mixed = straight[low] * (1 - part) + straight[low + 1] * part
                out[k] = np.rint(mixed) if stack.dtype.kind in "iu" else mixed
        return out

    def _straighten(self, stack: npt.NDArray[Any], outside: float) -> npt.NDArray[Any]:
        columns, rows = self.padding
        out = np.empty((len(stack), stack.shape[1] + rows, stack.shape[2] + columns), dtype=stack.dtype)
        for k, plane in enumerate(stack):
            canvas = np.pad(plane.astype(np.float64), ((0, rows), (0, columns)), mode="edge")
            moved = ndimage.shift(canvas, self.shifts[k, ::-1], order=1, mode="nearest")
            for axis, count in enumerate(plane.shape):  # whole pixels outside, never a blend of tissue and air
                source = np.arange(moved.shape[axis]) - self.shifts[k, 1 - axis]
                beyond = (source < -0.5) | (source >= count - 0.5)
                moved[(slice(None),) * axis + (beyond,)] = outside
            out[k] = np.rint(moved) if stack.dtype.kind in "iu" else moved
        return out


def slice_order(positions_lps: npt.ArrayLike, orientation: Sequence[float]) -> tuple[npt.NDArray[np.intp], FloatArray]:
    """Indices that sort slices along their normal, and their distances along it in mm (in the order given).

    Args:
        positions_lps: [n, 3] Image Position (Patient).
        orientation: six cosines, Image Orientation (Patient).
    """
    distances = np.asarray(positions_lps, dtype=np.float64) @ slice_axes(orientation)[2]
    return np.argsort(distances, kind="stable"), distances


def slice_axes(orientation: Sequence[float]) -> FloatArray:
    """[3, 3] LPS unit vectors: along a row (rising column), down a column (rising row), and the normal, right-handed.

    Raises:
        GeometryError: the two directions are not at right angles.
    """
    row, column = np.array(orientation[:3], dtype=np.float64), np.array(orientation[3:], dtype=np.float64)
    lengths = np.linalg.norm(row), np.linalg.norm(column)
    if min(lengths) < 0.5 or abs(row @ column) > 1e-3 * lengths[0] * lengths[1]:
        raise GeometryError(
            f"The slices' orientation {tuple(round(float(n), 4) for n in orientation)} is not two directions at right "
            "angles. Export the series again."
        )
    row = row / lengths[0]
    column = column - (column @ row) * row  # rounding in the header: at most a thousandth
    column = column / np.linalg.norm(column)
    return np.array([row, column, np.cross(row, column)])


def stack_grid(
    positions_lps: npt.ArrayLike,
    orientation: Sequence[float],
    pixel_spacing: Sequence[float],
    thickness_mm: float,
) -> StackGrid:
    """Plan the grid of slices that are sorted along their normal, no two of them at one position.

    Args:
        positions_lps: [n, 3] mm.
        pixel_spacing: mm between rows, between columns (DICOM's order).
        thickness_mm: stands in for the spacing of a single slice.

    Raises:
        GeometryError: too many slices missing, a gap too long, slices displaced at random.
    """
    positions = np.asarray(positions_lps, dtype=np.float64)
    axes = slice_axes(orientation)
    local = (positions - positions[0]) @ axes.T  # [n, 3] mm along row, column, normal
    notes: list[str] = []
    sideways, tilt_note = _sideways(local)
    notes += tilt_note
    if len(positions) == 1:
        spacing = thickness_mm if thickness_mm > 0 else 1.0
        if thickness_mm <= 0:
            notes.append("A single slice of unknown thickness; 1 mm was assumed.")
        below, part = np.zeros(1, dtype=np.intp), np.zeros(1)
    else:
        spacing, below, part, spacing_notes = _even(local[:, 2], positions, axes)
        notes += spacing_notes
    step_ij = np.array([pixel_spacing[1], pixel_spacing[0]], dtype=np.float64)
    start = sideways.min(axis=0)
    shifts = (sideways - start) / step_ij
    padding = np.ceil(shifts.max(axis=0) - 1e-6).astype(int)
    matrix = np.eye(4)
    matrix[:3, :3] = axes.T * np.array([step_ij[0], step_ij[1], spacing])
    matrix[:3, 3] = positions[0] + start @ axes[:2]
    matrix[:2] *= -1  # LPS -> RAS
    matrix += 0.0  # no negative zeros on screen
    return StackGrid(matrix, below, part, shifts, (int(padding[0]), int(padding[1])), tuple(notes))


def _sideways(local: FloatArray) -> tuple[FloatArray, list[str]]:
    """Displacement of each slice in its plane, [n, 2] mm, smooth in the distance, zero without tilt; and its note."""
    offsets, distances = local[:, :2], local[:, 2]
    slope = distances @ offsets / max(float(distances @ distances), 1e-12)
    smooth = distances[:, None] * slope
    residual = float(np.abs(offsets - smooth).max())
    if residual > SIDEWAYS_RESIDUAL_MM:
        raise GeometryError(
            f"The slices are displaced sideways by up to {residual:.1f} mm in no regular way, so they are no volume. "
            "Are two series mixed?"
        )
    if np.abs(smooth).max() <= SIDEWAYS_MM:
        return np.zeros_like(offsets), []
    angle = np.degrees(np.arctan(np.linalg.norm(slope)))
    note = f"The slices are tilted by {angle:.1f} degrees to their stacking (gantry tilt); the volume was straightened."
    return smooth, [note]


def _even(
    distances: FloatArray, positions: FloatArray, axes: FloatArray
) -> tuple[float, npt.NDArray[np.intp], FloatArray, list[str]]:
    """Spacing in mm, and for each slice of the even grid the slice below and the weight of the next."""
    gaps = np.diff(distances)
    usual = float(np.median(gaps))
    steps = np.maximum(np.rint(gaps / usual), 1).astype(int)
    places = np.concatenate([[0], np.cumsum(steps)])
    spacing = float(distances[-1] / places[-1])
    tolerance = max(JITTER_MM, JITTER_SHARE * spacing)
    deviation = float(np.abs(distances - places * spacing).max())
    lost = np.setdiff1d(np.arange(places[-1] + 1), places).tolist()
    _refuse_large_gaps(lost, steps, places, distances, positions, axes)
    if deviation <= tolerance:
        wanted = np.arange(places[-1] + 1)
        below = np.searchsorted(places, wanted, side="right") - 1
        run = np.append(steps, 1)[below]
        part = (wanted - places[below]) / run
        notes = []
        if deviation > SAME_POSITION_MM:
            notes.append(
                f"The slices lie up to {deviation:.2f} mm off an even spacing of {spacing:.3f} mm; this was ignored."
            )
        if lost:
            at = _interpolated_positions(distances, positions, below, part)[lost]
            notes.append(f"{_slices(len(lost))} missing and interpolated at {_named(at, axes)}.")
        return spacing, below.astype(np.intp), part, notes
    return _uneven(distances, positions, axes, usual, tolerance, len(lost))


def _uneven(
    distances: FloatArray, positions: FloatArray, axes: FloatArray, spacing: float, tolerance: float, lost: int
) -> tuple[float, npt.NDArray[np.intp], FloatArray, list[str]]:
    count = int(np.floor(distances[-1] / spacing + 1e-3)) + 1
    wanted = np.minimum(np.arange(count) * spacing, distances[-1])
    below = np.clip(np.searchsorted(distances, wanted, side="right") - 1, 0, len(distances) - 2)
    part = (wanted - distances[below]) / np.diff(distances)[below]
    odd = np.flatnonzero(np.abs(np.diff(distances) - spacing) > tolerance)
    gaps = np.diff(distances)
    note = (
        f"The slices are unevenly spaced ({gaps.min():.2f} to {gaps.max():.2f} mm); the volume was interpolated to "
        f"{spacing:.3f} mm. Uneven after {_named(positions[odd], axes)}."
    )
    notes = [note, *([f"About {_slices(lost)} missing there."] if lost else [])]
    return spacing, below.astype(np.intp), part, notes


def _refuse_large_gaps(
    lost: list[int],
    steps: npt.NDArray[np.int_],
    places: npt.NDArray[np.int_],
    distances: FloatArray,
    positions: FloatArray,
    axes: FloatArray,
) -> None:
    if len(lost) <= MOST_MISSING_SHARE * (places[-1] + 1) and steps.max() - 1 <= LONGEST_GAP:
        return
    gaps = [
        f"{_named(positions[k : k + 1], axes)} and {_named(positions[k + 1 : k + 2], axes)}"
        for k in np.flatnonzero(steps > 1)
    ]
    more = f" and {len(gaps) - _NAMED_POSITIONS} more gaps" if len(gaps) > _NAMED_POSITIONS else ""
    raise GeometryError(
        f"{len(lost)} of {places[-1] + 1} slices are missing, between {'; between '.join(gaps[:_NAMED_POSITIONS])}{more}. "
        "That is too much to interpolate: load the complete series."
    )


def _interpolated_positions(
    distances: FloatArray, positions: FloatArray, below: npt.NDArray[np.intp], part: FloatArray
) -> FloatArray:
    above = np.minimum(below + 1, len(distances) - 1)
    return np.asarray(positions[below] * (1 - part[:, None]) + positions[above] * part[:, None])


def _named(positions_lps: FloatArray, axes: FloatArray) -> str:
    """Positions by the patient axis that the slices follow, "S 12.5 mm, S 15.0 mm and 3 more"."""
    axis = int(np.argmax(np.abs(axes[2])))
    values = positions_lps[:, axis] * (1 if axis == 2 else -1)
    named = ", ".join(f"{'RAS'[axis]} {value:.1f} mm" for value in values[:_NAMED_POSITIONS])
    return named + (f" and {len(values) - _NAMED_POSITIONS} more" if len(values) > _NAMED_POSITIONS else "")


def _slices(count: int) -> str:
    return "1 slice is" if count == 1 else f"{count} slices are"
