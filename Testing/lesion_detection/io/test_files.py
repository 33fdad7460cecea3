"""NRRD, NIfTI and MetaImage: what is written comes back, and what cannot be read is refused in a sentence."""

from __future__ import annotations

import errno
import gzip
import re
import struct
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from LesionDetectionLib.core.errors import Cancelled, GeometryError, InputError, OutputError
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.io.file_kinds import WRITABLE, image_name
from LesionDetectionLib.io.files import read_image, write_image
from scipy.spatial.transform import Rotation

DTYPES = ("uint8", "int8", "int16", "uint16", "int32", "float32", "float64")


def _image(shape=(4, 5, 6), dtype="int16", **meaning) -> Image:
    voxels = np.random.default_rng(0).integers(0, 100, shape).astype(dtype)
    return Image(voxels, np.diag([-0.7, -0.8, 2.5, 1.0]), **meaning)


@st.composite
def images(draw):
    """Any right-angled grid: rotated, mirrored, anisotropic, displaced; any number type."""
    rotation = Rotation.from_euler("xyz", draw(st.tuples(*[st.floats(-180, 180)] * 3)), degrees=True).as_matrix()
    mirror = np.diag([draw(st.sampled_from([-1.0, 1.0])), 1, 1])
    matrix = np.eye(4)
    matrix[:3, :3] = rotation @ mirror * draw(st.tuples(*[st.floats(0.3, 6)] * 3))
    matrix[:3, 3] = draw(st.tuples(*[st.floats(-500, 500)] * 3))
    shape = draw(st.tuples(*[st.integers(2, 6)] * 3))
    dtype = draw(st.sampled_from(DTYPES))
    return Image(np.random.default_rng(0).integers(0, 100, shape).astype(dtype), matrix)


@pytest.mark.parametrize("ending", WRITABLE)
@given(image=images())
@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_comes_back(tmp_path, ending, image):
    path = tmp_path / f"a scan{ending}"
    write_image(image, path)
    back = read_image(path)
    assert back.name == "a scan"
    assert back.voxels.dtype == image.voxels.dtype
    assert np.array_equal(back.voxels, image.voxels)
    # NIfTI keeps positions as float32, partly as quaternions.
    assert image.geometry.same_grid(back.geometry, tolerance_mm=2e-3 if ".nii" in ending else 1e-9)


@pytest.mark.parametrize("ending", [".nrrd", ".mha", ".mhd"])
def test_modality_and_unit_are_kept_where_the_format_can(tmp_path, ending):
    path = tmp_path / f"scan{ending}"
    write_image(_image(modality="PT", unit="SUVbw"), path)
    back = read_image(path)
    assert (back.modality, back.unit) == ("PT", "SUVbw")


def test_other_files_say_nothing_of_modality(tmp_path):
    write_image(_image(modality="CT", unit="HU"), tmp_path / "scan.nii.gz")
    back = read_image(tmp_path / "scan.nii.gz")
    assert (back.modality, back.unit) == ("", "")


def test_a_place_is_the_same_for_itk(tmp_path):
    """ITK's frame is LPS: the voxel at RAS (-0.7, -0.8, 2.5) lies at LPS (0.7, 0.8, 2.5)."""
    write_image(_image(), tmp_path / "scan.nrrd")
    peer = sitk.ReadImage(str(tmp_path / "scan.nrrd"))
    assert peer.TransformIndexToPhysicalPoint((1, 1, 1)) == pytest.approx((0.7, 0.8, 2.5))


def test_writing_replaces_the_whole_old_file_or_nothing(tmp_path):
    for ending in WRITABLE:
        write_image(_image(), tmp_path / f"scan{ending}")
        write_image(_image(dtype="float32"), tmp_path / f"scan{ending}")
        assert read_image(tmp_path / f"scan{ending}").voxels.dtype == np.float32
    # One file each, the voxels of .mhd beside it, nothing half-written.
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([*(f"scan{e}" for e in WRITABLE), "scan.zraw"])


def test_views_that_run_backwards_are_written_right(tmp_path):
    image = _image()
    turned = image.with_voxels(image.voxels[::-1, :, ::-1])
    write_image(turned, tmp_path / "scan.nrrd")
    assert np.array_equal(read_image(tmp_path / "scan.nrrd").voxels, turned.voxels)


