"""Findings as DICOM: a segmentation and a structured report of one series, in one folder."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from LesionDetectionLib.core.atomic import atomic_folder, check_output_folder
from LesionDetectionLib.core.errors import DependencyError, ModalityError
from LesionDetectionLib.core.finding import Findings
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.io.display import modality_name

from .packages import explained

SEG, SR = "lesions.seg.dcm", "lesions.sr.dcm"
_NAMES = (SEG, SR)


@dataclass(frozen=True)
class DicomExport:
    """What was written.

    Attributes:
        seg: the segmentation; None where no reported finding has an outline.
        sr: the structured report; None where none was asked for.
    """

    seg: Path | None
    sr: Path | None


def export_dicom(
    folder: Path,
    sources: Sequence[Path],
    findings: Findings,
    *,
    progress: Progress | None = None,
    observer: str = "",
    overwrite: bool = False,
    with_report: bool = True,
) -> DicomExport:
    """Write the reported findings as DICOM SEG and SR (TID 1500) to ``folder``, both or none.

    Reported are the accepted findings; where nothing was accepted, all that are drawn, and the report then says that nobody
    reviewed them. Values in the report are measured on the files: in HU, or in SUV by body weight where the header allows.

    Args:
        folder: made where it is missing; other files in it are left alone.
        sources: the files of the series that the findings were made on, all of them, in any order.
        observer: name of the person who reviewed the findings, ``Family^Given``; empty for none.
        overwrite: replace an earlier export in ``folder``.
        with_report: write the SR too.

    Raises:
        InputError: files missing, damaged, without images, or of several series.
        ModalityError: the series is of another modality than the image that the findings lie on.
        GeometryError: the findings lie on another grid than the series.
        DependencyError: no highdicom, or no decoder for compressed files.
        OutputError: an earlier export, no permission, disk full.
        Cancelled: through ``progress``; nothing was written.
    """
    try:
        from LesionDetectionLib.io import dicom_seg, dicom_sr
    except ModuleNotFoundError as error:
        raise DependencyError(explained(error)) from error
    from LesionDetectionLib.io.dicom_findings import exported
    from LesionDetectionLib.io.dicom_sources import read_sources, unseen

    folder, progress = Path(folder), progress or Progress()
    check_output_folder(folder, _NAMES, overwrite)
    series = read_sources(sources, progress.part(0.0, 0.5))
    _require_modality(series.image, findings)
    items = exported(findings, series.image.geometry)
    seg = None
    if any(item.segment for item in items):
        seg = dicom_seg.segmentation(findings, items, series, progress.part(0.5, 0.7), observer)
    report = None
    if with_report:
        report = dicom_sr.report(findings, items, series, seg, progress.part(0.7, 0.8), observer)
    with atomic_folder(folder, overwrite) as temporary, unseen():
        for name, dataset in ((SEG, seg), (SR, report)):
            if dataset is not None:
                progress(0.9, f"Writing {name}")
                content = io.BytesIO()  # pydicom would hide the reason of an error in writing: disk full, no permission
                dataset.save_as(content)
                (temporary / name).write_bytes(content.getbuffer())
        progress(1.0, "DICOM written")
    for name, dataset in ((SEG, seg), (SR, report)):
        if dataset is None:  # an earlier one would be taken for a part of this export
            (folder / name).unlink(missing_ok=True)
    return DicomExport(
        folder / SEG if seg is not None else None,
        folder / SR if report is not None else None,
    )


def _require_modality(source: Image, findings: Findings) -> None:
    """A PET that was resampled to its CT has the same grid, so that only its modality tells them apart."""
    found, wanted = source.modality, findings.run.modality
    if found and wanted and found != wanted:
        name = modality_name(wanted)
        raise ModalityError(
            f"The findings lie on the {name}, and these DICOM files are of modality {modality_name(found)}. Choose the files "
            f"of the {name} series."
        )
