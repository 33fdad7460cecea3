"""What a PET's values are to be multiplied by to become SUV, asked of the worker: reading DICOM headers is its business."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from LesionDetectionLib.core.errors import InputError, ModalityError
from LesionDetectionLib.core.image import PET, SUV_BW, Image
from LesionDetectionLib.core.progress import Progress

from .worker.requests import Request


@dataclass(frozen=True)
class SuvFactors:
    """Attributes:
    factor: from rescaled values to SUV by body weight.
    suv_factors: from that to other types, as :class:`~LesionDetectionLib.core.image.Image` has them.
    """

    factor: float
    suv_factors: dict[str, float]


@dataclass(frozen=True)
class SuvRequest(Request):
    """Find the factors from rescaled values to SUV. Images: none. Result: SuvFactors.

    Attributes:
        sources: files of the PET series, all of them.
    """

    TASK: ClassVar[str] = "LesionDetectionLib.app.suv_request:suv_factors_of"

    sources: list[str]

    @staticmethod
    def result_to_json(result: SuvFactors) -> Any:
        return asdict(result)

    @staticmethod
    def result_from_json(value: Any) -> SuvFactors:
        others = {str(kind): float(factor) for kind, factor in value["suv_factors"].items()}
        return SuvFactors(float(value["factor"]), others)


def suv_factors_of(request: SuvRequest, _images: Mapping[str, Image], _kept: object, progress: Progress) -> SuvFactors:
    """
    Raises:
        InputError: the files hold no DICOM images.
        ModalityError: they are no PET, or their header does not allow it; the text is the reason.
    """
    from LesionDetectionLib.imaging.suv import pet_scale
    from LesionDetectionLib.io.dicom_headers import scan_files
    from LesionDetectionLib.io.dicom_pet import read_pet_header

    planes, _skipped = scan_files([Path(source) for source in request.sources], progress)
    if not planes:
        raise InputError("The files of this PET are no DICOM images any more. Import the series again.")
    if planes[0].modality != PET:
        raise ModalityError(f"The files are of modality {planes[0].modality}, not PET: there is no SUV.")
    scale = pet_scale(read_pet_header(planes))
    if scale.unit != SUV_BW:
        raise ModalityError(scale.reason or "The header does not say enough to compute SUV.")
    return SuvFactors(scale.factor, scale.suv_factors)
