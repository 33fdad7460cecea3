"""Click to measure: from one point in a lesion to its mask, diameters, volume and values. No training.

``measure_at`` is for a person's click and says in a sentence why nothing was found; ``measure_candidate`` is for a
detector that wants the measurements of a mark, and gets None.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from LesionDetectionLib.core.errors import InputError, ModalityError, UsageError
from LesionDetectionLib.core.image import CT, HU, PET, SUV_BW, UNKNOWN, Image, require_usable
from LesionDetectionLib.core.lesion import LESION, NODULE, Lesion, Mask
from LesionDetectionLib.core.progress import Progress

from .click_border import BorderPoints, checked_points
from .click_segmentation import Segmentation, segment
from .click_volume import ClickSettings, Volume
from .geometry import AxialOrder
from .mask_grids import mask_from_axial
from .measurements import extent_note, measure_mask

__all__ = ["ClickSettings", "measure_at", "measure_candidate"]

DEFAULTS = ClickSettings()

GUESSED = "Little stands out here: between the border points the outline is a guess."
"""In the note of a lesion that stands out too little to be outlined without border points."""

_LEAST_DISTINCTNESS = 0.15
"""Mean drop of membership across the border; lesions have 0.3 to 0.8."""
_LEAST_CONTRAST_TO_NOISE, _LEAST_DIFFERENCE_TO_NOISE = 0.85, 1.0
"""CT. Surfaces fitted to noise alone reach 0.7 and 0.85 (the second only where they are small, and then not the first);
metastases in a noisy liver have 2.5 and more."""
_SMALL_MM = 10.0
"""Below this diameter chance clumps of noise stand out more: the contrast asked for grows as 10 mm / diameter."""
_LEAST_PET_RATIO = 1.4
"""Uptake of the lesion over its surroundings."""
_VERY_LARGE_MM = 80.0
"""Beyond this equivalent diameter the user is asked to look: a click beside a lesion can give the organ."""
_MOVED_MM = 2.0
"""A seed that ended up this far outside the mask is told to the user."""


def measure_at(
    image: Image,
    seed_ras_mm: npt.ArrayLike,
    settings: ClickSettings = DEFAULTS,
    progress: Progress | None = None,
    border_ras_mm: npt.ArrayLike = (),
) -> Lesion:
    """Measure the lesion at a point of a CT (HU) or PET.

    Args:
        image: in any orientation, with any spacing; a single slice gives what one slice can.
        seed_ras_mm: a point inside the lesion, RAS mm.
        settings: see :class:`~.click_volume.ClickSettings`.
        progress: told how far it is.
        border_ras_mm: [M, 3] points on the true border, RAS mm, that the outline goes through: a second click corrects
            what came of the first. The surface has one radius in each direction from its centre.

    Returns:
        A lesion of score 1 with mask, RECIST diameters and the measurements of
        :func:`~LesionDetectionLib.imaging.measurements.measure_mask`. ``note`` holds what the user should know.

    Raises:
        UsageError: the seed is no point, or lies outside the image; so does a border point, or it is farther away than half
            of the largest diameter, or behind another one.
        InputError: nothing stands out at the seed (with border points that is a note instead), or the voxels around it are
            not numbers.
        ModalityError: neither CT nor PET.
    """
    progress = progress or Progress()
    seed = np.asarray(seed_ras_mm, dtype=np.float64)
    if seed.shape != (3,) or not np.isfinite(seed).all():
        raise UsageError("The point to measure at needs three finite numbers (RAS mm).")
    if not image.geometry.contains_ras(seed):
        raise UsageError(_outside(image, seed))
    if settings.largest_diameter_mm < 2.0:
        raise UsageError(f"A largest diameter of {settings.largest_diameter_mm:g} mm leaves nothing to measure.")
    points = checked_points(image, seed, border_ras_mm, settings)
    modality = _modality(image)
    order = AxialOrder.of(image.geometry)
    axial = order.apply(image)
    seed_ijk = axial.geometry.ijk_from_ras(seed)
    start, crop = _crop(axial, seed_ijk, settings.largest_diameter_mm, modality)
    volume = Volume(crop.voxels, crop.geometry)
    border = BorderPoints(axial.geometry.ijk_from_ras(points) - start) if len(points) else None
    found = segment(volume, seed_ijk - start, modality, settings, progress, border)
    doubt = _doubt(found, modality)
    if doubt and (border is None or not found.voxels.any()):
        raise InputError(doubt)
    box = np.array([part.start for part in found.box])[::-1]
    mask = mask_from_axial(image, found.voxels, start + box)
    measured = measure_mask(image, mask)
    notes = _notes(image, mask, found, seed, measured.touches_border, settings)
    if doubt:
        notes.append(GUESSED)
    progress(1.0)
    return Lesion(
        center_ras_mm=measured.center_ras_mm,
        diameter_mm=measured.recist.long_mm,
        score=1.0,
        box_ras_mm=measured.box_ras_mm,
        mask=mask,
        recist=measured.recist,
        measurements=measured.values,
        meaning=NODULE if modality == CT and found.appearance.in_lung else LESION,
        method="click",
        note=" ".join(notes),
    )


def measure_candidate(image: Image, center_ras_mm: npt.ArrayLike, diameter_hint_mm: float) -> Lesion | None:
    """Measure what a detector marked; None where nothing stands out or it is far larger than the hint.

    Raises:
        UsageError, ModalityError: as :func:`measure_at`.
    """
    if not diameter_hint_mm > 0:
        raise UsageError(f"A candidate of {diameter_hint_mm:g} mm has no size.")
    # Twice the hint and 10 mm: detectors' sizes are rough, and smaller than this the surface has no room.
    settings = ClickSettings(largest_diameter_mm=2 * diameter_hint_mm + 10.0)
    try:
        found = measure_at(image, center_ras_mm, settings)
    except InputError as error:
        if isinstance(error, ModalityError):
            raise
        return None
    too_large = found.measurements["equivalent_diameter_mm"] > 2 * diameter_hint_mm
    return None if too_large else replace(found, method="")


def _outside(image: Image, seed: npt.NDArray[np.float64]) -> str:
    """That a point lies outside, between where it could lie, and whether it is one of LPS."""
    last = np.array(image.shape_kji[::-1]) - 1
    corners = np.array(np.meshgrid(*[(0, n) for n in last], indexing="ij")).reshape(3, -1).T
    ras = image.geometry.ras_from_ijk(corners)
    reach = ", ".join(
        f"{axis} {low:.0f} to {high:.0f}" for axis, low, high in zip("RAS", ras.min(0), ras.max(0), strict=True)
    )
    turned = image.geometry.contains_ras(seed * (-1, -1, 1))
    hint = (
        " It lies inside if it is meant as LPS, as ITK and DICOM have it: turn the first two signs." if turned else ""
    )
    point = ", ".join(f"{mm:.1f}" for mm in seed)
    return f"The point ({point}) mm lies outside “{image.name}”, which reaches from {reach} mm.{hint}"


def _modality(image: Image) -> str:
    if image.modality == CT and image.unit == UNKNOWN and float(image.voxels.min()) >= 0:
        raise ModalityError(
            f"“{image.name}” has no value below 0, as fat and air are in Hounsfield units, and does not say what its values "
            "are. Was the rescale slope and intercept lost? Export it again."
        )
    if image.modality in (CT, PET):
        return image.modality
    if image.modality != UNKNOWN:
        raise ModalityError(
            f"“{image.name}” is of modality {image.modality}; click to measure is for CT and PET. Choose another volume."
        )
    if image.unit == HU or image.unit == SUV_BW:
        return CT if image.unit == HU else PET
    raise ModalityError(
        f"“{image.name}” does not say whether it is CT or PET. Say which (on the command line: --modality), and try again."
    )


def _crop(
    axial: Image, seed_ijk: npt.NDArray[np.float64], largest_mm: float, modality: str
) -> tuple[npt.NDArray[np.int_], Image]:
    """The part of the image that can matter, checked: start (i, j, k) and crop. A view."""
    # The seed may be anywhere in the lesion, and smoothing and hull look a little further.
    start, crop = _around(axial, seed_ijk, largest_mm + 10.0)
    # Looked at for broken values where it counts: most of the larger crop is never read.
    require_usable(_around(axial, seed_ijk, largest_mm / 2)[1], modality=modality, for_what="click to measure")
    return start, crop


def _around(axial: Image, center_ijk: npt.NDArray[np.float64], radius_mm: float) -> tuple[npt.NDArray[np.int_], Image]:
    box = Volume(axial.voxels, axial.geometry).box(center_ijk, radius_mm)
    (k, j, i), (nk, nj, ni) = [part.start for part in box], [part.stop - part.start for part in box]
    return np.array([i, j, k]), axial.crop((i, j, k), (ni, nj, nk))


def _doubt(found: Segmentation, modality: str) -> str:
    """Why there seems to be no lesion, a sentence; empty where there is one."""
    look = found.appearance
    if modality == PET:
        stands_out = look.lesion > _LEAST_PET_RATIO * look.low
    else:
        small = max(1.0, _SMALL_MM / max(found.size_mm, 1.0))
        stands_out = (
            look.contrast > small * _LEAST_CONTRAST_TO_NOISE * found.noise
            and found.difference > _LEAST_DIFFERENCE_TO_NOISE * found.noise
        )
    if found.at_largest and found.distinctness < _LEAST_DISTINCTNESS:
        return "No border was found around this point. Click inside the lesion, or allow a larger diameter if it is larger."
    if not stands_out or found.distinctness < _LEAST_DISTINCTNESS or not found.voxels.any():
        return "Nothing stands out at this point; click inside the lesion."
    return ""


def _notes(
    image: Image,
    mask: Mask,
    found: Segmentation,
    seed_ras_mm: npt.NDArray[np.float64],
    touches_border: bool,
    settings: ClickSettings,
) -> list[str]:
    notes = [note] if (note := extent_note(image, touches_border)) else []
    if found.at_largest:
        notes.append(f"The search ended at the largest size of {settings.largest_diameter_mm:g} mm: check the border.")
    if found.size_mm > _VERY_LARGE_MM:
        notes.append("This is very large: check that it is the lesion and not the organ around it.")
    nearest = np.linalg.norm(image.geometry.ras_from_ijk(_indices(mask)) - seed_ras_mm, axis=1).min()
    if nearest > _MOVED_MM + max(image.spacing_mm) / 2:
        notes.append("The point was moved to the lesion next to it.")
    return notes


def _indices(mask: Mask) -> npt.NDArray[np.int_]:
    return np.asarray(np.argwhere(mask.voxels)[:, ::-1] + np.array(mask.start_ijk))
