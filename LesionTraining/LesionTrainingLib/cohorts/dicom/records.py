"""What a collection of DICOM files holds, series by series, wherever the list comes from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ..cohort import LeftOut

SEG, RTSTRUCT = "SEG", "RTSTRUCT"
LABEL_MODALITIES = (SEG, RTSTRUCT)
"""Series that hold labels of others."""
_KEY_LENGTH = 12


@dataclass(frozen=True)
class SeriesRecord:
    """One series. The files' names may hold the patient's name: they are never printed.

    Attributes:
        patient_key: see :func:`patient_key`.
        study_uid, study_date, study_description, series_uid, series_number, modality, description: as DICOM says;
            empty (0) where it does not.
        frame_of_reference: Frame of Reference UID, or empty.
        files: all that the series should have, in a fixed order; some may be missing on disk.
        elsewhere: further images that the list knows of, and has no file for (not fetched from an archive).
    """

    patient_key: str
    study_uid: str
    series_uid: str
    modality: str
    description: str = ""
    frame_of_reference: str = ""
    study_date: str = ""
    study_description: str = ""
    series_number: int = 0
    files: tuple[Path, ...] = field(default=(), repr=False)
    elsewhere: int = 0

    @property
    def patient_known(self) -> bool:
        """Whether it has a Patient ID, so that its key tells patients apart across studies."""
        return self.patient_key != patient_key("", self.study_uid)


class SeriesCatalogue(Protocol):
    """A list of series: a folder's, a database's on disk, or that of a running Slicer."""

    @property
    def folder(self) -> Path:
        """Where it lies; a table of labels may lie there too."""
        ...

    def series(self) -> list[SeriesRecord]:
        """All series in the order of :func:`in_order`."""
        ...

    def series_of_instance(self, sop_uid: str) -> str:
        """The series of an image, or empty where the image is not here."""
        ...

    def left_out(self) -> list[LeftOut]:
        """What could not even be listed, such as damaged files."""
        ...


def patient_key(patient_id: str, study_uid: str) -> str:
    """What stands for a patient: a short hash of the Patient ID, so that no name or number is shown.

    It is no secret: who has the list of patients can tell whom a key means. Without a Patient ID (anonymised files) each
    study is a patient of its own.
    """
    text = f"patient {patient_id.strip()}" if patient_id.strip() else f"study {study_uid}"
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:_KEY_LENGTH]


def in_order(records: Iterable[SeriesRecord]) -> list[SeriesRecord]:
    """By patient, study date, series number; the same on every machine."""
    return sorted(records, key=lambda r: (r.patient_key, r.study_date, r.study_uid, r.series_number, r.series_uid))


def short(uid: str) -> str:
    """The end of a UID, for sentences."""
    return f"…{uid[-12:]}"


def whole_number(value: object) -> int:
    """A number as files and databases write it ("3", 3, "", None); 0 where it is none."""
    try:
        return int(str(value).strip())
    except ValueError:
        return 0


def digits(value: object) -> str:
    """A date without its punctuation ("1994-11-22", 19941122 -> "19941122")."""
    return "".join(character for character in str(value or "") if character.isdigit())
