"""Scans as the recipe uses them: on the method's working grid, with the truth and the places to sample from; cached."""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt
import torch
from LesionDetectionLib.core.image import CT, HU, Geometry, Image, require_usable, understood_as
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.imaging.geometry import resample, to_axial
from LesionDetectionLib.imaging.lungs import find_lungs, search_region
from LesionDetectionLib.methods.intensities import scaled
from LesionDetectionLib.methods.nodule_ct.preprocessing import LEAST_SLICES, REACH_IJK, PreparedScan
from LesionDetectionLib.methods.nodule_ct.settings import NoduleSettings

from ...cohorts.caching import Content, Entry, Maker
from ...cohorts.case import Case, Truth
from ...evaluation.matching.overlap import UNKNOWN_DIAMETER_MM
from ..recipe import Run

POOL_SIZE = 20_000
"""Places of each kind that are kept of a scan."""
DENSE_HU = -600.0
"""Voxels above this in the search region are vessels, walls, mediastinum or nodules; lung tissue is about -850."""
_ARRAYS = ("hu", "nodules_zyx", "diameters_mm", "excluded_zyx", "excluded_mm", "search_bits")
_POOL = "pool_"
AHEAD = 4
"""Threads that prepare scans for a GPU; each scan has some 100 MB."""
BODY_MM = 9.0
"""Dense structures that a square of this side (in the slice) does not fit into are vessels and the like, not body."""


