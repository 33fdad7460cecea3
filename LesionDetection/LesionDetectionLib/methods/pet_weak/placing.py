"""Where in the patient the pixels of the two views lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from LesionDetectionLib.core.image import FloatArray, Geometry

CORONAL, SAGITTAL = VIEWS = ("coronal", "sagittal")
_ACROSS = (2, 1)
"""The array axis (k, j, i) that runs along the columns of each view: i from the front, j from the side."""
_TIE = 1e-6
"""A place half-way between two voxels goes to the higher one, however it was rounded."""


@dataclass(frozen=True)
class PixelAxis:
    """One axis of a PET, and the pixels that are laid over it: the middle of both is the same place.

    Attributes:
        voxels, voxel_mm: of the PET.
        pixel_mm: of the projections.
        flipped: whether pixels run against the voxels, as those from head to foot do.
        first: the pixel that is the first of the canvas; below 0 where the canvas begins before the PET.
    """

    voxels: int
    voxel_mm: float
    pixel_mm: float
    flipped: bool = False
    first: int = 0

    @property
    def pixels(self) -> int:
        """So many cover the PET, to half a pixel."""
        return max(1, int(np.floor(self.voxels * self.voxel_mm / self.pixel_mm + 0.5)))

    @property
    def is_finer(self) -> bool:
        """Whether there are voxels that are the nearest one of no pixel."""
        return self.voxel_mm < self.pixel_mm * (1 - _TIE)

    def nearest(self) -> npt.NDArray[np.int_]:
        """[pixels] for each, in the order of the voxels, the voxel at its middle."""
        places = (np.arange(self.pixels) - (self.pixels - 1) / 2) * (self.pixel_mm / self.voxel_mm)
        index = np.floor(places + (self.voxels - 1) / 2 + 0.5 + _TIE).astype(int)
        return np.asarray(np.clip(index, 0, self.voxels - 1))

    def on_canvas(self, index: npt.ArrayLike) -> FloatArray:
        """The place on the canvas, in pixels, whose middles are whole, of continuous voxel indices."""
        steps = (np.asarray(index, dtype=np.float64) - (self.voxels - 1) / 2) * (self.voxel_mm / self.pixel_mm)
        return np.asarray((-steps if self.flipped else steps) + (self.pixels - 1) / 2 - self.first)

    def index_of(self, place: npt.ArrayLike) -> FloatArray:
        """The inverse of :meth:`on_canvas`."""
        steps = np.asarray(place, dtype=np.float64) + self.first - (self.pixels - 1) / 2
        return np.asarray((-steps if self.flipped else steps) * (self.pixel_mm / self.voxel_mm) + (self.voxels - 1) / 2)


@dataclass(frozen=True, eq=False)
class Placing:
    """Attributes:
    geometry: of the PET in axial order.
    rows: from head to foot, the same in both views.
    columns: to the patient's left in the coronal view, to the back in the sagittal one.
    height, width: of the canvas, pixels.
    """

    geometry: Geometry
    rows: PixelAxis
    columns: tuple[PixelAxis, PixelAxis]
    height: int
    width: int

    def pixel_of(self, point_ras_mm: npt.ArrayLike) -> FloatArray:
        """[2, 2] row and column of a point, RAS mm, on the canvas of the coronal and the sagittal view; whole in a pixel's
        middle."""
        index = self.geometry.ijk_from_ras(point_ras_mm)[::-1]
        row = self.rows.on_canvas(index[0])
        places = [(row, axis.on_canvas(index[across])) for axis, across in zip(self.columns, _ACROSS, strict=True)]
        return np.array(places, dtype=np.float64)

    def ras_of(self, view: str, row: float, column: float) -> FloatArray:
        """[2] what a place on a view says of where it is, RAS mm: (right, superior) in the coronal view, (anterior, superior) in
        the sagittal one. In a PET whose axes are not the patient's, these are of the middle of the ray."""
        number = VIEWS.index(view)
        kji = (np.array(self.geometry.shape_kji) - 1) / 2
        kji[0] = self.rows.index_of(row)
        kji[_ACROSS[number]] = self.columns[number].index_of(column)
        right, anterior, superior = self.geometry.ras_from_ijk(kji[::-1])
        return np.array([right if view == CORONAL else anterior, superior])


@dataclass(frozen=True, eq=False)
class Views:
    """What a network sees of a PET.

    Attributes:
        inputs: float32 [2, 1, h, w] in 0 to 1, the coronal view and the sagittal one, the head up; 0 where the PET ends.
        placing: where their pixels lie.
    """

    inputs: npt.NDArray[np.float32]
    placing: Placing

    def pixel_of(self, point_ras_mm: npt.ArrayLike) -> FloatArray:
        """See :meth:`Placing.pixel_of`."""
        return self.placing.pixel_of(point_ras_mm)

    def ras_of(self, view: str, row: float, column: float) -> FloatArray:
        """See :meth:`Placing.ras_of`."""
        return self.placing.ras_of(view, row, column)


def axes_of(geometry: Geometry, pixel_mm: float) -> tuple[PixelAxis, PixelAxis, PixelAxis]:
    """Pixels over the axes k, j, i of a PET in axial order, on a canvas that it fills."""
    mm: Any = geometry.spacing_mm[::-1]
    k, j, i = (
        PixelAxis(n, size, pixel_mm, axis == 0)
        for axis, (n, size) in enumerate(zip(geometry.shape_kji, mm, strict=True))
    )
    return k, j, i
