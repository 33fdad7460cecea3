"""From a seed to a mask: look along rays, learn what the lesion looks like, find its star-shaped surface, fill it.

1. A first size: the radius at which the median over all directions leaves the value at the seed.
2. Three rounds of: the lesion's value and those around it, inside and outside of the present surface; each ray's
   membership (1 like the lesion, 0 like the surroundings); the surface with the greatest drop of membership across it
   and a small change between neighbouring rays; its centroid as the new centre, so that the seed is forgotten.
3. Voxels: near a distinct part of the surface the half level between the lesion and its surroundings decides (no bias
   by the rays), where there is no border (vessel, muscle) the surface does.

All work is in the image's axial order, in mm along its own axes: turning image and seed together changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from LesionDetectionLib.core.image import PET, Geometry
from LesionDetectionLib.core.progress import Progress

from .click_appearance import (
    LEAST_CT_CONTRAST_HU,
    Appearance,
    Samples,
    ct_appearance,
    pet_appearance,
    weighted_quantile,
)
from .lung_hull import LungHull
from .star_surface import Fan, best_labels, even_over_rays, smooth_over_rays, without_peaks

FloatArray = npt.NDArray[np.floating[Any]]
Box = tuple[slice, slice, slice]

_FIRST_RADIUS_MM, _FIRST_RADII = 0.6, 72
"""The first look is at this many radii, from this one on, in equal ratios (8 % up to 75 mm)."""
_RIM_MM = 45.0
"""A rim of uptake around a cold middle is looked for within this distance of the seed."""
_NOISY_BELOW = 8.0
"""Rays and voxels are smoothed where the contrast is below this many standard deviations of the noise."""


_BLUR_SHIFT = 0.12
"""0.4 x 0.6 voxels (blur of usual kernels) x 1/2; makes 4 and 8 mm spheres of 0.7 mm voxels right to a few per cent."""
_OPENING_SHARE = 0.33
"""Vessels thinner than this share of the lesion are cut off."""
_WEAK = 1.2
"""With less contrast than this many standard deviations of the noise, a larger structure is tried as well."""


@dataclass(frozen=True)
class ClickSettings:
    """How to segment from a click.

    Attributes:
        largest_diameter_mm: the search ends at half of this from the centre.
        pet_level: where between background (0) and lesion (1) the border in PET lies. 0.42 to 0.5 is usual: 0.45 gives
            spheres of 20 to 40 mm their volume.
        jump_cost: how dear a step between neighbouring rays is; larger gives rounder lesions.
        leak_cost: how dear it is to include what does not look like the lesion.
        rim_share: share of the directions that must run into hotter tissue before the middle counts as a dead one (PET).
        polar_rays, azimuthal_rays: number of rays from pole to pole and around.
        radial_steps: possible radii on a ray.
        rounds: how often appearance, surface and centre are improved.
    """

    largest_diameter_mm: float = 150.0
    pet_level: float = 0.45
    jump_cost: float = 1.5
    leak_cost: float = 1.0
    rim_share: float = 0.65
    polar_rays: int = 20
    azimuthal_rays: int = 40
    radial_steps: int = 64
    rounds: int = 3


@dataclass(frozen=True, eq=False)
class Segmentation:
    """What was found around a seed.

    Attributes:
        box: where ``voxels`` lie in the axial-order image.
        voxels: [k, j, i] bool.
        appearance: of the lesion and around it, in the image's unit.
        distinctness: mean drop of membership across the surface; 1 for a sharp border all around, 0 for none.
        noise: standard deviation of the noise around the seed, in the image's unit.
        difference: of the median inside to the further quartile of the voxels just outside, in the image's unit. Noise
            alone makes 0.7 standard deviations.
        size_mm: diameter of the ball of the surface's mean volume.
        at_largest: whether the surface reached the largest allowed size.
        center_ijk: the final centre, continuous index in the axial-order image.
    """

    box: Box
    voxels: npt.NDArray[np.bool_]
    appearance: Appearance
    distinctness: float
    noise: float
    difference: float
    size_mm: float
    at_largest: bool
    center_ijk: FloatArray


class Volume:
    """Voxels in axial order with positions in mm along their own axes.

    Attributes:
        voxels: [k, j, i].
        spacing_mm: (i, j, k).
        in_plane_mm: the larger of the first two.
    """

    def __init__(self, voxels: npt.NDArray[Any], geometry: Geometry) -> None:
        self.voxels = voxels
        self.spacing_mm = np.array(geometry.spacing_mm)
        self.in_plane_mm = float(self.spacing_mm[:2].max())
        # QR: an orthonormal frame that turns with the image; the rest holds spacing (and shear, of a tilted gantry).
        rest = np.linalg.qr(geometry.ijk_to_ras[:3, :3])[1]
        self._mm_from_ijk = rest * np.sign(np.diag(rest))[:, None]
        self._ijk_from_mm = np.linalg.inv(self._mm_from_ijk)

    @property
    def is_flat(self) -> bool:
        return len(self.voxels) == 1

    def ijk(self, center_ijk: FloatArray, offsets_mm: FloatArray) -> FloatArray:
        """Continuous indices, [..., 3], of offsets in mm from a centre, [..., 3]."""
        return np.asarray(offsets_mm @ self._ijk_from_mm.T + center_ijk)

    def sample(self, ijk: FloatArray) -> FloatArray:
        """Linearly interpolated values, [...], at continuous indices [..., 3]; the nearest voxel's beyond the edge."""
        coordinates = np.moveaxis(ijk[..., ::-1], -1, 0)
        return np.asarray(ndimage.map_coordinates(self.voxels, coordinates, output=np.float32, order=1, mode="nearest"))

    def box(self, center_ijk: FloatArray, radius_mm: float) -> Box:
        """The part of the image within ``radius_mm`` of a centre; at least one voxel."""
        reach = radius_mm * np.linalg.norm(self._ijk_from_mm, axis=1)
        size = np.array(self.voxels.shape[::-1])
        low = np.clip(np.floor(center_ijk - reach).astype(int), 0, size - 1)
        high = np.clip(np.ceil(center_ijk + reach).astype(int) + 1, low + 1, size)
        k, j, i = (slice(int(a), int(b)) for a, b in zip(low[::-1], high[::-1], strict=True))
        return k, j, i

    def offsets_mm(self, box: Box, center_ijk: FloatArray) -> FloatArray:
        """[k, j, i, 3] mm of the voxels of a box from a centre."""
        k, j, i = np.meshgrid(*[np.arange(part.start, part.stop, dtype=np.float32) for part in box], indexing="ij")
        ijk = np.stack([i, j, k], axis=-1) - center_ijk.astype(np.float32)
        return np.asarray(ijk @ self._mm_from_ijk.T.astype(np.float32))


