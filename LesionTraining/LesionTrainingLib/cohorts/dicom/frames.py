"""Labelled frames at any place in the patient, sampled onto an image's grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.errors import GeometryError
from LesionDetectionLib.core.image import FloatArray, Geometry
from LesionDetectionLib.core.lesion import Mask
from LesionDetectionLib.io.dicom_grid import SAME_POSITION_MM, slice_axes

_SAME_VOXEL = 0.1
"""Frames whose pixels all lie this near to voxel centres (in voxels) are on the image's own grid; positions jitter."""
_SAME_DIRECTION = 1e-3
_RIM = 1e-6
"""Of a voxel or mm: rounding at the outer edge of a frame."""


@dataclass(frozen=True, eq=False)
class Frame:
    """A binary picture in the patient, as DICOM places it.

    Attributes:
        pixels: [rows, columns] bool.
        position: LPS mm of the centre of the first pixel.
        orientation: six cosines, along a row and down a column.
        pixel_spacing: mm between rows, between columns.
    """

    pixels: npt.NDArray[np.bool_]
    position: tuple[float, ...]
    orientation: tuple[float, ...]
    pixel_spacing: tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Sampled:
    """What :func:`sample` found: the mask (None where no voxel is in it), and whether the frames lay on the grid."""

    mask: Mask | None
    on_grid: bool


def sample(frames: Sequence[Frame], slice_spacing_mm: float, geometry: Geometry) -> Sampled:
    """The mask that parallel frames make on the grid ``geometry``: each voxel takes the pixel nearest to its centre.

    Frames may come in any order, may be some slices only, and may lie on another grid, turned or mirrored. Frames at one
    position are joined (or). A voxel further than half a slice spacing from every frame is outside.

    Args:
        slice_spacing_mm: between the frames; 0 where unknown, and then taken from the image. Frames on the image's grid
            have its spacing, whatever they say.

    Raises:
        GeometryError: the frames are not parallel, or of different sizes.
    """
    stack = _stack(frames, slice_spacing_mm or _along(slice_axes(frames[0].orientation)[2], geometry))
    on_grid = stack.lies_on(geometry)
    return Sampled((_moved if on_grid else _nearest)(stack, geometry), on_grid)


def _moved(stack: _Stack, geometry: Geometry) -> Mask | None:
    """Each pixel is a voxel: the set ones are moved to their places, so that thick slices spread to no neighbour."""
    places = [stack.places(n, np.argwhere(pixels)[:, ::-1]) for n, pixels in enumerate(stack.pixels)]
    ijk = np.rint(geometry.ijk_from_ras(np.concatenate(places) * (-1, -1, 1))).astype(int)
    ijk = ijk[((ijk >= 0) & (ijk < geometry.shape_kji[::-1])).all(axis=1)]
    if not len(ijk):
        return None
    low = ijk.min(axis=0)
    voxels = np.zeros((ijk.max(axis=0) - low + 1)[::-1], dtype=bool)
    voxels[tuple((ijk - low).T[::-1])] = True
    return Mask(voxels, (int(low[0]), int(low[1]), int(low[2])))


def _nearest(stack: _Stack, geometry: Geometry) -> Mask | None:
    """Each voxel takes the pixel nearest to its centre, slice by slice."""
    ijk = geometry.ijk_from_ras(stack.corners_lps() * (-1, -1, 1))
    low = np.maximum(np.floor(ijk.min(axis=0)).astype(int), 0)
    high = np.minimum(np.ceil(ijk.max(axis=0)).astype(int) + 1, geometry.shape_kji[::-1])
    if (low >= high).any():
        return None
    voxels = np.zeros((high - low)[::-1], dtype=bool)
    plane = np.stack(np.meshgrid(np.arange(low[0], high[0]), np.arange(low[1], high[1])), axis=-1)  # [j, i, (i, j)]
    for n in range(len(voxels)):
        places = np.concatenate([plane, np.full((*plane.shape[:2], 1), low[2] + n)], axis=-1)
        voxels[n] = stack.at(geometry.ras_from_ijk(places) * (-1, -1, 1))
    if not voxels.any():
        return None
    inner = Mask.from_full(voxels)
    i, j, k = (a + int(b) for a, b in zip(inner.start_ijk, low, strict=True))
    return Mask(inner.voxels, (i, j, k))


