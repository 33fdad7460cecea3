"""A running Slicer's database: a double that has only the real methods gives what the file gives."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from LesionDetectionLib.core.errors import Cancelled, InputError
from LesionDetectionLib.core.progress import Progress
from LesionTrainingLib.cohorts.dicom.database import DatabaseCatalogue
from LesionTrainingLib.cohorts.dicom.live import LiveCatalogue, open_live
from LesionTrainingLib.cohorts.dicom.options import DicomOptions
from LesionTrainingLib.cohorts.spec import open_cohort

FIELDS = {
    "Patients": ("UID", {"PatientsName", "PatientID"}),
    "Studies": ("StudyInstanceUID", {"StudyDate", "StudyDescription"}),
    "Series": (
        "SeriesInstanceUID",
        {"SeriesNumber", "SeriesDescription", "Modality", "FrameOfReferenceUID"},
    ),
}


class StrictDatabase:
    """What Slicer 5.8 was seen to do: tuples for lists, row numbers for patients, texts for all fields, whole paths for
    files, empty texts for what is not there, and no attribute that ctkDICOMDatabase does not have."""

    def __init__(self, file: Path, is_open: bool = True):
        self._connection = sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)
        self._folder = file.parent
        self.isOpen, self.databaseDirectory = is_open, str(file.parent)

    def _column(self, query, *values):
        return tuple(str(row[0]) for row in self._connection.execute(query, values))

    def _field(self, table, field, uid):
        assert isinstance(uid, str)
        key, known = FIELDS[table]
        assert field in known
        found = self._connection.execute(f"SELECT {field} FROM {table} WHERE {key} = ?", (uid,)).fetchone()
        return "" if found is None or found[0] is None else str(found[0])

    def patients(self):
        return self._column("SELECT UID FROM Patients")

    def studiesForPatient(self, patient):
        return self._column("SELECT StudyInstanceUID FROM Studies WHERE PatientsUID = ?", int(patient))

    def seriesForStudy(self, study):
        return self._column("SELECT SeriesInstanceUID FROM Series WHERE StudyInstanceUID = ?", study)

    def filesForSeries(self, series):
        names = self._column("SELECT Filename FROM Images WHERE SeriesInstanceUID = ?", series)
        return tuple(str(self._folder / name) if name else "" for name in names)

    def instancesForSeries(self, series):
        return self._column("SELECT SOPInstanceUID FROM Images WHERE SeriesInstanceUID = ?", series)

    def fieldForPatient(self, field, patient):
        return self._field("Patients", field, patient)

    def fieldForStudy(self, field, study):
        return self._field("Studies", field, study)

    def fieldForSeries(self, field, series):
        return self._field("Series", field, series)


@pytest.fixture
def opened():
    """``opened(file)`` -> a double of that database, closed again after the test."""
    doubles = []

    def make(file, **changes):
        doubles.append(StrictDatabase(file, **changes))
        return doubles[-1]

    yield make
    for double in doubles:
        double._connection.close()


def test_the_genuine_database_is_the_same_live(real_data, opened):
    file = real_data("slicer-dicom-database/ctkDICOM.sql")
    live, stored = LiveCatalogue(opened(file)), DatabaseCatalogue(file, Progress())
    assert live.series() == stored.series()
    assert len(live.series()) == 3
    for options in (DicomOptions(), DicomOptions(modality="PT", structures="GTV_Mass")):
        cohort = open_live(opened(file), options)
        again = open_cohort(cohort.spec)
        assert cohort.cases == again.cases
        assert (cohort.title, cohort.notes, cohort.left_out) == (again.title, again.notes, again.left_out)
    assert cohort.spec == f"dicomdb:{file.parent}?modality=PT&structures=GTV_Mass"


def test_labels_are_found_by_the_images_they_name(files, opened):
    uid = files.image()
    files.structures(uid, {"GTV": [[(0.0, 0.0, 100.0)]]}, referring="images")
    file = files.database()
    (case,) = open_live(opened(file), DicomOptions()).cases
    assert case.labelled
    assert case == open_cohort(f"dicomdb:{files.folder}").cases[0]


def test_a_database_without_patient_ids_keeps_studies_apart(files, opened):
    files.image(into="a", PatientID="", StudyInstanceUID="1.1")
    files.image(into="b", PatientID="", StudyInstanceUID="1.2")
    cohort = open_live(opened(files.database()), DicomOptions())
    assert len(cohort.patients) == 2


def test_a_closed_database_is_refused(files, opened):
    files.image()
    double = opened(files.database(), is_open=False)
    with pytest.raises(InputError, match="No DICOM database is open"):
        open_live(double, DicomOptions())


def test_listing_can_be_cancelled(files, opened):
    files.image()
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        open_live(opened(files.database()), DicomOptions(), progress)


def test_the_real_class_has_what_is_used(real_data):
    """Against the list of methods and properties of Slicer 5.8.1."""
    import json

    listing = real_data("..").resolve() / "slicer-api" / "slicer-5.8.1.json"
    if not listing.exists():
        pytest.skip("the list of Slicer's classes is not here")
    text = listing.read_text()
    start = text.index('"ctkDICOMDatabase":{')
    known, _ = json.JSONDecoder().raw_decode(text[start + len('"ctkDICOMDatabase":') :])
    used = {name for name in vars(StrictDatabase) if not name.startswith("_")}
    assert used <= set(known["methods"])
    assert {"isOpen", "databaseDirectory"} <= set(known["properties"])
