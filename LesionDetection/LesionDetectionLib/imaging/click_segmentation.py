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

from LesionDetectionLib.core.image import PET
from LesionDetectionLib.core.progress import Progress

from .click_appearance import Appearance, Samples, ct_appearance, pet_appearance
from .click_border import BorderPoints
from .click_start import Start, noise_around, start_ct, start_pet
from .click_volume import Box, ClickSettings, FloatArray, Volume
from .lung_hull import LungHull
from .star_surface import Fan, best_labels, even_over_rays, smooth_over_rays, without_peaks

_NOISY_BELOW = 8.0
"""Rays and voxels are smoothed where the contrast is below this many standard deviations of the noise."""
_BLUR_SHIFT = 0.12
"""0.4 x 0.6 voxels (blur of usual kernels) x 1/2; makes 4 and 8 mm spheres of 0.7 mm voxels right to a few per cent."""
_OPENING_SHARE = 0.33
"""Vessels thinner than this share of the lesion are cut off."""
_WEAK = 1.2
"""With less contrast than this many standard deviations of the noise, a larger structure is tried as well."""


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


def segment(
    volume: Volume,
    seed_ijk: FloatArray,
    modality: str,
    settings: ClickSettings,
    progress: Progress,
    border: BorderPoints | None = None,
) -> Segmentation:
    """Segment what lies at ``seed_ijk`` (continuous index, inside the image), its border through the points of ``border``.
    Judging the result is the caller's. Raises UsageError where the points do not fit the seed."""
    if border is not None:
        border.require_fit(volume, seed_ijk)
    fan = Fan.make(settings.polar_rays, settings.azimuthal_rays, volume.is_flat)
    noise = noise_around(volume, seed_ijk)

    def grown_from(start: Start, progress: Progress) -> Segmentation:
        if border is not None and not border.fits(volume, start.center_ijk):
            start = replace(start, center_ijk=np.array(seed_ijk, dtype=float))
        return _Rounds(volume, modality, settings, fan, noise, start, border).run(progress)

    if modality == PET:
        start = start_pet(volume, seed_ijk, fan, settings)
    else:
        start = start_ct(volume, seed_ijk, fan, settings, noise)
    found = grown_from(start, progress.part(0.0, 0.5))
    if modality == PET or found.appearance.contrast >= _WEAK * noise:
        return found
    # The first change along the rays was hardly more than noise: a clump of texture inside a lesion looks so.
    start = start_ct(volume, seed_ijk, fan, settings, noise, beyond_mm=1.5 * start.radius_mm)
    other = grown_from(start, progress.part(0.5, 1.0))
    clearer = other.appearance.contrast > 2 * found.appearance.contrast and other.distinctness > found.distinctness
    return other if clearer and not other.at_largest else found


class _Rounds:
    """The rounds of appearance, surface and centre, and the voxels at the end."""

    def __init__(
        self,
        volume: Volume,
        modality: str,
        settings: ClickSettings,
        fan: Fan,
        noise: float,
        start: Start,
        border: BorderPoints | None = None,
    ) -> None:
        self._volume, self._modality, self._settings, self._fan = volume, modality, settings, fan
        self._noise, self._start, self._border = noise, start, border
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
                center = self._volume.ijk(self._center, self._centroid_mm())
                if self._border is None or self._border.fits(self._volume, center):
                    self._center = center
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
        if self._border is not None:
            reach = max(reach, 1.2 * self._border.largest_mm(volume, self._center))
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
        if self._border is not None:
            pull = self._border.pull(volume, self._center, self._fan, (np.arange(len(radii)) + 1) * step, self._size_mm)
            costs = costs + pull * self._fan.weights[..., None]
        labels = best_labels(costs.astype(np.float32), settings.jump_cost * step / self._size_mm)
        self._surface_mm = without_peaks((labels + 1) * step)
        if self._border is not None:
            self._surface_mm = self._border.bend(volume, self._center, self._fan, self._surface_mm)
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
        edge = self._volume.edge_mm
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
        near: FloatArray | float = 0.0
        if self._border is not None:
            # There the person has said where the border is: the values have no say.
            near = self._border.nearness(volume, self._center, offsets)
            distinct = 0.05 * near + (1 - near) * distinct
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
        opened = _without_stalks(body, volume.spacing_mm, _OPENING_SHARE * self._size_mm, box, self._center)
        if self._border is None:
            return box, opened
        return box, _one_piece(opened | (body & (near > 0.5)), box, self._center)


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
