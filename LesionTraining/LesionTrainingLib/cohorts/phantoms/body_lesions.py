"""The lesions of a body phantom: which, where, and how they are painted, with exact truth."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.lesion import LESION, Lesion
from LesionDetectionLib.core.progress import Progress
from scipy import ndimage

from .body_kinds import Kind, Look, draw_look, kinds_of
from .body_places import Place, Places
from .body_settings import BodySettings
from .chest_patient import Patient
from .fields import Float32, Grid
from .nodules import Covered, Float64, coverage, truth
from .petct_shapes import Outline
from .phantom import random_stream

_FWHM = 2.3548
_TRIES = 24
"""Middles tried for a lesion, which shrinks on the way, before another type is drawn."""
_TYPES_TRIED = 8
_APART_MM = 3.0
_IN_VESSEL = 0.1
"""Greatest share in vessels, of lesions that keep free of them."""
_BALL = np.random.Generator(np.random.PCG64(7)).standard_normal((160, 3))
_BALL = _BALL / np.linalg.norm(_BALL, axis=1)[:, None]
_REACH = np.cbrt((np.arange(160) + 0.5) / 160)
"""Directions and shares of the radius of points that fill a shape evenly."""


@dataclass(frozen=True, eq=False)
class Scene:
    """What lesions are painted into.

    Attributes:
        volume: [k, j, i] HU, changed in place.
        vessels: [k, j, i] share of vessel or airway, 255 being all.
    """

    grid: Grid
    volume: Float32
    vessels: npt.NDArray[np.uint8]
    patient: Patient
    places: Places


@dataclass(frozen=True, eq=False)
class Placed:
    """A lesion that has its place.

    Attributes:
        shape: its outline in RAS mm.
        covered: what it covers of the grid, without vessels that it keeps free.
        reach_mm: distance from its middle to the farthest point of its surface.
    """

    kind: Kind
    diameter_mm: float
    shape: Outline
    covered: Covered
    reach_mm: float


def draw_region(settings: BodySettings, rng: np.random.Generator) -> str:
    names = [name for name, _ in settings.regions]
    weights = np.array([weight for _, weight in settings.regions])
    return names[int(rng.choice(len(names), p=weights / weights.sum()))]


def main_kind(seed: int, settings: BodySettings, patient: Patient) -> tuple[Kind, float]:
    """Of a slab the type of the lesion that it is placed for, and the height of its middle, S in mm."""
    rng = random_stream(seed, "main lesion")
    kind = _draw_kind(draw_region(settings, rng), patient, rng)
    return kind, float(rng.uniform(*kind.heights)) * patient.size


def add_lesions(
    scene: Scene, settings: BodySettings, seed: int, first: Kind | None, progress: Progress
) -> tuple[list[Lesion], list[Kind]]:
    """Paint the lesions of this seed into ``scene.volume``.

    Args:
        first: of a slab, the type of the first lesion: its largest section lies within the slab, not at its ends.

    Raises:
        Cancelled: see ``progress``.
    """
    rng = random_stream(seed, "lesions")
    chances = np.array(settings.lesions, dtype=np.float64)
    count = 1 + int(rng.choice(len(chances), p=chances / chances.sum()))
    placed: list[Placed] = []
    for n in range(count):
        progress(n / count, "Placing lesions")
        one = _find(scene, settings, first if n == 0 else None, placed, n == 0 and first is not None, rng)
        if one is not None:
            placed.append(one)
    lesions = []
    for n, one in enumerate(placed):
        look = draw_look(one.kind, scene.patient, one.diameter_mm, random_stream(seed, f"look {n}"))
        _paint(scene, one, look, random_stream(seed, f"paint {n}"))
        lesions.append(_truth(scene.grid, one, look))
    return lesions, [one.kind for one in placed]


def _draw_kind(region: str, patient: Patient, rng: np.random.Generator) -> Kind:
    kinds = kinds_of(region, patient)
    weights = np.array([kind.share for kind in kinds])
    return kinds[int(rng.choice(len(kinds), p=weights / weights.sum()))]


def _find(
    scene: Scene,
    settings: BodySettings,
    kind: Kind | None,
    others: list[Placed],
    within: bool,
    rng: np.random.Generator,
) -> Placed | None:
    """A lesion of this type, or of others where it finds no place."""
    for tried in range(_TYPES_TRIED * (5 if within else 1)):
        if kind is None or tried:
            kind = _draw_kind(draw_region(settings, rng), scene.patient, rng)
            if not _here(scene.grid, kind, scene.patient):
                continue
        one = _place(scene, settings, kind, others, within, rng)
        if one is not None:
            return one
    return None


def _here(grid: Grid, kind: Kind, patient: Patient) -> bool:
    """Whether the field of view reaches the heights of such lesions."""
    low, high = float(grid.axes[2].min()), float(grid.axes[2].max())
    return low < kind.heights[1] * patient.size and high > kind.heights[0] * patient.size


def draw_diameter(settings: BodySettings, kind: Kind, rng: np.random.Generator) -> float:
    """In mm, of the sphere of the lesion's volume; log-normal within the type's range."""
    low, high = max(settings.diameter_mm[0], kind.least_mm), min(settings.diameter_mm[1], kind.most_mm)
    for _ in range(50):
        value = (
            settings.typical_diameter_mm * kind.size * float(np.exp(settings.diameter_spread * rng.standard_normal()))
        )
        if low <= value <= high:
            return value
    return float(min(low * 1.2, max(low, high)))


def draw_shape(kind: Kind, diameter_mm: float, rng: np.random.Generator) -> Outline:
    """An outline of no particular size, for a lesion of about ``diameter_mm``."""
    turn, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    long = float(rng.uniform(*kind.long))
    halves = np.array((1.0, long ** float(rng.uniform(-1.0, -0.3)), 1 / long))
    lobes = int(rng.integers(3, 8) if kind.rough < 0.18 else rng.integers(6, 13))
    knobs = int(rng.integers(2, 9)) if diameter_mm > 7 else 0
    spikes = int(rng.integers(8, 20)) if rng.random() < kind.spiculated and diameter_mm > 6 else 0
    radius = diameter_mm / 2
    heights = np.concatenate(
        [
            rng.uniform(-1.3, 1.8, lobes) * kind.rough,
            np.minimum(rng.uniform(-0.8, 1.6, knobs) / radius, 0.3) * min(1.0, kind.rough / 0.1),
            np.minimum(rng.uniform(1.5, 7.0, spikes) * min(1.0, radius / 8) ** 0.5 / radius, 0.8),
        ]
    )
    sharp = np.concatenate(
        [
            rng.uniform(2.5, 9 if kind.rough < 0.18 else 18, lobes),
            np.full(knobs, max(8.0, (radius / 3.0) ** 2)),
            np.full(spikes, max(25.0, (radius / 1.3) ** 2)),
        ]
    )
    bumps = rng.standard_normal((len(sharp), 3))
    bumps /= np.linalg.norm(bumps, axis=1)[:, None]
    return Outline(np.zeros(3), turn.T / halves[:, None], bumps, heights, sharp)


def _place(
    scene: Scene, settings: BodySettings, kind: Kind, others: list[Placed], within: bool, rng: np.random.Generator
) -> Placed | None:
    """One lesion of the type at a place of its own; None where none was found."""
    grid = scene.grid
    diameter = draw_diameter(settings, kind, rng)
    least = max(settings.diameter_mm[0], 0.75 * kind.least_mm)
    plain = draw_shape(kind, diameter, rng)
    place, middles = None, None
    for tried in range(_TRIES):
        if tried % 6 == 0:
            diameter = max(diameter * (0.78 if tried else 1.0), least)
            place = scene.places.at(kind.place, diameter / 2)
            middles = _middles(grid, place, within, rng)
        if place is None or middles is None or not len(middles):
            continue
        middle = middles[tried % len(middles)]
        # What the pleura cuts off is made up for in part.
        shape = plain.of_size(diameter * (1.2 if kind.lost > 0.5 else 1.0), middle)
        assert isinstance(shape, Outline)
        reach = shape.reach_mm()
        if any(np.linalg.norm(middle - o.shape.origin) < reach + o.reach_mm + _APART_MM for o in others):
            continue
        if not _fits(scene, shape, place, kind):
            continue
        covered = _covered(scene, shape, place, kind)
        if covered is None or (within and not _largest_within(covered)):
            continue
        return Placed(kind, diameter, shape, covered, reach)
    return None


def _middles(grid: Grid, place: Place, within: bool, rng: np.random.Generator) -> Float64:
    """Some random points where the lesion's middle may lie, [n, 3] RAS mm."""
    inside = np.flatnonzero(place.middle < 0)
    if not inside.size:
        return np.zeros((0, 3))
    k, j, i = np.unravel_index(rng.choice(inside, 40), place.middle.shape)
    r, a, s = (axis.ravel() for axis in grid.coarse)
    points = np.stack([r[i], a[j], s[k]], axis=1).astype(np.float64)
    points += rng.uniform(-0.5, 0.5, points.shape) * np.array(grid.coarse_spacing_kji[::-1])
    size = np.array(grid.geometry.shape_kji[::-1])
    ijk = grid.geometry.ijk_from_ras(points)
    margin = np.array((4.0, 4.0, 0.6 if within else -0.4))
    good = np.all((ijk > margin) & (ijk < size - 1 - margin), axis=1)
    return np.asarray(points[good][:6])


