"""What the worker writes: results for people and programs, and DICOM. A large scan takes seconds to a minute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from LesionDetectionLib.core.bundle import Manifest, read_manifest
from LesionDetectionLib.core.errors import BundleError, DependencyError, InputError
from LesionDetectionLib.core.finding import Findings
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.late import load
from LesionDetectionLib.core.progress import Progress

from .worker.requests import Request

IMAGE = "image"
"""The name under which the image is given."""


@dataclass(frozen=True)
class ReportRequest(Request):
    """Write table, pictures, page and PDF of a review to a folder. Images: ``image``. Result: paths by name, see
    ``export.write_results``; without that of the PDF where the library for it is not installed.

    Attributes:
        folder: made where it is missing.
        findings: as JSON.
        overwrite: replace earlier results there.
        model: path of the bundle that made them, for what it says of itself; empty where there is none, or it is not at hand.
            Another one than the findings name is passed over.
        named_by: files of the series, from whose headers the head of the report names the patient; none, and it names nobody.
    """

    TASK: ClassVar[str] = "LesionDetectionLib.app.export_requests:write_report"

    folder: str
    findings: dict[str, Any]
    overwrite: bool = False
    model: str = ""
    named_by: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class DicomRequest(Request):
    """Write findings as DICOM SEG and SR to a folder. Images: none. Result: paths, the segmentation's first where it is one.

    Attributes:
        folder: made where it is missing.
        sources: files of the series.
        findings: as JSON.
        overwrite: replace an earlier export there.
    """

    TASK: ClassVar[str] = "LesionDetectionLib.app.export_requests:write_dicom"

    folder: str
    sources: list[str]
    findings: dict[str, Any]
    overwrite: bool = False


@dataclass(frozen=True)
class TrainingCaseRequest(Request):
    """Keep a reviewed scan as a case to learn from. Images: ``image``. Result: the case's folder.

    Attributes:
        folder: of all cases.
        findings: as JSON.
        overwrite: replace an earlier review of the same scan.
    """

    TASK: ClassVar[str] = "LesionDetectionLib.app.export_requests:write_training_case"

    folder: str
    findings: dict[str, Any]
    overwrite: bool = False


def write_report(
    request: ReportRequest, images: Mapping[str, Image], _kept: object, progress: Progress
) -> dict[str, str]:
    """Without scene and segmentation file: Slicer's own classes belong in Slicer's process, and it saves its scene itself.

    Raises InputError where there is no image, or where the patient is to be named and the headers name nobody, or several;
    else as :func:`.export.write_results`.
    """
    from .export import write_results

    patient = ""
    if request.named_by:
        from LesionDetectionLib.io.dicom_patient import read_patient  # brings pydicom

        patient = read_patient([Path(file) for file in request.named_by]).line

    written = write_results(
        Path(request.folder),
        _image(images),
        Findings.from_json(request.findings),
        scene=False,
        model=_model(request.model),
        patient=patient,
        overwrite=request.overwrite,
        progress=progress,
    )
    return {name: str(path) for name, path in written.items()}


def _model(path: str) -> tuple[Manifest, str] | None:
    """What a bundle says of itself, and its digest; None where it is no bundle (any more): a report does without."""
    if not path:
        return None
    try:
        return read_manifest(Path(path))
    except BundleError:
        return None


def write_dicom(request: DicomRequest, _images: Mapping[str, Image], _kept: object, progress: Progress) -> list[str]:
    """Raises as :func:`.dicom_export.export_dicom`."""
    from .dicom_export import export_dicom

    written = export_dicom(
        Path(request.folder),
        [Path(source) for source in request.sources],
        Findings.from_json(request.findings),
        progress=progress,
        overwrite=request.overwrite,
    )
    return [str(path) for path in (written.seg, written.sr) if path is not None]


def write_training_case(
    request: TrainingCaseRequest, images: Mapping[str, Image], _kept: object, progress: Progress
) -> str:
    """
    Raises:
        InputError: there is no image.
        DependencyError: Lesion Training is not installed.
        LesionDetectionError: see ``LesionTrainingLib.cohorts.reviewed.write_reviewed_case``.
    """
    try:
        write = load("LesionTrainingLib.cohorts.reviewed:write_reviewed_case")
    except ModuleNotFoundError as error:
        raise DependencyError("Cases are written by the module Lesion Training, which is not installed.") from error
    progress(0.0, "Writing the case")
    folder = write(
        Path(request.folder), _image(images), Findings.from_json(request.findings), overwrite=request.overwrite
    )
    progress(1.0)
    return str(folder)


def _image(images: Mapping[str, Image]) -> Image:
    if IMAGE not in images:
        raise InputError("There is no image to write. Load the volume again.")
    return images[IMAGE]
