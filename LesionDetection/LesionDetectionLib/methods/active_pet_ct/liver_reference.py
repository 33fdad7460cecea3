"""The liver reference of PERCIST: mean and standard deviation of SUV in a sphere of 3 cm in the right lobe.

R.L. Wahl et al., From RECIST to PERCIST, Journal of Nuclear Medicine 50 (2009) 122S-150S: a lesion is measurable from 1.5
liver means plus 2 standard deviations on. PERCIST wants SUL, by lean body mass. That is SUV by body weight times one factor of
the patient, for the liver and the lesion alike, so that within one scan both choose the same lesions: the reference is
computed by body weight, the unit of the PET and of the other rules, and told by lean body mass where the factor is known.

Where the liver is follows from the CT: tissue of the liver's density below the right lung, so deep in it that the sphere
has room. Of all places there the one where the PET varies least is taken, after K. Hirata et al., A semi-automated method
to determine the liver reference, PLoS ONE 9 (2014) e105682: vessels, lesions, kidney and bowel vary more.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import SUV_LBM, FloatArray, Geometry, Image
from LesionDetectionLib.core.lesion import Point
from LesionDetectionLib.imaging.ball_growth import grown_by_ball
from LesionDetectionLib.imaging.geometry import resample, to_axial
from LesionDetectionLib.imaging.lungs import LungMask
from LesionDetectionLib.imaging.lungs_hull import lung_sides

from .coarse_ct import on_grid
from .settings import ActivePetCtSettings

BoolArray = npt.NDArray[np.bool_]

EXPECTED_MEAN = (1.3, 3.0)
"""SUV of a liver (EANM guidelines for tumour imaging 2.0); beyond, weight or activity may be wrong, or the place."""

_GRID_MM = 5.0
_LIVER_HU = (-10.0, 250.0)
"""From fatty livers to those in the portal-venous phase; averaged over 5 mm, fat of the abdomen lies below."""
_DEPTH_MM = 150.0
"""So far below the right lung the liver is looked for."""
_ROOM_MM = 5.0
"""Beyond the sphere, there must be so much liver around: PET is breathed through."""
_MOST_PLACES = 3000
_MOST_VARIATION = 0.3
"""Standard deviation over mean; a noisy PET of a healthy liver has 0.1 to 0.2."""
_ADVICE = "Give a point in the liver (“liver_ras_mm”), or choose another rule than PERCIST."


@dataclass(frozen=True)
class LiverReference:
    """Uptake in a sphere in the liver.

    Attributes:
        center_ras_mm: of the sphere.
        mean, deviation: of the SUV by body weight of its voxels.
        voxels: number of voxels whose centres lie in it.
        lean_factor: from SUV by body weight to that by lean body mass (SUL); None where the patient's size is not known.
    """

    center_ras_mm: Point
    mean: float
    deviation: float
    voxels: int
    lean_factor: float | None = None

    def threshold(self, settings: ActivePetCtSettings) -> float:
        """Least SUVmax, by body weight, of the rule ``percist``."""
        return settings.percist_factor * self.mean + settings.percist_deviations * self.deviation

    def in_words(self, settings: ActivePetCtSettings) -> str:
        """A sentence to show with the result."""
        r, a, s = self.center_ras_mm
        least, place = self.threshold(settings), f"at RAS ({r:.0f}, {a:.0f}, {s:.0f}) mm"
        if self.lean_factor is None:
            words = (
                f"Least SUVmax by PERCIST: {least:.2f}, from a liver of SUV {self.mean:.2f} (standard deviation "
                f"{self.deviation:.2f}) {place}; by body weight, where PERCIST wants lean body mass: the patient's height, weight "
                "and sex are not all known."
            )
        else:
            lean, mean, deviation = (self.lean_factor * value for value in (least, self.mean, self.deviation))
            words = (
                f"Least SULmax by PERCIST: {lean:.2f}, from a liver of SUL {mean:.2f} (standard deviation {deviation:.2f}) {place}; "
                f"by lean body mass. By body weight, as SUV is shown, these are {least:.2f} and {self.mean:.2f}."
            )
        low, high = EXPECTED_MEAN
        if low <= self.mean <= high:
            return words
        return f"{words} A healthy liver has SUV {low:g} to {high:g} by body weight: check the place, and the weight and activity in the header."


def reference_at(pet: Image, center_ras_mm: Point, settings: ActivePetCtSettings) -> LiverReference:
    """The reference at a place that the user gives.

    Args:
        pet: in SUV; any orientation.

    Raises:
        InputError: the sphere does not lie in the PET, or nothing takes up tracer there.
    """
    steps = _sphere_steps(pet.geometry, settings.liver_sphere_mm)
    center = np.round(pet.geometry.ijk_from_ras(center_ras_mm)).astype(int)[::-1]
    found = _in_spheres(pet, center[None], steps)
    if found is None:
        raise InputError(
            "The sphere around the given point in the liver does not lie inside the PET. Give another one."
        )
    reference = _reference(pet, center_ras_mm, float(found[0][0]), float(found[1][0]), len(steps))
    if not reference.mean > 0:
        raise InputError("There is no uptake at the given point in the liver. Give another one.")
    return reference


def find_reference(pet: Image, ct: Image, lungs: LungMask, settings: ActivePetCtSettings) -> LiverReference:
    """The reference where the PET varies least in the liver.

    Args:
        pet: in SUV; any orientation.
        ct: in HU; of the same frame of reference.
        lungs: of the CT.

    Raises:
        InputError: the right lung, or the liver below it, was not found.
    """
    sides = lung_sides(lungs)
    if not sides.told_apart:
        raise InputError(
            f"The liver is looked for below the right lung, and only one lung was found on “{ct.name}”. {_ADVICE}"
        )
    deep = _deep_in_liver(ct, LungMask(sides.right, lungs.geometry), settings.liver_sphere_mm / 2 + _ROOM_MM)
    inside = on_grid(deep.voxels, deep.geometry, pet.geometry)
    places = np.argwhere(inside)
    if len(places) > _MOST_PLACES:
        places = places[np.linspace(0, len(places) - 1, _MOST_PLACES).astype(int)]
    steps = _sphere_steps(pet.geometry, settings.liver_sphere_mm)
    found = _in_spheres(pet, places, steps)
    if found is None:
        raise InputError(
            f"No liver was found below the right lung on “{ct.name}”, within the PET: it needs a sphere of "
            f"{settings.liver_sphere_mm:.0f} mm of the liver's density. {_ADVICE}"
        )
    mean, deviation, kept = found
    variation = deviation / np.maximum(mean, 1e-6)
    best = int(variation.argmin())
    if not variation[best] <= _MOST_VARIATION:
        raise InputError(
            f"Uptake below the right lung is not as even as a liver's (it varies by {100 * variation[best]:.0f} % at least). "
            f"{_ADVICE}"
        )
    r, a, s = pet.geometry.ras_from_ijk(places[kept[best]][::-1])
    return _reference(pet, (float(r), float(a), float(s)), float(mean[best]), float(deviation[best]), len(steps))


def _reference(pet: Image, center: Point, mean: float, deviation: float, voxels: int) -> LiverReference:
    place = float(center[0]), float(center[1]), float(center[2])
    return LiverReference(place, mean, deviation, voxels, pet.suv_factors.get(SUV_LBM))


def _deep_in_liver(ct: Image, right: LungMask, room_mm: float) -> LungMask:
    """Where, below the right lung, a ball of radius ``room_mm`` is full of the liver's density."""
    box = _box_below(ct, right, room_mm)
    coarse = resample(box, (_GRID_MM, _GRID_MM, _GRID_MM))
    low, high = _LIVER_HU
    other = (coarse.voxels < low) | (coarse.voxels > high)
    deep = ~grown_by_ball(other, coarse.spacing_mm, room_mm)
    lung = right.on_grid(coarse.geometry)
    columns = lung.any(axis=0)
    lowest = np.where(columns, lung.argmax(axis=0), 0)
    k = np.arange(len(lung))[:, None, None]
    below = columns & (k < lowest) & (k >= lowest - _DEPTH_MM / coarse.spacing_mm[2])
    # Outside of the box nothing is known: no ball there.
    reach = [int(room_mm / mm) + 1 for mm in coarse.spacing_mm[::-1]]
    inner = np.zeros_like(deep)
    inner[tuple(slice(n, -n) for n in reach)] = True
    return LungMask(deep & below & inner, coarse.geometry)


