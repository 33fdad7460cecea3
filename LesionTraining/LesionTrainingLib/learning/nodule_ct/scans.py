"""Scans as the recipe uses them: on the method's working grid, with the truth and the places to sample from; cached."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.atomic import atomic_folder
from LesionDetectionLib.core.image import CT, HU, Geometry, Image
from LesionDetectionLib.imaging.geometry import resample, to_axial
from LesionDetectionLib.imaging.lungs import find_lungs, search_region
from LesionDetectionLib.methods.nodule_ct.settings import NoduleSettings

FORMAT = 1
"""Raise it when what is cached changes, so that old caches are not used."""
POOL_SIZE = 20_000
"""Places of each kind that are kept of a scan."""
DENSE_HU = -600.0
"""Voxels above this in the search region are vessels, walls, mediastinum or nodules; lung tissue is about -850."""
BODY_MM = 9.0
"""Dense structures that a square of this side (in the slice) does not fit into are vessels and the like, not body."""


@dataclass(frozen=True, eq=False)
class TrainingScan:
    """One scan on the working grid. N = nodules, M = mimics; positions are voxel indices (z, y, x).

    Attributes:
        name: for messages.
        hu: [z, y, x] int16; mapped from the cache, read when touched.
        geometry: of that array; axes in axial order.
        nodules_zyx, diameters_mm: [N, 3], [N].
        pools: kind of place (``lung``, ``dense``, ``vessel``, ``pleura``, ``mimic``) -> [n, 3] int16.
    """

    name: str
    hu: npt.NDArray[np.int16]
    geometry: Geometry
    nodules_zyx: npt.NDArray[np.float64]
    diameters_mm: npt.NDArray[np.float64]
    pools: dict[str, npt.NDArray[np.int16]]

    @property
    def spacing_zyx(self) -> npt.NDArray[np.float64]:
        """[3] mm."""
        return np.array(self.geometry.spacing_mm[::-1])

    @property
    def image(self) -> Image:
        return Image(self.hu, self.geometry.ijk_to_ras, CT, HU, self.name)

    @property
    def nodules_ras_mm(self) -> npt.NDArray[np.float64]:
        return self.geometry.ras_from_ijk(self.nodules_zyx[:, ::-1])


def prepare_scan(
    image: Image,
    nodules_ras_mm: npt.ArrayLike,
    diameters_mm: npt.ArrayLike,
    mimics_ras_mm: npt.ArrayLike,
    settings: NoduleSettings,
    seed: int,
) -> TrainingScan:
    """A scan with its truth on the working grid.

    Args:
        image: CT in HU.
        nodules_ras_mm, diameters_mm: [N, 3] centres and [N] diameters of all nodules.
        mimics_ras_mm: [M, 3] centres of what is known to look like one and to be none.
        settings: working spacing and search region.
        seed: draws the places.

    Raises:
        InputError: no lungs were found.
    """
    work = resample(to_axial(image), settings.spacing_mm)
    hu = np.round(work.voxels).astype(np.int16)
    region = search_region(find_lungs(image), settings.closing_mm, settings.lung_margin_mm).on_grid(work.geometry)
    to_zyx = [work.geometry.ijk_from_ras(np.reshape(ras, (-1, 3)))[:, ::-1] for ras in (nodules_ras_mm, mimics_ras_mm)]
    pools = _pools(hu, region, work.spacing_mm[0], seed)
    pools["mimic"] = np.round(to_zyx[1]).astype(np.int16)
    diameters = np.asarray(diameters_mm, dtype=np.float64).reshape(-1)
    return TrainingScan(image.name, hu, work.geometry, to_zyx[0], diameters, pools)


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


def cache_key(*parts: Any) -> str:
    """Twelve letters that differ when anything that a cached scan depends on does."""
    text = json.dumps([FORMAT, *parts], sort_keys=True, default=lambda value: asdict(value))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def save_scan(folder: Path, scan: TrainingScan) -> None:
    """Write a scan to a folder of its own, whole or not at all. Raises OutputError."""
    with atomic_folder(folder, overwrite=True) as temporary:
        np.save(temporary / "hu.npy", scan.hu)
        truth: dict[str, Any] = {
            "name": scan.name,
            "ijk_to_ras": scan.geometry.ijk_to_ras,
            "nodules_zyx": scan.nodules_zyx,
            "diameters_mm": scan.diameters_mm,
            **{f"pool_{kind}": places for kind, places in scan.pools.items()},
        }
        np.savez(temporary / "truth.npz", **truth)


def load_scan(folder: Path) -> TrainingScan:
    """Read a scan that :func:`save_scan` wrote; its voxels stay on disk until they are touched."""
    hu = np.load(folder / "hu.npy", mmap_mode="r")
    with np.load(folder / "truth.npz") as truth:
        return TrainingScan(
            str(truth["name"]),
            hu,
            Geometry(hu.shape, truth["ijk_to_ras"]),
            truth["nodules_zyx"],
            truth["diameters_mm"],
            {name[5:]: truth[name] for name in truth.files if name.startswith("pool_")},
        )


def nodule_count(scans: Sequence[TrainingScan]) -> int:
    return sum(len(scan.diameters_mm) for scan in scans)
