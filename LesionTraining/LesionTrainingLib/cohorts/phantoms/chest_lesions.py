"""Where nodules go in a chest, and how they are painted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from LesionDetectionLib.core.lesion import Lesion
from LesionDetectionLib.core.progress import Progress
from scipy import ndimage

from .chest_settings import ChestSettings
from .chest_site import Site, add_tubes, random_inside
from .nodules import Covered, Float64, StarShape, coverage, random_shape, truth
from .tubes import Tubes

_FADE_MM = 0.9
"""Width (standard deviation) of a ground-glass nodule's edge."""
_TRIES = 60
"""Places tried for a nodule before it is left out (the lung may be too small for it)."""


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
        spiculated = bool(shape.spicules.any())
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
    return random_inside(site, low, high, rng)


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
    grain = ndimage.gaussian_filter(rng.standard_normal(box.shape, dtype=np.float32), 0.8)
    inside = look.hu + (90 if look.hu < -200 else 20) * grain
    if look.hu < -200:  # ground glass fades out and lets vessels through
        faint = ndimage.gaussian_filter(share, [_FADE_MM / mm for mm in site.grid.geometry.spacing_mm[::-1]])
        faint = np.clip(faint * 1.3 - 0.3, 0, 1)
        inside = np.maximum(box, inside - 130 * (1 - faint))
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
    spikes = shape.bumps[shape.spicules]
    start = shape.origin + spikes * (shape.radius(spikes) * 0.8)[:, None]
    end = start + spikes * (diameter * rng.uniform(0.25, 0.9, len(spikes)))[:, None]
    wide = np.full(len(spikes), 0.45)
    add_tubes(site, Tubes(start, end, wide, wide * 0.4), hu)
