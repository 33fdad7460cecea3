"""``slicer.dicomDatabase`` and ``DICOMLib``: a database of DICOM files in memory, and what was imported into it."""

from __future__ import annotations

import types
from pathlib import Path
from typing import Any

from PySide6 import QtCore

from .dicom_file import NAME, DatabaseFile


class ctkDICOMDatabase(QtCore.QObject):
    """Lists are tuples, patients are row numbers, as in the real one (recipes, section 10)."""

    opened = QtCore.Signal()
    closed = QtCore.Signal()
    databaseChanged = QtCore.Signal()
    patientAdded = QtCore.Signal(int, str, str, str)
    studyAdded = QtCore.Signal(str)
    seriesAdded = QtCore.Signal(str)
    instanceAdded = QtCore.Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._folder = ""
        self._file: DatabaseFile | None = None
        self._headers: dict[str, dict[str, str]] = {}

    def openDatabase(self, filename: str) -> bool:
        """What another one wrote into the file is there; so is the file for other processes."""
        self._folder = str(Path(filename).parent)
        self._headers.clear()
        self._file = DatabaseFile(Path(filename))
        self._headers.update((path, _header(path)) for path in self._file.images())
        self.opened.emit()
        return True

    def closeDatabase(self) -> None:
        self._folder = ""
        self._headers.clear()
        self.closed.emit()

    isOpen = QtCore.Property(bool, lambda self: bool(self._folder))
    databaseDirectory = QtCore.Property(str, lambda self: self._folder)
    databaseFilename = QtCore.Property(str, lambda self: f"{self._folder}/ctkDICOM.sql" if self._folder else "")
    isInMemory = QtCore.Property(bool, lambda self: False)
    lastError = QtCore.Property(str, lambda self: "")

    def insert(self, path: str, *options: Any) -> None:
        self._add({str(path): _header(path)})

    def _add(self, headers: dict[str, dict[str, str]]) -> None:
        self._headers.update(headers)
        if self._file is not None:
            self._file.add(headers)

    # --- the tree ---

    def _patients(self) -> list[str]:
        return list(dict.fromkeys(header.get("PatientID", "") for header in self._headers.values()))

    def _under(self, field: str, parent: str, value: str) -> list[str]:
        found = (header.get(field, "") for header in self._headers.values() if header.get(parent) == value)
        return list(dict.fromkeys(found))

    def patients(self) -> list[str]:
        return [str(row + 1) for row in range(len(self._patients()))]

    def studiesForPatient(self, patient: str) -> list[str]:
        return self._under("StudyInstanceUID", "PatientID", self._patients()[int(patient) - 1])

    def seriesForStudy(self, study: str) -> list[str]:
        return self._under("SeriesInstanceUID", "StudyInstanceUID", study)

    def instancesForSeries(self, series: str) -> list[str]:
        return self._under("SOPInstanceUID", "SeriesInstanceUID", series)

    def filesForSeries(self, series: str) -> list[str]:
        return [path for path, header in self._headers.items() if header.get("SeriesInstanceUID") == series]

    def seriesForFile(self, path: str) -> str:
        return self._headers.get(path, {}).get("SeriesInstanceUID", "")

    def studyForSeries(self, series: str) -> str:
        return next(iter(self._under("StudyInstanceUID", "SeriesInstanceUID", series)), "")

    def patientForStudy(self, study: str) -> str:
        found = self._under("PatientID", "StudyInstanceUID", study)
        return str(self._patients().index(found[0]) + 1) if found else ""

    def fileForInstance(self, instance: str) -> str:
        return next((p for p, header in self._headers.items() if header.get("SOPInstanceUID") == instance), "")

    def instanceForFile(self, path: str) -> str:
        return self._headers.get(path, {}).get("SOPInstanceUID", "")

    def _field(self, field: str, level: str, value: str) -> str:
        return next((h.get(field, "") for h in self._headers.values() if h.get(level) == value), "")

    def fieldForPatient(self, field: str, patient: str) -> str:
        names = {"PatientsName": "PatientName", "PatientsBirthDate": "PatientBirthDate", "PatientsSex": "PatientSex"}
        return self._field(names.get(field, field), "PatientID", self._patients()[int(patient) - 1])

    def fieldForStudy(self, field: str, study: str) -> str:
        return self._field(field, "StudyInstanceUID", study)

    def fieldForSeries(self, field: str, series: str) -> str:
        return self._field(field, "SeriesInstanceUID", series)

    def nameForPatient(self, patient: str) -> str:
        return self.fieldForPatient("PatientName", patient)

    def descriptionForSeries(self, series: str) -> str:
        return self.fieldForSeries("SeriesDescription", series)

    def descriptionForStudy(self, study: str) -> str:
        return self.fieldForStudy("StudyDescription", study)

    def fileValue(self, path: str, tag: str) -> str:
        import pydicom

        group, element = (int(part, 16) for part in tag.split(","))
        return self._headers.get(path, {}).get(pydicom.datadict.keyword_for_tag((group, element)), "")

    def instanceValue(self, instance: str, tag: str) -> str:
        return self.fileValue(self.fileForInstance(instance), tag)


