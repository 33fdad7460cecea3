"""Two lines that a person drew become diameters; diameters in the patient become pixels of a slice."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.lesion import Point, Recist

from .geometry import to_axial
from .recist_start import Diameters, PointXY

LEAST_MM = 0.1
"""A shorter line is a slip of the mouse."""
OFF_SLICE = 0.5
"""The ends may lie this many slices from the one they are nearest to on average: the views of a straight scan put them on it
exactly, an oblique line does not lie in one slice."""
CROSSING_SHARE = 0.1
"""Diameters that miss each other by up to this share of the long one still count as crossing: hands are not exact."""


@dataclass(frozen=True)
class KeySlice:
    """Diameters in the slice that they were drawn in.

    Attributes:
        k: of the slice, in the image's axial order.
        diameters: in its pixels.
    """

    k: int
    diameters: Diameters


def recist_from_lines(first_ends_ras: npt.ArrayLike, second_ends_ras: npt.ArrayLike) -> Recist:
    """The diameters that two lines are: the longer one is the long one.

    Args:
        first_ends_ras, second_ends_ras: [2, 3] RAS mm.

    Raises:
        UsageError: a line without two ends or without a length, or lines that do not cross.
    """
    lines = [_line(ends) for ends in (first_ends_ras, second_ends_ras)]
    long_axis, short_axis = sorted(lines, key=lambda line: -float(np.linalg.norm(line[1] - line[0])))
    _require_crossing(long_axis, short_axis)
    return Recist((_point(long_axis[0]), _point(long_axis[1])), (_point(short_axis[0]), _point(short_axis[1])))


def key_slice(image: Image, recist: Recist) -> KeySlice:
    """Where in ``image``, of any orientation, diameters lie.

    Raises:
        UsageError: they lie outside the image, not in one axial slice, do not cross, or have no length.
    """
    recist = recist_from_lines(recist.long_axis_ras_mm, recist.short_axis_ras_mm)
    ends = np.array([*recist.long_axis_ras_mm, *recist.short_axis_ras_mm])
    for end in ends:
        if not image.geometry.contains_ras(end):
            raise UsageError(
                f"A diameter ends at ({end[0]:.1f}, {end[1]:.1f}, {end[2]:.1f}) mm, outside “{image.name}”."
            )
    axial = to_axial(image)
    ijk = axial.geometry.ijk_from_ras(ends)
    k = min(max(round(float(ijk[:, 2].mean())), 0), axial.shape_kji[0] - 1)
    off = float(np.abs(ijk[:, 2] - ijk[:, 2].mean()).max())
    if off > OFF_SLICE:
        raise UsageError(
            f"The diameters do not lie in one axial slice: an end is {off * axial.spacing_mm[2]:.1f} mm off. Draw both lines in "
            "one slice of the axial view."
        )
    a, b, c, d = (_xy(end) for end in ijk)
    return KeySlice(k, Diameters((a, b), (c, d)))


def _line(ends: npt.ArrayLike) -> npt.NDArray[np.float64]:
    line = np.asarray(ends, dtype=np.float64)
    if line.shape != (2, 3) or not np.isfinite(line).all():
        raise UsageError("A diameter is a line with two ends, three finite numbers (RAS mm) each.")
    if math.dist(line[0], line[1]) < LEAST_MM:
        raise UsageError("A diameter has a length of 0. Draw a line from border to border of the lesion.")
    return line


def _require_crossing(long_axis: npt.NDArray[np.float64], short_axis: npt.NDArray[np.float64]) -> None:
    """Raises UsageError where the two lines pass each other, or lie along each other."""
    u, v = long_axis[1] - long_axis[0], short_axis[1] - short_axis[0]
    between = short_axis[0] - long_axis[0]
    a, b, c = float(u @ u), float(u @ v), float(v @ v)
    determinant = a * c - b * b
    if determinant <= 0.25 * a * c:  # less than 30 degrees between them
        raise UsageError("The two diameters must cross, the second square to the first; these run along each other.")
    # The nearest points of the two (endless) lines, as shares of their lengths.
    s = (c * float(u @ between) - b * float(v @ between)) / determinant
    t = (b * float(u @ between) - a * float(v @ between)) / determinant
    over = max(-s, s - 1, 0.0) * math.sqrt(a), max(-t, t - 1, 0.0) * math.sqrt(c)
    gap = float(np.linalg.norm(long_axis[0] + s * u - short_axis[0] - t * v))
    if max(*over, gap) > CROSSING_SHARE * math.sqrt(a):
        raise UsageError(
            "The two diameters do not cross: are both of one lesion? Draw the second line across the first."
        )


def _point(values: npt.NDArray[np.float64]) -> Point:
    x, y, z = (float(n) for n in values)
    return x, y, z


def _xy(ijk: npt.NDArray[np.float64]) -> PointXY:
    return float(ijk[0]), float(ijk[1])