def segment(
    volume: Volume, seed_ijk: FloatArray, modality: str, settings: ClickSettings, progress: Progress
) -> Segmentation:
    """Segment what lies at ``seed_ijk`` (continuous index, inside the image). Judging the result is the caller's."""
    fan = Fan.make(settings.polar_rays, settings.azimuthal_rays, volume.is_flat)
    noise = _noise(volume, seed_ijk)
    if modality == PET:
        start = _start_pet(volume, seed_ijk, fan, settings)
    else:
        start = _start_ct(volume, seed_ijk, fan, settings, noise)
    found = _Rounds(volume, modality, settings, fan, noise, start).run(progress.part(0.0, 0.5))
    if modality == PET or found.appearance.contrast >= _WEAK * noise:
        return found
    # The first change along the rays was hardly more than noise: a clump of texture inside a lesion looks so.
    start = _start_ct(volume, seed_ijk, fan, settings, noise, beyond_mm=1.5 * start.radius_mm)
    other = _Rounds(volume, modality, settings, fan, noise, start).run(progress.part(0.5, 1.0))
    clearer = other.appearance.contrast > 2 * found.appearance.contrast and other.distinctness > found.distinctness
    return other if clearer and not other.at_largest else found


@dataclass(frozen=True, eq=False)
class _Start:
    """The first look: centre, size and appearance; for a PET rim, its radius and value (else zero)."""

    center_ijk: FloatArray
    radius_mm: float
    appearance: Appearance
    rim_mm: float = 0.0
    rim_value: float = 0.0


def _noise(volume: Volume, seed_ijk: FloatArray) -> float:
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


def _start_ct(
    volume: Volume, seed_ijk: FloatArray, fan: Fan, settings: ClickSettings, noise: float, beyond_mm: float = 0.0
) -> _Start:
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
    return _Start(center, radius, ct_appearance(samples, surface, _edge_mm(volume), noise, guess))


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


def _start_pet(volume: Volume, seed_ijk: FloatArray, fan: Fan, settings: ClickSettings) -> _Start:
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
    found = pet_appearance(samples, surface, _edge_mm(volume), settings.pet_level, least, guess)
    return _Start(center, radius, found, rim, least)


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


def _edge_mm(volume: Volume) -> float:
    """How far from a border voxels are mixed."""
    return max(0.6, 0.7 * volume.in_plane_mm)


