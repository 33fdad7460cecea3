"""Results handed on, as requests to the worker: pages, pictures and DICOM take seconds, and the window must not stand still."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.finding import Findings
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.progress import Progress

from ..worker.kept import Kept
from ..worker.requests import Request

IMAGE = "image"
"""Under which name the image is given."""


@dataclass(frozen=True)
class ReportRequest(Request):
    """Write table, pictures and page. Images: one, ``image``. Result: the paths that were written, as text by name.

    Attributes:
        folder: where to.
        detections: as :meth:`.Detections.to_json` gives it.
        pictures, report: whether to write these; the table and the JSON file are always written.
        overwrite: replace the results of an earlier run in the folder.
    """

    TASK: ClassVar[str] = "LesionDetectionLib.app.session.exporting:write_report"

    folder: str
    detections: dict[str, Any]
    pictures: bool = True
    report: bool = True
    overwrite: bool = False


@dataclass(frozen=True)
class DicomRequest(Request):
    """Write a DICOM segmentation and structured report. Images: none. Result: the paths that were written.

    Attributes:
        folder: where to.
        sources: files of the series that the findings are of.
        findings: as :meth:`.Findings.to_json` gives it.
        observer: name of the person who decided, where it shall stand in the report.
        overwrite: replace earlier ones.
    """

    TASK: ClassVar[str] = "LesionDetectionLib.app.session.exporting:write_dicom"

    folder: str
    sources: tuple[str, ...]
    findings: dict[str, Any]
    observer: str = ""
    overwrite: bool = False

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> DicomRequest:
        return cls(**{**value, "sources": tuple(map(str, value["sources"]))})


@dataclass(frozen=True)
class TrainingCaseRequest(Request):
    """Keep a reviewed scan as a case to train on. Images: one, ``image``. Result: the folder of the case, as text.

    Attributes:
        folder: of all reviewed cases.
        case_id: of this one; no patient's name.
        findings: as :meth:`.Findings.to_json` gives it.
        overwrite: replace an earlier review of the same scan.
    """

    TASK: ClassVar[str] = "LesionDetectionLib.app.session.exporting:write_training_case"

    folder: str
    case_id: str
    findings: dict[str, Any]
    overwrite: bool = False


def write_report(request: ReportRequest, images: Mapping[str, Image], kept: Kept, progress: Progress) -> dict[str, str]:
    """Raises OutputError, GeometryError, Cancelled: see :func:`..export.write_results`."""
    from ..export import write_results

    written = write_results(
        Path(request.folder),
        _image(images),
        Detections.from_json(request.detections),
        scene=False,
        pictures=request.pictures,
        report=request.report,
        overwrite=request.overwrite,
        progress=progress,
    )
    return {name: str(path) for name, path in written.items()}


def write_dicom(request: DicomRequest, images: Mapping[str, Image], kept: Kept, progress: Progress) -> dict[str, str]:
    """Raises InputError, GeometryError, OutputError, Cancelled: see :func:`..dicom_export.export_dicom`."""
    from ..dicom_export import export_dicom

    written = export_dicom(
        Path(request.folder),
        [Path(path) for path in request.sources],
        Findings.from_json(request.findings),
        progress=progress,
        observer=request.observer,
        overwrite=request.overwrite,
    )
    named = {"segmentation": written.seg, "report": written.sr}
    return {name: str(path) for name, path in named.items() if path is not None}


def write_training_case(
    request: TrainingCaseRequest, images: Mapping[str, Image], kept: Kept, progress: Progress
) -> str:
    """Raises InputError, OutputError: see ``LesionTrainingLib.cohorts.reviewed``."""
    from LesionDetectionLib.core.late import load

    progress(0.1, "Writing the case")
    write = load("LesionTrainingLib.cohorts.reviewed:write_reviewed_case")
    findings = Findings.from_json(request.findings)
    path = write(Path(request.folder), _image(images), findings, request.case_id, overwrite=request.overwrite)
    return str(path)


def _image(images: Mapping[str, Image]) -> Image:
    if IMAGE not in images:
        raise InputError("The image of these findings is missing. Load it again.")
    return images[IMAGE]