@pytest.mark.parametrize("ending", WRITABLE)
def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch, ending):
    path = tmp_path / f"scan{ending}"
    write_image(_image(), path)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}

    def write(volume, name, compress):
        # ITK's NIfTI writer ends here without a word, the others raise.
        Path(name).write_bytes(b"\x5c\x01\x00\x00" + b"\0" * 100)
        if ".nii" not in ending:
            raise RuntimeError("ITK ERROR: failed\nReason: No space left on device")

    monkeypatch.setattr(sitk, "WriteImage", write)
    monkeypatch.setattr("shutil.disk_usage", lambda folder: type("Usage", (), {"free": 0}))
    with pytest.raises(OutputError, match="disk is full"):
        write_image(_image((9, 9, 9)), path)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_other_failures_are_told_as_they_are(tmp_path, monkeypatch):
    def write(*_):
        raise RuntimeError("ITK ERROR: X(0x12ab): boom")

    monkeypatch.setattr(sitk, "WriteImage", write)
    with pytest.raises(OutputError, match="boom") as caught:
        write_image(_image(), tmp_path / "scan.nrrd")
    assert caught.value.__cause__.errno == errno.EIO


def test_what_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(OutputError, match=r"Use one of \.nrrd"):
        write_image(_image(), tmp_path / "scan.png")
    sheared = np.eye(4)
    sheared[0, 1] = 0.2
    with pytest.raises(GeometryError, match="not at right angles"):
        write_image(Image(np.zeros((2, 2, 2)), sheared), tmp_path / "scan.nrrd")
    assert not list(tmp_path.iterdir())


# --- refused when read


@pytest.mark.parametrize("ending", WRITABLE)
@pytest.mark.parametrize("kept", [0.0, 0.02, 0.5, 0.95])
def test_cut_files_are_refused(tmp_path, ending, kept):
    path = tmp_path / f"scan{ending}"
    write_image(_image((20, 30, 40)), path)
    cut = path.with_suffix(".zraw") if ending == ".mhd" else path
    data = cut.read_bytes()
    cut.write_bytes(data[: int(kept * len(data))])
    with pytest.raises(InputError, match=r"scan.*(from its source|empty)") as caught:
        read_image(path)
    assert "0x" not in str(caught.value)


@pytest.mark.parametrize("ending", [".nii.gz", ".nrrd", ".mha", ".mhd"])
@pytest.mark.parametrize("place", [0.6, 0.999])
def test_damage_inside_compressed_voxels_is_seen(tmp_path, ending, place):
    """One flipped byte: ITK's NIfTI and MetaImage readers return it, and what follows, as voxels."""
    path = tmp_path / f"scan{ending}"
    noise = np.random.default_rng(0).integers(-1000, 1000, (20, 30, 40)).astype(np.int16)
    write_image(_image((20, 30, 40)).with_voxels(noise), path)
    damaged = path.with_suffix(".zraw") if ending == ".mhd" else path
    data = bytearray(damaged.read_bytes())
    data[int(place * len(data))] ^= 0x5A
    damaged.write_bytes(data)
    with pytest.raises(InputError, match="damaged"):
        read_image(path)


def test_a_nifti_beside_its_compressed_namesake_is_not_taken_for_it(tmp_path):
    """ITK opens scan.nii when asked for scan.nii.gz."""
    write_image(_image(), tmp_path / "scan.nii")
    write_image(_image((3, 3, 3)), tmp_path / "scan.nii.gz")
    assert read_image(tmp_path / "scan.nii.gz").shape_kji == (3, 3, 3)
    assert read_image(tmp_path / "scan.nii").shape_kji == (4, 5, 6)


