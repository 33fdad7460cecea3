"""Where nodules and things that look like them go in a chest, and how they are painted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.lesion import Lesion, Point
from LesionDetectionLib.core.progress import Progress

from .chest_body import Body, Patient
from .chest_settings import ChestSettings
from .chest_vessels import LungTrees
from .fields import Float32, Grid
from .nodules import Covered, Float64, StarShape, coverage, random_shape, truth
from .phantom import Mimic
from .tubes import Tubes, blend, tube_cover

_TRIES = 60
"""Places tried for a nodule before it is left out (the lung may be too small for it)."""


@dataclass(frozen=True, eq=False)
class Site:
    """What lesions are painted into.

    Attributes:
        volume: [k, j, i] HU, changed in place.
        vessels: [k, j, i] share of vessel or airway, 255 being all.
    """

    grid: Grid
    volume: Float32
    vessels: npt.NDArray[np.uint8]
    body: Body
    patient: Patient
    trees: LungTrees


@dataclass(frozen=True, eq=False)
class _Look:
    """Attenuation of a nodule."""

    hu: float
    core_share: float = 0.0
    calcium_hu: float = 0.0


def add_nodules(
    site: Site, settings: ChestSettings, rng: np.random.Generator, progress: Progress
) -> tuple[list[Lesion], list[str]]:
    """Paint nodules; the truth of each and its kind."""
    lesions: list[Lesion] = []
    kinds: list[str] = []
    taken: list[tuple[Float64, float]] = []
    count = int(rng.integers(settings.nodules[0], settings.nodules[1] + 1))
    names = [name for name, _ in settings.kinds]
    weights = np.array([weight for _, weight in settings.kinds])
    for n in range(count):
        progress(n / count, "Painting nodules")
        kind = names[int(rng.choice(len(names), p=weights / weights.sum()))]
        diameter = _diameter(rng, settings)
        placed = _place(site, kind, diameter, settings, rng, taken)
        if placed is None:
            continue
        shape, covered = placed
        spiculated = bool((shape.sharpness > 40).any())
        look = _look(kind, settings, rng)
        _paint(site, shape, covered, kind, look, rng)
        if spiculated:
            _strands(site, shape, diameter, look.hu, rng)
        taken.append((covered.centroid, shape.reach_mm()))
        note = kind + (", spiculated" if spiculated else "") + (", calcified" if look.calcium_hu else "")
        lesions.append(truth(site.grid.geometry, covered, note, {"painted_hu": look.hu}))
        kinds.append(kind)
    return lesions, kinds


def _diameter(rng: np.random.Generator, settings: ChestSettings) -> float:
    low, high = settings.diameter_mm
    for _ in range(100):
        value = float(settings.typical_diameter_mm * np.exp(0.6 * rng.standard_normal()))
        if low <= value <= high:
            return value
    return float(rng.uniform(low, high))


def _place(
    site: Site,
    kind: str,
    diameter: float,
    settings: ChestSettings,
    rng: np.random.Generator,
    taken: list[tuple[Float64, float]],
) -> tuple[StarShape, Covered] | None:
    spiculation = float(rng.uniform(0.3, 1)) if kind != "ground-glass" and rng.random() < settings.spiculated else 0.0
    plain = random_shape(rng, spiculation if diameter > 6 else 0.0)
    low, high = settings.diameter_mm
    for _ in range(_TRIES):
        center = _position(site, kind, diameter, rng)
        if center is None:
            continue
        # What the pleura cuts off is made up for, so that the nodule keeps about its diameter.
        shape = plain.of_size(min(high, diameter * (1.12 if kind == "juxtapleural" else 1.0)), center)
        if any(np.linalg.norm(center - other) < shape.reach_mm() + reach + 3 for other, reach in taken):
            continue
        if kind != "juxtapleural" and site.grid.sample(site.body.lung, center) > -shape.reach_mm() - 0.5:
            continue
        covered = coverage(site.grid, shape, site.body.lung)
        if covered is None:
            continue
        own = float(np.cbrt(6 / np.pi * covered.volume_mm3))
        if not max(low, 0.75 * diameter) <= own <= high:
            continue
        vessel = float((covered.share * site.vessels[covered.slices_kji]).sum() / 255 / covered.share.sum())
        if vessel > (0.5 if kind == "vascular" else 0.12):
            continue
        return shape, covered
    return None


def _position(site: Site, kind: str, diameter: float, rng: np.random.Generator) -> Float64 | None:
    """A random centre in RAS mm, [3], that suits the kind; None where this try found none."""
    if kind == "vascular":
        tree = site.trees.arteries[int(rng.integers(len(site.trees.arteries)))]
        fitting = np.flatnonzero((tree.radii > 0.6) & (tree.radii < 2.5) & (tree.parents >= 0))
        if not len(fitting):
            return None
        node = int(rng.choice(fitting))
        away = np.cross(tree.nodes[node] - tree.nodes[tree.parents[node]], rng.standard_normal(3))
        away /= max(float(np.linalg.norm(away)), 1e-9)
        return np.asarray(tree.nodes[node] + away * (diameter / 2 + 0.3 * tree.radii[node]))
    low, high = (-0.42 * diameter, -0.1 * diameter) if kind == "juxtapleural" else (-np.inf, -diameter / 2 - 0.5)
    return _inside(site, low, high, rng)


def _look(kind: str, settings: ChestSettings, rng: np.random.Generator) -> _Look:
    if kind == "ground-glass":
        return _Look(float(rng.uniform(-700, -480)))
    if kind == "part-solid":
        return _Look(float(rng.uniform(-640, -420)), core_share=float(rng.uniform(0.35, 0.7)))
    calcium = float(rng.uniform(180, 700)) if rng.random() < settings.calcified else 0.0
    return _Look(float(rng.uniform(-40, 70)), calcium_hu=calcium)


def _paint(site: Site, shape: StarShape, covered: Covered, kind: str, look: _Look, rng: np.random.Generator) -> None:
    box = site.volume[covered.slices_kji]
    share = covered.share
    grain = rng.standard_normal(box.shape, dtype=np.float32)
    inside = look.hu + (28 if look.hu < -200 else 9) * grain
    if look.hu < -200:  # ground glass lets vessels through
        inside = np.maximum(box, inside)
    box += share * (inside - box)
    core = None
    if look.core_share:
        offset = rng.normal(0, 0.12, 3) * np.cbrt(covered.volume_mm3)
        core, hu = look.core_share, float(rng.uniform(-30, 50))
    elif look.calcium_hu:
        offset, core, hu = np.zeros(3), float(rng.uniform(0.4, 0.8)), look.calcium_hu
    if core:
        inner = StarShape(shape.origin + offset, shape.axes / core, shape.bumps, shape.heights * 0.8, shape.sharpness)
        within = coverage(site.grid, inner, site.body.lung)
        if within is not None:
            part = site.volume[within.slices_kji]
            part += within.share * (np.maximum(part, hu + 9 * rng.standard_normal(part.shape, dtype=np.float32)) - part)


def _strands(site: Site, shape: StarShape, diameter: float, hu: float, rng: np.random.Generator) -> None:
    """Thin strands that go on from the spicules into the lung; no part of the nodule's volume."""
    spikes = shape.bumps[shape.sharpness > 40]
    start = shape.origin + spikes * (shape.radius(spikes) * 0.8)[:, None]
    end = start + spikes * (diameter * rng.uniform(0.15, 0.6, len(spikes)))[:, None]
    wide = np.full(len(spikes), 0.45)
    _add_tubes(site, Tubes(start, end, wide, wide * 0.4), hu)


