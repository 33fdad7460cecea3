"""Whether a case can really be used: everything of it is read, and what was read must fit together."""

from __future__ import annotations

from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import require_usable
from LesionDetectionLib.core.progress import Progress

from .case import Case


def check_case(case: Case, progress: Progress | None = None) -> tuple[str, ...]:
    """Read all images and labels of a case.

    Returns:
        What is told of it though it can be used: slices that are missing and interpolated, labels on another grid.

    Raises:
        InputError: something cannot be read, is not what the case says, or a lesion lies outside the image.
        Cancelled: through ``progress``.
    """
    images = case.images(progress)
    if tuple(images) != case.modalities:
        raise InputError(f"It should have the images {_named(case.modalities)}, and has {_named(tuple(images))}.")
    for image in images.values():
        require_usable(image)
    main = images[case.modalities[0]]
    truth = case.truth()
    if not case.labelled and truth.lesions:
        raise InputError("It is listed as without labels, and has some.")
    for number, lesion in enumerate(truth.lesions, 1):
        if not main.geometry.contains_ras(lesion.center_ras_mm):
            place = ", ".join(f"{mm:.1f}" for mm in lesion.center_ras_mm)
            raise InputError(
                f"Lesion {number} of {len(truth.lesions)} lies outside the image, at RAS ({place}) mm. Are its coordinates "
                "in another frame (LPS, voxels), or of another series?"
            )
        if lesion.mask is not None and not _inside(lesion.mask.slices_kji, main.shape_kji):
            raise InputError(f"The mask of lesion {number} of {len(truth.lesions)} does not lie on the image's grid.")
    return tuple(dict.fromkeys([*(note for image in images.values() for note in image.notes), *truth.notes]))


def _inside(slices_kji: tuple[slice, ...], shape_kji: tuple[int, ...]) -> bool:
    return all(0 <= part.start < part.stop <= size for part, size in zip(slices_kji, shape_kji, strict=True))


def _named(modalities: tuple[str, ...]) -> str:
    return " and ".join(name or "of unknown modality" for name in modalities) or "none"
