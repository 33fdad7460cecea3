"""From the maps of two views to places in the PET: the minimum of both [choice], without an array of the PET's size.

That the minimum of c[k, i] and s[k, j] reaches a value means that both do. So in each slice the places that count are all pairs
of some columns and some rows, and what they can be is known from two pictures.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from LesionDetectionLib.core.image import Geometry, Image
from LesionDetectionLib.imaging.ball_growth import grown_by_ball
from LesionDetectionLib.imaging.geometry import resampled_grid
from LesionDetectionLib.imaging.hills import Box, Triple

from .placing import PixelAxis, Placing

FloatArray = npt.NDArray[np.float32]
BoolArray = npt.NDArray[np.bool_]

TITLE = "Tumour map"
COARSE_MM = 8.0
"""Of the map that is laid over the image: finer than its own cells, of 32 mm, and 64 times smaller than a volume of 2 mm."""


@dataclass(frozen=True, eq=False)
class Slab:
    """Some slices of a PET in axial order, in which places count.

    Attributes:
        box: (k, j, i) all of the PET that can matter.
        core: [k, j, i] bool in the box, the places that count.
        near: [k, j, i] bool in the box, what lies within reach of these in both views.
    """

    box: Box
    core: BoolArray
    near: BoolArray

    @property
    def start_kji(self) -> Triple:
        """Where in the PET the box begins."""
        k, j, i = self.box
        return k.start, j.start, i.start


@dataclass(frozen=True, eq=False)
class BackProjection:
    """Two maps on the PET's own grid in axial order, 0 to 1.

    Attributes:
        coronal: [k, i], the same for all j.
        sagittal: [k, j], the same for all i.
        geometry: of the PET in axial order.
        placing, maps: what they come from.
    """

    coronal: FloatArray
    sagittal: FloatArray
    geometry: Geometry
    placing: Placing
    maps: FloatArray

    def at(self, kji: Triple) -> float:
        """The map at a voxel: the lower of both views'."""
        k, j, i = kji
        return float(min(self.coronal[k, i], self.sagittal[k, j]))

    def slabs(self, share: float, reach_mm: float) -> Iterator[Slab]:
        """The parts of the PET in which the map is at least ``share`` somewhere, from foot to head.

        Args:
            reach_mm: beyond these places, in both views, belongs to them, too.
        """
        x, y, z = self.geometry.spacing_mm
        core = [self.coronal >= share, self.sagittal >= share]
        near = [_grown(one, (across, z), reach_mm) for one, across in zip(core, (x, y), strict=True)]
        together = near[0].any(axis=1) & near[1].any(axis=1)
        bounds = np.flatnonzero(np.diff(together.astype(np.int8), prepend=0, append=0))
        for start, stop in bounds.reshape(-1, 2).tolist():
            k = slice(start, stop)
            i, j = (_filled(one[k]) for one in near)
            inner = core[0][k, None, i] & core[1][k, j, None]
            if inner.any():
                yield Slab((k, j, i), inner, near[0][k, None, i] & near[1][k, j, None])

    def agreement(self, box: Box) -> float:
        """How well both views agree on where a lesion lies along the body, 0 to 1.

        The highest of each map in each slice of the lesion's box, within the columns that it takes up in that view: what both
        profiles share, over what either has, slices summed. 1 where they are the same, 0 where one sees nothing in its slices.
        """
        k, j, i = box
        profiles = self.coronal[k, i].max(axis=1), self.sagittal[k, j].max(axis=1)
        either = float(np.maximum(*profiles).sum())
        return float(np.minimum(*profiles).sum()) / either if either > 0 else 0.0

    def picture(self) -> Image:
        """The map on a coarse grid, to lay over the PET."""
        grid = resampled_grid(self.geometry, (COARSE_MM, COARSE_MM, COARSE_MM))
        indices = [
            (np.arange(new) + 0.5) * (old / new) - 0.5
            for new, old in zip(grid.shape_kji, self.geometry.shape_kji, strict=True)
        ]
        coronal, sagittal = _on_grid(self.maps, self.placing, indices)
        return Image(np.minimum(coronal[:, None, :], sagittal[:, :, None]), grid.ijk_to_ras, name=TITLE)


def back_project(maps: npt.NDArray[np.floating], placing: Placing) -> BackProjection:
    """The maps of both views, each brought to the PET's own grid by bilinear interpolation.

    Args:
        maps: [2, h, w] in 0 to 1, of the coronal and the sagittal view; h and w are the canvas's, or a whole part of them.
        placing: of the views.
    """
    maps = np.asarray(maps, dtype=np.float32)
    coronal, sagittal = _on_grid(maps, placing, [np.arange(n) for n in placing.geometry.shape_kji])
    return BackProjection(coronal, sagittal, placing.geometry, placing, maps)


def _on_grid(
    maps: FloatArray, placing: Placing, indices: Sequence[npt.NDArray[np.floating | np.integer]]
) -> tuple[FloatArray, FloatArray]:
    """[k, i] and [k, j] of the maps at indices along k, j and i."""
    k, j, i = indices
    stride = placing.height // maps.shape[1]
    found = []
    for picture, axis, across in zip(maps, placing.columns, (i, j), strict=True):
        rows = _weights(placing.rows, k, maps.shape[1], stride)
        columns = _weights(axis, across, maps.shape[2], stride)
        found.append(rows @ picture @ columns.T)
    return found[0], found[1]


def _weights(axis: PixelAxis, indices: npt.NDArray[np.floating | np.integer], cells: int, stride: int) -> FloatArray:
    """[n, cells] of the cells of a map for each index along an axis; beyond the canvas all are 0, and within it, beyond the
    middle of the outermost cell, that cell goes on."""
    place = axis.on_canvas(indices)
    inside = (place >= -0.5) & (place <= cells * stride - 0.5)
    at = np.clip((place - (stride - 1) / 2) / stride, 0, cells - 1)
    low = np.minimum(at.astype(int), max(cells - 2, 0))
    weights = np.zeros((len(place), cells), dtype=np.float32)
    rows = np.arange(len(place))
    weights[rows, low] = (1 - (at - low)) * inside
    weights[rows, np.minimum(low + 1, cells - 1)] += (at - low) * inside
    return weights


def _grown(mask: BoolArray, spacing_mm: tuple[float, float], reach_mm: float) -> BoolArray:
    """[rows, columns] grown by a disc; ``spacing_mm``: of columns and of rows."""
    return np.asarray(grown_by_ball(mask[None], (*spacing_mm, 2 * reach_mm + 1), reach_mm)[0])


def _filled(mask: BoolArray) -> slice:
    columns = np.flatnonzero(mask.any(axis=0))
    return slice(int(columns[0]), int(columns[-1]) + 1)