def _add_tubes(site: Site, tubes: Tubes, hu: float) -> None:
    """Paint a few tubes in their common box only, where they lie in the lung."""
    inside = (site.grid.sample(site.body.lung, tubes.start) < 0) & (site.grid.sample(site.body.lung, tubes.end) < 0)
    if not inside.any():
        return
    tubes = tubes.chosen(inside).cut_up(5.0)
    geometry = site.grid.geometry
    corners = geometry.ijk_from_ras(np.concatenate([tubes.start, tubes.end]))
    margin = (float(max(tubes.start_radius.max(), tubes.end_radius.max())) + 2) / np.array(geometry.spacing_mm)
    low = np.clip(np.floor(corners.min(axis=0) - margin), 0, None).astype(int)
    high = np.minimum(np.ceil(corners.max(axis=0) + margin).astype(int) + 1, geometry.shape_kji[::-1])
    if (high <= low).any():
        return
    size = high - low
    small = Grid(geometry.crop(tuple(low.tolist()), tuple(size.tolist())))
    covered = np.zeros(small.geometry.shape_kji, dtype=np.uint8)
    tube_cover(small, tubes, covered)
    where = tuple(slice(int(x), int(y)) for x, y in zip(low[::-1], high[::-1], strict=True))
    blend(site.volume[where], covered, hu)


def add_mimics(site: Site, settings: ChestSettings, rng: np.random.Generator, progress: Progress) -> list[Mimic]:
    """Paint what looks like a nodule and is none."""
    kinds = ("vessel-crossing", "scar", "fissure-thickening", "apical-cap", "costochondral-bump")
    makers = {
        "vessel-crossing": _crossing,
        "scar": _scar,
        "fissure-thickening": _thickening,
        "apical-cap": _cap,
        "costochondral-bump": _bump,
    }
    mimics = []
    count = int(rng.integers(settings.mimics[0], settings.mimics[1] + 1))
    for n in range(count):
        progress(n / count, "Painting mimics")
        kind = kinds[int(rng.choice(len(kinds), p=(0.45, 0.2, 0.15, 0.08, 0.12)))]
        made = makers[kind](site, rng)
        if made is not None:
            center, extent = made
            mimics.append(Mimic(_point(center), kind, extent))
    return mimics


