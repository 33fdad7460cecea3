"""The database as a tree to choose from: filters, counts, problems, and the cohort that a choice becomes."""

from __future__ import annotations

import json

import numpy as np
import pytest
from LesionDetectionLib.core.errors import InputError, UsageError
from LesionTrainingLib.cohorts.dicom.records import patient_key
from LesionTrainingLib.cohorts.spec import open_cohort
from LesionTrainingLib.session.catalogue import (
    Catalogue,
    Chosen,
    Counts,
    LabelChoice,
    SeriesFilter,
    folder_of,
    list_file,
    list_live,
    patient_ids,
)
from LesionTrainingLib.session.cohort_choice import is_long, written


@pytest.fixture
def mask():
    filled = np.zeros((10, 24, 20), bool)
    filled[3:6, 5:9, 5:9] = True
    return filled


@pytest.fixture
def database(files, mask):
    """Two patients: one with a labelled CT, another CT and a PET of one study; one with an unlabelled CT."""
    uids = {"lung": files.image(into="a", SeriesDescription="Lung 1.0", SeriesNumber=1)}
    uids["soft"] = files.image(into="b", SeriesDescription="Soft 5.0", SeriesNumber=2)
    uids["pet"] = files.image(into="c", modality="PT", SeriesDescription="PET AC", SeriesNumber=3)
    uids["other"] = files.image(into="d", PatientID="second", StudyInstanceUID="1.2.77", SeriesDescription="Lung 2.0")
    files.segmentation(uids["lung"], mask)
    files.database()
    return files.folder, uids


def test_filters_and_counts(database):
    folder, uids = database
    listed = list_file(folder)
    assert listed.counts == Counts(patients=2, studies=2, series=4, labelled=1)
    assert listed.modalities == {"CT": 3, "PT": 1}
    shown = listed.shown(SeriesFilter(modality="CT", description="lung*"))
    assert {series.uid for series in shown.series} == {uids["lung"], uids["other"]}
    labelled = listed.shown(SeriesFilter(labelled=True))
    assert [(series.uid, series.labels) for series in labelled.series] == [(uids["lung"], ("SEG",))]
    assert labelled.counts.patients == 1
    assert listed.shown(SeriesFilter("MR")).counts == Counts(0, 0, 0, 0)


def test_it_crosses_to_another_process_as_it_is(database):
    listed = list_file(database[0])
    assert Catalogue.from_json(json.loads(json.dumps(listed.to_json()))) == listed


def test_no_name_and_no_number_of_a_patient_is_in_it(database):
    text = json.dumps(list_file(database[0]).to_json())
    assert "Doe" not in text
    assert "P-4711" not in text
    assert "second" not in text


def test_problems_are_told(database, files):
    _, uids = database
    seg = next(uid for uid in files.paths if uid not in uids.values())
    files.paths[seg][0].write_bytes(b"no DICOM")
    listed = list_file(files.folder)
    assert listed.counts.labelled == 0
    (problem,) = listed.problems
    assert "The SEG is damaged" in problem.reason


def test_reports_are_no_scans(files):
    files.image()
    files.image(into="sr", modality="PT", Modality="SR", SeriesNumber=9)
    files.database()
    assert list_file(files.folder).modalities == {"CT": 1}


def test_images_that_were_never_fetched_are_a_problem(files):
    import sqlite3

    uid = files.image()
    connection = sqlite3.connect(files.database())
    connection.execute(
        "UPDATE Images SET Filename = '' WHERE SOPInstanceUID = (SELECT MIN(SOPInstanceUID) FROM Images)"
    )
    connection.commit()
    connection.close()
    listed = list_file(files.folder)
    assert listed.series[0].files == 10
    assert [problem.case for problem in listed.problems] == [uid]
    assert "1 of 10 images" in listed.problems[0].reason


def test_what_is_chosen_becomes_that_cohort(database):
    folder, uids = database
    chosen = Chosen(list_file(folder), frozenset(uids.values()))
    assert {series.uid for series in chosen.main} == {uids["lung"], uids["soft"], uids["other"]}
    cohort = open_cohort(str(chosen.spec()))
    assert {case.id for case in cohort.cases} == {uids["lung"], uids["soft"], uids["other"]}
    one = Chosen(list_file(folder), frozenset([uids["lung"]]), LabelChoice(one_lesion="whole"))
    assert str(one.spec()) == f"dicomdb:{folder}?modality=CT&series={uids['lung']}&one_lesion=whole"


def test_cases_with_two_images_are_chosen_by_the_first(database):
    folder, uids = database
    chosen = Chosen(list_file(folder), frozenset([uids["lung"], uids["pet"]]), modalities=("CT", "PT"))
    (case,) = open_cohort(str(chosen.spec())).cases
    assert case.modalities == ("CT", "PT")


def test_a_choice_without_the_main_modality_is_refused(database):
    folder, uids = database
    with pytest.raises(UsageError, match=r"at least one CT series.*modalities: PT"):
        Chosen(list_file(folder), frozenset([uids["pet"]])).spec()
    with pytest.raises(UsageError, match="modalities: none"):
        Chosen(list_file(folder), frozenset()).spec()


def test_a_table_labels_series_too(database, tmp_path):
    folder, uids = database
    table = tmp_path / "marks.csv"
    table.write_text(f"seriesuid,x,y,z\n{uids['other']},1,2,3\n{uids['lung']},1,2,3\nnowhere,1,,\n")
    labels = LabelChoice(labels=f"table:{table}")
    listed = list_file(folder, labels)
    assert {s.uid: s.labels for s in listed.series if s.labels} == {
        uids["other"]: ("table",),
        uids["lung"]: ("SEG", "table"),
    }
    assert any("marks.csv" in problem.reason or "not labelled" in problem.reason for problem in listed.problems)
    (case,) = open_cohort(str(Chosen(listed, frozenset([uids["other"]]), labels).spec())).cases
    assert len(case.truth().lesions) == 1


def test_many_series_go_into_a_file_that_opens_the_same(database, tmp_path):
    folder, uids = database
    spec = Chosen(list_file(folder), frozenset(uids.values())).spec()
    long = type(spec)(spec.kind, spec.path, {**spec.options, "description": "*" * 1 + "," * 400})
    assert not is_long(type(spec)("phantoms", "chest"))
    assert is_long(long)
    path = written(long, tmp_path)
    assert path.endswith("dicomdb-3-series.yaml")
    assert open_cohort(path).cases == open_cohort(str(spec)).cases


def test_without_an_open_database_there_is_no_folder():
    with pytest.raises(InputError, match="No DICOM database is open"):
        folder_of(None)


def test_a_running_slicers_database_is_the_same(database, files, opened):
    live = opened(files.folder / "ctkDICOM.sql")
    assert list_live(live) == list_file(files.folder)
    assert folder_of(live) == files.folder


def test_who_asks_for_it_sees_patient_ids(database, files, opened):
    found = patient_ids(opened(files.folder / "ctkDICOM.sql"))
    assert found == {patient_key(name, ""): name for name in ("P-4711", "second")}
    assert set(found) == {patient.key for patient in list_file(files.folder).patients}


def test_the_genuine_database(real_data):
    listed = list_file(real_data("slicer-dicom-database"))
    assert listed.counts == Counts(patients=2, studies=2, series=2, labelled=1)
    assert listed.modalities == {"CT": 1, "PT": 1}
    assert listed.problems == ()
    pet = Chosen(listed, frozenset(series.uid for series in listed.series), modalities=("PT",))
    (case,) = open_cohort(str(pet.spec())).cases
    assert case.labelled
