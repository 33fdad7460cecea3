"""What looks like a nodule in a chest and is none."""

from __future__ import annotations

import numpy as np
from LesionDetectionLib.core.lesion import Point
from LesionDetectionLib.core.progress import Progress

from .chest_settings import ChestSettings
from .chest_site import Site, add_tubes, random_inside
from .fields import Float32
from .nodules import Float64, StarShape, coverage
from .phantom import Mimic
from .tubes import Tubes


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


def _crossing(site: Site, rng: np.random.Generator) -> tuple[Float64, float] | None:
    """Two vessels that touch in passing."""
    center = random_inside(site, -np.inf, -14, rng)
    if center is None:
        return None
    radius = float(rng.uniform(1.0, 2.5))
    ways = rng.standard_normal((2, 3))
    ways /= np.linalg.norm(ways, axis=1)[:, None]
    half = rng.uniform(8, 14, 2)
    start, end = center - ways * half[:, None], center + ways * half[:, None]
    aside = np.cross(ways[0], ways[1]) * radius
    start[1], end[1] = start[1] + aside, end[1] + aside
    radii = np.array((radius, radius * 0.85))
    add_tubes(site, Tubes(start, end, radii, radii * 0.7), site.patient.blood_hu)
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
    center = random_inside(site, -12, -3, rng)
    if center is None:
        return None
    halves = (float(rng.uniform(5, 16)), float(rng.uniform(2.5, 9)), float(rng.uniform(0.5, 1.3)))
    return _flake(site, center, rng.standard_normal(3), halves, float(rng.uniform(-300, 20)))


def _slope(site: Site, field: Float32, at: Float64) -> Float64:
    steps = np.eye(3) * 2.0
    return np.asarray(site.grid.sample(field, at + steps) - site.grid.sample(field, at - steps), dtype=np.float64)


def _thickening(site: Site, rng: np.random.Generator) -> tuple[Float64, float] | None:
    center = random_inside(site, -np.inf, -6, rng, site.body.oblique, 0.7)
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
    center = random_inside(site, -1.0, 1.5, rng, site.body.around - np.float32(0.83), 0.04)
    if center is None:
        return None
    half = float(rng.uniform(2.5, 5))
    return _flake(
        site, center, _slope(site, site.body.lung, center), (half * 1.3, half, half * 0.8), float(rng.uniform(90, 320))
    )
