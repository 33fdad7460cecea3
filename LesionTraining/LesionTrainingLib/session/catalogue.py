"""The DICOM database as a tree to choose from; what is chosen becomes the specification of a cohort.

Patients are told apart by the keys that the cohorts use, no name or number being shown. Who wants to see Patient IDs asks
for them by :func:`patient_ids`; they stay in this process and in no file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from LesionDetectionLib.core.errors import InputError, UsageError
from LesionDetectionLib.core.progress import Progress

from ..cohorts.cohort import LeftOut
from ..cohorts.dicom.catalogue import Listing, PatientEntry, SeriesEntry, StudyEntry, listing
from ..cohorts.dicom.database import DatabaseCatalogue
from ..cohorts.dicom.live import CtkDatabase, LiveCatalogue
from ..cohorts.dicom.options import LPS, TABLE, DicomOptions
from ..cohorts.dicom.patterns import fits, parts_of
from ..cohorts.dicom.records import SeriesCatalogue, patient_key
from ..cohorts.dicom.table_labels import read_marks
from ..cohorts.spec import CohortSpec


@dataclass(frozen=True)
class SeriesFilter:
    """Which series are shown.

    Attributes:
        modality: of the images; empty for any.
        description: patterns of series descriptions, with commas between (:mod:`..cohorts.dicom.patterns`).
        labelled: only series with labels.
    """

    modality: str = ""
    description: str = ""
    labelled: bool = False

    def passes(self, series: SeriesEntry) -> bool:
        return (
            self.modality in ("", series.modality)
            and fits(series.description, parts_of(self.description))
            and (bool(series.labels) or not self.labelled)
        )


@dataclass(frozen=True)
class Counts:
    """How much of everything; ``labelled`` counts series."""

    patients: int
    studies: int
    series: int
    labelled: int


@dataclass(frozen=True)
class Catalogue:
    """A DICOM database at the moment of listing.

    Attributes:
        folder: of the database.
        patients: with their studies and series, label series not among them.
        problems: what listing found wrong; the case is a Series Instance UID or another word for what it is about.
    """

    folder: Path
    patients: tuple[PatientEntry, ...] = ()
    problems: tuple[LeftOut, ...] = ()

    def shown(self, chosen: SeriesFilter) -> Catalogue:
        """Only the series that pass the filter; patients and studies without any are left out."""
        return self._only(chosen.passes)

    def selected(self, uids: Collection[str]) -> Catalogue:
        """Only the series of these UIDs."""
        chosen = frozenset(uids)
        return self._only(lambda series: series.uid in chosen)

    def _only(self, wanted: Callable[[SeriesEntry], bool]) -> Catalogue:
        patients = []
        for patient in self.patients:
            kept = (replace(study, series=tuple(filter(wanted, study.series))) for study in patient.studies)
            studies = tuple(study for study in kept if study.series)
            patients += [PatientEntry(patient.key, studies)] if studies else []
        return replace(self, patients=tuple(patients))

    @property
    def series(self) -> tuple[SeriesEntry, ...]:
        return tuple(series for patient in self.patients for study in patient.studies for series in study.series)

    @property
    def counts(self) -> Counts:
        series = self.series
        return Counts(
            len(self.patients),
            sum(len(patient.studies) for patient in self.patients),
            len(series),
            sum(bool(one.labels) for one in series),
        )

    @property
    def modalities(self) -> dict[str, int]:
        """Modality -> series, the most frequent first."""
        return dict(Counter(series.modality for series in self.series).most_common())

    def to_json(self) -> dict[str, Any]:
        return {
            "folder": str(self.folder),
            "patients": [asdict(patient) for patient in self.patients],
            "problems": [asdict(problem) for problem in self.problems],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Catalogue:
        return cls(
            Path(value["folder"]),
            tuple(_patient(patient) for patient in value["patients"]),
            tuple(LeftOut(**problem) for problem in value["problems"]),
        )


@dataclass(frozen=True)
class LabelChoice:
    """What counts as a lesion, in the words of :class:`..cohorts.dicom.options.DicomOptions`; empty for all."""

    labels: str = DicomOptions.labels
    segments: str = ""
    structures: str = ""
    several: str = DicomOptions.several
    one_lesion: str = DicomOptions.one_lesion
    frame: str = LPS

    @property
    def table(self) -> str:
        """The file of marks; empty where labels are DICOM."""
        return self.labels.removeprefix(TABLE) if self.labels.startswith(TABLE) else ""


@dataclass(frozen=True)
class Chosen:
    """Series that a person chose from a catalogue.

    Attributes:
        catalogue: of all.
        uids: of the series that are checked.
        labels: what counts as a lesion.
        modalities: that a case must have, the main one first: those of the method.
    """

    catalogue: Catalogue
    uids: frozenset[str]
    labels: LabelChoice = field(default_factory=LabelChoice)
    modalities: tuple[str, ...] = ("CT",)

    @property
    def main(self) -> tuple[SeriesEntry, ...]:
        """The chosen series that cases are made of, in the order of the catalogue; the others are partners or nothing."""
        return tuple(s for s in self.catalogue.series if s.uid in self.uids and s.modality == self.modalities[0])

    def spec(self) -> CohortSpec:
        """The cohort of these series; the same ones on every day, whatever is imported later.

        Raises:
            UsageError: no series of the main modality is chosen, or an option makes no sense.
        """
        main = self.main
        if not main:
            there = ", ".join(sorted({s.modality for s in self.catalogue.series if s.uid in self.uids})) or "none"
            raise UsageError(
                f"Choose at least one {self.modalities[0]} series; of the chosen ones none is (modalities: {there})."
            )
        options = DicomOptions(
            modality=",".join(self.modalities), series=",".join(s.uid for s in main), **asdict(self.labels)
        )
        usual = asdict(DicomOptions())
        given = {name: value for name, value in asdict(options).items() if value != usual[name] or name == "modality"}
        return CohortSpec("dicomdb", str(self.catalogue.folder), given)


def list_live(database: CtkDatabase, labels: LabelChoice | None = None, progress: Progress | None = None) -> Catalogue:
    """What the database of a running Slicer holds; on Slicer's main thread.

    Raises:
        InputError: no database is open, or the table of labels cannot be read.
        Cancelled: through ``progress``.
    """
    progress = progress or Progress()
    return _catalogue(LiveCatalogue(database, progress.part(0, 0.4)), labels, progress.part(0.4, 1))


def list_file(folder: Path, labels: LabelChoice | None = None, progress: Progress | None = None) -> Catalogue:
    """The same from the database's file, while Slicer may be writing to it; in any process.

    Raises:
        InputError: there is no such database, or the table of labels cannot be read.
        Cancelled: through ``progress``.
    """
    progress = progress or Progress()
    return _catalogue(DatabaseCatalogue(folder, progress.part(0, 0.4)), labels, progress.part(0.4, 1))


def folder_of(database: CtkDatabase | None) -> Path:
    """Where the open database lies. Raises InputError where none is open."""
    if database is None or not database.isOpen:
        raise InputError("No DICOM database is open. Open the DICOM module once, and choose a folder for it.")
    return Path(database.databaseDirectory)


def patient_ids(database: CtkDatabase) -> dict[str, str]:
    """Key -> Patient ID, for those who asked to see them; patients without an ID are not in it."""
    ids = (str(database.fieldForPatient("PatientID", patient)).strip() for patient in database.patients())
    return {patient_key(patient_id, ""): patient_id for patient_id in ids if patient_id}


def _catalogue(found: SeriesCatalogue, labels: LabelChoice | None, progress: Progress) -> Catalogue:
    marked: Collection[str] = ()
    problems: list[LeftOut] = []
    if labels is not None and labels.table:
        marked, problems = read_marks(Path(labels.table).expanduser(), labels.frame)
    seen: Listing = listing(found, progress, marked)
    progress(1.0, "Listed")
    return Catalogue(found.folder, seen.patients, (*seen.problems, *problems))


def _patient(value: Mapping[str, Any]) -> PatientEntry:
    studies = []
    for study in value["studies"]:
        series = tuple(SeriesEntry(**{**one, "labels": tuple(one["labels"])}) for one in study["series"])
        studies.append(StudyEntry(study["uid"], study["date"], study["description"], series))
    return PatientEntry(value["key"], tuple(studies))
