"""Slicer's DICOM database from its file: read-only, while it is written to, moved, and partly gone."""

from __future__ import annotations

import shutil
import sqlite3
import threading
import time

import numpy as np
import pytest
from LesionDetectionLib.core.errors import Cancelled, InputError
from LesionDetectionLib.core.progress import Progress
from LesionTrainingLib.cohorts.dicom import database as module
from LesionTrainingLib.cohorts.dicom.database import DatabaseCatalogue, stored_files
from LesionTrainingLib.cohorts.dicom.records import patient_key
from LesionTrainingLib.cohorts.spec import open_cohort

CT = "1.3.6.1.4.1.14519.5.2.1.9203.8273.254242588659825836950462054011"
PET = "1.3.6.1.4.1.14519.5.2.1.5168.1900.279539551699081894888330051583"


def state_of(folder):
    """Every file of a folder with its size and time of change."""
    return sorted((str(p), p.stat().st_size, p.stat().st_mtime_ns) for p in folder.rglob("*"))


@pytest.mark.parametrize("name", ["slicer-dicom-database", "slicer-dicom-database/ctkDICOM.sql"])
def test_the_genuine_database(real_data, name):
    path = real_data(name)
    before = state_of(real_data("slicer-dicom-database"))
    (ct,) = open_cohort(f"dicomdb:{path}").cases
    (pet,) = open_cohort(f"dicomdb:{path}?modality=PT&description=*AC&structures=GTV_Mass").cases
    assert (ct.id, ct.patient, ct.labelled, len(ct.sources())) == (CT, patient_key("CRLM-CT-1004", ""), False, 41)
    assert (pet.id, pet.patient, pet.labelled, len(pet.sources())) == (PET, patient_key("STS_001", ""), True, 268)
    assert ct.images()["CT"].shape_kji == (41, 512, 512)
    assert pet.truth().lesions[0].mask.count == 5095
    assert state_of(real_data("slicer-dicom-database")) == before


def test_the_genuine_database_and_its_files_as_a_folder_are_the_same(real_data):
    path = real_data("slicer-dicom-database")
    for query in ("modality=PT", "modality=CT"):
        by_file, by_folder = (open_cohort(f"{kind}:{path}?{query}").cases for kind in ("dicomdb", "dicom"))
        assert [case.values() for case in by_file] == [case.values() for case in by_folder]
        assert [set(case.sources()) for case in by_file] == [set(case.sources()) for case in by_folder]


@pytest.mark.parametrize("absolute", [False, True])
def test_labels_are_found_through_the_database(files, blobs, absolute):
    uid = files.image()
    files.segmentation(uid, blobs())
    files.database(absolute=absolute)
    (case,) = open_cohort(f"dicomdb:{files.folder}").cases
    (image,) = case.images().values()
    found = sum(lesion.mask.full(image.shape_kji).astype(int) for lesion in case.truth().lesions)
    assert np.array_equal(found, blobs())


def test_a_folder_that_nobody_may_write_to(files):
    files.image()
    files.database()
    files.folder.chmod(0o555)
    before = state_of(files.folder)
    try:
        assert len(open_cohort(f"dicomdb:{files.folder}").cases) == 1
        assert state_of(files.folder) == before
    finally:
        files.folder.chmod(0o755)


def test_a_moved_database_finds_its_copies(files, tmp_path):
    """Absolute names of a place that is gone, with the copies in the folder “dicom” beside the database's new place."""
    uid = files.image()
    home = tmp_path / "old"
    home.mkdir()
    shutil.move(files.folder, home / "dicom")
    files.paths = {uid: [home / "dicom" / path.relative_to(files.folder) for path in files.paths[uid]]}
    files.folder = home
    files.database(absolute=True)
    shutil.move(home, tmp_path / "new")
    (case,) = open_cohort(f"dicomdb:{tmp_path / 'new'}").cases
    assert all(path.is_relative_to(tmp_path / "new") and path.is_file() for path in case.sources())