def _fits(scene: Scene, shape: Outline, place: Place, kind: Kind) -> bool:
    """Whether enough of the lesion has room, and is free of vessels where it must be; by some points within it."""
    points = shape.origin + _BALL * (shape.radius(_BALL) * _REACH)[:, None]
    lost = scene.grid.sample(place.room, points) > 0
    if lost.mean() > kind.lost:
        return False
    if kind.covers:
        return True
    ijk = np.rint(scene.grid.geometry.ijk_from_ras(points)).astype(int)
    seen = np.all((ijk >= 0) & (ijk < np.array(scene.vessels.shape[::-1])), axis=1)
    if not seen.any():
        return False
    i, j, k = ijk[seen].T
    return bool((scene.vessels[k, j, i] > 127).mean() <= _IN_VESSEL)


def _covered(scene: Scene, shape: Outline, place: Place, kind: Kind) -> Covered | None:
    """What the lesion covers of the grid."""
    fine = tuple(int(np.clip(np.ceil(mm / 0.75), 2, 4)) for mm in scene.grid.geometry.spacing_mm)
    covered = coverage(scene.grid, shape, place.room, (fine[0], fine[1], fine[2]), cut_off=True)
    if covered is None:
        return None
    share = covered.share
    if not kind.covers:
        share = share * (1 - scene.vessels[covered.slices_kji] * np.float32(1 / 255))
    share = _main_part(share)
    total = float(share.sum())
    if total < 0.5 or float(share.max()) < 0.5:
        return None
    k, j, i = (np.arange(part.start, part.stop) for part in covered.slices_kji)
    ijk = [float((share.sum(axis=axes) * n).sum() / total) for axes, n in (((0, 1), i), ((0, 2), j), ((1, 2), k))]
    return Covered(
        share,
        covered.slices_kji,
        total * scene.grid.geometry.voxel_volume_mm3,
        np.asarray(scene.grid.geometry.ras_from_ijk(ijk)),
    )


