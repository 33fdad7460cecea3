"""A series as files: how they are stored, what is damaged, and what lies beside them."""

from __future__ import annotations

import re

import gdcm
import numpy as np
import pytest
from LesionDetectionLib.core.errors import (
    Cancelled,
    DependencyError,
    GeometryError,
    InputError,
)
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.io import dicom_headers
from LesionDetectionLib.io.dicom_series import list_series
from LesionDetectionLib.io.files import read_image
from pydicom import dcmread
from pydicom.dataset import FileMetaDataset
from pydicom.uid import MPEG2MPML, DeflatedExplicitVRLittleEndian, RLELossless

EVEN = [0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0, 18.0, 20.0, 22.0]


# --- how it is stored


def test_enhanced_multi_frame_files_are_read(dicom):
    path = dicom.enhanced(EVEN)
    image = read_image(path)
    assert (image.unit, image.shape_kji) == ("HU", (12, 7, 9))
    dicom.check_field(image)


def test_run_length_and_deflated_files_are_read(dicom):
    for path in dicom.series(EVEN):
        dataset = dcmread(path)
        if path.name < "image-006":
            dataset.compress(RLELossless)
        else:
            dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
        dataset.save_as(path)
    dicom.check_field(read_image(dicom.folder))


@pytest.mark.parametrize("syntax", ["JPEGLosslessProcess14_1", "JPEGLSLossless", "JPEG2000Lossless"])
@pytest.mark.parametrize("signed", [False, True])
def test_compressed_files_are_read_without_loss(dicom, syntax, signed):
    signs = {"pixels": np.arange(-31, 32, dtype=np.int16).reshape(7, 9) * 30} if signed else {}
    plain = dicom.series(EVEN[:4], **signs)
    expected = read_image(dicom.folder).voxels
    for path in plain:
        reader = gdcm.ImageReader()
        reader.SetFileName(str(path))
        assert reader.Read()
        change = gdcm.ImageChangeTransferSyntax()
        change.SetTransferSyntax(gdcm.TransferSyntax(getattr(gdcm.TransferSyntax, syntax)))
        change.SetInput(reader.GetImage())
        assert change.Change()
        writer = gdcm.ImageWriter()
        writer.SetFileName(str(path))
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        assert writer.Write()
    assert dcmread(plain[0]).file_meta.TransferSyntaxUID.is_compressed
    assert np.array_equal(read_image(dicom.folder).voxels, expected)


def test_a_syntax_without_decoder_is_named(dicom):
    for path in dicom.series(EVEN[:3]):
        dataset = dcmread(path)
        dataset.file_meta.TransferSyntaxUID = MPEG2MPML
        dataset["PixelData"].is_undefined_length = True
        dataset.PixelData = b"\xfe\xff\x00\xe0\x00\x00\x00\x00\xfe\xff\x00\xe0\x04\x00\x00\x00abcd"
        dataset.save_as(path)
    with pytest.raises(DependencyError, match="MPEG2 Main Profile"):
        read_image(dicom.folder)


def test_files_without_preamble_are_read(dicom):
    for path in dicom.series(EVEN):
        dataset = dcmread(path)
        dataset.file_meta, dataset.preamble = FileMetaDataset(), None
        bare = path.with_suffix("")
        dataset.save_as(bare, implicit_vr=True, little_endian=True, enforce_file_format=False)
        path.unlink()
        assert bare.read_bytes()[:2] == b"\x08\x00"
    dicom.check_field(read_image(dicom.folder))


# --- damage


def test_one_damaged_file_is_a_missing_slice(dicom):
    path = dicom.series(EVEN)[5]
    path.write_bytes(path.read_bytes()[:-60])
    image = read_image(dicom.folder)
    dicom.check_field(image)
    assert image.notes[0] == "Damaged files were left out: 1."
    assert "missing and interpolated at S 110.0 mm" in image.notes[1]


def test_a_file_cut_in_its_header_is_a_missing_slice(dicom):
    path = dicom.series(EVEN)[5]
    path.write_bytes(path.read_bytes()[:400])
    image = read_image(dicom.folder)
    dicom.check_field(image)
    assert image.notes[0] == "Damaged files were left out: 1."


