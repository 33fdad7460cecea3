"""A folder of DICOM files as a cohort: ``dicom:PATH?modality=CT&labels=seg``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.progress import Progress

from ..cohort import Cohort, LeftOut
from ..spec import Kind
from .options import DicomOptions
from .records import LABEL_MODALITIES, SeriesRecord, digits, in_order, patient_key, whole_number

_TAGS = [
    "PatientID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "SeriesDescription",
    "SeriesNumber",
    "Modality",
    "StudyDate",
    "StudyDescription",
    "FrameOfReferenceUID",
]


class FolderCatalogue:
    """The series of a folder and all folders below it. Reads every header once, at the start.

    Args:
        path: a folder, or one file.

    Raises:
        InputError: there is none, or no DICOM in it.
        Cancelled: through ``progress``.
    """

    def __init__(self, path: Path, progress: Progress) -> None:
        from LesionDetectionLib.io.dicom_headers import Skipped, files_under, headers

        if not path.exists():
            raise InputError(f"There is no folder {path}. Check the path.")
        self._folder = path if path.is_dir() else path.parent
        self._series_of: dict[str, str] = {}
        files = files_under(path)
        by_series: dict[str, list[Path]] = defaultdict(list)
        labels: list[Path] = []
        self._damaged = 0
        for file, found in zip(files, headers(files, progress), strict=True):
            if isinstance(found, Skipped):
                labels += [file] if found.kind in LABEL_MODALITIES else []
                self._damaged += found.damaged
            elif found:
                by_series[found[0].series_uid].append(file)
                self._series_of[found[0].sop_uid] = found[0].series_uid
        if not by_series and not labels and not self._damaged:
            raise InputError(f"The folder {path} holds no DICOM images. Name a folder with DICOM series.")
        self._records = in_order([*self._images(by_series), *self._labels(labels)])

    @property
    def folder(self) -> Path:
        return self._folder

    def series(self) -> list[SeriesRecord]:
        return list(self._records)

    def series_of_instance(self, sop_uid: str) -> str:
        return self._series_of.get(sop_uid, "")

    def left_out(self) -> list[LeftOut]:
        if not self._damaged:
            return []
        # Their names may hold the patient's name.
        return [LeftOut("files", f"{self._damaged} DICOM files in the folder are damaged. Copy or export them again.")]

    def _images(self, by_series: dict[str, list[Path]]) -> list[SeriesRecord]:
        return [record for files in by_series.values() if (record := self._record(files)) is not None]

    def _labels(self, files: Sequence[Path]) -> list[SeriesRecord]:
        # One record a file: a series of labels may hold several files, and read alike either way.
        return [record for file in files if (record := self._record([file])) is not None]

    def _record(self, files: Sequence[Path]) -> SeriesRecord | None:
        from LesionDetectionLib.io.dicom_headers import quiet_pydicom
        from pydicom import dcmread

        try:
            with quiet_pydicom():
                header = dcmread(files[0], stop_before_pixels=True, specific_tags=_TAGS, force=True)
                text = {tag: str(header.get(tag, "") or "").strip() for tag in _TAGS}
        except Exception:  # damaged between two readings, or in a tag that the first one does not need
            self._damaged += len(files)
            return None
        return SeriesRecord(
            patient_key(text["PatientID"], text["StudyInstanceUID"]),
            text["StudyInstanceUID"],
            text["SeriesInstanceUID"],
            text["Modality"],
            text["SeriesDescription"],
            text["FrameOfReferenceUID"],
            digits(text["StudyDate"]),
            text["StudyDescription"],
            whole_number(text["SeriesNumber"]),
            tuple(files),
        )


def open_folder(path: Path, options: DicomOptions, progress: Progress) -> Cohort:
    """The cohort of a folder. Raises InputError where there is no DICOM, Cancelled through ``progress``."""
    from .building import build

    catalogue = FolderCatalogue(path, progress.part(0.0, 0.8))
    return build(catalogue, options, "DICOM files", progress.part(0.8, 1.0))


KIND = Kind(
    "dicom",
    "DICOM files, with lesions from SEG, RTSTRUCT or a table",
    "a folder; those below it are searched too",
    DicomOptions,
    open_folder,
)
