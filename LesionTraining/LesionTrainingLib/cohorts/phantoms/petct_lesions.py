"""The lesions of a PET/CT phantom's lungs: where they lie, how they look in CT, and what they take up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from LesionDetectionLib.core.lesion import Lesion
from LesionDetectionLib.core.progress import Progress
from scipy import ndimage

from .chest_site import Site, add_tubes
from .fields import Float32
from .nodules import Covered, Float64, coverage, truth
from .petct_settings import AS_DRAWN, NONE_ACTIVE, LesionSettings
from .petct_shapes import Outline, draw_outline
from .phantom import random_stream
from .tubes import Tubes

ACTIVE, INACTIVE = "active", "inactive-lesion"
_FWHM = 2.3548
_TRIES = 30
"""Places tried for a lesion before it is left out (the lung may be too small for it)."""
_APART_MM = 8.0
_NECROTIC_FROM_MM, _NECROTIC_HU, _NECROTIC_SUV = 20.0, -28.0, 0.9
_UPTAKE_OF_CLUMPS = 0.12
"""How much the uptake varies with the clumps of an active lesion's texture: share of the mean, one standard deviation."""


@dataclass(frozen=True, eq=False)
class Planned:
    """A lesion before it is known whether it is active.

    Attributes:
        center: [3] RAS mm.
        diameter_mm: that it will have.
        hu: mean attenuation.
        place: ``parenchyma``, ``wall`` or ``mediastinum``.
    """

    center: Float64
    diameter_mm: float
    hu: float
    place: str


@dataclass(frozen=True, eq=False)
class Painted:
    """A lesion as it was painted.

    Attributes:
        lesion: the truth.
        active: whether it takes up the tracer.
        covered: what it covers of the CT's grid.
        uptake: [k, j, i] SUVbw of each voxel of its box.
    """

    lesion: Lesion
    active: bool
    covered: Covered
    uptake: Float32


def add_lesions(site: Site, settings: LesionSettings, seed: int, progress: Progress) -> list[Painted]:
    """Paint the lesions of this seed into ``site.volume``.

    Raises:
        Cancelled: see ``progress``.
    """
    planned = plan_lesions(site, settings, random_stream(seed, "lesions"))
    activity = draw_activity(len(planned), settings, random_stream(seed, "activity"))
    painted = []
    for n, (one, active) in enumerate(zip(planned, activity, strict=True)):
        progress(n / len(planned), "Painting lesions")
        made = _paint(site, one, active, settings, random_stream(seed, f"lesion {n}"))
        if made is not None:
            painted.append(made)
    return painted


def draw_activity(count: int, settings: LesionSettings, rng: np.random.Generator) -> list[bool]:
    """Which of ``count`` lesions are active; drawn without regard to anything else of them."""
    none = rng.random() < settings.without_active
    chances = rng.random(count)
    chosen = int(rng.integers(count)) if count else 0
    if settings.active == NONE_ACTIVE or (settings.active == AS_DRAWN and none) or not count:
        return [False] * count
    active = [bool(chance < settings.active_share) for chance in chances]
    if not any(active):
        active[chosen] = True
    return active


def plan_lesions(site: Site, settings: LesionSettings, rng: np.random.Generator) -> list[Planned]:
    """Sizes, mean attenuations and places of the lesions, largest first, so that each still finds a place."""
    count = int(rng.integers(settings.number[0], settings.number[1] + 1))
    names = [name for name, _ in settings.places]
    weights = np.array([weight for _, weight in settings.places])
    drawn = sorted((draw_diameter(rng, settings) for _ in range(count)), reverse=True)
    planned: list[Planned] = []
    for diameter in drawn:
        hu = float(settings.hu + settings.hu_spread * np.clip(rng.standard_normal(), -2.5, 2.5))
        place = names[int(rng.choice(len(names), p=weights / weights.sum()))]
        center = _free_place(site, place, diameter, planned, rng)
        if center is not None:
            planned.append(Planned(center, diameter, hu, place))
    return planned


