"""The folder that is served, and what is asked for outside of it."""

from __future__ import annotations

import numpy as np
import pytest
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.io.files import write_image
from LesionDetectionLib.viewer.files.served import ServedFolder, kind_of


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with scans, and a secret beside it."""
    place = tmp_path_factory.mktemp("place")
    image = Image(np.zeros((4, 4, 4), dtype=np.int16), np.eye(4))
    (place / "served" / "b").mkdir(parents=True)
    write_image(image, place / "secret.nrrd")
    write_image(image, place / "served" / "a.nrrd")
    write_image(image, place / "served" / "b" / "c.nii.gz")
    dicom = place / "served" / "b" / "series"
    dicom.mkdir()
    for n in range(3):
        (dicom / f"{n}").write_bytes(b"\0" * 128 + b"DICM")
    for name in ("notes.txt", ".hidden.nrrd", "lesions.seg.nrrd"):
        (place / "served" / name).write_bytes(b"x")
    (place / "served" / ".git").mkdir()
    write_image(image, place / "served" / ".git" / "d.nrrd")
    (place / "served" / "out.nrrd").symlink_to(place / "secret.nrrd")
    (place / "served" / "away").symlink_to(place)
    (place / "served" / "in.nrrd").symlink_to(place / "served" / "a.nrrd")
    (place / "served" / "gone.nrrd").symlink_to(place / "nothing.nrrd")
    return place


@pytest.fixture
def served(place):
    return ServedFolder(place / "served")


def test_scans_are_listed_by_their_paths(served):
    found = {one.path: one.kind for one in served.scans(Progress())}
    assert found == {"a.nrrd": "nrrd", "b/c.nii.gz": "nii.gz", "b/series": "DICOM", "in.nrrd": "nrrd"}
    series = next(one for one in served.scans(Progress()) if one.kind == "DICOM")
    assert (series.size, series.details) == (3, "DICOM, 3 files")


def test_what_is_listed_is_found(served, place):
    for one in served.scans(Progress()):
        assert served.find(one.path).is_relative_to(place / "served")
    assert served.find(".") == place / "served"


@pytest.mark.parametrize(
    "path",
    [
        "",
        "..",
        "../secret.nrrd",
        "b/../../secret.nrrd",
        "./../secret.nrrd",
        "/etc/passwd",
        "//etc/passwd",
        "~/x.nrrd",
        "C:/x.nrrd",
        "..\\secret.nrrd",
        "b\\..\\..\\secret.nrrd",
        "out.nrrd",
        "away/secret.nrrd",
        "away/served/a.nrrd/../../../secret.nrrd",
        "gone.nrrd",
        "nothing.nrrd",
        ".hidden.nrrd",
        ".git/d.nrrd",
        "a.nrrd\0",
        "x" * 5000,
        "%2e%2e/secret.nrrd",
    ],
)
def test_nothing_else_is_found_and_all_is_refused_alike(served, path):
    with pytest.raises(InputError) as refused:
        served.find(path)
    assert str(refused.value) == "There is no such scan in the folder that this viewer shows."


def test_the_folder_may_itself_be_reached_over_a_link(place, tmp_path):
    (tmp_path / "link").symlink_to(place / "served")
    served = ServedFolder(tmp_path / "link")
    assert served.find("a.nrrd").exists()
    assert served.holds(place / "served" / "a.nrrd")
    assert not served.holds(place / "secret.nrrd")


def test_an_empty_folder_is_told(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(InputError, match="no scan in"):
        ServedFolder(tmp_path).scans(Progress())


def test_kinds_of_files_by_their_names():
    assert [
        kind_of(name) for name in ("A.NRRD", "a.nii.gz", "a.nii", "x.mrb", "x.mrml", "a.seg.nrrd", "IM0001", "a.dcm")
    ] == [*("nrrd", "nii.gz", "nii", "scene", "scene", "", "other", "other")]
