"""What a PET's values are to be multiplied by to become SUV, asked of the worker: reading DICOM headers is its business."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from LesionDetectionLib.core.errors import InputError, ModalityError
from LesionDetectionLib.core.image import PET, SUV_BW, Image
from LesionDetectionLib.core.progress import Progress

from .worker.requests import Request


@dataclass(frozen=True)
class SuvRequest(Request):
    """Find the factor from rescaled values to SUV by body weight. Images: none. Result: the factor.

    Attributes:
        sources: files of the PET series, all of them.
    """

    TASK: ClassVar[str] = "LesionDetectionLib.app.suv_request:suv_factor_of"

    sources: list[str]


def suv_factor_of(request: SuvRequest, _images: Mapping[str, Image], _kept: object, progress: Progress) -> float:
    """
    Raises:
        InputError: the files hold no DICOM images.
        ModalityError: they are no PET, or their header does not allow it; the text is the reason.
    """
    from pydicom import dcmread

    from LesionDetectionLib.imaging.suv import pet_scale
    from LesionDetectionLib.io.dicom_headers import quiet_pydicom, scan_files
    from LesionDetectionLib.io.dicom_pet import pet_header

    planes, _skipped = scan_files([Path(source) for source in request.sources], progress)
    if not planes:
        raise InputError("The files of this PET are no DICOM images any more. Import the series again.")
    if planes[0].modality != PET:
        raise ModalityError(f"The files are of modality {planes[0].modality}, not PET: there is no SUV.")
    with quiet_pydicom():
        scale = pet_scale(pet_header(dcmread(planes[0].path, stop_before_pixels=True), planes))
    if scale.unit != SUV_BW:
        raise ModalityError(scale.reason or "The header does not say enough to compute SUV.")
    return float(scale.factor)