class _Rounds:
    """The rounds of appearance, surface and centre, and the voxels at the end."""

    def __init__(
        self, volume: Volume, modality: str, settings: ClickSettings, fan: Fan, noise: float, start: _Start
    ) -> None:
        self._volume, self._modality, self._settings, self._fan = volume, modality, settings, fan
        self._noise, self._start = noise, start
        self._center, self._appearance = start.center_ijk, start.appearance
        self._size_mm = start.radius_mm
        self._hull: LungHull | None = None
        self._surface_mm: FloatArray = np.zeros(fan.directions.shape[:2])
        self._drop: FloatArray = self._surface_mm
        self._at_largest = False

    def run(self, progress: Progress) -> Segmentation:
        rounds = self._settings.rounds
        for n in range(rounds):
            progress(n / (rounds + 1), "Following the border")
            samples = self._find_surface()
            if n < rounds - 1:
                self._appearance = self._look(samples)
                self._center = self._volume.ijk(self._center, self._centroid_mm())
        progress(rounds / (rounds + 1), "Filling the border")
        box, voxels = self._fill()
        weights = np.broadcast_to(self._fan.weights, self._drop.shape)
        return Segmentation(
            box,
            voxels,
            self._appearance,
            float(np.average(self._drop, weights=weights)),
            self._noise,
            _difference(self._volume.voxels[box], voxels),
            2 * self._size_mm,
            self._at_largest,
            self._center,
        )

    @property
    def _is_noisy(self) -> bool:
        return self._appearance.contrast < _NOISY_BELOW * self._noise

    def _find_surface(self) -> Samples:
        """Set the surface for the present centre, size and appearance; give back what the rays saw."""
        settings, volume = self._settings, self._volume
        largest = settings.largest_diameter_mm / 2
        reach = min(max(2.5 * self._size_mm, self._size_mm + 4.0), largest)
        step = reach / settings.radial_steps
        radii = (np.arange(settings.radial_steps) + 0.5) * step
        ijk = volume.ijk(self._center, self._fan.points(radii))
        values = even_over_rays(volume.sample(ijk))
        if self._is_noisy:
            values = smooth_over_rays(values)
        if self._start.rim_mm:
            values = np.where(radii < self._start.rim_mm, np.maximum(values, self._start.rim_value), values)
        self._appearance = replace(self._appearance, level=self._level())
        member = self._appearance.membership(values)
        if self._appearance.in_lung:
            box = volume.box(self._center, reach + 8.0)
            threshold = self._appearance.threshold
            self._hull = LungHull.of(volume.voxels, box, volume.spacing_mm, threshold, self._size_mm, self._center)
            if self._hull is not None:
                member = member * self._hull.contains(ijk)
        drop, outside = _drop_and_leak(member, max(1, round(max(1.5, 0.3 * self._size_mm) / step)))
        costs = (settings.leak_cost * outside * step / self._size_mm - drop) * self._fan.weights[..., None]
        labels = best_labels(costs.astype(np.float32), settings.jump_cost * step / self._size_mm)
        self._surface_mm = without_peaks((labels + 1) * step)
        self._drop = np.take_along_axis(drop, labels[..., None], axis=2)[..., 0]
        self._at_largest = reach >= largest and float(self._surface_mm.max()) > 0.95 * largest
        weights = np.broadcast_to(self._fan.weights, self._drop.shape)
        self._size_mm = float(np.cbrt(np.average(self._surface_mm**3, weights=weights)))
        return Samples(values, radii, self._fan.weights)

    def _level(self) -> float:
        if self._modality == PET:
            return self._settings.pet_level
        # Blur draws the half level of a small sphere inwards: with a Gaussian of sigma, the value at the true edge is
        # 1/2 - 0.4 sigma / R to first order. What is taken for the lesion's value is blurred too: half of that is left.
        return max(0.5 - _BLUR_SHIFT * self._volume.in_plane_mm / self._size_mm, 0.35)

    def _look(self, samples: Samples) -> Appearance:
        edge = _edge_mm(self._volume)
        if self._modality == PET:
            level, least = self._settings.pet_level, self._start.rim_value
            return pet_appearance(samples, self._surface_mm, edge, level, least, self._appearance)
        return ct_appearance(samples, self._surface_mm, edge, self._noise, self._appearance)

    def _centroid_mm(self) -> FloatArray:
        """Of the star-shaped body, from its centre: the integral of r r^2 dr over that of r^2 dr (in a slice, r dr)."""
        power = 2 if self._volume.is_flat else 3
        mass = self._fan.weights * self._surface_mm**power
        moment = (mass * self._surface_mm)[..., None] * self._fan.directions
        return np.asarray(power / (power + 1) * moment.sum(axis=(0, 1)) / mass.sum())

    def _fill(self) -> tuple[Box, npt.NDArray[np.bool_]]:
        volume = self._volume
        # Half-way thresholds decide within this distance of a distinct surface.
        give_mm = 0.2 * self._surface_mm.mean() + 0.5 * volume.in_plane_mm
        box = volume.box(self._center, float(self._surface_mm.max()) + 2 * give_mm + float(volume.spacing_mm.max()))
        offsets = volume.offsets_mm(box, self._center)
        radius = self._fan.interpolate(self._surface_mm, offsets)
        distinct = np.clip(2 * self._fan.interpolate(self._drop, offsets), 0.05, 1.0)
        values = volume.voxels[box].astype(np.float32)
        if self._is_noisy:
            very = self._appearance.contrast < _NOISY_BELOW / 2 * self._noise
            sigma_mm = float(np.clip(0.05 * self._size_mm, 0.5, 2.5)) * (1.0 if very else 0.6)
            values = ndimage.gaussian_filter(values, sigma_mm / volume.spacing_mm[::-1])
        member = self._appearance.membership(values)
        if self._hull is not None:
            start = np.array([part.start for part in box])
            indices = np.moveaxis(np.indices(member.shape, dtype=np.float32), 0, -1) + start
            member = member * self._hull.contains(indices[..., ::-1])
        give = (0.2 * np.maximum(radius, 0.5 * self._size_mm) + 0.5 * volume.in_plane_mm) * distinct
        level = (radius - np.linalg.norm(offsets, axis=-1)) / give + 2 * member - 1
        body = _one_piece(level > 0, box, self._center)
        return box, _without_stalks(body, volume.spacing_mm, _OPENING_SHARE * self._size_mm, box, self._center)


