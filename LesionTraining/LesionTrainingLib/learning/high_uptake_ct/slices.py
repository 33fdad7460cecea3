"""Slices as the recipe uses them: on the method's working grid, with the truth of each of their pixels; cached."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import CT, Geometry, Image, understood_as
from LesionDetectionLib.core.lesion import Lesion, Mask
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.imaging.geometry import to_axial
from LesionDetectionLib.imaging.lungs import LungMask
from LesionDetectionLib.methods.high_uptake_ct.network import CENTER_ZYX, PATCH_ZYX
from LesionDetectionLib.methods.high_uptake_ct.preprocessing import prepare
from LesionDetectionLib.methods.high_uptake_ct.settings import HighUptakeSettings

from ...cohorts.caching import Content, Entry, Maker
from ...cohorts.case import Case, Truth
from ...evaluation.matching.overlap import UNKNOWN_DIAMETER_MM
from ..recipe import Run
from .choosing import choose_slices
from .settings import SliceSettings

UNKNOWN = -1
"""Label of pixels that are neither active lesion nor background (findings that are to be left out)."""
_DEPTH, _MIDDLE = PATCH_ZYX[0], CENTER_ZYX[0]
_ARRAYS = ("hu", "first", "labels", "search_bits", "slices", "inactive_kji", "ijk_to_ras")


@dataclass(frozen=True, eq=False)
class TrainingSlices:
    """The chosen slices of one case, each with its two neighbours on either side. n = slices, m = planes.

    Attributes:
        name: id of the case.
        hu: [m, j, i] int16, the planes that the slices and their neighbours are, in order; beyond the scan's ends the end
            plane is repeated. Mapped from the cache, read when touched.
        first: [n] the first of the five planes of each slice.
        labels: [n, j, i] int16 number of the active lesion at each pixel, from 1 on, the same in all slices of the case; 0 for
            background, :data:`UNKNOWN` for what is neither.
        search_bits: where the detector looks, the bits of a mask of the shape of ``labels``.
        slices: [n] index of each in the working grid, rising.
        inactive_kji: [a, 3] voxels of the working grid: places that are known to be no active lesion.
        geometry: of the working grid, whole slices in axial order.
        has_active: whether the case has active lesions, in these slices or others.
        entry: of the cache, held so that it stays there; None for slices that are in memory only.
    """

    name: str
    hu: npt.NDArray[np.int16]
    first: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int16]
    search_bits: npt.NDArray[np.uint8]
    slices: npt.NDArray[np.int64]
    inactive_kji: npt.NDArray[np.float64]
    geometry: Geometry
    has_active: bool
    entry: Entry | None = None

    def __len__(self) -> int:
        return len(self.first)

    @property
    def shape_ji(self) -> tuple[int, int]:
        """Rows and columns of a slice."""
        return self.hu.shape[1], self.hu.shape[2]

    @property
    def identity(self) -> str:
        """Changes when image, labels or settings do, where it comes from the cache."""
        return self.name if self.entry is None else self.entry.key

    def stack(self, n: int) -> npt.NDArray[np.int16]:
        """[5, j, i] HU of a slice and its neighbours; a view."""
        start = int(self.first[n])
        return self.hu[start : start + _DEPTH]

    def search(self, n: int) -> npt.NDArray[np.bool_]:
        """[j, i]: where the detector looks in a slice."""
        size = self.hu[0].size
        start, stop = n * size, (n + 1) * size
        bits = np.unpackbits(self.search_bits[start // 8 : -(-stop // 8)])
        return bits[start % 8 : start % 8 + size].reshape(self.shape_ji).view(bool)

    def lesions(self, n: int) -> npt.NDArray[np.int32]:
        """[j, i] number of the active lesion at each pixel of a slice, 1 to as many as it shows; 0 elsewhere."""
        labels = self.labels[n]
        shown = np.unique(labels[labels > 0])
        numbers = np.zeros(int(labels.max(initial=0)) + 1, dtype=np.int32)
        numbers[shown] = np.arange(1, len(shown) + 1)
        renumbered: npt.NDArray[np.int32] = numbers[np.maximum(labels, 0)]
        return renumbered


def prepare_slices(
    image: Image, truth: Truth, method: HighUptakeSettings, selection: SliceSettings, name: str = ""
) -> TrainingSlices:
    """The chosen slices of a case, as the detector sees them, with the truth.

    Args:
        image: CT in HU, on whose grid the lesions' masks lie.
        truth: active lesions; findings to leave out; places that are known to be no active lesion.
        method: working grid and search region.
        selection: which slices.
        name: id of the case; empty for the image's name.

    Raises:
        InputError: not a usable CT, no lungs in it, lesions without an outline or outside the scan, or no slice to take.
    """
    prepared = prepare(image, method)
    grid = prepared.geometry
    labels = np.zeros(grid.shape_kji, dtype=np.int16)
    for finding in truth.excluded:
        labels[_pixels(finding, image.geometry, grid)] = UNKNOWN
    sections = np.zeros((len(truth.lesions), len(labels)), dtype=np.int64)
    for number, lesion in enumerate(truth.lesions, 1):
        if lesion.mask is None:
            raise InputError(
                f"An active lesion of “{name or image.name}” has no outline, only a place: which pixels are lesion cannot "
                "be learned from it."
            )
        own = _pixels(lesion, image.geometry, grid)
        labels[own] = number
        sections[number - 1] = own.sum(axis=(1, 2))
    if len(sections) and not sections.any():
        raise InputError(
            f"The active lesions of “{name or image.name}” lie outside the scan, or are too small for its grid."
        )
    inactive = grid.ijk_from_ras(truth.negatives_ras_mm.reshape(-1, 3))[:, ::-1]
    within = np.round(inactive[:, 0]).astype(int)
    within = within[(within >= 0) & (within < len(labels))]
    chosen = choose_slices(sections, prepared.slices, within.tolist(), selection)
    if not chosen:
        raise InputError(
            f"No slice of “{name or image.name}” is to be learned from: it shows no active lesion, and no lungs."
        )
    planes, first = _planes(chosen, len(labels))
    return TrainingSlices(
        name or image.name,
        np.clip(np.rint(prepared.voxels[planes]), -32768, 32767).astype(np.int16),
        first,
        labels[chosen],
        np.packbits(prepared.search[chosen]),
        np.array(chosen, dtype=np.int64),
        inactive,
        grid,
        bool(truth.lesions),
    )


def _planes(chosen: Sequence[int], count: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """[m] the planes that are kept, and [n] where among them the five of each chosen slice begin.

    Slices before the first are counted below 0 and are the first one's copies; so behind the last.
    """
    around = np.unique(np.array(chosen)[:, None] + np.arange(_DEPTH) - _MIDDLE)
    first = np.searchsorted(around, np.array(chosen) - _MIDDLE)
    return np.clip(around, 0, count - 1), first.astype(np.int64)


def _pixels(lesion: Lesion, image: Geometry, grid: Geometry) -> npt.NDArray[np.bool_]:
    """[k, j, i] of the working grid: the voxels of a lesion, by the nearest; those of a ball where it has no outline."""
    if lesion.mask is None:
        return _ball(lesion, grid)
    return _moved(lesion.mask, image, grid)


def _moved(mask: Mask, image: Geometry, grid: Geometry) -> npt.NDArray[np.bool_]:
    i, j, k = mask.voxels.shape[::-1]
    box = image.crop(mask.start_ijk, (i, j, k))
    axial = to_axial(Image(mask.voxels.view(np.uint8), box.ijk_to_ras))
    return LungMask(axial.voxels.astype(bool), axial.geometry).on_grid(grid)


def _ball(lesion: Lesion, grid: Geometry) -> npt.NDArray[np.bool_]:
    inside = np.zeros(grid.shape_kji, dtype=bool)
    center = grid.ijk_from_ras(lesion.center_ras_mm)[::-1]
    spacing = np.array(grid.spacing_mm[::-1])
    reach = (lesion.diameter_mm or UNKNOWN_DIAMETER_MM) / 2
    low = np.clip(np.floor(center - reach / spacing), 0, grid.shape_kji).astype(int)
    high = np.clip(np.ceil(center + reach / spacing) + 1, 0, grid.shape_kji).astype(int)
    axes = [(np.arange(a, b) - c) * mm for a, b, c, mm in zip(low, high, center, spacing, strict=True)]
    distance = sum(np.square(axis) for axis in np.ix_(*axes))
    inside[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = distance <= reach**2
    return inside


def _prepared(case: Case, settings: tuple[HighUptakeSettings, SliceSettings], progress: Progress) -> Content:
    """A labelled case for the cache. Raises InputError where it cannot be used."""
    method, selection = settings
    truth = case.truth()
    found = prepare_slices(understood_as(case.images(progress)[CT]), truth, method, selection, case.id)
    arrays: dict[str, npt.NDArray[Any]] = {name: getattr(found, name) for name in _ARRAYS[:-1]}
    values = {"name": case.id, "has_active": found.has_active, "shape_kji": list(found.geometry.shape_kji)}
    return Content({**arrays, "ijk_to_ras": found.geometry.ijk_to_ras}, values)


SLICES = Maker("high-uptake-ct-slices", 1, _prepared)
"""Makes entries of the cache that :func:`slices_from` reads; raise its version when it makes something else."""


def slices_from(entry: Entry) -> TrainingSlices:
    """Slices from the cache; their voxels stay on disk until they are touched, as long as ``entry`` lives."""
    arrays = {name: entry.arrays[name] for name in _ARRAYS}
    k, j, i = entry.values["shape_kji"]
    geometry = Geometry((k, j, i), arrays.pop("ijk_to_ras"))
    values = entry.values
    return TrainingSlices(values["name"], geometry=geometry, has_active=values["has_active"], entry=entry, **arrays)


def prepared_slices(
    cases: Sequence[Case], run: Run, method: HighUptakeSettings, selection: SliceSettings, progress: Progress
) -> list[TrainingSlices]:
    """The slices of all cases that can be used; the others join ``run.left_out``. The first process prepares them; what it
    made the others find in the cache.

    Raises:
        OutputError: the disk is full.
        Cancelled: through ``progress``.
    """
    wanted = (grid_settings(method), selection)
    return [slices_from(entry) for entry in run.prepared(cases, wanted, SLICES, progress)]


def grid_settings(method: HighUptakeSettings) -> HighUptakeSettings:
    """The settings that prepared slices depend on; the others are at their defaults, so that they make no other entry."""
    return HighUptakeSettings(
        spacing_mm=method.spacing_mm, lungs_only=method.lungs_only, hull_margin_mm=method.hull_margin_mm
    )


def lesion_count(slices: Sequence[TrainingSlices]) -> int:
    """Active lesions that the slices show, each counted once."""
    return sum(len(np.unique(one.labels[one.labels > 0])) for one in slices)
