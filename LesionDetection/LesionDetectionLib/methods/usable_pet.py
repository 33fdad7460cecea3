"""Whether a PET can be looked at by methods that need SUV by body weight: what is wrong, in a sentence, and what is doubtful."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from LesionDetectionLib.core.errors import GeometryError, InputError, ModalityError
from LesionDetectionLib.core.image import PET, SUV_BW, UNKNOWN, Image, require_usable
from LesionDetectionLib.imaging.geometry import to_axial
from LesionDetectionLib.imaging.suv import NOT_CONVERTED

from .scan_notes import unsaid_kind

_LEAST_SLICES = 3
_NO_SUV_ABOVE, _NO_SUV_BELOW = 1000.0, -100.0
"""Urine and injection sites reach a few hundred; activity in Bq/ml begins where SUV ends. Only a CT lies far below 0."""
_LITTLE_ABOVE = 1.0


def require_pet_kind(images: Mapping[str, Image], what: str, for_what: str) -> Image:
    """The PET, whose values were not looked at yet.

    Args:
        what: is looked for in it, as the first words of a sentence ("Active lesions").
        for_what: the PET is needed ("looking for active lesions").

    Raises:
        InputError: there is none.
        ModalityError: it says that it is no PET, or not in SUV.
    """
    if PET not in images:
        raise InputError(f"{what} are looked for in a PET. Choose a PET volume, in SUV.")
    image = images[PET]
    if image.modality in (PET, UNKNOWN):
        _refuse_unit(image, for_what)
    return image


def usable_pet(
    images: Mapping[str, Image], what: str, for_what: str, extremes: tuple[float, float] | None = None
) -> tuple[Image, tuple[str, ...]]:
    """The PET, marked as one in SUV by body weight, and sentences about what had to be assumed.

    Args:
        what, for_what: see :func:`require_pet_kind`.
        extremes: its lowest and highest value, where they are known already; NaN or infinite where any value is.

    Raises:
        InputError: there is none, or it has voxels that are no numbers, or one value everywhere.
        ModalityError: it is not in SUV, or not a PET.
        GeometryError: too few slices.
    """
    image = require_pet_kind(images, what, for_what)
    # Where both are numbers all are; broken ones are looked at again, to say how many.
    looked_at = image if extremes is None or not all(map(math.isfinite, extremes)) else _of_two(image, extremes)
    require_usable(looked_at, modality=PET, unit=SUV_BW, for_what=for_what)
    require_slices(image, for_what)
    low, high = float(looked_at.voxels.min()), float(looked_at.voxels.max())
    warnings = list(unsaid_kind(image, PET, SUV_BW))
    if image.unit != SUV_BW:
        if low < _NO_SUV_BELOW or high > _NO_SUV_ABOVE:
            raise ModalityError(
                f"The values of “{image.name}” run from {low:g} to {high:g}, which cannot be SUV. Convert the PET to SUV "
                "first (values in the thousands are mostly Bq/ml), or choose another volume."
            )
    elif high > _NO_SUV_ABOVE:
        warnings.append(f"The highest SUV of “{image.name}” is {high:g}: was it converted to SUV twice?")
    if high < _LITTLE_ABOVE:
        warnings.append(f"The highest value of “{image.name}” is {high:.2g}, very little for a PET in SUV.")
    return replace(image, modality=PET, unit=SUV_BW), tuple(warnings)


def _of_two(image: Image, extremes: tuple[float, float]) -> Image:
    """An image of two voxels that is usable if, and only if, the whole one with these extremes is."""
    return replace(image, voxels=np.array(extremes, dtype=np.float64).reshape(1, 1, 2))


def _refuse_unit(image: Image, for_what: str) -> None:
    """Raises ModalityError for a PET that says that it is not in SUV by body weight, or why it could not be converted."""
    reasons = [note for note in image.notes if note.startswith(NOT_CONVERTED)]
    if image.unit == SUV_BW or not (image.unit or reasons):
        return
    unit = f"in {image.unit}" if image.unit else "in an unknown unit"
    advice = (
        " ".join(reasons)
        if reasons
        else "Convert it first: “Convert to SUV” in Slicer, or give the DICOM series, from whose header SUV follows."
    )
    raise ModalityError(f"The values of “{image.name}” are {unit}, but {for_what} needs SUV by body weight. {advice}")


def require_slices(image: Image, for_what: str) -> None:
    """Raises GeometryError where an image has too few axial slices."""
    slices = to_axial(image).shape_kji[0]
    if slices < _LEAST_SLICES:
        raise GeometryError(
            f"“{image.name}” has {slices} axial slice(s), but {for_what} needs at least {_LEAST_SLICES}. Load the whole series."
        )
