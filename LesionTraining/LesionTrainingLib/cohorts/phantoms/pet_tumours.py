"""Tumours of a PET phantom: where they lie, their irregular shapes, what they take up, and their exact masks.

A tumour is painted in cells of about 2 mm: a smooth level (mm, negative inside) with noise of two sizes for an irregular
outline, and uptake with a texture, perhaps with a core that takes up nothing. Cells are averaged over the PET's voxels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.core.lesion import NEOPLASM, Lesion
from scipy import ndimage

from .fields import Float32, cover
from .nodules import Covered, truth
from .pet_anatomy import Anatomy
from .pet_places import Planned, node_places, plan_primary
from .pet_settings import LUNG, NO_TUMOUR, OESOPHAGUS, PetPhantomSettings, TumourSettings
from .phantom import random_stream

Float64 = npt.NDArray[np.float64]

_CELL_MM = 2.1
_INVADES_MM = 6.0
"""A lung's tumour reaches so far beyond the lung."""
_NECROTIC_SUV_SHARE = 0.12
_HOTTEST = 97.0
"""Percentile of the uptake within a tumour that has the SUVbw drawn for it."""
_APART_MM = 7.0
_TRIES = 40
_LARGEST_METASTASIS = 0.75
"""Its diameter, as a share of the primary's: the largest lesion is the primary."""


@dataclass(frozen=True, eq=False)
class Painted:
    """A tumour as it was painted.

    Attributes:
        lesion: the truth, on the PET's grid.
        kind: ``lung``, ``oesophagus`` or ``metastasis``.
        covered: what it covers of the PET's grid.
        uptake: [k, j, i] SUVbw of what it covers in each voxel of its box.
    """

    lesion: Lesion
    kind: str
    covered: Covered
    uptake: Float32


