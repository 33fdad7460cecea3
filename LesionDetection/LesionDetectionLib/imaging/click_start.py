"""The first look from a seed: where to begin, how large the lesion may be, and what it looks like."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from .click_appearance import (
    LEAST_CT_CONTRAST_HU,
    Appearance,
    Samples,
    ct_appearance,
    pet_appearance,
    weighted_quantile,
)
from .click_volume import ClickSettings, FloatArray, Volume
from .star_surface import Fan, even_over_rays, smooth_over_rays

_FIRST_RADIUS_MM, _FIRST_RADII = 0.6, 72
"""The first look is at this many radii, from this one on, in equal ratios (8 % up to 75 mm)."""
_RIM_MM = 45.0
"""A rim of uptake around a cold middle is looked for within this distance of the seed."""


@dataclass(frozen=True, eq=False)
class Start:
    """The first look: centre, size and appearance; for a PET rim, its radius and value (else zero)."""

    center_ijk: FloatArray
    radius_mm: float
    appearance: Appearance
    rim_mm: float = 0.0
    rim_value: float = 0.0


def noise_around(volume: Volume, seed_ijk: FloatArray) -> float:
    """Standard deviation in the slices within 12 mm, from the median difference of voxels two apart."""
    near = volume.voxels[volume.box(seed_ijk, 12.0)].astype(np.float32)
    difference = np.concatenate([(near[:, 2:] - near[:, :-2]).ravel(), (near[:, :, 2:] - near[:, :, :-2]).ravel()])
    if difference.size == 0:
        return 0.0
    # 1.4826: from median absolute deviation to standard deviation of a normal distribution.
    return float(np.median(np.abs(difference - np.median(difference))) * 1.4826 / np.sqrt(2))


def _first_look(volume: Volume, center_ijk: FloatArray, fan: Fan, settings: ClickSettings) -> Samples:
    radii = np.geomspace(_FIRST_RADIUS_MM, settings.largest_diameter_mm / 2, _FIRST_RADII)
    values = volume.sample(volume.ijk(center_ijk, fan.points(radii)))
    return Samples(even_over_rays(values), radii, fan.weights)


def _profile(samples: Samples) -> FloatArray:
    """[R]; the median over all directions at each radius, a little smoothed."""
    weights = np.broadcast_to(samples.solid_angles, samples.values.shape[:2]).ravel()
    medians = [weighted_quantile(values.ravel(), weights, 0.5) for values in np.moveaxis(samples.values, 2, 0)]
    return np.asarray(ndimage.uniform_filter1d(np.array(medians), 3, mode="nearest"))


def _first_radius(changed: npt.NDArray[np.bool_], radii_mm: FloatArray, volume: Volume) -> float:
    radius = float(radii_mm[changed.argmax()]) if changed.any() else float(radii_mm[-1])
    return max(radius, 1.2 * volume.in_plane_mm)


def start_ct(
    volume: Volume, seed_ijk: FloatArray, fan: Fan, settings: ClickSettings, noise: float, beyond_mm: float = 0.0
) -> Start:
    center, value = _seed_value_ct(volume, seed_ijk)
    samples = _first_look(volume, center, fan, settings)
    radii, profile = samples.radii_mm, _profile(samples)
    # Mean inside each radius; near the seed the (already averaged) value there takes part.
    mean = np.cumsum(profile * radii**3) / np.cumsum(radii**3)
    near = radii <= max(2.0, 1.5 * volume.in_plane_mm)
    mean[near] = 0.5 * (value + mean[near][-1])
    before = np.concatenate([mean[:1], mean[:-1]])
    # About one independent value per mm2 of a sphere's quarter: four standard errors of its median.
    tolerance = np.maximum(4.0 * noise / np.sqrt(np.maximum(1.0, np.pi * radii**2)), LEAST_CT_CONTRAST_HU)
    changed = (np.abs(profile - before) > tolerance) & (radii > max(2 * _FIRST_RADIUS_MM, beyond_mm))
    radius = _first_radius(changed, radii, volume)
    surface = np.full(samples.values.shape[:2], radius)
    guess = Appearance(value, value - 2 * LEAST_CT_CONTRAST_HU, value + 2 * LEAST_CT_CONTRAST_HU)
    return Start(center, radius, ct_appearance(samples, surface, volume.edge_mm, noise, guess))


def _seed_value_ct(volume: Volume, seed_ijk: FloatArray) -> tuple[FloatArray, float]:
    """Where to begin and the median there. A click in lung beside something dense moves to it, by 4 mm at most."""
    reach = max(1.8, 1.5 * volume.in_plane_mm)
    box = volume.box(seed_ijk, max(3 * reach, 5.0))
    offsets = volume.offsets_mm(box, seed_ijk)
    values = volume.voxels[box].astype(np.float32)
    # With thick slices the nearest slice always counts.
    flattened = offsets / np.array([1, 1, max(1.0, float(volume.spacing_mm[2]) / 2 / reach)], np.float32)
    close = np.linalg.norm(flattened, axis=-1) <= reach
    value = float(np.median(values[close])) if close.any() else float(volume.sample(seed_ijk))
    if value > -300.0:
        return np.array(seed_ijk, dtype=float), value
    smooth = ndimage.gaussian_filter(values, 0.7 / volume.spacing_mm[::-1])
    smooth = np.where(np.linalg.norm(offsets, axis=-1) <= 4.0, smooth, -np.inf)
    best = np.unravel_index(int(smooth.argmax()), smooth.shape)
    if smooth[best] < value + 200.0:
        return np.array(seed_ijk, dtype=float), value
    return np.array([part.start + at for part, at in zip(box, best, strict=True)][::-1], dtype=float), float(
        smooth[best]
    )


def start_pet(volume: Volume, seed_ijk: FloatArray, fan: Fan, settings: ClickSettings) -> Start:
    center, value = _seed_value_pet(volume, seed_ijk)
    samples = _first_look(volume, center, fan, settings)
    values, radii = smooth_over_rays(samples.values), samples.radii_mm
    weights = np.broadcast_to(samples.solid_angles, values.shape[:2]).ravel()
    top = values[..., radii < _RIM_MM].max(axis=2).ravel()
    hotter = top > 1.25 * value
    rim = 0.0
    if weights[hotter].sum() > settings.rim_share * weights.sum():
        value = weighted_quantile(top[hotter], weights[hotter], 0.4)
        reached = np.where(values > 0.9 * value, radii, np.inf).min(axis=2).ravel()
        rim = weighted_quantile(reached, weights, 0.5)
        values = np.where(radii < rim, np.maximum(values, value), values)
    samples = Samples(values, radii, fan.weights)
    guess = Appearance(value, 0.0, np.inf, settings.pet_level)
    radius = _first_radius(_profile(samples) < guess.threshold, radii, volume)
    surface, least = np.full(values.shape[:2], radius), value if rim else 0.0
    found = pet_appearance(samples, surface, volume.edge_mm, settings.pet_level, least, guess)
    return Start(center, radius, found, rim, least)


def _seed_value_pet(volume: Volume, seed_ijk: FloatArray) -> tuple[FloatArray, float]:
    """The nearby peak and its value; where uptake still rises beyond it (a hotter neighbour), the seed and the mean there."""
    widest = float(volume.spacing_mm.max())
    box = volume.box(seed_ijk, 2 * widest)
    values = volume.voxels[box].astype(np.float32)
    distance = np.linalg.norm(volume.offsets_mm(box, seed_ijk), axis=-1)
    inside = np.where(distance <= 1.6 * widest, values, -np.inf)
    at = np.unravel_index(int(inside.argmax()), inside.shape)
    peak = np.array([part.start + n for part, n in zip(box, at, strict=True)][::-1], dtype=float)
    if volume.voxels[volume.box(peak, 1.1 * widest)].max() <= inside[at]:
        return peak, float(inside[at])
    close = distance <= max(1.2 * widest, float(distance.min()))
    return np.array(seed_ijk, dtype=float), float(values[close].mean())
