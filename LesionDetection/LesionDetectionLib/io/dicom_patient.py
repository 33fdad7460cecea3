"""Whose scan a DICOM series is: read only where a person asks for it. The other readers never look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset

from LesionDetectionLib.core.errors import InputError

from .dicom_sources import unseen
from .dicom_times import parse_date

_TAGS = ["PatientName", "PatientID", "PatientBirthDate"]


@dataclass(frozen=True)
class Patient:
    """As the headers have it, in words; empty where they do not say."""

    name: str = ""
    id: str = ""
    birth_date: str = ""

    @property
    def line(self) -> str:
        """``Doe, Jane · ID 4711 · born 1970-01-31``."""
        known = (self.name, f"ID {self.id}" if self.id else "", f"born {self.birth_date}" if self.birth_date else "")
        return " · ".join(filter(None, known))


def read_patient(files: Sequence[Path]) -> Patient:
    """The patient whom all files of a series name. No error says who it is.

    Raises:
        InputError: the files name nobody, or several; or one cannot be read.
    """
    with unseen():
        found = {_patient(path) for path in files}
    if len(found) > 1:
        raise InputError(
            f"The files of this series name {len(found)} different patients, so the report names none. Leave the naming out, and "
            "look at where the files come from."
        )
    patient = next(iter(found), Patient())
    if not patient.line:
        raise InputError(
            "The headers of this series name no patient: no name, no ID, no birth date. Leave the naming out."
        )
    return patient


def _patient(path: Path) -> Patient:
    try:
        dataset = dcmread(path, stop_before_pixels=True, specific_tags=_TAGS, force=True)
        born = parse_date(dataset.get("PatientBirthDate"))
        return Patient(_name(dataset), str(dataset.get("PatientID") or "").strip(), f"{born:%Y-%m-%d}" if born else "")
    except Exception as error:  # pydicom meets damaged files with errors of every kind, and some quote the value
        raise InputError(f"The header of {path.name} cannot be read ({type(error).__name__}).") from None


def _name(dataset: Dataset) -> str:
    """``Doe, Jane``, and the name in other letters behind it where the header has one."""
    value = dataset.get("PatientName")
    if not value:
        return ""
    groups = [str(group) for group in (value.alphabetic, value.ideographic) if group]
    return " = ".join(
        ", ".join(part for part in group.replace("^", "\n").split("\n") if part.strip()) for group in groups
    )
