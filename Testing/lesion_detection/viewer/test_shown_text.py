"""Texts on their way to the browser."""

from __future__ import annotations

import pytest
from LesionDetectionLib.viewer.shown_text import without_folders


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("“/home/jo/scans/a.nrrd” cannot be read.", "“a.nrrd” cannot be read."),
        ("In /data/x/model-1: damaged", "In model-1: damaged"),
        (r"C:\Users\Jo Doe\scan.nii.gz is empty", "scan.nii.gz is empty"),
        (r"\\server\share\scan.nii is empty", "scan.nii is empty"),
        ('File "/usr/lib/python3/site-packages/a/b.py", line 3', 'File "b.py", line 3'),
        ("PET/CT and 1/2 of 3 mm/px", "PET/CT and 1/2 of 3 mm/px"),
        ("in Bq/ml; and/or", "in Bq/ml; and/or"),
        ("", ""),
    ],
)
def test_paths_are_shortened_and_all_else_stays(text, shown):
    assert without_folders(text) == shown


def test_a_home_with_a_blank_is_shortened_too(monkeypatch):
    from pathlib import Path

    monkeypatch.setattr(Path, "home", lambda: Path("/home/jo doe"))
    assert without_folders("“/home/jo doe/my scans/a.nrrd” is gone") == "“my scans/a.nrrd” is gone"