def label_of(seed: int, settings: TumourSettings) -> str:
    """What the patient of a seed has: of two that follow each other one a tumour of the lung, one of the oesophagus."""
    without = random_stream(seed // 5, "pet without").permutation(5)[: settings.without]
    if seed % 5 in without:
        return NO_TUMOUR
    order = random_stream(seed // 2, "pet label").permutation((LUNG, OESOPHAGUS))
    return str(order[seed % 2])


def add_tumours(
    seed: int, anatomy: Anatomy, settings: PetPhantomSettings, scene: Float32, pet: Geometry
) -> list[Painted]:
    """Paint the tumours of this seed into the scene, [k, j, i] SUVbw, in place; the primary comes first."""
    label, own = label_of(seed, settings.tumours), settings.tumours
    if label == NO_TUMOUR:
        return []
    rng = random_stream(seed, "pet primary")
    primary = _made(anatomy, plan_primary(anatomy, label, own, rng), own, pet, rng)
    painted = [primary]
    rng = random_stream(seed, "pet metastases")
    if rng.random() < own.with_metastases:
        painted += _metastases(anatomy, own, primary, pet, rng)
    for one in painted:
        _paint(one, scene, anatomy.first_row, settings.layers)
    return painted


def _metastases(
    anatomy: Anatomy, settings: TumourSettings, primary: Painted, pet: Geometry, rng: np.random.Generator
) -> list[Painted]:
    count = int(rng.integers(settings.metastases[0], settings.metastases[1] + 1))
    made = list[Painted]()
    taken = [_points(primary.lesion, pet)]
    for _ in range(_TRIES):
        if len(made) == count:
            break
        planned = node_places(anatomy, primary.lesion, rng)
        most = _LARGEST_METASTASIS * primary.lesion.diameter_mm
        planned = replace(planned, diameter_mm=float(np.clip(planned.diameter_mm, 7.0, max(most, 7.0))))
        reach = planned.diameter_mm / 2 + _APART_MM
        if any(((points - planned.center) ** 2).sum(axis=1).min() < reach**2 for points in taken):
            continue
        one = _made(anatomy, planned, settings, pet, rng)
        points = _points(one.lesion, pet)
        taken.append(points)
        made.append(one)
    return made


def _points(lesion: Lesion, geometry: Geometry) -> Float64:
    """Its voxels' centres, [n, 3] RAS mm."""
    assert lesion.mask is not None
    kji = np.argwhere(lesion.mask.voxels)
    return geometry.ras_from_ijk(kji[:, ::-1] + np.array(lesion.mask.start_ijk))


@dataclass(frozen=True, eq=False)
class _Cells:
    """The cells about a tumour.

    Attributes:
        low, size: [3] first voxel and number of voxels of the box, i, j, k.
        pieces: cells of a voxel along i, j, k.
        points: R [1, 1, ni], A [1, nj, 1] and S [nk, 1, 1] in mm of the cells' centres.
        mm: [3] their size along k, j, i.
    """

    low: npt.NDArray[np.int64]
    size: npt.NDArray[np.int64]
    pieces: tuple[int, int, int]
    points: tuple[Float32, Float32, Float32]
    mm: Float64

    @classmethod
    def about(cls, geometry: Geometry, low_mm: Float64, high_mm: Float64) -> _Cells:
        spacing = np.array(geometry.spacing_mm)
        corners = geometry.ijk_from_ras(np.stack([low_mm, high_mm]))
        low = np.maximum(np.floor(corners.min(axis=0)).astype(int), 0)
        high = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 1, geometry.shape_kji[::-1])
        pieces = np.maximum(1, np.ceil(spacing / _CELL_MM)).astype(int)
        axes = []
        for axis in range(3):
            n = int(high[axis] - low[axis]) * int(pieces[axis])
            index = low[axis] + (np.arange(n) + 0.5) / pieces[axis] - 0.5
            row = geometry.ijk_to_ras[axis]
            shape = [1, 1, 1]
            shape[2 - axis] = n
            axes.append((row[axis] * index + row[3]).astype(np.float32).reshape(shape))
        i, j, k = (int(n) for n in pieces)
        return cls(low, high - low, (i, j, k), (axes[0], axes[1], axes[2]), (spacing / pieces)[::-1])

    @property
    def shape(self) -> tuple[int, int, int]:
        i, j, k = (int(n) * own for n, own in zip(self.size, self.pieces, strict=True))
        return k, j, i

    def noise(self, rng: np.random.Generator, sigma_mm: float) -> Float32:
        white = rng.standard_normal(self.shape, dtype=np.float32)
        smooth = ndimage.gaussian_filter(white, sigma_mm / self.mm, mode="wrap", truncate=3.0)
        return np.asarray(smooth / max(float(smooth.std()), 1e-6), dtype=np.float32)

    def averaged(self, values: Float32) -> Float32:
        """[k, j, i] over the box's voxels."""
        (i, j, k), (ni, nj, nk) = self.pieces, (int(n) for n in self.size)
        return np.asarray(values.reshape(nk, k, nj, j, ni, i).mean(axis=(1, 3, 5)), dtype=np.float32)


def _made(
    anatomy: Anatomy, planned: Planned, settings: TumourSettings, pet: Geometry, rng: np.random.Generator
) -> Painted:
    look = _Look.draw(planned, settings, rng)  # before the noise, whose length depends on the voxels
    reach = 1.5 * planned.reach_mm + 4
    low, high = planned.line.min(axis=0) - reach, planned.line.max(axis=0) + reach
    cells = _Cells.about(pet, low, high)
    level = _level(anatomy, planned, cells, rng)
    share = np.asarray(cover(level, _CELL_MM), dtype=np.float32)
    uptake = _uptake(look, planned.suv, level, share, cells, rng)
    covered = _covered(cells, share, pet)
    held = cells.averaged(share * uptake)
    within = held / np.maximum(covered.share, 1e-6)
    weights = share / share.sum()
    mean = float((weights * uptake).sum())
    spread = float(np.sqrt((weights * (uptake - mean) ** 2).sum()))
    extra = {
        "painted_suvbw": planned.suv,
        "painted_mean_suvbw": mean,
        "heterogeneity": spread / mean,
        "necrotic_mm": look.core * planned.diameter_mm,
    }
    lesion = replace(truth(pet, covered, f"{planned.kind}, {planned.place}", extra), meaning=NEOPLASM)
    return Painted(lesion, planned.kind, covered, np.asarray(within, dtype=np.float32))


def _level(anatomy: Anatomy, planned: Planned, cells: _Cells, rng: np.random.Generator) -> Float32:
    """[k, j, i] mm, negative inside: one connected body of the volume that was planned."""
    level = _tube_level(planned, cells) if len(planned.line) > 1 else _blob_level(planned, cells, rng)
    rough = planned.reach_mm * planned.irregular
    level = level + np.float32(0.75 * rough) * cells.noise(rng, max(0.42 * planned.reach_mm, 3.0))
    level += np.float32(0.3 * rough) * cells.noise(rng, max(0.17 * planned.reach_mm, 2.2))
    if planned.kind == LUNG:
        lung = _sampled(anatomy, cells)
        level = np.maximum(level, lung - np.float32(_INVADES_MM * rng.random()))
    cell_mm3 = float(np.prod(cells.mm))
    wanted = int(np.clip(np.pi / 6 * planned.diameter_mm**3 / cell_mm3, 4, level.size - 1))
    for _ in range(2):  # again without what is not connected
        level = level - np.partition(level.ravel(), wanted)[wanted]
        parts, count = ndimage.label(level < 0)
        if count < 2:
            break
        largest = 1 + int(np.argmax(np.bincount(parts.ravel())[1:]))
        level = np.where((parts == 0) | (parts == largest), level, np.maximum(-level, np.float32(3.0)))
    return np.asarray(level, dtype=np.float32)


def _blob_level(planned: Planned, cells: _Cells, rng: np.random.Generator) -> Float32:
    r, a, s = (axis - n for axis, n in zip(cells.points, planned.center, strict=True))
    turn, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    halves = 1 + rng.uniform(-0.28, 0.28, 3)
    away = np.sqrt(sum(((r * x + a * y + s * z) / half) ** 2 for (x, y, z), half in zip(turn, halves, strict=True)))
    return np.asarray(away - planned.diameter_mm / 2, dtype=np.float32)


def _tube_level(planned: Planned, cells: _Cells) -> Float32:
    """About the line: a spindle whose ends are round."""
    r, a, s = cells.points
    line, radii = planned.line, planned.radii
    best = np.full(cells.shape, 1e3, dtype=np.float32)
    for start, end, r0, r1 in zip(line[:-1], line[1:], radii[:-1], radii[1:], strict=True):
        axis = end - start
        x, y, z = r - start[0], a - start[1], s - start[2]
        share = np.clip((x * axis[0] + y * axis[1] + z * axis[2]) / float(axis @ axis + 1e-9), 0, 1)
        away = np.sqrt((x - share * axis[0]) ** 2 + (y - share * axis[1]) ** 2 + (z - share * axis[2]) ** 2)
        np.minimum(best, away - (r0 + share * (r1 - r0)), out=best, casting="same_kind")
    return best


def _sampled(anatomy: Anatomy, cells: _Cells) -> Float32:
    """The lungs' signed distance in the cells."""
    r, a, s = cells.points
    points = np.stack(np.broadcast_arrays(r, a, s), axis=-1)
    return anatomy.grid.sample(anatomy.body.lung, points)


@dataclass(frozen=True)
class _Look:
    """How the uptake varies within a tumour.

    Attributes:
        texture: standard deviation as a share of the mean, before necrosis.
        clump_mm: size of the texture.
        core: how much of its depth is a core that takes up nothing; 0 for none.
    """

    texture: float
    clump_mm: float
    core: float

    @classmethod
    def draw(cls, planned: Planned, settings: TumourSettings, rng: np.random.Generator) -> _Look:
        texture, clump = float(rng.uniform(*settings.texture)), float(rng.uniform(*settings.clump_mm))
        necrotic, size = rng.random() < settings.necrotic, float(rng.uniform(0.45, 0.72))
        large = planned.diameter_mm >= settings.necrotic_from_mm and planned.kind != OESOPHAGUS
        return cls(texture, clump, size if necrotic and large else 0.0)


def _uptake(
    look: _Look, suv: float, level: Float32, share: Float32, cells: _Cells, rng: np.random.Generator
) -> Float32:
    """[k, j, i] SUVbw."""
    pattern = np.maximum(1 + np.float32(look.texture) * cells.noise(rng, look.clump_mm), 0.15)
    if look.core:
        depth = float(-level.min())
        edge = level + np.float32((1 - look.core) * depth) + np.float32(0.14 * depth) * cells.noise(rng, 5.0)
        pattern = pattern + cover(edge, 5.0) * (np.float32(_NECROTIC_SUV_SHARE) - pattern)
    inside = share > 0.5
    hottest = float(np.percentile(pattern[inside], _HOTTEST)) if inside.any() else 1.0
    return np.asarray(pattern * np.float32(suv / hottest), dtype=np.float32)


def _covered(cells: _Cells, share: Float32, pet: Geometry) -> Covered:
    total = float(share.sum())
    r, a, s = cells.points
    center = np.array([float((share * axis).sum()) / total for axis in (r, a, s)])
    i, j, k = (slice(int(low), int(low + n)) for low, n in zip(cells.low, cells.size, strict=True))
    return Covered(cells.averaged(share), (k, j, i), total * float(np.prod(cells.mm)), center)


def _paint(one: Painted, scene: Float32, first_row: int, layers: int) -> None:
    """Average the PET's slices over the scene's layers, and mix them in."""
    k, j, i = one.covered.slices_kji
    low, high = k.start // layers, -(-k.stop // layers)
    before, after = k.start - low * layers, high * layers - k.stop
    share, held = (
        np.pad(values, ((before, after), (0, 0), (0, 0))).reshape(high - low, layers, *values.shape[1:]).mean(axis=1)
        for values in (one.covered.share, one.covered.share * one.uptake)
    )
    rows = slice(j.start - first_row, j.stop - first_row)
    own = slice(max(rows.start, 0), min(rows.stop, scene.shape[1]))
    cut = slice(own.start - rows.start, own.stop - rows.start)
    box = scene[low:high, own, i]
    box += held[: len(box), cut] - share[: len(box), cut] * box