def draw_diameter(rng: np.random.Generator, settings: LesionSettings) -> float:
    """In mm; log-normal within its range."""
    low, high = settings.diameter_mm
    for _ in range(100):
        value = float(settings.typical_diameter_mm * np.exp(settings.diameter_spread * rng.standard_normal()))
        if low <= value <= high:
            return value
    return float(rng.uniform(low, high))


def _free_place(
    site: Site, place: str, diameter: float, others: list[Planned], rng: np.random.Generator
) -> Float64 | None:
    """A random centre in RAS mm whose lesion lies in the lung, in the field of view, and apart from the others."""
    radius = diameter / 2
    lung, wall = site.body.lung, site.body.wall
    if place == "parenchyma":
        fit = lung < -min(radius + 1, 0.8 * float(-lung.min()))
    else:
        fit = (lung > -0.8 * radius) & (lung < -0.35 * radius)
        fit &= (wall > -radius) if place == "wall" else (wall < -radius - 4)
    inside = np.flatnonzero(fit)
    if not inside.size:
        return None
    r, a, s = (axis.ravel() for axis in site.grid.coarse)
    shape = np.array(site.grid.geometry.shape_kji[::-1])
    margin = (1.45 * radius + 10) / np.array(site.grid.geometry.spacing_mm) + 1
    for _ in range(_TRIES):
        k, j, i = np.unravel_index(int(rng.choice(inside)), lung.shape)
        jitter = rng.uniform(-0.5, 0.5, 3) * np.array(site.grid.coarse_spacing_kji[::-1])
        center: Float64 = np.array((r[i], a[j], s[k]), dtype=np.float64) + jitter
        ijk = site.grid.geometry.ijk_from_ras(center)
        if (ijk < margin).any() or (ijk > shape - 1 - margin).any():
            continue
        if all(np.linalg.norm(center - o.center) > radius + o.diameter_mm / 2 + _APART_MM for o in others):
            return center
    return None


def _paint(
    site: Site, planned: Planned, active: bool, settings: LesionSettings, rng: np.random.Generator
) -> Painted | None:
    spikes = settings.spicule_mm if active else (0.0, 0.0)
    outline = draw_outline(rng, active, planned.diameter_mm / 2, spikes)
    fitted = _fitted(site, outline, planned)
    if fitted is None:
        return None
    shape, covered = fitted
    texture, core = _texture(site, shape, covered, planned, active, settings, rng)
    box = site.volume[covered.slices_kji]
    box += covered.share * (planned.hu + texture - box)
    if active:
        _strands(site, shape, planned, rng)
    suv = _suv(active, settings, rng)
    spread = float(texture.std()) if active else 0.0
    uptake = np.full(box.shape, suv, dtype=np.float32)
    if spread:
        uptake *= np.clip(1 + _UPTAKE_OF_CLUMPS * texture / spread, 0.5, 1.5)
    uptake += core * (_NECROTIC_SUV - uptake)
    weights = covered.share / covered.share.sum()
    extra = {
        "painted_hu": planned.hu,
        "painted_texture_hu": float(np.sqrt((weights * texture**2).sum())),
        "painted_suvbw": suv,
        "necrotic_share": float((weights * core).sum()),
    }
    note = f"{ACTIVE if active else INACTIVE}, {planned.place}"
    return Painted(truth(site.grid.geometry, covered, note, extra), active, covered, uptake)