def _point(center: Float64) -> Point:
    r, a, s = (float(n) for n in center)
    return r, a, s


def _inside(
    site: Site, low: float, high: float, rng: np.random.Generator, field: Float32 | None = None, within: float = 0.0
) -> Float64 | None:
    """A random point whose lung distance lies between ``low`` and ``high``, and ``field`` within +-``within``."""
    for _ in range(3):
        points = np.stack([rng.choice(axis, 2000) for axis in site.grid.axes], axis=1).astype(np.float64)
        depth = site.grid.sample(site.body.lung, points)
        good = (depth > low) & (depth < high)
        if field is not None:
            good &= np.abs(site.grid.sample(field, points)) < within
        if good.any():
            return np.asarray(points[int(np.argmax(good))])
    return None


def _crossing(site: Site, rng: np.random.Generator) -> tuple[Float64, float] | None:
    """Two vessels that touch in passing."""
    center = _inside(site, -np.inf, -14, rng)
    if center is None:
        return None
    radius = float(rng.uniform(0.8, 2.2))
    ways = rng.standard_normal((2, 3))
    ways /= np.linalg.norm(ways, axis=1)[:, None]
    half = rng.uniform(8, 14, 2)
    start, end = center - ways * half[:, None], center + ways * half[:, None]
    start[1] += np.cross(ways[0], ways[1]) * radius
    radii = np.array((radius, radius * 0.85))
    _add_tubes(site, Tubes(start, end, radii, radii * 0.7), site.patient.blood_hu)
    return center, 2.6 * radius


def _flake(
    site: Site, center: Float64, normal: Float64, halves: tuple[float, float, float], hu: float
) -> tuple[Float64, float] | None:
    """A flat ellipsoid; half-lengths along two directions in its plane and along its normal."""
    normal = normal / max(float(np.linalg.norm(normal)), 1e-9)
    first = np.cross(normal, (0.3, 0.5, 0.81))
    first /= max(float(np.linalg.norm(first)), 1e-9)
    axes = np.stack([first / halves[0], np.cross(normal, first) / halves[1], normal / halves[2]])
    covered = coverage(site.grid, StarShape(center, axes, np.zeros((0, 3)), np.zeros(0), np.zeros(0)), site.body.lung)
    if covered is None:
        return None
    box = site.volume[covered.slices_kji]
    box += covered.share * (np.maximum(box, np.float32(hu)) - box)
    return center, 2 * max(halves)


def _scar(site: Site, rng: np.random.Generator) -> tuple[Float64, float] | None:
    center = _inside(site, -12, -3, rng)
    if center is None:
        return None
    halves = (float(rng.uniform(5, 16)), float(rng.uniform(2.5, 9)), float(rng.uniform(0.5, 1.3)))
    return _flake(site, center, rng.standard_normal(3), halves, float(rng.uniform(-300, 20)))


def _slope(site: Site, field: Float32, at: Float64) -> Float64:
    steps = np.eye(3) * 2.0
    return np.asarray(site.grid.sample(field, at + steps) - site.grid.sample(field, at - steps), dtype=np.float64)


def _thickening(site: Site, rng: np.random.Generator) -> tuple[Float64, float] | None:
    center = _inside(site, -np.inf, -6, rng, site.body.oblique, 0.7)
    if center is None:
        return None
    halves = (float(rng.uniform(3, 9)), float(rng.uniform(2, 6)), float(rng.uniform(0.8, 1.6)))
    return _flake(site, center, _slope(site, site.body.oblique, center), halves, float(rng.uniform(-200, 20)))


def _cap(site: Site, rng: np.random.Generator) -> tuple[Float64, float] | None:
    """Thickened pleura over the top of a lung."""
    side = 1.0 if rng.random() < 0.5 else -1.0
    size = site.patient.size
    center = np.array((side * 52 * size, -34 * size, site.patient.apex_mm - float(rng.uniform(0, 4))))
    center[:2] += rng.uniform(-8, 8, 2)
    halves = (float(rng.uniform(8, 16)), float(rng.uniform(6, 12)), float(rng.uniform(2, 4.5)))
    return _flake(site, center, np.array((0.1, 0.1, 1.0)), halves, float(rng.uniform(-80, 30)))


def _bump(site: Site, rng: np.random.Generator) -> tuple[Float64, float] | None:
    """Bone or cartilage of a rib's end that bulges into the lung."""
    center = _inside(site, -1.0, 1.5, rng, site.body.around - np.float32(0.83), 0.04)
    if center is None:
        return None
    half = float(rng.uniform(2.5, 5))
    return _flake(
        site, center, _slope(site, site.body.lung, center), (half * 1.3, half, half * 0.8), float(rng.uniform(90, 320))
    )
