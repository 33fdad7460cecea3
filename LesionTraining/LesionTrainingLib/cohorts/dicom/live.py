"""The DICOM database of a running Slicer (``slicer.dicomDatabase``) as a cohort."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Protocol

from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.progress import Progress

from ..cohort import Cohort, LeftOut
from ..spec import CohortSpec
from .database import stored_files
from .options import DicomOptions
from .records import SeriesRecord, digits, in_order, patient_key, whole_number


class CtkDatabase(Protocol):
    """What is used of ``ctkDICOMDatabase``. Its lists are tuples; its patients are row numbers, no Patient IDs."""

    @property
    def isOpen(self) -> bool: ...
    @property
    def databaseDirectory(self) -> str: ...
    def patients(self) -> Sequence[str]: ...
    def studiesForPatient(self, patient: str, /) -> Sequence[str]: ...
    def seriesForStudy(self, study: str, /) -> Sequence[str]: ...
    def filesForSeries(self, series: str, /) -> Sequence[str]: ...
    def instancesForSeries(self, series: str, /) -> Sequence[str]: ...
    def fieldForPatient(self, field: str, patient: str, /) -> str: ...
    def fieldForStudy(self, field: str, study: str, /) -> str: ...
    def fieldForSeries(self, field: str, series: str, /) -> str: ...


class LiveCatalogue:
    """The series of an open database, as they are at the moment of listing. To be used on Slicer's main thread.

    Raises:
        InputError: no database is open.
        Cancelled: through ``progress``.
    """

    def __init__(self, database: CtkDatabase, progress: Progress | None = None) -> None:
        progress = progress or Progress()
        if not database.isOpen:
            raise InputError("No DICOM database is open. Open the DICOM module once, and choose a folder for it.")
        self._database = database
        self._folder = Path(database.databaseDirectory)
        self._series_of: dict[str, str] | None = None
        patients = tuple(database.patients())
        records = []
        for n, patient in enumerate(patients):
            progress(n / len(patients), f"Reading the DICOM database ({n + 1} of {len(patients)} patients)")
            for study in database.studiesForPatient(patient):
                records += [self._record(patient, study, series) for series in database.seriesForStudy(study)]
        self._records = in_order(records)

    @property
    def folder(self) -> Path:
        return self._folder

    def series(self) -> list[SeriesRecord]:
        return list(self._records)

    def series_of_instance(self, sop_uid: str) -> str:
        if self._series_of is None:
            uids = [record.series_uid for record in self._records]
            self._series_of = {sop: uid for uid in uids for sop in self._database.instancesForSeries(uid)}
        return self._series_of.get(sop_uid, "")

    def left_out(self) -> list[LeftOut]:
        return []

    def _record(self, patient: str, study: str, series: str) -> SeriesRecord:
        database = self._database
        files, elsewhere = stored_files(tuple(database.filesForSeries(series)), self._folder)
        return SeriesRecord(
            patient_key(str(database.fieldForPatient("PatientID", patient)), study),
            study,
            series,
            str(database.fieldForSeries("Modality", series)).strip(),
            str(database.fieldForSeries("SeriesDescription", series)).strip(),
            str(database.fieldForSeries("FrameOfReferenceUID", series)).strip(),
            digits(database.fieldForStudy("StudyDate", study)),
            str(database.fieldForStudy("StudyDescription", study)).strip(),
            whole_number(database.fieldForSeries("SeriesNumber", series)),
            files,
            elsewhere,
        )


def open_live(database: CtkDatabase, options: DicomOptions, progress: Progress | None = None) -> Cohort:
    """The cohort of an open database; its specification opens the same one from the file, in another process too.

    Raises:
        InputError: no database is open.
        Cancelled: through ``progress``.
    """
    from .building import build

    progress = progress or Progress()
    catalogue = LiveCatalogue(database, progress.part(0.0, 0.3))
    cohort = build(catalogue, options, "Slicer's DICOM database", progress.part(0.3, 1.0))
    return replace(cohort, spec=str(spec_of(catalogue.folder, options)))


def spec_of(folder: Path, options: DicomOptions) -> CohortSpec:
    """How the command line or a worker opens what was picked; options at their defaults are not written."""
    usual = DicomOptions()
    given = {entry.name: getattr(options, entry.name) for entry in fields(options)}
    return CohortSpec("dicomdb", str(folder), {n: v for n, v in given.items() if v != getattr(usual, n)})