@dataclass(frozen=True, eq=False)
class _Stack:
    """Frames in rising order along their normal, cropped to where any of them has a pixel.

    Attributes:
        pixels: [n, rows, columns] bool.
        start: column and row of the crop's first pixel in the frames.
        origins: [n, 2] mm of the frames' first pixels along rows and columns.
        distances: [n] mm along the normal.
        axes: [3, 3] LPS; step: mm of a column, of a row; reach: half the slice spacing.
    """

    pixels: npt.NDArray[np.bool_]
    start: tuple[int, int]
    origins: FloatArray
    distances: FloatArray
    axes: FloatArray
    step: FloatArray
    reach: float

    def at(self, places_lps: FloatArray) -> npt.NDArray[np.bool_]:
        """The pixels nearest to places, [..., 3] LPS mm -> [...]."""
        local = places_lps @ self.axes.T
        above = np.clip(np.searchsorted(self.distances, local[..., 2]), 1, max(len(self.distances) - 1, 1))
        below = above - 1
        above = np.minimum(above, len(self.distances) - 1)
        nearer = np.abs(local[..., 2] - self.distances[below]) <= np.abs(local[..., 2] - self.distances[above])
        n = np.where(nearer, below, above)
        inside = np.abs(local[..., 2] - self.distances[n]) <= self.reach + _RIM
        columns_rows = (local[..., :2] - self.origins[n]) / self.step
        nearest = np.floor(columns_rows + 0.5).astype(int) - self.start
        limit = np.array(self.pixels.shape[:0:-1])
        inside &= ((nearest >= 0) & (nearest < limit)).all(axis=-1)
        column, row = np.moveaxis(np.where(inside[..., None], nearest, 0), -1, 0)
        return np.asarray(self.pixels[n, row, column] & inside)

    def corners_lps(self) -> FloatArray:
        """[m, 3]: the outermost pixels' edges, with half a slice spacing above and below."""
        rows, columns = self.pixels.shape[1:]
        corners = list(product((-0.5, columns - 0.5), (-0.5, rows - 0.5)))
        ends = product((0, len(self.distances) - 1), (-self.reach, self.reach))
        return np.concatenate([self.places(n, corners, above) for n, above in ends])

    def lies_on(self, geometry: Geometry) -> bool:
        """Whether the pixels are voxels of the grid: their corners, and one step along each side, at whole indices."""
        rows, columns = self.pixels.shape[1:]
        pixels = ((0, 0), (columns - 1, 0), (0, rows - 1), (1, 0), (0, 1))
        places = np.array([self.places(n, pixels) for n in range(len(self.distances))])
        ijk = geometry.ijk_from_ras(places * (-1, -1, 1))
        steps = np.abs(ijk[:, 3:] - ijk[:, :1]).sum(axis=-1)
        whole = np.abs(ijk - np.rint(ijk)).max() <= _SAME_VOXEL
        return bool(whole and np.abs(steps - 1).max() <= _SAME_VOXEL)

    def places(self, n: int, columns_rows: npt.ArrayLike, above: float = 0.0) -> FloatArray:
        """LPS mm, [m, 3], of pixels (column, row) of the crop of frame ``n``, ``above`` mm along the normal."""
        in_plane = self.origins[n] + (np.asarray(columns_rows) + self.start) * self.step
        local = np.column_stack([in_plane, np.full(len(in_plane), self.distances[n] + above)])
        return np.asarray(local @ self.axes)


def _along(normal_lps: FloatArray, geometry: Geometry) -> float:
    """The grid's spacing along the axis that is nearest to a direction."""
    spacing = np.array(geometry.spacing_mm)
    cosines = (normal_lps * (-1, -1, 1)) @ (geometry.ijk_to_ras[:3, :3] / spacing)
    return float(spacing[np.argmax(np.abs(cosines))])


def _stack(frames: Sequence[Frame], slice_spacing_mm: float) -> _Stack:
    first = frames[0]
    if any(np.abs(np.subtract(f.orientation, first.orientation)).max() > _SAME_DIRECTION for f in frames):
        raise GeometryError("The frames of the segmentation are not parallel. Export it again from one image series.")
    if any(f.pixels.shape != first.pixels.shape or f.pixel_spacing != first.pixel_spacing for f in frames):
        raise GeometryError("The frames of the segmentation differ in size or spacing. Export it again.")
    axes = slice_axes(first.orientation)
    local = np.array([f.position for f in frames], dtype=np.float64) @ axes.T
    pixels, start = _cropped([f.pixels for f in frames])
    order = np.argsort(local[:, 2], kind="stable")
    kept: list[int] = []
    for n in order:
        if kept and local[n, 2] - local[kept[-1], 2] <= SAME_POSITION_MM:
            pixels[kept[-1]] |= pixels[n]
        else:
            kept.append(int(n))
    step = np.array([first.pixel_spacing[1], first.pixel_spacing[0]], dtype=np.float64)
    return _Stack(pixels[kept], start, local[kept, :2], local[kept, 2], axes, step, slice_spacing_mm / 2)


def _cropped(pictures: Sequence[npt.NDArray[np.bool_]]) -> tuple[npt.NDArray[np.bool_], tuple[int, int]]:
    """[n, rows, columns] of the pixels that any picture has set (one, where none has), and its column and row."""
    together = np.logical_or.reduce(pictures)
    rows, columns = np.flatnonzero(together.any(axis=1)), np.flatnonzero(together.any(axis=0))
    if not len(rows):
        return np.zeros((len(pictures), 1, 1), dtype=bool), (0, 0)
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return np.stack([picture[box] for picture in pictures]), (int(columns[0]), int(rows[0]))
