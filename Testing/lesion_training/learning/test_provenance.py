"""What a bundle says of its cohorts: enough to know them again, no folders, no Patient IDs."""

from __future__ import annotations

import pytest
from LesionTrainingLib.cohorts.dicom.records import patient_key
from LesionTrainingLib.learning.provenance import without_folders

KEY = patient_key("DOE-4711", "")


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("luna16:/home/doe/LUNA16?subset=0-8", "luna16:LUNA16?subset=0-8"),
        ("/home/doe/mine.yaml", "mine.yaml"),
        ("dicom:/data/trial?patient=DOE-4711", f"dicom:trial?patient={KEY}"),
        (
            f"dicomdb:/data/db?patient={KEY}, 194403151234",
            f"dicomdb:db?patient={KEY},{patient_key('194403151234', '')}",
        ),
        ("dicom:/data/trial?labels=table:/home/doe/marks.csv", "dicom:trial?labels=table:marks.csv"),
        ("deeplesion:/data/DL?types=4&list=/home/doe/liver.txt", "deeplesion:DL?types=4&list=liver.txt"),
        ("folder:/data/trial?patient=(p\\d+)", "folder:trial?patient=%28p\\d+%29"),
    ],
)
def test_folders_and_patients_are_not_told(spec, told):
    assert without_folders(spec) == told
