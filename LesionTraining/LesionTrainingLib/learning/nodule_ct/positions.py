"""Where training patches are taken: nodules, shifted within their radius, and many kinds of places that are none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.errors import InputError

from ..augmentation.patches import snap
from .scans import TrainingScan
from .settings import SamplingSettings

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int_]

FALLBACK = "vessel"
"""Where a kind of negative has no places (nothing mined yet, no mimics), this kind stands in."""


@dataclass(frozen=True, eq=False)
class Samples:
    """Places to take patches. n = samples.

    Attributes:
        scans: [n] index of the scan.
        centers_zyx: [n, 3] patch centres in voxels, all halves.
        labels: [n] 1 for a nodule.
        nodules_zyx: [n, 3] centre of the nodule in voxels; the patch's own centre for a negative.
        diameters_mm: [n] of the nodule, NaN where it is not known; 1 for a negative.
    """

    scans: IntArray
    centers_zyx: FloatArray
    labels: IntArray
    nodules_zyx: FloatArray
    diameters_mm: FloatArray

    @classmethod
    def join(cls, parts: Sequence[Samples]) -> Samples:
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in cls.__dataclass_fields__))

    def __len__(self) -> int:
        return len(self.scans)

    def __getitem__(self, rows: slice | npt.NDArray[np.intp]) -> Samples:
        """Only these samples, in this order; so that ``share.of(samples)`` works."""
        return Samples(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


@dataclass(frozen=True, eq=False)
class Places:
    """Voxel positions in scans: [n] scan indices, [n, 3] (z, y, x); and for proposals the nodule's index in its scan."""

    scans: IntArray
    zyx: FloatArray
    nodules: IntArray

    @classmethod
    def none(cls) -> Places:
        return cls(np.zeros(0, int), np.zeros((0, 3)), np.zeros(0, int))

    @classmethod
    def join_arrays(cls, scans: IntArray, zyx: FloatArray) -> Places:
        """Places of no known nodule, of arrays as a checkpoint holds them."""
        return cls(scans.astype(int), zyx.reshape(-1, 3), np.full(len(scans), -1))

    @classmethod
    def join(cls, per_scan: Sequence[tuple[int, npt.NDArray[Any], IntArray | None]]) -> Places:
        """Of (scan index, [m, 3] positions, [m] nodules or None)."""
        if not per_scan:
            return cls.none()
        return cls(
            np.concatenate([np.full(len(zyx), scan) for scan, zyx, _ in per_scan]),
            np.concatenate([np.asarray(zyx, dtype=np.float64).reshape(-1, 3) for _, zyx, _ in per_scan]),
            np.concatenate([np.full(len(zyx), -1) if own is None else own for _, zyx, own in per_scan]),
        )


def is_clear(zyx: FloatArray, scan: TrainingScan, settings: SamplingSettings) -> npt.NDArray[np.bool_]:
    """[m] whether positions, [m, 3] voxels, are far enough from every nodule and excluded finding to be negatives."""
    clear = np.ones(len(zyx), dtype=bool)
    centers = np.concatenate([scan.nodules_zyx, scan.excluded_zyx])
    for center, diameter in zip(centers, [*scan.sizes_mm, *scan.excluded_sizes_mm], strict=True):
        distance = np.linalg.norm((zyx - center) * scan.spacing_zyx, axis=1)
        radius = diameter / 2
        clear &= distance >= max(settings.clear_radii * radius, radius + settings.clear_mm)
    return clear


class PositionSampler:
    """Draws samples from scans with the random numbers it is given, so that a step's samples follow from its number.

    ``mined`` and ``proposals`` may be replaced as the training goes on.
    """

    def __init__(self, scans: Sequence[TrainingScan], settings: SamplingSettings) -> None:
        self._scans, self._settings = scans, settings
        self._nodules = np.array([(s, n) for s, scan in enumerate(scans) for n in range(len(scan.diameters_mm))], int)
        if not len(self._nodules):
            raise InputError("None of the training scans has a nodule: there is nothing to learn.")
        self._pools = {
            kind: Places.join(
                [
                    (index, zyx[is_clear(zyx.astype(float), scan, settings)], None)
                    for index, scan in enumerate(scans)
                    for zyx in [scan.pools[kind]]
                ]
            )
            for kind in scans[0].pools
        }
        self.mined = Places.none()
        self.proposals = Places.none()

    def positives(self, count: int, random: np.random.Generator, proposed: float = 0.0) -> Samples:
        """``count`` nodules, each as likely, the share ``proposed`` of them where the screening network saw them."""
        known = int(random.binomial(count, proposed)) if len(self.proposals.scans) else 0
        drawn = self._nodules[random.integers(len(self._nodules), size=count - known)]
        shifted = self._positives(drawn, None, random)
        if not known:
            return shifted
        chosen = random.integers(len(self.proposals.scans), size=known)
        owners = np.stack([self.proposals.scans[chosen], self.proposals.nodules[chosen]], axis=1)
        return Samples.join([shifted, self._positives(owners, self.proposals.zyx[chosen], random)])

    def negatives(self, count: int, weights: Mapping[str, float], random: np.random.Generator) -> Samples:
        """``count`` places without a nodule, of kinds (those of the scans' pools, and ``mined``) by weight."""
        kinds = list(weights)
        share = np.array([weights[kind] for kind in kinds])
        numbers = random.multinomial(count, share / share.sum())
        chosen = [self._draw(kind, number, random) for kind, number in zip(kinds, numbers, strict=True)]
        scans, zyx = np.concatenate([part[0] for part in chosen]), np.concatenate([part[1] for part in chosen])
        centers = snap(zyx)
        return Samples(scans, centers, np.zeros(count, int), centers, np.ones(count))

    def _draw(self, kind: str, count: int, random: np.random.Generator) -> tuple[IntArray, FloatArray]:
        places = self.mined if kind == "mined" else self._pools[kind]
        if not len(places.scans):
            places = self._pools[FALLBACK]
        index = random.integers(len(places.scans), size=count)
        return places.scans[index], places.zyx[index]

    def _positives(self, owners: IntArray, at_zyx: FloatArray | None, random: np.random.Generator) -> Samples:
        """Samples of nodules, [n, 2] (scan, nodule), at given places or shifted at random within a ball."""
        centers = np.array([self._scans[s].nodules_zyx[n] for s, n in owners]).reshape(-1, 3)
        diameters = np.array([self._scans[s].diameters_mm[n] for s, n in owners])
        if at_zyx is None:
            spacing = np.array([self._scans[s].spacing_zyx for s, _ in owners]).reshape(-1, 3)
            direction = random.normal(size=centers.shape)
            direction /= np.linalg.norm(direction, axis=1, keepdims=True)
            sizes = np.array([self._scans[s].sizes_mm[n] for s, n in owners])
            length = random.random(len(centers)) ** (1 / 3) * sizes / 2 * self._settings.shift_radii
            at_zyx = centers + direction * length[:, None] / spacing
        return Samples(owners[:, 0], snap(at_zyx), np.ones(len(owners), int), centers, diameters)
