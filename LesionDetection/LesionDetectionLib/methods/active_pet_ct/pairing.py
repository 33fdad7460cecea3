"""Whether a PET is in SUV, and whether a CT belongs to it: what is wrong, in a sentence, and what is doubtful."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from LesionDetectionLib.core.errors import GeometryError, InputError
from LesionDetectionLib.core.image import CT, HU, FloatArray, Geometry, Image, require_usable
from LesionDetectionLib.imaging.ball_growth import grown_by_ball

from .. import usable_pet as shared
from ..scan_notes import unsaid_kind
from .coarse_ct import CoarseCt
from .settings import ActivePetCtSettings

FRAME = "FrameOfReferenceUID"
"""In ``Image.identifiers``: the frame that positions of a DICOM series are given in."""

_WHAT = "looking for active lesions"
_HOT_SUV, _LEAST_HOT_VOXELS = 1.5, 100
_NEAR_BODY_MM, _LEAST_IN_BODY = 10.0, 0.8
_LATTICE = 24


def usable_pet(images: Mapping[str, Image]) -> tuple[Image, tuple[str, ...]]:
    """The PET, marked as one in SUV by body weight, and sentences about what had to be assumed.

    Raises:
        InputError: there is none, or it has voxels that are no numbers, or one value everywhere.
        ModalityError: it is not in SUV, or not a PET.
        GeometryError: too few slices.
    """
    return shared.usable_pet(images, "Active lesions", _WHAT)


def usable_ct(images: Mapping[str, Image], why: str) -> tuple[Image, tuple[str, ...]]:
    """The CT, marked as one in HU.

    Args:
        why: a sentence about what it is needed for, and what to do without one, in case there is none.

    Raises:
        InputError, ModalityError, GeometryError: as :func:`usable_pet`.
    """
    if CT not in images:
        raise InputError(why)
    image = images[CT]
    require_usable(image, modality=CT, unit=HU, for_what=_WHAT)
    shared.require_slices(image, _WHAT)
    return replace(image, modality=CT, unit=HU), unsaid_kind(image, CT, HU)


def check_pair(ct: Image, pet: Image, settings: ActivePetCtSettings) -> tuple[str, ...]:
    """Sentences about what is doubtful in taking a CT and a PET for aligned.

    Raises:
        GeometryError: their frames of reference differ, or they show different parts of the patient.
    """
    frames = [image.identifiers.get(FRAME, "") for image in (ct, pet)]
    if all(frames) and frames[0] != frames[1] and not settings.trust_positions:
        raise GeometryError(
            f"“{ct.name}” and “{pet.name}” have different frames of reference: places in the one are not those in the other. "
            "Choose the CT of the same examination; if you have aligned the two yourself, switch “trust positions” on."
        )
    share, extent = _overlap(ct.geometry, pet.geometry)
    if share < settings.least_overlap:
        told = " x ".join(f"{mm:.0f}" for mm in extent)
        shared = f"{told} mm (left to right, front to back, head to foot)" if extent.min() > 0 else "nothing"
        raise GeometryError(
            f"“{ct.name}” and “{pet.name}” show different parts of the patient: they share {shared}, {100 * share:.0f} % of the "
            "smaller field of view. Choose the CT of the same examination."
        )
    warnings = []
    if not all(frames):
        warnings.append(
            f"“{ct.name}” and “{pet.name}” do not both say which frame of reference they have; they were taken for aligned as "
            "they lie."
        )
    elif frames[0] != frames[1]:
        warnings.append(
            f"“{ct.name}” and “{pet.name}” have different frames of reference; they were taken for aligned as they lie, as asked."
        )
    inside = _share_in_body(ct, pet)
    if inside is not None and inside < _LEAST_IN_BODY:
        warnings.append(
            f"{100 * (1 - inside):.0f} % of what has an SUV of {_HOT_SUV:g} or more lies in air on the CT: CT and PET may not be "
            "aligned. Look at them over each other before you trust the result."
        )
    return tuple(warnings)


def _overlap(one: Geometry, other: Geometry) -> tuple[float, FloatArray]:
    """The share of the smaller field of view that lies in the other one, and its extent, [3] mm along R, A, S.

    By a lattice of places in each: exact for no shape, and right to some percent for grids that are turned in any way.
    """
    best, extent = 0.0, np.zeros(3)
    for inner, outer in ((one, other), (other, one)):
        size = np.array(inner.shape_kji[::-1])
        axes = [(np.arange(_LATTICE) + 0.5) / _LATTICE * n - 0.5 for n in size]
        places = inner.ras_from_ijk(np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3))
        ijk = outer.ijk_from_ras(places)
        inside = ((ijk >= -0.5) & (ijk < np.array(outer.shape_kji[::-1]) - 0.5)).all(axis=1)
        if inside.mean() > best:
            best = float(inside.mean())
            cell = np.abs(inner.ijk_to_ras[:3, :3]) @ (size / _LATTICE)
            extent = np.ptp(places[inside], axis=0) + cell
    return best, extent


def _share_in_body(ct: Image, pet: Image) -> float | None:
    """Of the voxels with uptake in the CT's field of view the share in or near its tissue; None for too few to tell."""
    coarse = CoarseCt.of(ct)
    body = grown_by_ball(coarse.tissue, coarse.geometry.spacing_mm, _NEAR_BODY_MM)
    hot = np.argwhere(pet.voxels >= _HOT_SUV)[:, ::-1]
    ijk = np.floor(coarse.geometry.ijk_from_ras(pet.geometry.ras_from_ijk(hot)) + 0.5).astype(int)
    ijk = ijk[((ijk >= 0) & (ijk < np.array(body.shape[::-1]))).all(axis=1)]
    if len(ijk) < _LEAST_HOT_VOXELS:
        return None
    return float(body[ijk[:, 2], ijk[:, 1], ijk[:, 0]].mean())