def test_names_of_other_systems(tmp_path):
    (tmp_path / "dicom" / "ab").mkdir(parents=True)
    copy = tmp_path / "dicom" / "ab" / "1.dcm"
    copy.touch()
    names = ["C:\\Users\\me\\db\\dicom\\ab\\1.dcm", "/elsewhere/2.dcm", "", "dicom/ab/1.dcm"]
    paths, elsewhere = stored_files(names, tmp_path)
    assert elsewhere == 1
    assert sorted(map(str, paths)) == sorted([str(copy), str(copy), "/elsewhere/2.dcm"])


def test_missing_files_are_told_and_the_rest_goes_on(files):
    whole, partly, gone = (files.image(into=name) for name in ("a", "b", "c"))
    files.database()
    connection = sqlite3.connect(files.folder / "ctkDICOM.sql")
    connection.execute(
        "UPDATE Images SET Filename = '' WHERE SOPInstanceUID = (SELECT SOPInstanceUID FROM Images "
        "WHERE SeriesInstanceUID = ? LIMIT 1)",
        (partly,),
    )
    connection.commit()
    connection.close()
    files.paths[partly][0].unlink(missing_ok=True)
    shutil.rmtree(files.folder / "c")
    cohort = open_cohort(f"dicomdb:{files.folder}")
    assert [case.id for case in cohort.cases] == [whole]
    reasons = {left.case: left.reason for left in cohort.left_out}
    assert set(reasons) == {partly, gone}
    assert reasons[gone].startswith("10 of 10 files of the CT series")
    assert reasons[partly].startswith(("1 of 10", "2 of 10"))
    assert all(name not in "".join(reasons.values()) for name in ("Doe", ".dcm", "P-4711"))


def test_a_missing_label_file_is_told(files):
    uid = files.image()
    path = files.structures(uid, {"GTV": [[(0.0, 0.0, 100.0)]]})
    files.database()
    path.unlink()
    cohort = open_cohort(f"dicomdb:{files.folder}")
    assert not cohort.cases[0].labelled
    assert "The RTSTRUCT file is missing" in cohort.left_out[0].reason


def test_files_that_are_no_longer_what_the_database_says(files):
    uid, other = files.image(into="a"), files.image(into="b", FrameOfReferenceUID="1.2.3")
    files.database()
    for path, replacement in zip(files.paths[uid], files.paths[other], strict=True):
        shutil.copy(replacement, path)
    cohort = open_cohort(f"dicomdb:{files.folder}")
    assert [case.id for case in cohort.cases] == [other]
    assert "now hold something else" in cohort.left_out[0].reason


