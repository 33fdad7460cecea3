"""What names of files say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from LesionDetectionLib.core.image import CT, MR, PET
from LesionDetectionLib.io.file_kinds import READABLE
from LesionTrainingLib.cohorts.file_names import (
    ENDINGS,
    file_name,
    folder_role,
    is_mask,
    modality_in,
    readable,
    split_in,
    stem_of,
    words,
)


def test_the_endings_are_those_that_can_be_read():
    assert set(ENDINGS) == set(READABLE)
    assert readable("A.NII.GZ")
    assert not readable("a.gz")
    assert stem_of("a.b.NII.gz") == "a.b"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a_mask.nrrd", True),
        ("Label-a.nii", True),
        ("a.seg.nrrd", True),
        ("segment.nrrd", False),
        ("masked.nrrd", False),
    ],
)
def test_masks(name, expected):
    assert is_mask(name) == expected


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("labelsTr", "mask"),
        ("Masks", "mask"),
        ("imagesTs", "image"),
        ("images_val", "image"),
        ("train", ""),
        ("tr", ""),
    ],
)
def test_folders(folder, expected):
    assert folder_role(folder) == expected


def test_modalities_and_splits():
    assert modality_in(words("a_CT.x")) == CT
    assert modality_in(words("PET-image")) == PET
    assert modality_in(words("brain t1")) == MR
    assert modality_in(words("ctx")) == ""
    assert [split_in(name) for name in ("Train", "val", "test", "trained")] == ["training", "validation", "test", ""]


@given(st.text(max_size=40))
def test_any_text_becomes_a_name_for_files(text):
    name = file_name(text)
    assert name
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-")
    assert not name.startswith(".")
    assert file_name(name) == name