def _fitted(site: Site, outline: Outline, planned: Planned) -> tuple[Outline, Covered] | None:
    """The outline at its place with the planned volume, also where the pleura cuts a part of it off."""
    # Voxels are sampled about every 0.75 mm.
    fine = tuple(int(np.clip(np.ceil(mm / 0.75), 2, 4)) for mm in site.grid.geometry.spacing_mm)
    shape = outline.of_size(planned.diameter_mm, planned.center)
    assert isinstance(shape, Outline)
    cut = float(site.grid.sample(site.body.lung, planned.center)) > -shape.reach_mm() - site.grid.step_mm
    lung = site.body.lung if cut else None
    covered = coverage(site.grid, shape, lung, (fine[0], fine[1], fine[2]))
    wanted = np.pi / 6 * planned.diameter_mm**3
    if covered is not None and cut and abs(covered.volume_mm3 / wanted - 1) > 0.02:
        grown = outline.of_size(
            planned.diameter_mm * min(1.3, float(np.cbrt(wanted / covered.volume_mm3))), planned.center
        )
        assert isinstance(grown, Outline)
        again = coverage(site.grid, grown, lung, (fine[0], fine[1], fine[2]))
        if again is not None:
            shape, covered = grown, again
    return None if covered is None else (shape, covered)


def _texture(
    site: Site,
    shape: Outline,
    covered: Covered,
    planned: Planned,
    active: bool,
    settings: LesionSettings,
    rng: np.random.Generator,
) -> tuple[Float32, Float32]:
    """Deviation from the mean attenuation, mean 0 over the lesion, and the share of necrotic core; both [k, j, i]."""
    mm = site.grid.geometry.spacing_mm[::-1]
    width = float(rng.uniform(*settings.texture_mm)) / _FWHM if active else 1.0
    wanted = float(rng.uniform(*settings.texture_hu)) if active else settings.smooth_hu
    white = rng.standard_normal(covered.share.shape, dtype=np.float32)
    texture = ndimage.gaussian_filter(white, [width / n for n in mm], mode="wrap")
    core = np.zeros_like(texture)
    necrotic = bool(rng.random() < settings.necrotic)
    if active and necrotic and planned.diameter_mm >= _NECROTIC_FROM_MM:
        core = _core(site, shape, covered, float(rng.uniform(0.4, 0.6)))
    weights = covered.share / covered.share.sum()
    texture -= (weights * texture).sum()
    texture *= wanted / max(float(np.sqrt((weights * texture**2).sum())), 1e-6)
    texture += core * _NECROTIC_HU
    texture -= (weights * texture).sum()
    return np.asarray(texture, dtype=np.float32), core


def _core(site: Site, shape: Outline, covered: Covered, size: float) -> Float32:
    """A blurred ball about the lesion's middle, of ``size`` times its radius: [k, j, i] share."""
    k, j, i = (np.arange(part.start, part.stop) for part in covered.slices_kji)
    axes = site.grid.axes
    r, a, s = axes[0][i][None, None, :], axes[1][j][None, :, None], axes[2][k][:, None, None]
    center = covered.centroid
    away = np.sqrt((r - center[0]) ** 2 + (a - center[1]) ** 2 + (s - center[2]) ** 2)
    radius = size * float(np.cbrt(covered.volume_mm3 * 0.75 / np.pi))
    return np.asarray(np.clip((radius - away) / 4 + 0.5, 0, 1), dtype=np.float32)


def _suv(active: bool, settings: LesionSettings, rng: np.random.Generator) -> float:
    if not active:
        return float(rng.uniform(*settings.suv_inactive))
    low, high = settings.suv_active
    return float(np.clip(settings.typical_suv * np.exp(0.45 * rng.standard_normal()), low, high))


def _strands(site: Site, shape: Outline, planned: Planned, rng: np.random.Generator) -> None:
    """Thin strands that go on from some spicules into the lung; no part of the lesion."""
    spikes = shape.bumps[shape.heights * planned.diameter_mm / 2 > 3.5]
    if not len(spikes):
        return
    start = shape.origin + spikes * (shape.radius(spikes) * 0.85)[:, None]
    end = start + spikes * rng.uniform(3, 14, len(spikes))[:, None]
    wide = np.full(len(spikes), 0.5)
    add_tubes(site, Tubes(start, end, wide, wide * 0.4), planned.hu)