@dataclass(frozen=True, eq=False)
class TrainingScan:
    """One scan on the working grid. N = nodules, E = excluded findings; positions are voxel indices (z, y, x).

    Attributes:
        name: for messages.
        hu: [z, y, x] int16; mapped from the cache, read when touched.
        geometry: of that array; axes in axial order.
        nodules_zyx, diameters_mm: [N, 3], [N], NaN where a diameter is not known.
        excluded_zyx, excluded_mm: [E, 3], [E]: findings that are neither nodules nor background; nothing is learned there.
        pools: kind of place (``lung``, ``dense``, ``vessel``, ``pleura``, ``mimic``) -> [n, 3] int16.
        search_bits: where a nodule's centre may lie, the bits of a mask of the shape of ``hu``; empty for everywhere.
        entry: of the cache, held so that it stays there; None for a scan that is in memory only.
    """

    name: str
    hu: npt.NDArray[np.int16]
    geometry: Geometry
    nodules_zyx: npt.NDArray[np.float64]
    diameters_mm: npt.NDArray[np.float64]
    excluded_zyx: npt.NDArray[np.float64]
    excluded_mm: npt.NDArray[np.float64]
    pools: dict[str, npt.NDArray[np.int16]]
    search_bits: npt.NDArray[np.uint8] = field(default_factory=lambda: np.zeros(0, np.uint8))
    entry: Entry | None = None

    @property
    def spacing_zyx(self) -> npt.NDArray[np.float64]:
        """[3] mm."""
        return np.array(self.geometry.spacing_mm[::-1])

    @property
    def sizes_mm(self) -> npt.NDArray[np.float64]:
        """[N] diameters of the nodules, LUNA16's 10 mm where they are not known: where patches are taken, and what is a hit."""
        return np.where(np.isnan(self.diameters_mm), UNKNOWN_DIAMETER_MM, self.diameters_mm)

    @property
    def excluded_sizes_mm(self) -> npt.NDArray[np.float64]:
        """[E] the same of the excluded findings."""
        return np.where(np.isnan(self.excluded_mm), UNKNOWN_DIAMETER_MM, self.excluded_mm)

    @property
    def identity(self) -> str:
        """Changes when image, labels or settings do, where it comes from the cache."""
        return self.name if self.entry is None else self.entry.key

    @property
    def search(self) -> npt.NDArray[np.bool_]:
        """[z, y, x] of the shape of ``hu``: where a nodule's centre may lie."""
        if not len(self.search_bits):
            return np.ones(self.hu.shape, dtype=bool)
        return np.unpackbits(self.search_bits, count=self.hu.size).reshape(self.hu.shape).view(bool)

    def prepared(self, window_hu: tuple[float, float]) -> PreparedScan:
        """What the detector makes of the scan: the part that its networks see for the places in the search region.

        The lungs were found when the scan was prepared, which takes longer than both networks on a GPU.
        """
        search = self.search
        filled = [np.flatnonzero(search.any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
        low = np.maximum(
            [np.floor(places[0] - reach) for places, reach in zip(filled, REACH_IJK[::-1], strict=True)], 0
        )
        high = [np.ceil(places[-1] + 1 + reach) for places, reach in zip(filled, REACH_IJK[::-1], strict=True)]
        start, stop = low.astype(int), np.minimum(high, self.hu.shape).astype(int)
        box = tuple(slice(a, b) for a, b in zip(start, stop, strict=True))
        (z, y, x), (nz, ny, nx) = start.tolist(), (stop - start).tolist()
        return PreparedScan(scaled(self.hu[box], window_hu), self.geometry.crop((x, y, z), (nx, ny, nz)), search[box])

    @property
    def nodules_ras_mm(self) -> npt.NDArray[np.float64]:
        return self.geometry.ras_from_ijk(self.nodules_zyx[:, ::-1])


def prepare_scan(image: Image, truth: Truth, settings: NoduleSettings, seed: int) -> TrainingScan:
    """A scan with its truth on the working grid.

    Args:
        image: CT in HU.
        truth: nodules, excluded findings, and what is known to look like a nodule and to be none.
        settings: working spacing and search region.
        seed: draws the places.

    Raises:
        InputError: not a usable CT, or no lungs were found.
    """
    require_usable(image, modality=CT, unit=HU, least_slices=LEAST_SLICES, for_what="training nodule-ct")
    work = resample(to_axial(image), settings.spacing_mm)
    # Metal of an extended scale lies beyond 16 bits, where it would come out as air.
    hu = np.clip(np.round(work.voxels), -32768, 32767).astype(np.int16)
    region = search_region(find_lungs(image), settings.closing_mm, settings.lung_margin_mm).on_grid(work.geometry)

    def to_zyx(ras_mm: npt.ArrayLike) -> npt.NDArray[np.float64]:
        return work.geometry.ijk_from_ras(np.reshape(np.asarray(ras_mm, dtype=np.float64), (-1, 3)))[:, ::-1]

    pools = _pools(hu, region, work.spacing_mm[0], seed)
    pools["mimic"] = np.round(to_zyx(truth.negatives_ras_mm)).astype(np.int16)
    return TrainingScan(
        image.name,
        hu,
        work.geometry,
        to_zyx([lesion.center_ras_mm for lesion in truth.lesions]),
        _known([lesion.diameter_mm for lesion in truth.lesions]),
        to_zyx([lesion.center_ras_mm for lesion in truth.excluded]),
        _known([lesion.diameter_mm for lesion in truth.excluded]),
        pools,
        np.packbits(region),
    )


def _known(diameters_mm: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """[n], NaN in place of 0, which labels that are a point have."""
    mm = np.asarray(diameters_mm, dtype=np.float64)
    return np.where(mm > 0, mm, np.nan)


def _pools(
    hu: npt.NDArray[np.int16], region: npt.NDArray[np.bool_], pixel_mm: float, seed: int
) -> dict[str, npt.NDArray[np.int16]]:
    random = np.random.default_rng(seed)
    dense = (hu > DENSE_HU).astype(np.uint8)
    side = 2 * round(BODY_MM / pixel_mm / 2) + 1
    square, cross = np.ones((side, side), np.uint8), np.ones((3, 3), np.uint8)
    body = np.stack([cv2.morphologyEx(plane, cv2.MORPH_OPEN, square) for plane in dense])
    rim = np.stack([plane - cv2.erode(plane, cross) for plane in body])
    masks = {
        "lung": region,
        "dense": region & (dense > 0),
        "vessel": region & (dense > body),
        "pleura": region & (rim > 0),
    }
    return {kind: _some_of(mask, random) for kind, mask in masks.items()}


def _some_of(mask: npt.NDArray[np.bool_], random: np.random.Generator) -> npt.NDArray[np.int16]:
    places = np.flatnonzero(mask)
    if len(places) > POOL_SIZE:
        places = np.sort(random.choice(places, POOL_SIZE, replace=False))
    return np.stack(np.unravel_index(places, mask.shape), axis=1).astype(np.int16)


def _prepared(case: Case, settings: NoduleSettings, progress: Progress) -> Content:
    """A labelled case for the cache. Raises InputError where it cannot be used."""
    truth = case.truth()
    # A seed of its own: the places follow from the case, whatever cohort it is part of.
    seed = zlib.crc32(case.id.encode())
    scan = prepare_scan(understood_as(case.images(progress)[CT]), truth, settings, seed)
    arrays = {name: getattr(scan, name) for name in _ARRAYS}
    pools = {f"{_POOL}{kind}": places for kind, places in scan.pools.items()}
    return Content({**arrays, "ijk_to_ras": scan.geometry.ijk_to_ras, **pools}, {"name": case.id})


SCAN = Maker("nodule-ct-scan", 2, _prepared)
"""Makes entries of the cache that :func:`scan_from` reads; raise its version when it makes something else."""


def scan_from(entry: Entry) -> TrainingScan:
    """A scan from the cache; its voxels stay on disk until they are touched, as long as ``entry`` lives."""
    arrays = {name: entry.arrays[name] for name in _ARRAYS}
    arrays |= {name: _known(arrays[name]) for name in ("diameters_mm", "excluded_mm")}
    geometry = Geometry(arrays["hu"].shape, entry.arrays["ijk_to_ras"])
    pools = {name.removeprefix(_POOL): entry.arrays[name] for name in entry.arrays if name.startswith(_POOL)}
    return TrainingScan(entry.values["name"], geometry=geometry, pools=pools, entry=entry, **arrays)


def prepared_scans(cases: Sequence[Case], run: Run, settings: NoduleSettings, progress: Progress) -> list[TrainingScan]:
    """The scans of all cases that can be used; the others join ``run.left_out``. The first process prepares
    them; what it made the others find in the cache.

    Raises:
        OutputError: the disk is full.
        Cancelled: through ``progress``.
    """
    return [scan_from(entry) for entry in run.prepared(cases, grid_settings(settings), SCAN, progress)]


def prepared_for(
    scans: Sequence[TrainingScan], window_hu: tuple[float, float], device: torch.device
) -> Iterator[tuple[TrainingScan, PreparedScan]]:
    """Each scan, in order, with what the detector makes of it (:meth:`TrainingScan.prepared`).

    For a GPU, which screens a scan faster than a processor scales it, the next scans are prepared in threads meanwhile.
    """
    if device.type != "cuda":
        yield from ((scan, scan.prepared(window_hu)) for scan in scans)
        return
    with ThreadPoolExecutor(AHEAD, "scans") as pool:
        waiting: deque[Future[PreparedScan]] = deque()
        for index, scan in enumerate(scans):
            while len(waiting) < min(AHEAD + 1, len(scans) - index):
                waiting.append(pool.submit(scans[index + len(waiting)].prepared, window_hu))
            yield scan, waiting.popleft().result()


def grid_settings(settings: NoduleSettings) -> NoduleSettings:
    """The settings that a prepared scan depends on; the others are at their defaults, so that they make no other entry."""
    return NoduleSettings(
        spacing_mm=settings.spacing_mm, closing_mm=settings.closing_mm, lung_margin_mm=settings.lung_margin_mm
    )


def nodule_count(scans: Sequence[TrainingScan]) -> int:
    return sum(len(scan.diameters_mm) for scan in scans)


def known_diameters(scans: Sequence[TrainingScan]) -> int:
    """How many nodules have a known diameter."""
    return sum(int(np.isfinite(scan.diameters_mm).sum()) for scan in scans)
