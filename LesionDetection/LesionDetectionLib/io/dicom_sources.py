"""The DICOM files that findings were made on, as what is exported refers to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage
from pydicom.valuerep import DA, TM

from LesionDetectionLib.core.errors import GeometryError, InputError
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.progress import Progress

from .dicom import read_stack
from .dicom_grid import JITTER_MM, JITTER_SHARE, SIDEWAYS_RESIDUAL_MM
from .dicom_headers import Plane, quiet_pydicom
from .dicom_placing import first_voxels_ras
from .dicom_series import Stack, find_stacks_in

_TYPE_2 = (
    *("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID"),
    *("StudyDate", "StudyTime", "ReferringPhysicianName", "PositionReferenceIndicator"),
)
"""Attributes that a file has to have, if empty; files whose makers removed the patient lack them."""
_SEXES = ("M", "F", "O")


@dataclass(frozen=True, eq=False)
class SourceSeries:
    """One series, its pixels read.

    Attributes:
        image: as :func:`.dicom.read_stack` reads it.
        planes: for each slice of the image the plane whose pixels are its voxels, or None where the slice was interpolated
            or moved (missing slices, gantry tilt).
        description: patient and study of the series, with every attribute that exported files need, if empty.
        instances: for the SOP Instance UID of each of its files the SOP Class UID.
    """

    image: Image
    planes: tuple[Plane | None, ...]
    description: Dataset
    instances: Mapping[str, str]


def read_sources(files: Sequence[Path], progress: Progress) -> SourceSeries:
    """Read the files of one series, in any order.

    Raises:
        InputError: files missing or damaged, no image among them, or of several series or phases.
        GeometryError: no volume, or no frame of reference.
        DependencyError: compressed, and no decoder installed.
        Cancelled: through ``progress``.
    """
    if not files:
        raise InputError("The files of the source series are not known, so nothing can refer to them.")
    stacks, skipped = find_stacks_in(list(files), progress.part(0.0, 0.2))
    if len(stacks) > 1:
        listing = "\n".join(f"  {stack.info.line()}" for stack in stacks)
        raise InputError(
            f"The files are of {len(stacks)} series or phases, and findings are of one. Give the files of one:\n{listing}"
        )
    stack = stacks[0]
    if not stack.planes[0].frame_of_reference:
        raise GeometryError(
            "The source series names no frame of reference (0020,0052), so nothing exported could be placed in it."
        )
    image = read_stack(stack, skipped, progress.part(0.2, 1.0))
    return SourceSeries(image, _planes_of(image, stack), _description(stack.planes[0]), _instances(stack))


def _planes_of(image: Image, stack: Stack) -> tuple[Plane | None, ...]:
    """Slices and planes are the same where they lie at the same place, in mm, and have the same size."""
    rows, columns = image.shape_kji[1:]
    if (stack.planes[0].rows, stack.planes[0].columns) != (rows, columns):
        return (None,) * image.shape_kji[0]  # straightened: every slice was moved
    starts = first_voxels_ras(image.geometry) * (-1, -1, 1)
    positions = np.array([plane.position for plane in stack.planes])
    normal = image.ijk_to_ras[:3, 2] * (-1, -1, 1) / image.spacing_mm[2]
    reach = max(JITTER_MM, JITTER_SHARE * image.spacing_mm[2])
    found: list[Plane | None] = []
    for start in starts:
        away = positions - start
        along = away @ normal
        aside = np.linalg.norm(away - along[:, None] * normal, axis=1)
        nearest = int(np.argmin(np.abs(along)))
        same = abs(along[nearest]) <= reach and aside[nearest] <= SIDEWAYS_RESIDUAL_MM
        found.append(stack.planes[nearest] if same else None)
    return tuple(found)


def _instances(stack: Stack) -> dict[str, str]:
    found = {}
    for path in dict.fromkeys(plane.path for plane in stack.planes):
        header = dcmread(path, stop_before_pixels=True, specific_tags=["SOPClassUID", "SOPInstanceUID"], force=True)
        found[str(header.get("SOPInstanceUID", ""))] = str(header.get("SOPClassUID", ""))
    if "" in found or "" in found.values():
        raise InputError("A file of the source series has no SOP Class or Instance UID, so nothing can refer to it.")
    return found


def _description(plane: Plane) -> Dataset:
    """The header of the series, as of a single CT slice, with nothing in it that highdicom would stumble over.

    highdicom takes patient and study from an image: the same modules for all kinds, so that of CT will do. Real files lack
    what they should have, or have dates that are none.
    """
    with quiet_pydicom():
        header = dcmread(plane.path, stop_before_pixels=True, force=True)
        for keyword in _TYPE_2:
            if header.get(keyword) is None:
                setattr(header, keyword, "")
        header.SOPClassUID = CTImageStorage
        header.LossyImageCompression = str(header.get("LossyImageCompression") or "00")
        header.PatientSex = header.PatientSex if header.PatientSex in _SEXES else ""
        for keyword, kind in (("PatientBirthDate", DA), ("StudyDate", DA), ("StudyTime", TM)):
            setattr(header, keyword, _valid(header.get(keyword), kind))
        header.Rows, header.Columns = plane.rows, plane.columns
        header.PixelSpacing, header.SliceThickness = list(plane.pixel_spacing), plane.thickness or 1.0
        header.ImagePositionPatient, header.ImageOrientationPatient = list(plane.position), list(plane.orientation)
        return header


def _valid(value: Any, kind: Any) -> Any:
    try:
        return kind(value) if value else ""
    except (TypeError, ValueError):
        return ""
