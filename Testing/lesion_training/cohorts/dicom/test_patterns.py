"""Texts that name series, segments and structures."""

from __future__ import annotations

import pytest
from LesionTrainingLib.cohorts.dicom.patterns import fits, parts_of


@pytest.mark.parametrize(
    ("text", "pattern", "expected"),
    [
        ("Lung 1.0 B70f", "lung", True),
        ("Lung 1.0 B70f", "lung*", True),
        ("Low dose lung", "lung*", False),
        ("Low dose lung", "*lung", True),
        ("GTV_1", "gtv_?", True),
        ("GTV_12", "gtv_?", False),
        ("GTV", "liver,gtv", True),
        ("", "lung", False),
        ("anything", "", True),
        ("a[1]b", "a[1]*", True),
        ("straße", "STRASSE", True),
    ],
)
def test_patterns(text, pattern, expected):
    assert fits(text, parts_of(pattern)) is expected


def test_parts():
    assert parts_of(" a , b,,c ") == ("a", "b", "c")
    assert parts_of("") == ()
