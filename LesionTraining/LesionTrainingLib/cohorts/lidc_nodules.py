"""From readings to nodules: outlines to masks, masks of several readers to one nodule, and what they agree on.

An outline runs through the pixels just *outside* the nodule (LIDC's convention), so they do not belong to it, and those of a
hole do. Readings by different readers are of one nodule where their masks share a voxel, or their centres are closer than
the larger one's radius.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.core.lesion import NODULE, Lesion, Mask, Point
from LesionDetectionLib.imaging.geometry import AxialOrder
from LesionDetectionLib.imaging.measurements import equivalent_diameter_mm

from .case import Truth
from .dicom.mask_lesions import lesions_of_mask
from .lidc_readings import Contour, Reading, Readings
from .luna16_lists import UNKNOWN_DIAMETER_MM

HALF, READERS, ANY, ALL = "half", "readers", "any", "all"
CONSENSUS = (HALF, READERS, ANY, ALL)
_OFF_GRID = 0.25
"""Share of a slice that an outline may lie beside its slice before a note says so."""


@dataclass(frozen=True)
class Agreement:
    """Attributes:
    readers: that have to outline a nodule; what fewer saw is excluded.
    consensus: a voxel counts where at least so many of them marked it: ``half`` (of those who outlined the nodule),
        ``readers`` (as many as ``readers`` says), ``any`` (one), or ``all`` (of those who outlined it).
    """

    readers: int
    consensus: str

    def votes(self, outlined: int) -> int:
        """How many votes a voxel needs of ``outlined`` readers."""
        return {HALF: math.ceil(outlined / 2), READERS: min(self.readers, outlined), ANY: 1, ALL: outlined}[
            self.consensus
        ]


@dataclass(frozen=True)
class _Outlined:
    """One reading as a mask on the image's grid."""

    reader: int
    reading: Reading
    mask: Mask
    center_ras_mm: Point
    radius_mm: float


class ReadingGrid:
    """The pixels that readings mean, on the grid of an image.

    Args:
        geometry: of the image.
        as_scanned: whether its rows and columns are the scan's own (DICOM). Otherwise they are taken in axial order, which
            they have in DICOM: a NIfTI file, for one, may have its rows upside down.
    """

    def __init__(self, geometry: Geometry, as_scanned: bool) -> None:
        self.geometry = geometry
        self._order = AxialOrder((0, 1, 2), (False, False, False)) if as_scanned else AxialOrder.of(geometry)
        n = geometry.shape_kji
        self.shape_kji = (n[self._order.axes[0]], n[self._order.axes[1]], n[self._order.axes[2]])
        first = geometry.ras_from_ijk(self._source_ijk((0, 0, 0)))[2]
        self._step = float(geometry.ras_from_ijk(self._source_ijk((0, 0, 1)))[2] - first)
        self._first = float(first)
        if abs(self._step) < 0.5 * min(geometry.spacing_mm):
            raise InputError("The readings are of axial slices, and the image has none. Use the image that was read.")
        self.outside = self.beside = 0

    def slice_of(self, contour: Contour) -> int | None:
        """The slice of a contour, or None where the image does not reach it.

        Raises:
            InputError: pixels outside the image.
        """
        columns, rows = np.array(contour.points_xy).max(axis=0) + 1
        if columns > self.shape_kji[2] or rows > self.shape_kji[1] or np.min(contour.points_xy) < 0:
            raise InputError(
                f"The readings have pixels up to column {columns - 1} and row {rows - 1}, and the image has "
                f"{self.shape_kji[2]} x {self.shape_kji[1]}. Is it a part of the scan, or of another one?"
            )
        k = (contour.z_mm - self._first) / self._step
        if not -0.5 <= k < self.shape_kji[0] - 0.5:
            self.outside += 1
            return None
        self.beside += abs(k - round(k)) > _OFF_GRID
        return round(k)

    def place_of(self, contour: Contour) -> Point | None:
        """The middle of a contour in RAS mm."""
        k = self.slice_of(contour)
        if k is None:
            return None
        x, y = np.mean(contour.points_xy, axis=0)
        a, b, c = (float(n) for n in self.geometry.ras_from_ijk(self._source_ijk((x, y, k))))
        return a, b, c

    def mask_of(self, reading: Reading) -> Mask | None:
        """The voxels inside the outlines; None where they enclose none."""
        slices = [(k, contour) for contour in reading.contours if (k := self.slice_of(contour)) is not None]
        if not slices:
            return None
        points = np.array([point for _, contour in slices for point in contour.points_xy])
        (i, j), (i_end, j_end) = points.min(axis=0), points.max(axis=0) + 1
        k_low, k_high = min(k for k, _ in slices), max(k for k, _ in slices)
        box = np.zeros((k_high - k_low + 1, j_end - j, i_end - i), dtype=bool)
        # Holes last: a reader may have listed one before what it is in.
        for k, contour in sorted(slices, key=lambda entry: not entry[1].inclusion):
            inside = _inside(np.array(contour.points_xy) - (i, j), box.shape[1:])
            plane = box[k - k_low]
            plane[inside] = contour.inclusion
        if not box.any():
            return None
        return self._source_mask(box, (int(i), int(j), k_low))

    def _source_ijk(self, ijk: Sequence[float]) -> list[float]:
        """Indices of the image for indices in the order of the readings."""
        source = [0.0, 0.0, 0.0]
        for axis in range(3):
            at = 2 - self._order.axes[axis]
            n = self.shape_kji[axis]
            source[at] = n - 1 - ijk[2 - axis] if self._order.flips[axis] else ijk[2 - axis]
        return source

    def _source_mask(self, box: npt.NDArray[np.bool_], start_ijk: tuple[int, int, int]) -> Mask:
        last = [n + size - 1 for n, size in zip(start_ijk, box.shape[::-1], strict=True)]
        corners = np.array([self._source_ijk(start_ijk), self._source_ijk(last)]).min(axis=0)
        i, j, k = (int(n) for n in corners)
        return Mask(self._order.undo_array(box), (i, j, k))


