"""What a user can pick from, as a plain tree."""

from __future__ import annotations

from LesionDetectionLib.core.progress import Progress
from LesionTrainingLib.cohorts.dicom.catalogue import tree
from LesionTrainingLib.cohorts.dicom.database import DatabaseCatalogue
from LesionTrainingLib.cohorts.dicom.folder import FolderCatalogue
from LesionTrainingLib.cohorts.dicom.records import patient_key


def test_the_genuine_database(real_data):
    patients = tree(DatabaseCatalogue(real_data("slicer-dicom-database"), Progress()))
    assert {patient.key for patient in patients} == {patient_key(name, "") for name in ("CRLM-CT-1004", "STS_001")}
    found = {
        (study.date, study.description, series.modality, series.description, series.files, series.labels)
        for patient in patients
        for study in patient.studies
        for series in study.series
    }
    assert found == {
        ("19941122", "CT CH/ABD/PEL W/ CONTRAST", "CT", "CT CH/AB/PEL", 41, ()),
        ("20000907", "PET CT", "PT", "PET AC", 267, ("RTSTRUCT",)),
    }
    assert sorted((patient.series_count, patient.labelled_count) for patient in patients) == [(1, 0), (1, 1)]


def test_patients_studies_and_series_of_a_folder(files, blobs):
    first = files.image(into="a", SeriesNumber=2)
    second = files.image(into="b", SeriesNumber=1)
    files.image(into="c", StudyInstanceUID="1.2.9", StudyDate="20190101")
    files.image(into="d", PatientID="other", StudyInstanceUID="1.2.10")
    files.segmentation(first, blobs())
    patients = {patient.key: patient for patient in tree(FolderCatalogue(files.folder, Progress()))}
    one = patients[patient_key("P-4711", "")]
    assert [study.date for study in one.studies] == ["20190101", "20200102"]
    assert [(series.uid, series.labels) for series in one.studies[1].series] == [(second, ()), (first, ("SEG",))]
    assert (one.series_count, one.labelled_count) == (3, 1)
    assert patients[patient_key("other", "")].series_count == 1
    assert "Doe" not in repr(patients)
    assert "P-4711" not in repr(patients)
