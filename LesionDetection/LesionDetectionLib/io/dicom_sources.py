"""The DICOM files that findings were made on, as what is exported refers to them."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
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
from .dicom_grid import JITTER_MM, JITTER_SHARE
from .dicom_headers import Plane, quiet_pydicom
from .dicom_placing import first_voxels_ras
from .dicom_series import Stack, find_stacks_in

UTF8 = "ISO_IR 192"
"""Character set of what we write; names and texts of the source are converted."""
_TYPE_2 = (
    *("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID"),
    *("StudyDate", "StudyTime", "ReferringPhysicianName", "PositionReferenceIndicator"),
)
"""Attributes that a file has to have, if empty; files whose makers removed the patient lack them."""
_SEXES = ("M", "F", "O")


@contextmanager
def unseen() -> Iterator[None]:
    """Keep the libraries' remarks from screen and log: they quote what they find odd, and that may be the patient's name."""
    loggers = [logging.getLogger(name) for name in ("pydicom", "highdicom")]
    levels = [logger.level for logger in loggers]
    with quiet_pydicom():
        try:
            for logger in loggers:
                logger.setLevel(logging.CRITICAL)
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


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
    return SourceSeries(image, _planes_of(image, stack), _description(stack.planes[0], image), _instances(stack))


def _planes_of(image: Image, stack: Stack) -> tuple[Plane | None, ...]:
    """Slices and planes are the same where they lie at the same height, in mm, and no slice was moved aside."""
    if (stack.planes[0].rows, stack.planes[0].columns) != image.shape_kji[1:]:
        return (None,) * image.shape_kji[0]  # straightened, which widens the slices
    normal = image.ijk_to_ras[:3, 2] / image.spacing_mm[2]
    heights = np.array([plane.position for plane in stack.planes]) * (-1, -1, 1) @ normal
    reach = max(JITTER_MM, JITTER_SHARE * image.spacing_mm[2])
    found: list[Plane | None] = []
    for height in first_voxels_ras(image.geometry) @ normal:
        nearest = int(np.argmin(np.abs(heights - height)))
        found.append(stack.planes[nearest] if abs(heights[nearest] - height) <= reach else None)
    return tuple(found)


def _instances(stack: Stack) -> dict[str, str]:
    found = {}
    for path in dict.fromkeys(plane.path for plane in stack.planes):
        header = dcmread(path, stop_before_pixels=True, specific_tags=["SOPClassUID", "SOPInstanceUID"], force=True)
        found[str(header.get("SOPInstanceUID", ""))] = str(header.get("SOPClassUID", ""))
    if "" in found or "" in found.values():
        raise InputError("A file of the source series has no SOP Class or Instance UID, so nothing can refer to it.")
    return found


def _description(plane: Plane, image: Image) -> Dataset:
    """The header of the series, as of a single CT slice of the image, with nothing that highdicom would stumble over.

    highdicom takes patient and study from an image: the same modules for all kinds, so that of CT will do. Real files lack
    what they should have, or have dates that are none.
    """
    with unseen():
        header = dcmread(plane.path, stop_before_pixels=True, force=True)
        header.decode()  # all of it, or what nobody looked at would be copied in the old character set
        header.SpecificCharacterSet = UTF8
        for keyword in _TYPE_2:
            if header.get(keyword) is None:
                setattr(header, keyword, "")
        header.SOPClassUID = CTImageStorage
        header.LossyImageCompression = str(header.get("LossyImageCompression") or "00")
        header.PatientSex = header.PatientSex if header.PatientSex in _SEXES else ""
        for keyword, kind in (("PatientBirthDate", DA), ("StudyDate", DA), ("StudyTime", TM)):
            setattr(header, keyword, _valid(header.get(keyword), kind))
        header.Rows, header.Columns = image.shape_kji[1:]
        header.PixelSpacing, header.SliceThickness = list(plane.pixel_spacing), plane.thickness or 1.0
        header.ImagePositionPatient, header.ImageOrientationPatient = list(plane.position), list(plane.orientation)
        return header


def _valid(value: Any, kind: Any) -> Any:
    try:
        return kind(value) if value else ""
    except (TypeError, ValueError):
        return ""