@pytest.mark.parametrize(
    ("array", "vector", "text"),
    [
        (np.zeros((5, 6), np.int16), False, "2 dimensions"),
        (np.zeros((2, 4, 5, 6), np.int16), False, "4 dimensions"),
        (np.zeros((4, 5, 6, 3), np.uint8), True, "3 values a voxel"),
        (np.zeros((4, 5, 6), np.complex64), False, "2 values a voxel"),
    ],
)
def test_other_shapes_are_refused(tmp_path, array, vector, text):
    volume = sitk.JoinSeries([sitk.GetImageFromArray(a) for a in array]) if array.ndim == 4 and not vector else None
    sitk.WriteImage(volume or sitk.GetImageFromArray(array, isVector=vector), str(tmp_path / "scan.nrrd"))
    with pytest.raises(InputError, match=text):
        read_image(tmp_path / "scan.nrrd")


def test_a_segmentation_is_no_scan(tmp_path):
    labels = sitk.GetImageFromArray(np.zeros((4, 5, 6), np.uint8))
    labels.SetMetaData("Segment0_ID", "tumour")
    sitk.WriteImage(labels, str(tmp_path / "lesions.seg.nrrd"))
    with pytest.raises(InputError, match="is a segmentation, not a scan"):
        read_image(tmp_path / "lesions.seg.nrrd")


def _nifti_with_sform(path, rows, qform_code=0):
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((4, 5, 6), np.int16)), str(path))
    data = bytearray(path.read_bytes())
    data[252:256] = struct.pack("<hh", qform_code, 1)
    data[280:328] = struct.pack("<12f", *np.asarray(rows, dtype=float).ravel())
    path.write_bytes(data)


SHEARED = [[1, 0.3, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]]


@pytest.mark.parametrize("rows", [SHEARED, np.zeros((3, 4)), np.full((3, 4), np.nan)])
def test_nifti_with_a_place_that_cannot_be_trusted(tmp_path, rows):
    _nifti_with_sform(tmp_path / "scan.nii", rows)
    with pytest.raises(GeometryError, match=r"scan\.nii"):
        read_image(tmp_path / "scan.nii")


def test_nifti_whose_qform_stands_in_says_so(tmp_path):
    _nifti_with_sform(tmp_path / "scan.nii", SHEARED, qform_code=1)
    assert "sform" in read_image(tmp_path / "scan.nii").notes[0]


@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
@pytest.mark.parametrize("mirrored", [False, True])
def test_nifti_that_says_two_places_tells_which_was_taken(tmp_path, ending, mirrored):
    path = tmp_path / f"scan{ending}"
    write_image(_image(), path)
    packed = ending == ".nii.gz"
    data = bytearray(gzip.decompress(path.read_bytes()) if packed else path.read_bytes())
    sform = np.array(struct.unpack("<12f", data[280:328])).reshape(3, 4)
    sform = sform * [[-1], [1], [1]] if mirrored else sform + np.array([[0, 0, 0, 50], [0] * 4, [0] * 4])
    data[280:328] = struct.pack("<12f", *sform.ravel())
    path.write_bytes(gzip.compress(bytes(data)) if packed else data)
    image = read_image(path)
    assert re.search(r"two places, up to \d+\.\d mm apart: that of its sform was taken", image.notes[0])
    np.testing.assert_allclose(image.ijk_to_ras[:3], sform, atol=1e-4)


def test_nifti_whose_turned_sform_and_qform_agree_says_nothing(tmp_path):
    path = tmp_path / "scan.nii"
    turned = np.eye(4)
    turned[:3, :3] = Rotation.random(random_state=1).as_matrix() @ np.diag([-0.7, 0.8, 2.5])  # left-handed, too
    write_image(Image(np.zeros((4, 5, 6), np.int16), turned), path)
    assert read_image(path).notes == ()


def test_nifti_that_does_not_say_where_it_lies(tmp_path):
    path = tmp_path / "scan.nii"
    write_image(_image(), path)
    data = bytearray(path.read_bytes())
    data[252:256] = bytes(4)
    path.write_bytes(data)
    assert "left and right may be swapped" in read_image(path).notes[0]


def _nrrd(path, directions):
    header = (
        "NRRD0004\ntype: short\ndimension: 3\nsizes: 6 5 4\nspace: left-posterior-superior\n"
        f"space directions: {directions}\nspace origin: (0,0,0)\nencoding: raw\nendian: little\n\n"
    )
    path.write_bytes(header.encode() + bytes(240))


