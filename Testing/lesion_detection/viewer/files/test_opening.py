"""What is in files and folders, and what would be opened without asking."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from LesionDetectionLib.core.errors import Cancelled, GeometryError, InputError, SeveralSeriesError
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.io.files import write_image
from LesionDetectionLib.viewer.files.opening import DICOM, IMAGE, SCENE, look_at, obvious, read

from ...io.conftest import PATIENT, SyntheticDicom

AT = [0.0, 2.0, 4.0]


@pytest.fixture
def dicom(tmp_path):
    return SyntheticDicom(tmp_path)


@pytest.fixture
def image():
    voxels = np.full((4, 5, 6), -900, dtype=np.int16)
    voxels[1:3] = 40
    return Image(voxels, np.eye(4), name="chest")


def pet_and_ct(dicom):
    dicom.series(AT, prefix="ct/a")
    dicom.series(AT[:2], prefix="ct/b", SeriesInstanceUID="1.2.826.0.1.11.5002", SeriesDescription="Thin")
    dicom.pet(prefix="pet/a", SeriesInstanceUID="1.2.826.0.1.11.5003", SeriesDescription="WB", SeriesNumber=9)


def test_series_are_listed_by_what_a_person_knows_them_by(dicom, tmp_path):
    pet_and_ct(dicom)
    (tmp_path / "readme.txt").write_text("nothing")
    (tmp_path / "DICOMDIR").write_bytes(b"\0" * 128 + b"DICM")
    found = look_at(tmp_path, Progress())
    assert [(one.kind, one.title, one.modality) for one in found] == [
        (DICOM, "Thorax/lung", "CT"),
        (DICOM, "Thin", "CT"),
        (DICOM, "WB", "PT"),
    ]
    assert found[0].details == "CT, 9 × 7, 3 images, 0.5 × 0.8 × 2 mm"
    assert PATIENT not in str([(one.title, one.details) for one in found])
    assert [one.title for one in obvious(found)] == ["Thorax/lung", "WB"]


def test_one_series_is_opened_with_its_files_and_instances(dicom, tmp_path):
    paths = dicom.series(AT)
    (choice,) = look_at(tmp_path, Progress())
    assert obvious([choice]) == (choice,)
    opened = read(choice, Progress())
    assert (opened.image.modality, opened.image.shape_kji) == ("CT", (3, 7, 9))
    assert set(opened.sources) == set(paths)
    assert len(set(opened.uids)) == 3


def test_a_pet_is_read_in_suv(dicom, tmp_path):
    dicom.pet()
    (choice,) = look_at(tmp_path, Progress())
    assert read(choice, Progress()).image.unit == "SUVbw"


def test_which_series_may_be_said_beforehand(dicom, tmp_path):
    pet_and_ct(dicom)
    assert [one.title for one in look_at(tmp_path, Progress(), series="WB")] == ["WB"]
    with pytest.raises(SeveralSeriesError):
        look_at(tmp_path, Progress(), series="T")
    with pytest.raises(InputError, match="No series"):
        look_at(tmp_path, Progress(), series="nothing")


def test_files_of_other_formats(image, tmp_path):
    write_image(image, tmp_path / "a.nii.gz")
    (choice,) = look_at(tmp_path / "a.nii.gz", Progress())
    assert (choice.kind, choice.title) == (IMAGE, "a")
    opened = read(choice, Progress())
    assert (opened.image.name, opened.image.modality, opened.sources) == ("a", "CT", ())
    assert "by its values it was taken for a CT" in opened.image.notes[-1]


def test_a_header_and_its_voxels_are_one_scan(image, tmp_path):
    write_image(image, tmp_path / "a.mhd")
    (choice,) = look_at(tmp_path, Progress())
    assert read(choice, Progress()).image.shape_kji == (4, 5, 6)


def test_a_folder_of_all_kinds(dicom, image, tmp_path):
    dicom.series(AT, prefix="dicom/a")
    write_image(image, tmp_path / "a.nrrd")
    (tmp_path / "s.mrb").write_bytes(b"PK")
    (tmp_path / "a.seg.nrrd").write_bytes(b"x")
    (tmp_path / ".hidden.nrrd").write_bytes(b"x")
    assert [one.kind for one in look_at(tmp_path, Progress())] == [IMAGE, SCENE, DICOM]


def test_what_is_not_allowed_is_passed_over(dicom, image, tmp_path):
    dicom.series(AT, prefix="dicom/a")
    write_image(image, tmp_path / "a.nrrd")
    found = look_at(tmp_path, Progress(), allowed=lambda path: "dicom" not in path.parts)
    assert [one.kind for one in found] == [IMAGE]


def make(path, content=b""):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("notes.txt", b"hello", "is no image that this program reads"),
        ("empty.nrrd", b"", "nothing in empty.nrrd"),
        ("zeros.dcm", b"\0" * 1_000_000, "nothing in zeros.dcm"),
        ("broken.nrrd", b"NRRD0004\nnonsense", "cannot be read"),
        ("broken.nii.gz", b"no gzip", "damaged|cannot be read"),
        ("a.seg.nrrd", b"NRRD0004\nnonsense", "cannot be read|no image"),
        (
            "away.mhd",
            b"ObjectType = Image\nNDims = 3\nDimSize = 2 2 2\nElementDataFile = /etc/passwd\n",
            "another folder",
        ),
        ("x.dcm", b"\0" * 128 + b"DICM", "no image in x.dcm.*damaged"),
    ],
)
def test_what_cannot_be_opened_is_told_in_a_sentence(tmp_path, name, content, says):
    path = make(tmp_path / name, content)
    with pytest.raises(InputError, match=says):
        for choice in look_at(path, Progress()):
            read(choice, Progress())


def test_what_is_not_there_and_folders_of_nothing(tmp_path):
    with pytest.raises(InputError, match="There is no file"):
        look_at(tmp_path / "nothing", Progress())
    with pytest.raises(InputError, match="nothing in this folder"):
        look_at(tmp_path, Progress())
    make(tmp_path / "a" / "notes.txt", b"hello")
    with pytest.raises(InputError, match=r"notes\.txt is no image"):
        look_at(tmp_path, Progress())
    make(tmp_path / "b" / "more.txt", b"hello")
    with pytest.raises(InputError, match="no scan in these 2 files"):
        look_at(tmp_path, Progress())


def test_blank_files_in_a_folder_are_passed_over(dicom, tmp_path):
    dicom.series(AT)
    make(tmp_path / "blank.dcm", b"\0" * 100_000)
    assert [one.size for one in look_at(tmp_path, Progress())] == [3]


def test_a_folder_of_reports_says_what_is_in_it(dicom, tmp_path):
    dicom.series(AT, Modality="SR")
    with pytest.raises(InputError, match=r"no image in these 3 files.*3 x SR"):
        look_at(tmp_path, Progress())


def test_a_series_that_is_no_volume_is_refused(dicom, tmp_path):
    dicom.series([0.0, 2.0, 4.0, 40.0, 42.0])
    (choice,) = look_at(tmp_path, Progress())
    with pytest.raises(GeometryError):
        read(choice, Progress())


def test_looking_and_reading_can_be_cancelled(dicom, tmp_path):
    dicom.series(AT)
    (choice,) = look_at(tmp_path, Progress())
    progress = Progress()
    progress.cancel()
    for work in (lambda: look_at(tmp_path, progress), lambda: read(choice, progress)):
        with pytest.raises(Cancelled):
            work()


def test_nothing_obvious_among_images_of_no_modality(image, tmp_path):
    write_image(image, tmp_path / "a.nrrd")
    write_image(replace(image, name="b"), tmp_path / "b.nrrd")
    assert obvious(look_at(tmp_path, Progress())) == ()
