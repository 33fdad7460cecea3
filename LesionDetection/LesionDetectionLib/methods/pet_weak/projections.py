"""Both maximum intensity projections of a PET, and what a network sees of them (sections 3.1 and 3.2).

The paper resamples the volume to 2 mm by nearest neighbour, then projects. Nearest neighbour takes voxels as they are, along one
axis at a time: so the highest along a ray can be found on the PET's own grid, among the voxels that it takes, and only the picture
is resampled. Where the PET's voxels are as large as the pixels or larger, it takes all of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import Geometry, Image

from .architecture import STRIDE
from .placing import PixelAxis, Placing, Views, axes_of
from .rays import look_through
from .settings import MOST_PX, Seen

FloatArray = npt.NDArray[np.float32]

BODY_SUV = 0.5
"""A ray through a body meets at least this somewhere; one through air, or the table, does not."""
_LEAST_PIXELS = 3
"""Fewer bright pixels in a row or column are noise."""


@dataclass(frozen=True, eq=False)
class Projections:
    """Of a PET in axial order, on its own grid: rows are slices, from foot to head.

    Attributes:
        coronal: [k, i] the highest value along j.
        sagittal: [k, j] the highest value along i.
        geometry: of the PET in axial order.
        lowest, highest: of all voxels; NaN where one is NaN, infinite where one is.
        pixel_mm: see ``seen``.
        seen: both projections of those voxels along each ray that are the nearest one to a place of a grid of ``pixel_mm``: all of
            them where the PET is no finer than that.
    """

    coronal: FloatArray
    sagittal: FloatArray
    geometry: Geometry
    lowest: float
    highest: float
    pixel_mm: float
    seen: tuple[FloatArray, FloatArray]


def project(axial: Image, pixel_mm: float = Seen().pixel_mm, threads: int = 1) -> Projections:
    """Both projections in one pass.

    Args:
        axial: in axial order; values of any type, in any order in memory.
        pixel_mm: of the grid that :func:`network_views` will ask for.
        threads: that share the slices.
    """
    _, j, i = axes_of(axial.geometry, pixel_mm)
    taken = (j.nearest(), i.nearest()) if j.is_finer or i.is_finer else None
    rays = look_through(axial.voxels, taken, threads)
    return Projections(*rays.whole, axial.geometry, rays.lowest, rays.highest, pixel_mm, rays.taken)


def network_views(projections: Projections, settings: Seen) -> Views:
    """Both views as the network sees them: the same as of the whole volume, resampled to ``settings.pixel_mm`` by nearest neighbour,
    projected, and clipped.

    Args:
        projections: for pixels of this size.

    Raises:
        ValueError: they are for pixels of another size.
        InputError: what takes up tracer is larger than any input of a network.
    """
    if projections.pixel_mm != settings.pixel_mm:
        raise ValueError(f"projections for pixels of {projections.pixel_mm:g} mm, not of {settings.pixel_mm:g} mm")
    k, j, i = axes_of(projections.geometry, settings.pixel_mm)
    # From head to foot.
    pictures = [
        seen[np.ix_(k.nearest(), across.nearest())][::-1] for seen, across in zip(projections.seen, (i, j), strict=True)
    ]
    rows = _span(np.maximum.reduce([_bright(picture, axis=1) for picture in pictures]))
    columns = [_span(_bright(picture, axis=0)) for picture in pictures]
    height = _side([rows], settings.canvas_px[0])
    width = _side(columns, settings.canvas_px[1])
    placing = Placing(
        projections.geometry,
        _centred(k, rows, height),
        (_centred(i, columns[0], width), _centred(j, columns[1], width)),
        height,
        width,
    )
    inputs = np.zeros((2, 1, height, width), dtype=np.float32)
    for target, picture, axis in zip(inputs[:, 0], pictures, placing.columns, strict=True):
        target[_on(placing.rows, height), _on(axis, width)] = picture[_of(placing.rows, height), _of(axis, width)]
    # Divided, not multiplied by 1 / 30: so that values are those of the plain way to the last digit.
    return Views(np.clip(inputs, 0, settings.most_suv) / np.float32(settings.most_suv), placing)


def _bright(picture: FloatArray, axis: int) -> npt.NDArray[np.int_]:
    return np.asarray(np.count_nonzero(picture >= BODY_SUV, axis=axis))


def _span(bright: npt.NDArray[np.int_]) -> tuple[int, int]:
    """First and last but one row, or column, of what takes up tracer; all of them where nothing does."""
    found = np.flatnonzero(bright >= _LEAST_PIXELS)
    if not len(found):
        found = np.flatnonzero(bright)
    return (int(found[0]), int(found[-1]) + 1) if len(found) else (0, len(bright))


def _side(spans: Iterable[tuple[int, int]], least: int) -> int:
    side = max(least, *(-(-(stop - start) // STRIDE) * STRIDE for start, stop in spans))
    if side > MOST_PX:
        raise InputError(
            f"What takes up tracer in this PET spans {side} pixels of a projection, and a network looks at {MOST_PX} at most. "
            "Is the size of its voxels right?"
        )
    return side


def _centred(axis: PixelAxis, span: tuple[int, int], side: int) -> PixelAxis:
    return replace(axis, first=(sum(span) - side) // 2)


def _on(axis: PixelAxis, side: int) -> slice:
    """The part of the canvas that the PET fills."""
    return slice(max(0, -axis.first), max(0, min(side, axis.pixels - axis.first)))


def _of(axis: PixelAxis, side: int) -> slice:
    """The part of the PET that lies on the canvas."""
    return slice(max(0, axis.first), max(0, min(axis.pixels, axis.first + side)))
