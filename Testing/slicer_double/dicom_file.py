"""The SQLite file behind a DICOM database, in the tables of CTK (schema 0.8.1, the columns that matter): other processes
read it while Slicer has it open."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

NAME = "ctkDICOM.sql"
_SCHEMA = """
    CREATE TABLE IF NOT EXISTS SchemaInfo (Version VARCHAR(1024) NOT NULL);
    CREATE TABLE IF NOT EXISTS Patients (UID INTEGER PRIMARY KEY AUTOINCREMENT, PatientsName VARCHAR(255),
        PatientID VARCHAR(255));
    CREATE TABLE IF NOT EXISTS Studies (StudyInstanceUID VARCHAR(64) PRIMARY KEY, PatientsUID INT, StudyDate DATE,
        StudyDescription VARCHAR(255));
    CREATE TABLE IF NOT EXISTS Series (SeriesInstanceUID VARCHAR(64) PRIMARY KEY, StudyInstanceUID VARCHAR(64),
        SeriesNumber INT, SeriesDescription VARCHAR(255), Modality VARCHAR(20), FrameOfReferenceUID VARCHAR(64));
    CREATE TABLE IF NOT EXISTS Images (SOPInstanceUID VARCHAR(64) PRIMARY KEY, Filename VARCHAR(1024), URL VARCHAR(2048),
        SeriesInstanceUID VARCHAR(64) NOT NULL);
"""


class DatabaseFile:
    """One file; made with its tables where it is missing."""

    def __init__(self, path: Path) -> None:
        self._path = Path(path)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self._path)) as connection, connection:
            connection.executescript(_SCHEMA)
            if connection.execute("SELECT COUNT(*) FROM SchemaInfo").fetchone()[0] == 0:
                connection.execute("INSERT INTO SchemaInfo VALUES ('0.8.1')")

    def images(self) -> list[str]:
        """Paths of all images that are in it."""
        with closing(sqlite3.connect(self._path)) as connection:
            rows = connection.execute("SELECT Filename FROM Images WHERE Filename != ''").fetchall()
        return [str(self._path.parent / row[0]) for row in rows]

    def add(self, headers: Mapping[str, Mapping[str, str]]) -> None:
        """Add images: path -> its attributes by keyword. One that is there already stays as it is."""
        with closing(sqlite3.connect(self._path)) as connection, connection:
            for path, header in headers.items():
                self._add(connection, path, lambda name, header=header: header.get(name, ""))

    @staticmethod
    def _add(connection: sqlite3.Connection, path: str, of: object) -> None:
        assert callable(of)
        found = connection.execute("SELECT UID FROM Patients WHERE PatientID = ?", (of("PatientID"),)).fetchone()
        if found is None:
            values = (of("PatientName"), of("PatientID"))
            row = connection.execute("INSERT INTO Patients (PatientsName, PatientID) VALUES (?, ?)", values).lastrowid
        else:
            row = found[0]
        study = (of("StudyInstanceUID"), row, of("StudyDate"), of("StudyDescription"))
        connection.execute("INSERT OR IGNORE INTO Studies VALUES (?, ?, ?, ?)", study)
        series = tuple(of(n) for n in ("SeriesInstanceUID", "StudyInstanceUID", "SeriesNumber", "SeriesDescription"))
        series += (of("Modality"), of("FrameOfReferenceUID"))
        connection.execute("INSERT OR IGNORE INTO Series VALUES (?, ?, ?, ?, ?, ?)", series)
        image = (of("SOPInstanceUID"), path, of("SeriesInstanceUID"))
        connection.execute("INSERT OR IGNORE INTO Images VALUES (?, ?, '', ?)", image)