def test_localizers_are_left_out(files):
    scan = files.image(into="a")
    scout = files.image(into="b", shape=(1, 24, 20), ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    files.database()
    cohort = open_cohort(f"dicomdb:{files.folder}")
    assert [case.id for case in cohort.cases] == [scan]
    assert {left.case: left.reason.split(": ")[1] for left in cohort.left_out} == {scout: "localizer."}


def test_reading_while_another_writes(files):
    """A writer that commits again and again, as Slicer's import does; every reading sees whole series."""
    files.image()
    file = files.database()
    stop = threading.Event()

    def write():
        connection = sqlite3.connect(file, timeout=60)
        connection.execute("PRAGMA synchronous = OFF")
        n = 0
        while not stop.is_set():
            with connection:
                connection.execute("INSERT INTO Series VALUES (?, '1.2.826.0.1.11', 1, 'new', 'MR', '')", (f"9.{n}",))
                for m in range(20):
                    connection.execute("INSERT INTO Images VALUES (?, 'x', '', ?)", (f"9.{n}.{m}", f"9.{n}"))
            n += 1
            stop.wait(0.002)
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        counts = []
        until = time.monotonic() + 60
        while len(set(counts)) < 6 and time.monotonic() < until:
            new = [r for r in DatabaseCatalogue(files.folder, Progress()).series() if r.modality == "MR"]
            assert all(len(record.files) == 20 for record in new)
            counts.append(len(new))
    finally:
        stop.set()
        writer.join()
    assert counts == sorted(counts)
    assert len(set(counts)) == 6  # it grew between the readings


def test_a_database_with_a_log_beside_it_is_left_as_it_is(files):
    """In this form (WAL) SQLite makes two files beside the database even for a reader, unless it is told that nobody writes."""
    files.image()
    file = files.database()
    writer = sqlite3.connect(file, isolation_level=None)
    writer.execute("PRAGMA journal_mode = WAL")
    writer.close()
    before = state_of(files.folder)
    assert len(open_cohort(f"dicomdb:{files.folder}").cases) == 1
    assert state_of(files.folder) == before
    writer = sqlite3.connect(file, isolation_level=None)
    writer.execute("INSERT INTO Series VALUES ('9.1', '1.2.826.0.1.11', 1, 'new', 'MR', '')")
    during = state_of(files.folder)
    assert {record.modality for record in DatabaseCatalogue(file, Progress()).series()} == {"CT", "MR"}
    assert [path for path, *_ in state_of(files.folder)] == [path for path, *_ in during]
    writer.close()


def test_a_database_that_stays_locked(files, monkeypatch):
    files.image()
    file = files.database()
    monkeypatch.setattr(module, "_PATIENCE_S", 0.1)
    writer = sqlite3.connect(file)
    writer.execute("BEGIN EXCLUSIVE")
    with pytest.raises(InputError, match="being written to"):
        open_cohort(f"dicomdb:{files.folder}")
    monkeypatch.setattr(module, "_PATIENCE_S", 60.0)
    progress = Progress()
    threading.Timer(0.3, progress.cancel).start()
    with pytest.raises(Cancelled):
        DatabaseCatalogue(file, progress)
    writer.rollback()
    writer.close()
    assert len(open_cohort(f"dicomdb:{files.folder}").cases) == 1


def test_an_interrupted_write_is_left_for_slicer_to_repair(files):
    """A journal that a killed program left behind: repairing needs writing, so it is refused with a sentence."""
    files.image()
    file = files.database()
    writer = sqlite3.connect(file, isolation_level=None)
    writer.execute("PRAGMA cache_size = 1")
    writer.execute("BEGIN")
    for n in range(3000):
        writer.execute("INSERT INTO Images VALUES (?, ?, '', '1')", (f"1.{n}", "x" * 200))
    crashed = files.folder / "crashed"
    crashed.mkdir()
    for name in ("ctkDICOM.sql", "ctkDICOM.sql-journal"):
        shutil.copy(files.folder / name, crashed / name)
    writer.execute("ROLLBACK")
    writer.close()
    before = state_of(crashed)
    assert all(size > 0 for _, size, _ in before)
    with pytest.raises(InputError, match="Open it in Slicer, which repairs"):
        open_cohort(f"dicomdb:{crashed}")
    assert state_of(crashed) == before


def test_what_is_no_database(files, tmp_path):
    with pytest.raises(InputError, match="There is no DICOM database"):
        open_cohort(f"dicomdb:{tmp_path / 'nowhere'}")
    assert not (tmp_path / "nowhere").exists()
    other = tmp_path / "ctkDICOM.sql"
    other.write_bytes(b"not a database at all, but long enough to look at" * 50)
    with pytest.raises(InputError, match="cannot be read: file is not a database"):
        open_cohort(f"dicomdb:{tmp_path}")
    other.unlink()
    sqlite3.connect(other).execute("CREATE TABLE Patients (UID INT)").connection.close()
    with pytest.raises(InputError, match="it has no table Images"):
        open_cohort(f"dicomdb:{tmp_path}")


def test_another_schema_is_tried_and_its_version_said(files):
    files.image()
    file = files.database()
    connection = sqlite3.connect(file)
    connection.execute("UPDATE SchemaInfo SET Version = '0.5.3'")
    connection.commit()
    assert len(open_cohort(f"dicomdb:{files.folder}").cases) == 1
    connection.execute("ALTER TABLE Series RENAME COLUMN Modality TO Kind")
    connection.commit()
    connection.close()
    with pytest.raises(InputError, match=r"no such column.*schema 0\.5\.3; 0\.8\.1 is known"):
        open_cohort(f"dicomdb:{files.folder}")


def test_paths_with_signs_that_mean_something_in_addresses(files, tmp_path):
    files.image()
    files.database()
    odd = tmp_path / "a #1 50% & more"
    shutil.move(files.folder, odd)
    assert len(DatabaseCatalogue(odd, Progress()).series()) == 1