def _header(path: str) -> dict[str, str]:
    """Keyword -> value of all attributes but sequences."""
    import pydicom

    header = pydicom.dcmread(path, stop_before_pixels=True)
    return {element.keyword: str(element.value) for element in header if element.keyword and element.VR != "SQ"}


class TemporaryDICOMDatabase:
    """``with DICOMUtils.TemporaryDICOMDatabase(folder) as database``: its files remain (recipes, section 10)."""

    def __init__(self, directory: str | None = None) -> None:
        import slicer

        self._folder = Path(directory or Path(slicer.app.temporaryPath) / "tempDICOMDatabase")
        self._before = ""

    def __enter__(self) -> Any:
        import slicer

        self._before = slicer.dicomDatabase.databaseFilename
        slicer.dicomDatabase.openDatabase(str(self._folder / NAME))
        return slicer.dicomDatabase

    def __exit__(self, *exception: Any) -> None:
        import slicer

        slicer.dicomDatabase.closeDatabase()
        if self._before:
            slicer.dicomDatabase.openDatabase(self._before)


class Imports(list[tuple[str, bool]]):
    """(folder, copied) of each call of ``DICOMUtils.importDicom``."""


def python_modules(imports: Imports, listed: set[str]) -> dict[str, types.ModuleType]:
    """``DICOMLib`` and ``DICOMLib.DICOMUtils``."""
    utils, library = types.ModuleType("DICOMLib.DICOMUtils"), types.ModuleType("DICOMLib")

    def importDicom(dicomDataDir, dicomDatabase=None, copyFiles=False):
        import pydicom
        import slicer

        imports.append((str(dicomDataDir), bool(copyFiles)))
        database = dicomDatabase or slicer.dicomDatabase
        real = getattr(database, "_real", database)
        headers = {}
        for path in sorted(Path(dicomDataDir).rglob("*")):
            if path.is_file():
                try:
                    headers[str(path)] = _header(str(path))
                except pydicom.errors.InvalidDicomError:
                    continue
        real._add(headers)
        real.databaseChanged.emit()
        return True

    def find(name: str) -> Any:
        if name in listed:
            raise NotImplementedError(f"Slicer 5.8.1 has DICOMLib.{name}; the double does not imitate it")
        raise AttributeError(f"DICOMLib has no {name} in Slicer 5.8.1")

    for module in (utils, library):
        vars(module)["importDicom"] = importDicom
        vars(module)["TemporaryDICOMDatabase"] = TemporaryDICOMDatabase
        vars(module)["__getattr__"] = find
    vars(library)["DICOMUtils"] = utils
    return {"DICOMLib": library, "DICOMLib.DICOMUtils": utils}