def nodules_of(readings: Readings, grid: ReadingGrid, agreement: Agreement) -> Truth:
    """The nodules that enough readers outlined; everything else that anybody marked is excluded.

    Excluded are nodules that fewer outlined (union of their masks), nodules below 3 mm, and findings that are no nodules:
    of the latter two only a place is known, and :data:`~.luna16_lists.UNKNOWN_DIAMETER_MM` is taken for their size.

    Raises:
        InputError: the image is not the one that was read.
    """
    outlined, points = _sorted_out(readings, grid)
    total = sum(len(reading.contours) for session in readings.sessions for reading in session.nodules)
    if grid.outside and grid.outside >= total + sum(len(session.non_nodules) for session in readings.sessions):
        raise InputError("No slice of the readings is in the image. Is it another scan, or a part of it?")
    found, excluded = list[Lesion](), list[Lesion]()
    for group in _groups(outlined):
        readers = len({one.reader for one in group})
        accepted = readers >= agreement.readers
        lesion = _lesion(group, grid.geometry, agreement if accepted else Agreement(1, ANY))
        (found if accepted else excluded).append(lesion)
    note = f"Only its place is known; {UNKNOWN_DIAMETER_MM:g} mm was taken for its size, as LUNA16 does."
    excluded += [Lesion(place, UNKNOWN_DIAMETER_MM, 1.0, note=f"{what}. {note}") for place, what in points]
    notes = []
    if grid.outside:
        notes.append(
            f"{grid.outside} outlines or points are of slices that the image does not have; they were skipped."
        )
    if grid.beside:
        notes.append(f"{grid.beside} outlines or points lie between slices of the image. Was it resampled?")
    return Truth(tuple(found), tuple(excluded), notes=tuple(notes))


def _sorted_out(readings: Readings, grid: ReadingGrid) -> tuple[list[_Outlined], list[tuple[Point, str]]]:
    """The outlined nodules, and the places of everything else with what it is."""
    outlined, points = list[_Outlined](), list[tuple[Point, str]]()
    for reader, session in enumerate(readings.sessions):
        for reading in session.nodules:
            mask = None if reading.is_small else grid.mask_of(reading)
            if mask is not None:
                center = mask.centroid_ras_mm(grid.geometry)
                size = equivalent_diameter_mm(mask.count * grid.geometry.voxel_volume_mm3)
                outlined.append(_Outlined(reader, reading, mask, center, size / 2))
            elif (place := grid.place_of(reading.contours[0])) is not None:
                points.append((place, "A nodule below 3 mm"))
        for other in session.non_nodules:
            place = grid.place_of(other)
            points += [] if place is None else [(place, "A finding that is no nodule")]
    return outlined, points


