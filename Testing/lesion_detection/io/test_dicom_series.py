"""Reading DICOM series: every voxel at its place, and a clear word where that cannot be."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from LesionDetectionLib.core.errors import (
    GeometryError,
    InputError,
    SeveralSeriesError,
)
from LesionDetectionLib.io.dicom_series import list_series
from LesionDetectionLib.io.files import read_image
from scipy.spatial.transform import Rotation

EVEN = [0.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0, 18.0, 20.0, 22.0]


def test_an_even_series_is_read_bit_for_bit(dicom):
    dicom.series(EVEN)
    image = read_image(dicom.folder)
    assert (image.modality, image.unit, image.voxels.dtype, image.notes) == ("CT", "HU", np.int16, ())
    assert image.shape_kji == (12, 7, 9)
    assert image.spacing_mm == pytest.approx((0.5, 0.8, 2.0), abs=1e-9)
    assert image.geometry.ras_from_ijk((0, 0, 0)) == pytest.approx((20, -30, 100))
    dicom.check_field(image, tolerance=0.51)


@pytest.mark.parametrize("seed", range(4))
def test_oblique_series_stay_oblique_and_right(dicom, seed):
    turned = Rotation.random(random_state=seed).as_matrix()
    dicom.series(EVEN, orientation=(*turned[0], *turned[1]))
    image = read_image(dicom.folder)
    assert image.shape_kji == (12, 7, 9)
    dicom.check_field(image, tolerance=0.6)


def test_a_left_handed_order_of_slices_does_not_mirror(dicom):
    dicom.series([-d for d in EVEN], orientation=(1, 0, 0, 0, 0, -1))
    dicom.check_field(read_image(dicom.folder))


def test_the_name_says_the_series_and_never_the_patient(dicom):
    dicom.series(EVEN)
    image = read_image(dicom.folder)
    assert image.name == "Thorax-lung"
    assert image.identifiers == {
        "StudyInstanceUID": "1.2.826.0.1.11",
        "SeriesInstanceUID": "1.2.826.0.1.11.5001",
        "FrameOfReferenceUID": "1.2.826.0.1.11.9",
        "SeriesDescription": "Thorax/lung",
    }
    (info,) = list_series(dicom.folder)
    for text in (info.line(), repr(info), image.name, *image.notes, *image.identifiers.values()):
        assert "Doe" not in text
        assert "4711" not in text


# --- spacing


def test_a_missing_slice_is_interpolated_and_named(dicom):
    dicom.series([d for d in EVEN if d != 8.0])
    image = read_image(dicom.folder)
    assert image.shape_kji[0] == 12
    dicom.check_field(image)
    assert image.notes == ("1 slice is missing and interpolated at S 108.0 mm.",)


def test_too_many_missing_slices_are_refused_with_their_places(dicom):
    dicom.series([d for d in EVEN if d not in (4.0, 8.0)])
    with pytest.raises(GeometryError, match=r"2 of 12 slices are missing, between S 102.0 mm and S 106.0 mm; between"):
        read_image(dicom.folder)


def test_one_long_gap_is_refused(dicom):
    dicom.series([*np.arange(0, 100, 2.0), *np.arange(108, 200, 2.0)])  # four in a row of 100
    with pytest.raises(GeometryError, match=r"4 of 100 .* between S 198.0 mm and S 208.0 mm"):
        read_image(dicom.folder)


def test_rounded_positions_are_accepted_with_a_note(dicom):
    dicom.series([d + (0.06 if k % 2 else 0.0) for k, d in enumerate(EVEN)])
    image = read_image(dicom.folder)
    assert image.shape_kji[0] == 12
    assert "off an even spacing" in image.notes[0]


def test_uneven_slices_are_interpolated_and_named(dicom):
    dicom.series([0.0, 2.0, 4.0, 6.0, 8.7, 10.0, 12.0, 14.0])
    image = read_image(dicom.folder)
    dicom.check_field(image)
    assert image.spacing_mm[2] == pytest.approx(2.0)
    assert "unevenly spaced (1.30 to 2.70 mm)" in image.notes[0]
    assert "S 106.0 mm, S 108.7 mm" in image.notes[0]


@pytest.mark.parametrize("degrees", [-20.0, 12.0])
def test_gantry_tilt_is_straightened(dicom, degrees):
    angle = np.radians(degrees)
    orientation = (1.0, 0.0, 0.0, 0.0, np.cos(angle), -np.sin(angle))
    normal = np.cross(orientation[:3], orientation[3:])
    slide = np.array([0, 0, 1 / np.cos(angle)]) - normal  # the table moves along z
    dicom.series(EVEN, orientation=orientation, slide=slide)
    image = read_image(dicom.folder)
    axes = image.ijk_to_ras[:3, :3] / np.array(image.spacing_mm)
    assert np.abs(axes.T @ axes - np.eye(3)).max() < 1e-6
    assert f"tilted by {abs(degrees):.1f} degrees" in image.notes[0]
    dicom.check_field(image, tolerance=2.0, outside=-1024)
    assert np.count_nonzero(image.voxels != -1024) >= 0.8 * 12 * 7 * 9


def test_slices_scattered_sideways_are_no_volume(dicom):
    for k, distance in enumerate(EVEN):
        dicom.save(dicom.dataset((10.0 * (k % 3), 0.0, distance)), f"{k}.dcm")
    with pytest.raises(GeometryError, match="displaced sideways"):
        read_image(dicom.folder)


def test_a_single_slice_is_an_image_of_its_thickness(dicom):
    (path,) = dicom.series([4.0])
    for source in (path, dicom.folder):
        image = read_image(source)
        assert image.shape_kji == (1, 7, 9)
        assert image.spacing_mm[2] == 2.5
        assert any("name its folder" in note for note in image.notes) == source.is_file()
        dicom.check_field(image)


# --- more than one thing in a series


def test_copies_of_files_are_dropped(dicom):
    paths = dicom.series(EVEN)
    shutil.copy(paths[3], dicom.folder / "again.dcm")
    image = read_image(dicom.folder)
    dicom.check_field(image)
    assert image.notes == ("Files that are copies of others in the folder were left out: 1.",)


def test_equal_slices_under_new_uids_are_dropped(dicom):
    dicom.series(EVEN)
    dicom.series(EVEN[:2], prefix="again")
    image = read_image(dicom.folder)
    assert image.shape_kji[0] == 12
    assert image.notes == ("Slices that repeat another one exactly were left out: 2.",)


def test_phases_are_separate_choices(dicom):
    dicom.series(EVEN, AcquisitionNumber=1)
    dicom.series(EVEN, AcquisitionNumber=2, prefix="late", RescaleIntercept="-1000")
    with pytest.raises(SeveralSeriesError) as caught:
        read_image(dicom.folder)
    assert ["AcquisitionNumber 1" in line for line in caught.value.choices] == [True, False]
    assert read_image(dicom.folder, series="2").voxels.max() == read_image(dicom.folder, series="1").voxels.max() + 24


def test_phases_that_nothing_tells_apart_are_refused(dicom):
    dicom.series(EVEN)
    dicom.series(EVEN, prefix="late", RescaleIntercept="-1000")
    with pytest.raises(GeometryError, match="same position with different pixels"):
        read_image(dicom.folder)


@pytest.mark.parametrize(
    ("odd", "text"),
    [
        ({"Rows": 5, "Columns": 9}, r"12 with 9 x 7 pixels, 1 with 9 x 5 pixels"),
        ({"PixelSpacing": [0.8, 0.6]}, r"1 with 0.6000 x 0.8000 mm a pixel"),
        ({"ImageOrientationPatient": [0, 1, 0, 0, 0, -1]}, r"do not belong in one volume: 12 with direction"),
    ],
)
def test_mixed_series_are_refused(dicom, odd, text):
    dicom.series(EVEN)
    dicom.save(dicom.dataset((-20.0, 30.0, 124.0), **odd), "odd.dcm")
    with pytest.raises(GeometryError, match=text):
        read_image(dicom.folder)


def test_several_series_are_listed_and_chosen(dicom):
    dicom.series(EVEN, prefix="a/x")
    other = {"SeriesInstanceUID": "1.2.826.0.1.11.6002", "SeriesDescription": "Thorax soft", "SeriesNumber": 4}
    dicom.series(EVEN[:5], prefix="b/y", **other)
    dicom.series(
        EVEN[:1], prefix="scout", SeriesInstanceUID="1.2.826.0.1.11.7", ImageType=[["ORIGINAL", "PRIMARY", "LOCALIZER"]]
    )
    dicom.save(dicom.dataset(Modality="SR", SeriesInstanceUID="1.2.826.0.1.11.8"), "report.dcm")
    with pytest.raises(SeveralSeriesError, match="1 x localizer") as caught:
        read_image(dicom.folder)
    assert "Doe" not in str(caught.value)
    assert "1 x SR" in str(caught.value)
    assert [line[:20] for line in caught.value.choices] == ["1: CT “Thorax/lung”,", "2: CT “Thorax soft”,"]
    assert [info.images for info in list_series(dicom.folder)] == [12, 5]
    for choice in ("2", "1.2.826.0.1.11.6002", "6002", "thorax SOFT", "soft"):
        assert read_image(dicom.folder, series=choice).shape_kji[0] == 5
    with pytest.raises(SeveralSeriesError, match=r"“1\.2\.826” fits"):
        read_image(dicom.folder, series="1.2.826")
    with pytest.raises(InputError, match=r"No series in .* is called “7”"):
        read_image(dicom.folder, series="7")


# --- what values mean


def test_padding_becomes_air(dicom):
    pixels = np.full((7, 9), 1100, np.int16)
    pixels[0], pixels[1] = -2000, 24
    dicom.series(EVEN[:3], pixels=pixels, PixelPaddingValue=-2000, RescaleIntercept="-1000")
    voxels = read_image(dicom.folder).voxels
    assert np.array_equal(voxels[:, :3, 0], [[-1024, -976, 100]] * 3)


def test_whole_values_that_do_not_fit_16_bits_become_real(dicom):
    dicom.series(EVEN[:3], pixels=np.full((7, 9), 60000, np.uint16))
    image = read_image(dicom.folder)
    assert image.voxels.dtype == np.float32
    assert image.voxels.max() == 60000 - 1024


def test_each_slice_has_its_own_slope(dicom):
    pixels = np.full((7, 9), 200, np.uint16)
    dicom.series(EVEN[:3], pixels=pixels, RescaleSlope=["1", "2", "0.5"], RescaleIntercept="0")
    assert read_image(dicom.folder).voxels[:, 0, 0].tolist() == [200, 400, 100]


def test_swapped_grey_is_told_and_left(dicom):
    dicom.series(EVEN, PhotometricInterpretation="MONOCHROME1")
    image = read_image(dicom.folder)
    dicom.check_field(image)
    assert "MONOCHROME1" in image.notes[0]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"RescaleType": "Z_EFF"}, "“Z_EFF”, not HU"),
        ({"RescaleSlope": None}, "lack rescale slope"),
    ],
)
def test_ct_that_is_not_in_hounsfield_units_says_so(dicom, changes, text):
    for distance in EVEN[:3]:
        dicom.save(dicom.dataset((0.0, 0.0, distance), **changes), f"{distance}.dcm")
    image = read_image(dicom.folder)
    assert image.unit == ""
    assert text in image.notes[0]


# --- real scans


def test_a_real_ct_agrees_with_simpleitk(real_data):
    import SimpleITK as sitk

    folder = real_data("crlm-ct-1004")
    image = read_image(folder)
    peer = sitk.ReadImage(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder / "image")))
    values = sitk.GetArrayFromImage(peer)
    assert (image.modality, image.unit, image.voxels.dtype, image.notes) == ("CT", "HU", np.int16, ())
    assert image.shape_kji == values.shape
    # GE pads outside its circle with -3024 HU; ours is air there.
    assert np.array_equal(image.voxels, np.maximum(values, -1024))
    for index in [(0, 0, 0), (511, 0, 40), (3, 500, 20)]:
        there = np.array(peer.TransformIndexToPhysicalPoint(index)) * (-1, -1, 1)
        assert image.geometry.ras_from_ijk(index) == pytest.approx(there, abs=1e-3)


def test_a_real_database_folder_lists_both_series(real_data):
    listed = list_series(real_data("slicer-dicom-database"))
    assert [(info.modality, info.images) for info in listed] == [("CT", 41), ("PT", 267)]