def _box_below(ct: Image, right: LungMask, room_mm: float) -> Image:
    """The part of the CT, in axial order, that holds the right lung's columns and the liver below it."""
    axial = to_axial(ct)
    filled = [np.flatnonzero(right.voxels.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1))]
    first, last = (np.array([axis[end] for axis in filled[::-1]]) for end in (0, -1))
    low, high = (axial.geometry.ijk_from_ras(right.geometry.ras_from_ijk(ijk)) for ijk in (first, last))
    spacing = np.array(axial.spacing_mm)
    pad = 2 * room_mm / spacing
    low, high = low - pad, high + pad
    low[2] -= _DEPTH_MM / spacing[2]
    size = np.array(axial.shape_kji[::-1])
    start = np.clip(np.floor(low), 0, size - 1).astype(int)
    stop = np.clip(np.ceil(high) + 1, start + 1, size).astype(int)
    (i, j, k), (ni, nj, nk) = start.tolist(), (stop - start).tolist()
    return axial.crop((i, j, k), (ni, nj, nk))


def _sphere_steps(geometry: Geometry, diameter_mm: float) -> npt.NDArray[np.int_]:
    """[M, 3] steps (k, j, i) from a voxel to those whose centres lie in the sphere around it."""
    radius = diameter_mm / 2
    n = [int(radius / mm) + 1 for mm in geometry.spacing_mm[::-1]]
    steps = np.stack(np.meshgrid(*(np.arange(-m, m + 1) for m in n), indexing="ij"), axis=-1).reshape(-1, 3)
    distance = np.linalg.norm(steps[:, ::-1] @ geometry.ijk_to_ras[:3, :3].T, axis=1)
    return np.asarray(steps[distance <= radius])


def _in_spheres(
    pet: Image, centers_kji: npt.NDArray[np.int_], steps: npt.NDArray[np.int_]
) -> tuple[FloatArray, FloatArray, npt.NDArray[np.int_]] | None:
    """Mean and standard deviation, [n], in the spheres that lie inside the PET, and which, [n], these are; None for none."""
    reach = np.abs(steps).max(axis=0)
    kept = np.flatnonzero(((centers_kji >= reach) & (centers_kji < np.array(pet.shape_kji) - reach)).all(axis=1))
    if not len(kept):
        return None
    total, squares = np.zeros(len(kept)), np.zeros(len(kept))
    for step in steps:
        k, j, i = (centers_kji[kept] + step).T
        values = pet.voxels[k, j, i].astype(np.float64)
        total += values
        squares += values**2
    mean = total / len(steps)
    return mean, np.sqrt(np.maximum(squares / len(steps) - mean**2, 0.0)), kept