@pytest.mark.parametrize(
    ("directions", "kind", "text"),
    [
        ("(1,0,0) (0.3,1,0) (0,0,1)", GeometryError, "sheared"),
        ("(1,0,0) (0,0,0) (0,0,1)", GeometryError, "spacing of zero"),
        ("(1,0,0) (nan,1,0) (0,0,1)", InputError, "cannot be read as .nrrd"),
    ],
)
def test_nrrd_with_impossible_axes(tmp_path, directions, kind, text):
    _nrrd(tmp_path / "scan.nrrd", directions)
    with pytest.raises(kind, match=text):
        read_image(tmp_path / "scan.nrrd")


def test_a_detached_header_without_its_voxels(tmp_path):
    write_image(_image(), tmp_path / "scan.mhd")
    (tmp_path / "scan.zraw").unlink()
    with pytest.raises(InputError, match="damaged or missing"):
        read_image(tmp_path / "scan.mhd")
    (tmp_path / "raw.mhd").write_text(
        "ObjectType = Image\nNDims = 3\nDimSize = 6 5 4\nElementType = MET_SHORT\nElementDataFile = raw.raw\n"
    )
    with pytest.raises(InputError, match="a part of it is missing"):
        read_image(tmp_path / "raw.mhd")


def test_endings_in_capitals_are_read_and_not_written(tmp_path):
    for ending in (".nrrd", ".nii.gz", ".nii"):
        write_image(_image(), tmp_path / f"scan{ending}")
        capital = (tmp_path / f"scan{ending}").rename(tmp_path / f"OTHER{ending.upper()}")
        assert read_image(capital).name == "OTHER"
        with pytest.raises(OutputError, match="Use one of"):
            write_image(_image(), capital)


def test_what_is_no_image_is_refused(tmp_path):
    with pytest.raises(InputError, match="There is no file or folder"):
        read_image(tmp_path / "nothing.nrrd")
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(InputError, match=r"is no image that this program reads.*\.nrrd"):
        read_image(tmp_path / "notes.txt")
    (tmp_path / "scan.tar.gz").write_bytes(b"no image")
    with pytest.raises(InputError, match="is an archive"):
        read_image(tmp_path / "scan.tar.gz")
    (tmp_path / "text.nrrd").write_text("no image")
    with pytest.raises(InputError, match=r"text\.nrrd cannot be read"):
        read_image(tmp_path / "text.nrrd")
    with gzip.open(tmp_path / "text.nii.gz", "wb") as file:
        file.write(b"no image" * 100)
    with pytest.raises(InputError, match="does not begin with a NIfTI header"):
        read_image(tmp_path / "text.nii.gz")


def test_a_single_file_has_no_series_to_choose(tmp_path):
    write_image(_image(), tmp_path / "scan.nrrd")
    with pytest.raises(InputError, match="no series “2”"):
        read_image(tmp_path / "scan.nrrd", series="2")


def test_reading_can_be_cancelled(tmp_path):
    write_image(_image(), tmp_path / "scan.nii.gz")
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        read_image(tmp_path / "scan.nii.gz", progress=progress)


@pytest.mark.parametrize(
    ("name", "stem"), [("a.b.nii.gz", "a.b"), ("Scan.NRRD", "Scan"), (".nrrd", ".nrrd"), ("plain", "plain")]
)
def test_names_are_without_the_ending(tmp_path, name, stem):
    assert image_name(tmp_path / name) == stem


def test_a_real_ct(real_data):
    image = read_image(real_data("lidc-0314/ct.nrrd"))
    assert (image.voxels.dtype, image.shape_kji) == (np.int16, (275, 512, 512))
    # The nodule's centre in the archive's own terms: LPS (-57.44, 131.23, -520.36) mm; soft tissue, not lung.
    i, j, k = np.rint(image.geometry.ijk_from_ras((57.44, -131.23, -520.36))).astype(int)
    assert -100 < image.voxels[k, j, i] < 200


def test_a_real_nifti(real_data):
    image = read_image(real_data("thorax-small/example_ct.nii.gz"))
    assert image.voxels.min() <= -1000
    assert image.notes == ()
