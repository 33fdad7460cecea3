"""Names that a browser gives, and what they become."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from LesionDetectionLib.viewer.files.names import folder_of, other_name, safe_name


@pytest.mark.parametrize(
    ("given_name", "safe"),
    [
        ("scan.nii.gz", "scan.nii.gz"),
        ("a/b/scan.nii.gz", "scan.nii.gz"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\windows\\system.ini", "system.ini"),
        ("/etc/passwd", "passwd"),
        ("C:\\scan.dcm", "scan.dcm"),
        ("..", "file"),
        (".", "file"),
        ("", "file"),
        (".hidden", "hidden"),
        ("a\x00b.dcm", "a_b.dcm"),
        ('x";rm -rf ~.nrrd', "x_rm -rf _.nrrd"),
        ("Müller CT 1.nrrd", "Müller CT 1.nrrd"),
        ("nul.nrrd", "file_nul.nrrd"),
        ("COM1", "file_COM1"),
        ("scan:1.nrrd", "scan_1.nrrd"),
    ],
)
def test_only_a_plain_name_stays(given_name, safe):
    assert safe_name(given_name) == safe


def test_a_long_name_keeps_its_ending():
    name = safe_name("x" * 500 + ".nii.gz")
    assert len(name) <= 120
    assert name.endswith(".nii.gz")


@given(st.text(max_size=300))
def test_whatever_is_given_no_name_leads_anywhere(text):
    name = safe_name(text)
    assert 0 < len(name) <= 121
    assert not set(name) & set('/\\\x00:*?"<>|\n\r')
    assert not name.startswith(".")
    assert safe_name(name) == name


def test_files_of_one_folder_are_known_by_it():
    assert folder_of("a/b/1.dcm") == folder_of("a/b/2.dcm") != folder_of("a/1.dcm")
    assert folder_of("1.dcm") == ""
    assert other_name("1.dcm", 7) == "00007-1.dcm"