def _groups(outlined: Sequence[_Outlined]) -> list[list[_Outlined]]:
    """Readings of one nodule together, in the order in which they begin."""
    owner = list(range(len(outlined)))
    for second, one in enumerate(outlined):
        for first in range(second):
            if outlined[first].reader != one.reader and _same_nodule(outlined[first], one):
                old, new = owner[second], owner[first]
                owner = [new if entry == old else entry for entry in owner]
    groups: dict[int, list[_Outlined]] = defaultdict(list)
    for index, entry in enumerate(owner):
        groups[entry].append(outlined[index])
    return list(groups.values())


def _same_nodule(one: _Outlined, other: _Outlined) -> bool:
    if math.dist(one.center_ras_mm, other.center_ras_mm) < max(one.radius_mm, other.radius_mm):
        return True
    starts = np.array([one.mask.start_ijk, other.mask.start_ijk])
    ends = starts + np.array([one.mask.voxels.shape[::-1], other.mask.voxels.shape[::-1]])
    if (starts.max(axis=0) >= ends.min(axis=0)).any():
        return False  # their boxes do not meet
    return bool((_votes([one, other])[1] == 2).any())


def _votes(group: Sequence[_Outlined]) -> tuple[tuple[int, int, int], npt.NDArray[np.int64]]:
    """Where the box around all of them begins (i, j, k), and how many readers marked each of its voxels, [k, j, i]."""
    low = np.min([one.mask.start_ijk for one in group], axis=0)
    high = np.max([np.array(one.mask.start_ijk) + one.mask.voxels.shape[::-1] for one in group], axis=0)
    by_reader: dict[int, npt.NDArray[np.bool_]] = {}
    for one in group:
        marked = by_reader.setdefault(one.reader, np.zeros((high - low)[::-1], dtype=bool))
        shifted = replace(one.mask, start_ijk=tuple(np.array(one.mask.start_ijk) - low))
        marked[shifted.slices_kji] |= one.mask.voxels
    i, j, k = (int(n) for n in low)
    return (i, j, k), np.sum(list(by_reader.values()), axis=0, dtype=np.int64)


def _lesion(group: Sequence[_Outlined], geometry: Geometry, agreement: Agreement) -> Lesion:
    start, votes = _votes(group)
    readers = len({one.reader for one in group})
    needed = agreement.votes(readers)
    marked, note = votes >= needed, f"Outlined by {readers} readers." if readers > 1 else "Outlined by one reader."
    if not marked.any():
        marked = votes >= 1
        note += f" No voxel is marked by {needed} of them; all that anybody marked was taken."
    cropped = Mask.from_full(marked)
    i, j, k = (a + b for a, b in zip(start, cropped.start_ijk, strict=True))
    (lesion,) = lesions_of_mask(Mask(cropped.voxels, (i, j, k)), geometry, parts=False, meaning=NODULE, note=note)
    names = dict.fromkeys(name for one in group for name in one.reading.ratings)
    ratings = {name: [one.reading.ratings[name] for one in group if name in one.reading.ratings] for name in names}
    means = {f"mean_{name.lower()}": float(np.mean(values)) for name, values in ratings.items()}
    return replace(lesion, measurements={**lesion.measurements, "readers": float(readers), **means})


def _inside(points_xy: npt.NDArray[np.int64], shape: tuple[int, ...]) -> npt.NDArray[np.bool_]:
    """The pixels that an outline encloses, without those that it runs through, [rows, columns]."""
    import cv2

    corners = [np.ascontiguousarray(points_xy, dtype=np.int32).reshape(-1, 1, 2)]
    filled, line = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    cv2.fillPoly(filled, corners, 1)
    cv2.polylines(line, corners, True, 1)
    return np.asarray((filled == 1) & (line == 0))
