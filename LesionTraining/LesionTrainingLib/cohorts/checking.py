"""Whether a case can really be used: everything of it is read, and what was read must fit together."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import require_usable
from LesionDetectionLib.core.progress import Progress

from .case import Case
from .cohort import LeftOut, work_on


def check_cases(cases: Iterable[Case], progress: Progress) -> tuple[list[tuple[Case, tuple[str, ...]]], list[LeftOut]]:
    """As :func:`check_case` for each; and which scans are there twice, voxel for voxel.

    Returns:
        Those that can be used, with what is told of them; and those that cannot, and why.

    Raises:
        Cancelled: through ``progress``.
    """
    first: dict[bytes, Case] = {}

    def check(case: Case) -> tuple[str, ...]:
        notes, voxels = _checked(case, Progress())
        other = first.setdefault(voxels, case)
        if other is case:
            return notes
        patients = (
            ""
            if other.patient == case.patient
            else (", which counts as another patient: a model could be tested on a scan that it has learned from")
        )
        return (*notes, f"Its image is that of the case {other.id}, voxel for voxel{patients}.")

    return work_on(cases, check, progress)


def check_case(case: Case, progress: Progress | None = None) -> tuple[str, ...]:
    """Read all images and labels of a case.

    Returns:
        What is told of it though it can be used: slices that are missing and interpolated, labels on another grid.

    Raises:
        InputError: something cannot be read, is not what the case says, or a lesion lies outside the image.
        Cancelled: through ``progress``.
    """
    return _checked(case, progress)[0]


def _checked(case: Case, progress: Progress | None) -> tuple[tuple[str, ...], bytes]:
    """What is told of the case, and a digest of its main image's voxels."""
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
    notes = dict.fromkeys([*(note for image in images.values() for note in image.notes), *truth.notes])
    digest = hashlib.blake2b(np.ascontiguousarray(main.voxels).data, digest_size=16).digest()
    return tuple(notes), digest


def _inside(slices_kji: tuple[slice, ...], shape_kji: tuple[int, ...]) -> bool:
    return all(0 <= part.start < part.stop <= size for part, size in zip(slices_kji, shape_kji, strict=True))


def _named(modalities: tuple[str, ...]) -> str:
    return " and ".join(name or "of unknown modality" for name in modalities) or "none"