def test_one_file_of_an_unknown_syntax_is_a_missing_slice(dicom):
    path = dicom.series(EVEN)[5]
    path.write_bytes(path.read_bytes().replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.9\0"))
    image = read_image(dicom.folder)
    dicom.check_field(image)
    assert image.notes[0] == "Damaged files were left out: 1."


def test_many_damaged_files_are_refused(dicom):
    for path in dicom.series(EVEN)[2:5]:
        path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(InputError, match=r"3 of 12 images cannot be read \(.+\)\. Copy"):
        read_image(dicom.folder)


def spoil(paths):
    for path in paths:
        path.write_bytes(path.read_bytes()[:-60])


def test_file_names_are_never_told(dicom):
    """Many exports put the patient's name into them, and notes and errors go into results of whole cohorts."""
    paths = dicom.series(EVEN, prefix="Doe-Secret")
    spoil(paths[5:6])
    notes = read_image(dicom.folder).notes
    spoil(paths[2:5])
    with pytest.raises(InputError, match="cannot be read") as many:
        read_image(dicom.folder)
    dicom.series(EVEN, prefix="Doe-Secret")
    dicom.series(EVEN, prefix="Doe-Secret-late", RescaleIntercept="-1000")
    with pytest.raises(GeometryError, match=r"same position .* at LPS \(") as twice:
        read_image(dicom.folder)
    assert "Secret" not in f"{notes} {many.value} {twice.value}"


def test_garbage_around_a_series_is_passed_over(dicom):
    dicom.series(EVEN)
    (dicom.folder / "LICENSE").write_text("free")
    (dicom.folder / "empty").touch()
    (dicom.folder / "._image-001.dcm").write_bytes(b"resource fork")
    (dicom.folder / "DICOMDIR").write_bytes(b"\0" * 128 + b"DICM")
    image = read_image(dicom.folder)
    dicom.check_field(image)
    assert image.notes == ()


@pytest.mark.parametrize("kept", [0, 140, 400], ids=["all", "after the preamble", "within the header"])
def test_zeros_that_a_broken_copy_left_are_not_walked_through(dicom, tmp_path, monkeypatch, kept):
    (file,) = dicom.series([0.0])
    broken = tmp_path / "broken.dcm"
    broken.write_bytes(file.read_bytes()[:kept] + bytes(1 << 20))
    reads = 0

    class Counted(dicom_headers._UpToBlank):
        def read(self, size=-1, /):
            nonlocal reads
            reads += 1
            return super().read(size)

    monkeypatch.setattr(dicom_headers, "_UpToBlank", Counted)
    assert dicom_headers.read_header(broken).damaged
    assert reads < 200


def test_links_to_folders_are_followed_once(dicom, tmp_path):
    dicom.series(EVEN)
    (tmp_path / "study").mkdir()
    for name in ("one", "two"):
        (tmp_path / "study" / name).symlink_to(dicom.folder, target_is_directory=True)
    (tmp_path / "study" / "round").symlink_to(tmp_path / "study", target_is_directory=True)
    image = read_image(tmp_path / "study")
    assert image.shape_kji == (12, 7, 9)
    assert image.notes == ()


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (["a.nrrd", "b.NII.GZ"], r"but 2 image files \(\.nii\.gz, \.nrrd\)\. Name the image file"),
        (["scan.zip"], r"but 1 archive \(\.zip\)\. Unpack it first"),
        (["notes.txt"], r"holds no DICOM files\. Name"),
    ],
)
def test_a_folder_without_dicom_says_what_to_name_instead(tmp_path, names, text):
    for name in names:
        (tmp_path / name).write_bytes(b"?" * 200)
    with pytest.raises(InputError, match=text) as caught:
        read_image(tmp_path)
    assert not any(name in str(caught.value) for name in names), "names of files may be those of patients"


def test_the_index_of_a_disc_is_no_image(dicom):
    dicom.series(EVEN)
    index = dicom.folder / "DICOMDIR"
    index.write_bytes(bytes(128) + b"DICM" + bytes(100))
    with pytest.raises(InputError, match="index of a disc or folder, and no image"):
        read_image(index)
    assert read_image(dicom.folder).notes == ()


def test_nothing_to_read_is_said_plainly(dicom, tmp_path):
    with pytest.raises(InputError, match="There is no file or folder"):
        list_series(tmp_path / "nowhere")
    with pytest.raises(InputError, match="holds no DICOM files"):
        read_image(dicom.folder)
    dicom.save(dicom.dataset(Modality="RTSTRUCT"), "contours.dcm")
    with pytest.raises(InputError, match="no image series: 1 x RTSTRUCT"):
        read_image(dicom.folder)
    with pytest.raises(InputError, match=re.escape("contours.dcm is no DICOM image that can be read: RTSTRUCT")):
        read_image(dicom.folder / "contours.dcm")
    (dicom.folder / "contours.dcm").write_bytes(b"")
    with pytest.raises(InputError, match=r"None of the DICOM files in .* can be read"):
        read_image(dicom.folder)


def test_reading_reports_rising_progress(dicom):
    dicom.series(EVEN)
    seen = []
    read_image(dicom.folder, progress=Progress(lambda fraction, text: seen.append(fraction)))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


@pytest.mark.parametrize("stop", [0.1, 0.5])
def test_reading_can_be_cancelled(dicom, stop):
    dicom.series(EVEN)
    progress = Progress(lambda fraction, text: progress.cancel() if fraction > stop else None)
    with pytest.raises(Cancelled):
        read_image(dicom.folder, progress=progress)
