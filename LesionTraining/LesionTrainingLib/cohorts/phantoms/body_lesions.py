"""The lesions of a body phantom: which, where, and how they are painted, with exact truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from LesionDetectionLib.core.lesion import LESION, Lesion
from LesionDetectionLib.core.progress import Progress
from scipy import ndimage

from .body_kinds import Kind, Look, draw_look, kinds_of
from .body_painting import Placed, Scene, paint
from .body_places import Place, place_of
from .body_settings import BodySettings
from .body_shapes import draw_diameter, draw_lens, draw_shape
from .chest_patient import Patient
from .fields import Float32, Grid
from .nodules import Covered, Float64, coverage, truth
from .petct_shapes import Outline
from .phantom import random_stream

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


def draw_region(settings: BodySettings, rng: np.random.Generator) -> str:
    names = [name for name, _ in settings.regions]
    weights = np.array([weight for _, weight in settings.regions])
    return names[int(rng.choice(len(names), p=weights / weights.sum()))]


def main_kind(seed: int, settings: BodySettings, patient: Patient) -> tuple[Kind, float]:
    """Of a slab the type of the lesion that it is placed for, and the height of its middle, S in mm."""
    rng = random_stream(seed, "main lesion")
    kind = _draw_kind(settings, patient, rng)
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
    if first is None and random_stream(seed, "no lesion").random() < settings.without:
        count = 0
    placed: list[Placed] = []
    for n in range(count):
        progress(n / count, "Placing lesions")
        one = _find(scene, settings, first if n == 0 else None, placed, n == 0 and first is not None, rng)
        if one is not None:
            placed.append(one)
    lesions = []
    for n, one in enumerate(placed):
        look = draw_look(one.kind, scene.patient, one.diameter_mm, random_stream(seed, f"look {n}"))
        paint(scene, one, look, random_stream(seed, f"paint {n}"))
        lesions.append(_truth(scene.grid, one, look))
    return lesions, [one.kind for one in placed]


def _draw_kind(settings: BodySettings, patient: Patient, rng: np.random.Generator) -> Kind:
    kinds = kinds_of(draw_region(settings, rng), patient, settings.liver)
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
            kind = _draw_kind(settings, scene.patient, rng)
            if not _here(scene.grid, kind, scene.patient):
                continue
        one = place_one(scene, settings, kind, others, within, rng)
        if one is not None:
            return one
    return None


def _here(grid: Grid, kind: Kind, patient: Patient) -> bool:
    """Whether the field of view reaches the heights of such lesions."""
    low, high = float(grid.axes[2].min()), float(grid.axes[2].max())
    return low < kind.heights[1] * patient.size and high > kind.heights[0] * patient.size


def place_one(
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
            place = place_of(scene.fields, kind.place, diameter / 2)
            middles = _middles(grid, place, within, rng)
        if place is None or middles is None or not len(middles):
            continue
        middle = middles[tried % len(middles)]
        if kind.flat[1]:
            plain = draw_lens(kind, outwards(grid, scene.fields.body.liver, middle), rng)
        # What the pleura or a capsule cuts off is made up for in part.
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


def outwards(grid: Grid, field: Float32, point: Float64) -> Float64:
    """The direction in which a signed distance grows fastest, [3] a unit vector."""
    slope = grid.sample(field, point + 4 * np.eye(3)) - grid.sample(field, point - 4 * np.eye(3))
    return np.asarray(slope / max(float(np.linalg.norm(slope)), 1e-6), dtype=np.float64)


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


def _truth(grid: Grid, one: Placed, look: Look) -> Lesion:
    lesion = truth(grid.geometry, one.covered, f"{one.kind.region}: {one.kind.name}", {"painted_hu": look.hu})
    return replace(lesion, meaning=LESION)