def _main_part(share: Float32) -> Float32:
    """Without crumbs that a vessel or a bone cuts off."""
    labels, count = ndimage.label(share >= 0.5, structure=np.ones((3, 3, 3)))
    if count < 2:
        return share
    sizes = np.bincount(labels.ravel())[1:]
    crumbs = (labels > 0) & (labels != 1 + int(sizes.argmax()))
    return np.where(crumbs, np.float32(0), share)


def _largest_within(covered: Covered) -> bool:
    """Whether the largest section lies within the slab, not in its first or last slice."""
    areas = (covered.share >= 0.5).sum(axis=(1, 2))
    k = covered.slices_kji[0].start + int(areas.argmax())
    return bool(areas.max() >= 2 and k > 0 and (areas[-1] < areas.max() or areas.argmax() < len(areas) - 1))


def _paint(scene: Scene, one: Placed, look: Look, rng: np.random.Generator) -> None:
    """Mix the lesion into the volume."""
    where = one.covered.slices_kji
    box, share = scene.volume[where], one.covered.share
    mm = scene.grid.geometry.spacing_mm[::-1]
    if one.kind.halo_mm:
        _fat_round(scene, one)
    white = rng.standard_normal(share.shape, dtype=np.float32)
    grain = ndimage.gaussian_filter(white, [look.texture_mm / _FWHM / n for n in mm], mode="wrap")
    value = look.hu + grain * np.float32(look.texture_hu / max(float(grain.std()), 1e-6))
    inside = share >= 0.5
    depth = np.asarray(
        ndimage.distance_transform_edt(np.pad(inside, ((0, 0), (1, 1), (1, 1))), sampling=mm), np.float32
    )
    depth = depth[:, 1:-1, 1:-1]
    if look.rim_hu:
        value = value + look.rim_hu * np.clip(1.5 - depth / look.rim_mm, 0, 1)
    if np.isfinite(look.core_hu):
        deepest = float(depth.max())
        core = np.clip(
            (depth - (1 - look.core_size) * deepest) / 2.0 + 0.25 * grain / max(float(grain.std()), 1e-6), 0, 1
        )
        value = value + core * (look.core_hu + 0.3 * (value - look.hu) - value)
    painted = share
    if look.edge_mm > 0.25:
        blur = ndimage.gaussian_filter(share, [0.0, look.edge_mm / mm[1], look.edge_mm / mm[2]])
        painted = np.asarray(blur * (share > 0) if look.hu < -200 or not one.kind.covers else blur)
    if look.hu < -200:  # ground glass lets vessels through
        value = np.maximum(box, value)
    box += painted * (value - box)


