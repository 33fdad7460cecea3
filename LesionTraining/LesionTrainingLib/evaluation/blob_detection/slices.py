"""One slice as it is judged: its blobs, the sections of active lesions in it, and which touch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.core.lesion import Mask
from LesionDetectionLib.imaging.recist import recist_of_mask

from ..metrics.checks import BoolArray, FloatArray

if TYPE_CHECKING:
    from LesionDetectionLib.imaging.blobs import SliceBlobs

IntArray = npt.NDArray[np.integer[Any]]


class JudgedBlobs(Protocol):
    """What verification needs of one slice: a :class:`ScoredSlice` has it, or a :class:`JudgedSlice` without its pixels."""

    @property
    def case(self) -> str: ...
    @property
    def maxima(self) -> FloatArray: ...
    @property
    def areas(self) -> IntArray: ...
    @property
    def touches(self) -> BoolArray: ...
    @property
    def lesion_mm(self) -> FloatArray: ...


@dataclass(frozen=True, eq=False)
class JudgedSlice:
    """The blobs of a slice, and which lesion each touches. B = blobs, L = lesions.

    Attributes:
        case: id of the scan.
        maxima: [B] greatest similarity of each blob, above 0.
        areas: [B] its pixels.
        touches: [B, L] whether a blob overlaps a lesion by a pixel.
        lesion_mm: [L] longest diameter of the lesion's section in the slice.
    """

    case: str
    maxima: FloatArray
    areas: IntArray
    touches: BoolArray
    lesion_mm: FloatArray


@dataclass(frozen=True, eq=False)
class ScoredSlice:
    """The blobs of a slice and the lesions in it.

    Attributes:
        case: id of the scan.
        blobs: of the similarity map.
        lesions: [j, i] number of the lesion at each pixel, from 1 on; 0 where there is none.
        lesion_mm: [L] longest diameter of each lesion's section, see :func:`section_diameters_mm`.

    Raises:
        ValueError: maps of different size, or lesions that are not numbered 1 to L.
    """

    case: str
    blobs: SliceBlobs
    lesions: IntArray
    lesion_mm: FloatArray

    def __post_init__(self) -> None:
        if self.lesions.shape != self.blobs.labels.shape:
            raise ValueError(f"lesions of {self.lesions.shape} do not fit blobs of {self.blobs.labels.shape} pixels")
        found = np.unique(self.lesions[self.lesions != 0])
        if not np.array_equal(found, np.arange(1, len(self.lesion_mm) + 1)):
            raise ValueError(f"{len(self.lesion_mm)} lesions, but the pixels are numbered {found.tolist()}")

    @property
    def maxima(self) -> FloatArray:
        return np.asarray(self.blobs.maxima, dtype=np.float64)

    @property
    def areas(self) -> IntArray:
        return np.asarray(self.blobs.areas)

    @cached_property
    def touches(self) -> BoolArray:
        """[B, L], see :class:`JudgedSlice`."""
        touches = np.zeros((len(self.blobs.areas), len(self.lesion_mm)), dtype=bool)
        both = (self.blobs.labels > 0) & (self.lesions > 0)
        touches[self.blobs.labels[both] - 1, self.lesions[both] - 1] = True
        return touches

    def judged(self) -> JudgedSlice:
        """The same without the pixels: some hundred bytes."""
        return JudgedSlice(self.case, self.maxima, self.areas, self.touches, np.asarray(self.lesion_mm, np.float64))


def section_diameters_mm(lesions: IntArray, geometry: Geometry) -> FloatArray:
    """[L] size of each lesion in a slice, mm: the longest diameter of its section there (its longest connected part), by the
    rules of :mod:`LesionDetectionLib.imaging.recist`.

    Args:
        lesions: [j, i] numbers 1 to L, each in one pixel at least; 0 where there is none.
        geometry: of the grid that the slice is part of; its slices are axial.
    """
    numbers = range(1, int(lesions.max(initial=0)) + 1)
    return np.array([recist_of_mask(Mask.from_full(lesions[None] == n), geometry).long_mm for n in numbers])
