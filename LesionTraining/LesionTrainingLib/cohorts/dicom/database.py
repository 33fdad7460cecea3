"""Slicer's DICOM database on disk as a cohort: ``dicomdb:PATH?modality=CT&description=lung``.

The database is one SQLite file that Slicer may be writing to. It is opened read-only, in the form in which SQLite neither
creates nor repairs anything, and read in one go.
"""

from __future__ import annotations

import sqlite3
import time
from collections import defaultdict
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path, PurePosixPath

from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.progress import Progress

from ..cohort import Cohort, LeftOut
from ..spec import Kind
from .options import DicomOptions
from .records import SeriesRecord, digits, in_order, patient_key, whole_number

FILE_NAME = "ctkDICOM.sql"
_COPIES = "dicom"
"""Folder inside the database's, where Slicer keeps what it copied."""
_KNOWN_SCHEMA = "0.8.1"
_PATIENCE_S = 20.0
"""How long to wait for Slicer to finish writing; its imports write in pieces of a fraction of a second."""
_SERIES = """
    SELECT p.PatientID, st.StudyInstanceUID, st.StudyDate, st.StudyDescription,
           se.SeriesInstanceUID, se.Modality, se.SeriesDescription, se.FrameOfReferenceUID, se.SeriesNumber
    FROM Series se JOIN Studies st ON st.StudyInstanceUID = se.StudyInstanceUID
                   JOIN Patients p ON p.UID = st.PatientsUID
"""
_IMAGES = "SELECT SeriesInstanceUID, SOPInstanceUID, Filename FROM Images"

Rows = list[tuple[object, ...]]


class DatabaseCatalogue:
    """The series that a database file lists, as they are at the moment of opening.

    Args:
        path: the database's folder, or its ``ctkDICOM.sql``.

    Raises:
        InputError: no such file, no such database, or locked for too long.
        Cancelled: through ``progress``.
    """

    def __init__(self, path: Path, progress: Progress) -> None:
        file = path / FILE_NAME if path.is_dir() else path
        if not file.is_file():
            raise InputError(
                f"There is no DICOM database {file}. Name its folder: Slicer shows it in Application Settings, DICOM."
            )
        self._folder = file.parent
        series, images = _rows(file, progress)
        files: dict[str, list[str]] = defaultdict(list)
        self._series_of: dict[str, str] = {}
        for series_uid, sop_uid, name in images:
            files[str(series_uid)].append(str(name or ""))
            self._series_of[str(sop_uid)] = str(series_uid)
        self._records = in_order(_record(row, files[str(row[4])], self._folder) for row in series)
        progress(1.0, "Read the database")

    @property
    def folder(self) -> Path:
        return self._folder

    def series(self) -> list[SeriesRecord]:
        return list(self._records)

    def series_of_instance(self, sop_uid: str) -> str:
        return self._series_of.get(sop_uid, "")

    def left_out(self) -> list[LeftOut]:
        return []


def stored_files(names: Iterable[str], folder: Path) -> tuple[tuple[Path, ...], int]:
    """The files behind the names that a database has: absolute for linked files, relative for copied ones.

    Older databases name copied files absolutely too: where such a one was moved as a whole, they are found in its new
    place. Names without a file there stay as they are written.

    Returns:
        Paths in a fixed order, and how many images have no file (they were never fetched).
    """
    named = [name for name in names if name]
    return tuple(sorted(_stored_file(name, folder) for name in named)), sum(not name for name in names)


def open_database(path: Path, options: DicomOptions, progress: Progress) -> Cohort:
    """The cohort of a database. Raises InputError where it cannot be read, Cancelled through ``progress``."""
    from .building import build

    catalogue = DatabaseCatalogue(path, progress.part(0.0, 0.3))
    return build(catalogue, options, "Slicer's DICOM database", progress.part(0.3, 1.0))


def _stored_file(name: str, folder: Path) -> Path:
    path = folder / name  # an absolute name stands for itself
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if _COPIES in parts[1:] and not path.exists():
        last = len(parts) - 1 - parts[::-1].index(_COPIES)
        moved = folder.joinpath(*parts[last:])
        return moved if moved.exists() else path
    return path


def _record(row: tuple[object, ...], names: list[str], folder: Path) -> SeriesRecord:
    patient, study, date, study_text, series, modality, text, frame, number = ("" if v is None else str(v) for v in row)
    files, elsewhere = stored_files(names, folder)
    return SeriesRecord(
        patient_key(patient, study),
        study,
        series,
        modality.strip(),
        text.strip(),
        frame.strip(),
        digits(date),
        study_text.strip(),
        whole_number(number),
        files,
        elsewhere,
    )


def _rows(file: Path, progress: Progress) -> tuple[Rows, Rows]:
    """Series and images, of one moment; waits while Slicer writes."""
    until = time.monotonic() + _PATIENCE_S
    while True:
        progress(0.0, "Reading the DICOM database")
        try:
            return _read(file)
        except sqlite3.OperationalError as error:
            text = str(error)
            if not any(word in text for word in ("locked", "busy")):
                raise InputError(_unreadable(file, text)) from error
            if time.monotonic() > until:
                raise InputError(f"{file} is being written to. Wait until Slicer's import is done.") from error
        except (sqlite3.DatabaseError, OSError) as error:
            raise InputError(_unreadable(file, str(error))) from error


def _read(file: Path) -> tuple[Rows, Rows]:
    # mode=ro: nothing is created, not even a journal. Not immutable=1 alone, which would miss what Slicer writes meanwhile.
    settled = _is_settled(file)
    before = file.stat()
    how = "mode=ro&immutable=1" if settled else "mode=ro"
    with closing(sqlite3.connect(f"{file.resolve().as_uri()}?{how}", uri=True, timeout=0.5)) as connection:
        connection.text_factory = lambda raw: raw.decode("utf-8", errors="replace")
        connection.isolation_level = None
        connection.execute("BEGIN")  # both tables from the same moment
        _check_schema(connection, file)
        found = connection.execute(_SERIES).fetchall(), connection.execute(_IMAGES).fetchall()
    after = file.stat()
    if settled and (
        not _is_settled(file) or (after.st_size, after.st_mtime_ns) != (before.st_size, before.st_mtime_ns)
    ):
        raise sqlite3.OperationalError("locked: it was opened for writing meanwhile")
    return found


def _is_settled(file: Path) -> bool:
    """Whether a database keeps its changes in a log beside it (WAL), and there is none now: nobody has it open. SQLite would
    make log and index files beside it even to read it."""
    with file.open("rb") as header:
        start = header.read(20)
    return start[18:20] == b"\2\2" and not file.with_name(f"{file.name}-wal").exists()


def _check_schema(connection: sqlite3.Connection, file: Path) -> None:
    tables = {str(row[0]) for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    lacking = sorted({"Patients", "Studies", "Series", "Images"} - tables)
    if lacking:
        raise InputError(f"{file} is no DICOM database of Slicer: it has no table {lacking[0]}. Name its folder.")


def _unreadable(file: Path, reason: str) -> str:
    version = "unknown"
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            version = str(connection.execute("SELECT Version FROM SchemaInfo").fetchone()[0])
    except (sqlite3.Error, TypeError):
        pass
    return (
        f"The DICOM database {file} cannot be read: {reason} (schema {version}; {_KNOWN_SCHEMA} is known). "
        "Open it in Slicer, which repairs and updates it."
    )


KIND = Kind(
    "dicomdb",
    "Slicer's DICOM database, with lesions from SEG, RTSTRUCT or a table",
    "the database's folder, or its ctkDICOM.sql",
    DicomOptions,
    open_database,
)