def _fat_round(scene: Scene, one: Placed) -> None:
    """Fat that sets a node off from the muscles that it lies between; bones, vessels and skin stay."""
    mm = scene.grid.geometry.spacing_mm
    halo = one.kind.halo_mm
    grow = (int(np.ceil(2 * halo / mm[2])), int(np.ceil(2 * halo / mm[1])), int(np.ceil(2 * halo / mm[0])))
    where = tuple(
        slice(max(part.start - n, 0), min(part.stop + n, size))
        for part, n, size in zip(one.covered.slices_kji, grow, scene.volume.shape, strict=True)
    )
    inside = np.zeros([part.stop - part.start for part in where], dtype=bool)
    own = tuple(slice(a.start - b.start, a.stop - b.start) for a, b in zip(one.covered.slices_kji, where, strict=True))
    inside[own] = one.covered.share >= 0.5
    away = ndimage.distance_transform_edt(~inside, sampling=mm[::-1])
    box = scene.volume[where]
    muscle = (box > -60) & (box < 110) & (scene.vessels[where] < 128)
    share = np.clip(1.5 - away / halo, 0, 1) * muscle
    box += (share * (-98.0 - box)).astype(np.float32)


def _truth(grid: Grid, one: Placed, look: Look) -> Lesion:
    lesion = truth(grid.geometry, one.covered, f"{one.kind.region}: {one.kind.name}", {"painted_hu": look.hu})
    return replace(lesion, meaning=LESION)
