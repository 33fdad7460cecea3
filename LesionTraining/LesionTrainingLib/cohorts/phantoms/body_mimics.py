"""Normal things of a body phantom that look like lesions: small lymph nodes, specks of calcium, fat in the liver."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from .body_anatomy import enhanced
from .body_painting import Scene
from .body_places import place_of
from .body_settings import BodySettings
from .fields import Float32
from .nodules import Float64, StarShape, coverage
from .phantom import Mimic, random_stream

_SHORT_MM = (1.8, 4.2)
"""Range of the short axis of a normal node."""
_NODES_IN = ("mediastinum", "beside the aorta", "mesentery", "armpit", "groin", "beside iliac vessels", "neck")
_SPECKS_IN = ("lung", "liver", "spleen", "pelvis", "vertebra", "pelvic bone")
_SPECKS = 7.0
"""Specks of calcium for each 100 mm of height."""
_FAT_IN_LIVER = 0.35
"""Share of the livers with some."""


def add_normal(scene: Scene, settings: BodySettings, seed: int) -> list[Mimic]:
    """Paint what is normal or harmless, as far as it lies in the field of view."""
    heights = scene.grid.axes[2]
    hundreds = float(heights.max() - heights.min() + scene.grid.geometry.spacing_mm[2]) / 100
    rng = random_stream(seed, "small nodes")
    mimics = list(_small_nodes(scene, int(rng.poisson(settings.small_nodes * hundreds)), rng))
    rng = random_stream(seed, "specks")
    mimics += _specks(scene, int(rng.poisson(_SPECKS * hundreds)), rng)
    mimics += _fat_in_liver(scene, random_stream(seed, "fat in liver"))
    return mimics


def _small_nodes(scene: Scene, count: int, rng: np.random.Generator) -> Iterator[Mimic]:
    """Lymph nodes in the fat, too small to be lesions."""
    for center in _points(scene, _NODES_IN, count, rng):
        halves = np.array((1.0, rng.uniform(1, 1.4), rng.uniform(1.2, 2.2))) * float(rng.uniform(*_SHORT_MM)) / 2
        hu = float(rng.uniform(50, 95) if enhanced(scene.patient) else rng.uniform(15, 45))
        if _dot(scene, center, halves, hu, _turned(rng), in_fat=True):
            yield _mimic(center, "small-node", 2 * float(halves.max()))


def _specks(scene: Scene, count: int, rng: np.random.Generator) -> Iterator[Mimic]:
    """Old granulomas, calcified veins, islands of dense bone."""
    for center in _points(scene, _SPECKS_IN, count, rng):
        halves = rng.uniform(0.6, 1.8) * rng.uniform(0.8, 1.2, 3)
        if _dot(scene, center, halves, float(rng.uniform(350, 1000)), _turned(rng)):
            yield _mimic(center, "calcified-speck", 2 * float(halves.max()))


def _fat_in_liver(scene: Scene, rng: np.random.Generator) -> Iterator[Mimic]:
    """A flat dark patch beside the liver's ligament, in front."""
    k, patient = scene.patient.size, scene.patient
    wanted, s = rng.random() < _FAT_IN_LIVER, patient.dome_mm[0] - rng.uniform(45, 90) * k
    forward = np.arange(-20.0, 120.0, 2.0)
    line = np.stack([np.full_like(forward, 14 * k), forward, np.full_like(forward, s)], axis=1)
    inside = np.flatnonzero(scene.grid.sample(scene.fields.body.liver, line) < -3)
    low, high = float(scene.grid.axes[2].min()), float(scene.grid.axes[2].max())
    if not wanted or not inside.size or not low <= s <= high:
        return
    center = line[inside[-1]] + rng.uniform(-3, 3, 3) * (1, 0, 0)
    halves = np.array((rng.uniform(3, 6), rng.uniform(6, 12), rng.uniform(6, 14)))
    if _dot(scene, center, halves, patient.liver_hu - float(rng.uniform(22, 45)), np.eye(3), scene.fields.body.liver):
        yield _mimic(center, "focal-fat", 2 * float(halves.max()))


def _points(scene: Scene, names: tuple[str, ...], count: int, rng: np.random.Generator) -> Iterator[Float64]:
    """Random points of these places, RAS mm."""
    grid = scene.grid
    field = np.minimum.reduce([place_of(scene.fields, name, 2.5).middle for name in names])
    inside = np.flatnonzero(field < 0)
    r, a, s = (axis.ravel() for axis in grid.coarse)
    for _ in range(count if inside.size else 0):
        k, j, i = np.unravel_index(int(rng.choice(inside)), field.shape)
        center = np.array((r[i], a[j], s[k]), dtype=np.float64)
        yield center + rng.uniform(-0.5, 0.5, 3) * np.array(grid.coarse_spacing_kji[::-1])


def _turned(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    turn, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    return np.asarray(turn.T)


def _dot(
    scene: Scene,
    center: Float64,
    halves: Float64,
    hu: float,
    axes: npt.NDArray[np.float64],
    room: Float32 | None = None,
    in_fat: bool = False,
) -> bool:
    """Paint an ellipsoid beside the vessels; whether it was painted: ``in_fat`` only where nearly all about it is fat."""
    shape = StarShape(center, axes / halves[:, None], np.zeros((0, 3)), np.zeros(0), np.zeros(0))
    covered = coverage(scene.grid, shape, room, (2, 2, 3), cut_off=True)
    if covered is None:
        return False
    box, vessel = scene.volume[covered.slices_kji], scene.vessels[covered.slices_kji]
    if in_fat and float((covered.share * (box > -30)).sum()) > 0.25 * float(covered.share.sum()):
        return False
    box += covered.share * (vessel < 128) * (hu - box)
    return True


def _mimic(center: Float64, kind: str, diameter_mm: float) -> Mimic:
    r, a, s = (float(n) for n in center)
    return Mimic((r, a, s), kind, diameter_mm)