def _drop_and_leak(member: FloatArray, width: int) -> tuple[FloatArray, FloatArray]:
    """For a border behind each sample of [T, P, R]: mean of ``width`` samples inside minus outside, and how much inside
    does not look like the lesion (sum of what is missing to 1/2)."""
    count = member.shape[2]
    total = np.concatenate([np.zeros_like(member[..., :1]), np.cumsum(member, axis=2)], axis=2)
    border = np.arange(1, count + 1)
    low, high = np.maximum(border - width, 0), np.minimum(border + width, count)
    inner = (total[..., border] - total[..., low]) / (border - low)
    outer = (total[..., high] - total[..., border]) / np.maximum(high - border, 1)
    drop = np.where(high > border, inner - outer, 0.0)
    return drop, np.cumsum(np.maximum(0.5 - member, 0), axis=2)


def _difference(values: npt.NDArray[Any], body: npt.NDArray[np.bool_]) -> float:
    if not body.any():
        return 0.0
    near = ndimage.binary_dilation(body)
    around = values[ndimage.binary_dilation(near) & ~near]
    if around.size == 0:
        return 0.0
    return float(np.abs(np.percentile(around, (25, 75)) - np.median(values[body])).max())


def _without_stalks(
    body: npt.NDArray[np.bool_], spacing_mm: FloatArray, radius_mm: float, box: Box, center_ijk: FloatArray
) -> npt.NDArray[np.bool_]:
    """Opening with a ball; unchanged where nothing would be left. An eighth of the ball and half a voxel are
    added for the corners."""
    if not body.any():
        return body
    sampling = spacing_mm[::-1]
    # Distances on the body's own box: a third of the voxels.
    own = ndimage.find_objects(body.astype(np.uint8))[0]
    whole, body = body, body[own]
    inner_box = tuple(slice(p.start + o.start, p.start + o.stop) for p, o in zip(box, own, strict=True))
    if len(body) == 1:
        core = ndimage.distance_transform_edt(np.pad(body[0], 1), sampling=sampling[1:])[None, 1:-1, 1:-1] > radius_mm
    else:
        core = ndimage.distance_transform_edt(np.pad(body, 1), sampling=sampling)[1:-1, 1:-1, 1:-1] > radius_mm
    if not core.any():
        return whole
    core = _one_piece(core, (inner_box[0], inner_box[1], inner_box[2]), center_ijk)
    away = ndimage.distance_transform_edt(~core, sampling=sampling)
    kept = np.zeros_like(whole)
    kept[own] = body & (away <= 1.125 * radius_mm + 0.5 * float(spacing_mm[:2].max()))
    return kept


def _one_piece(body: npt.NDArray[np.bool_], box: Box, center_ijk: FloatArray) -> npt.NDArray[np.bool_]:
    """The part at the centre (else the largest), its holes filled slice by slice; may be empty."""
    labels, count = ndimage.label(body)
    if count == 0:
        return body
    at = tuple(
        int(np.clip(round(float(c)) - part.start, 0, part.stop - part.start - 1))
        for c, part in zip(center_ijk[::-1], box, strict=True)
    )
    chosen = labels[at] or int(np.bincount(labels.ravel())[1:].argmax()) + 1
    body = labels == chosen
    return np.stack([ndimage.binary_fill_holes(plane) for plane in body])
