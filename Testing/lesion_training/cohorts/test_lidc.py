"""LIDC: outlines become masks by the collection's convention, readers are brought together, and a genuine case comes out."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
from LesionDetectionLib.core.errors import InputError, UsageError
from LesionDetectionLib.core.image import CT, HU, Image
from LesionDetectionLib.core.lesion import NODULE
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.io.files import read_image, write_image
from LesionTrainingLib.cohorts.lidc_readings import read_readings, read_series_uid
from LesionTrainingLib.cohorts.phantoms.chest_settings import TINY
from LesionTrainingLib.cohorts.phantoms.writing import write_phantoms
from LesionTrainingLib.cohorts.spec import open_cohort
from lidc_xml import block, message, nodule, non_nodule, outline, roi

pytestmark = pytest.mark.usefixtures("phantoms_kept")

MATRIX = np.array([[-0.5, 0, 0, 40], [0, -0.5, 0, 30], [0, 0, 2, -100], [0, 0, 0, 1.0]])
SHAPE = (8, 40, 50)
Z = [-100.0 + 2 * k for k in range(SHAPE[0])]


def an_image(matrix=MATRIX, voxels=None):
    voxels = np.full(SHAPE, -800, np.int16) if voxels is None else voxels
    return Image(voxels, matrix, CT, HU)


def a_case(folder, *sessions, image=None, name="ct.nrrd", **more):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "readings.xml").write_text(message(*sessions, **more))
    write_image(image or an_image(), folder / name)
    return folder


def opened(path, options=""):
    return open_cohort(f"lidc:{path}{options}")


def truth_of(path, options=""):
    return opened(path, options).cases[0].truth()


def voxels_of(lesion):
    return lesion.mask.full(SHAPE)


def a_box(k, j, i):
    """A mask of slices, rows and columns given as (first, last)."""
    mask = np.zeros(SHAPE, bool)
    mask[k[0] : k[1] + 1, j[0] : j[1] + 1, i[0] : i[1] + 1] = True
    return mask


def test_the_outline_itself_is_outside(tmp_path):
    a_case(tmp_path, [nodule(roi(Z[3], outline(10, 14)), roi(Z[4], outline(11, 12)))])
    (lesion,) = truth_of(tmp_path, "?readers=1").lesions
    expected = a_box((3, 3), (10, 14), (10, 14)) | a_box((4, 4), (11, 12), (11, 12))
    np.testing.assert_array_equal(voxels_of(lesion), expected)
    assert lesion.measurements["volume_mm3"] == pytest.approx(29 * 0.5)
    assert lesion.meaning == NODULE
    assert lesion.score == 1


def test_a_hole_keeps_its_outline_wherever_it_stands(tmp_path):
    """Its outline runs through the pixels of the nodule around it."""
    a_case(tmp_path, [nodule(roi(Z[3], outline(12, 13), inclusion=False), roi(Z[3], outline(10, 16)))])
    (lesion,) = truth_of(tmp_path, "?readers=1").lesions
    expected = a_box((3, 3), (10, 16), (10, 16)) & ~a_box((3, 3), (12, 13), (12, 13))
    np.testing.assert_array_equal(voxels_of(lesion), expected)


FOUR = [
    [block(10, 15, Z[2:6], malignancy=5)],
    [block(10, 15, Z[2:6], malignancy=4)],
    [block(12, 15, Z[2:6], malignancy=2)],
    [block(12, 17, Z[2:6])],
]


@pytest.mark.parametrize(
    ("options", "low", "high"),
    [
        ("", 10, 15),  # half of four
        ("?consensus=half&readers=1", 10, 15),
        ("?consensus=any", 10, 17),
        ("?consensus=all", 12, 15),
        ("?consensus=readers&readers=4", 12, 15),
        ("?consensus=readers&readers=2", 10, 15),
        ("?consensus=readers&readers=1", 10, 17),
    ],
)
def test_readers_agree_on_voxels(tmp_path, options, low, high):
    """Of four, two marked columns 10 and 11, four 12 to 15, one 16 and 17; rows alike."""
    a_case(tmp_path, *FOUR)
    (lesion,) = truth_of(tmp_path, options).lesions
    box = a_box((2, 5), (low, high), (low, high))
    found = voxels_of(lesion)
    assert not (found & ~box).any()
    assert found[2, 14, low]
    assert found[2, 14, high]


def test_ratings_are_averaged_and_readers_counted(tmp_path):
    a_case(tmp_path, *FOUR)
    (lesion,) = truth_of(tmp_path).lesions
    assert lesion.measurements["readers"] == 4
    assert lesion.measurements["mean_malignancy"] == pytest.approx(11 / 3)
    assert lesion.note == "Outlined by 4 readers."


def test_what_fewer_readers_saw_is_excluded(tmp_path):
    far = block(30, 33, Z[1:3])
    a_case(tmp_path, [block(10, 15, Z[2:6]), far], [block(11, 16, Z[2:6])], [], [])
    truth = truth_of(tmp_path, "?readers=2")
    assert [lesion.measurements["readers"] for lesion in truth.lesions] == [2]
    assert [lesion.measurements["readers"] for lesion in truth.excluded] == [1]
    np.testing.assert_array_equal(voxels_of(truth.excluded[0]), a_box((1, 2), (30, 33), (30, 33)))
    truth = truth_of(tmp_path, "?readers=3")
    assert len(truth.lesions) == 0
    assert len(truth.excluded) == 2
    np.testing.assert_array_equal(
        voxels_of(truth.excluded[0]), a_box((2, 5), (10, 16), (10, 16)) & voxels_of(truth.excluded[0])
    )
    assert len(truth_of(tmp_path, "?readers=1").lesions) == 2


def test_two_nodules_of_one_reader_stay_apart(tmp_path):
    both = [block(5, 9, Z[2:5]), block(12, 16, Z[2:5])]
    a_case(tmp_path, both, both, both)
    truth = truth_of(tmp_path)
    assert [lesion.measurements["readers"] for lesion in truth.lesions] == [3, 3]
    assert truth.excluded == ()


def test_readings_that_share_no_voxel_but_their_middle_are_one(tmp_path):
    """A reader outlined other slices than the others: nothing is marked by two of them."""
    a_case(tmp_path, [block(10, 19, Z[2:3])], [block(10, 19, Z[3:4])])
    (lesion,) = truth_of(tmp_path, "?readers=2&consensus=readers").lesions
    assert "No voxel is marked by 2 of them" in lesion.note
    np.testing.assert_array_equal(voxels_of(lesion), a_box((2, 3), (10, 19), (10, 19)))


def test_points_are_excluded(tmp_path):
    small = nodule(roi(Z[1], [(20, 25)]))
    enclosing_nothing = nodule(roi(Z[6], [(5, 5), (6, 5), (5, 5)]), malignancy=1)
    a_case(tmp_path, [small, non_nodule(7, 8, Z[5]), enclosing_nothing])
    truth = truth_of(tmp_path, "?readers=1")
    assert truth.lesions == ()
    places = [lesion.center_ras_mm for lesion in truth.excluded]
    np.testing.assert_allclose(places, [(30, 17.5, -98), (40 - 16 / 3 / 2, 27.5, -88), (36.5, 26, -90)])
    assert {lesion.diameter_mm for lesion in truth.excluded} == {10.0}
    assert [lesion.note.split(".")[0] for lesion in truth.excluded] == ["A nodule below 3 mm"] * 2 + [
        "A finding that is no nodule"
    ]


@pytest.mark.parametrize("flips", [(False, True, False), (True, True, False), (False, False, True), (True, True, True)])
def test_files_with_turned_axes_give_the_same_places(tmp_path, flips):
    """NIfTI files often have their rows upside down; the pixels of the readings are those of the DICOM image."""
    a_case(tmp_path / "straight", FOUR[0])
    matrix, start = MATRIX.copy(), np.array([0, 0, 0, 1.0])
    for axis, flip in enumerate(flips):
        if flip:
            start[axis] = SHAPE[2 - axis] - 1
    matrix[:3, 3] = (MATRIX @ start)[:3]
    matrix[:3, :3] = MATRIX[:3, :3] * np.where(flips, -1, 1)
    a_case(tmp_path / "turned", FOUR[0], image=an_image(matrix), name="ct.nii.gz")
    (one,), (other,) = (truth_of(tmp_path / name, "?readers=1").lesions for name in ("straight", "turned"))
    np.testing.assert_allclose(one.center_ras_mm, other.center_ras_mm, atol=1e-4)
    np.testing.assert_allclose(one.box_ras_mm, other.box_ras_mm, atol=1e-4)
    place = other.mask.centroid_ras_mm(an_image(matrix).geometry)
    np.testing.assert_allclose(place, one.center_ras_mm, atol=1e-4)


def test_the_archives_layout_with_dicom(tmp_path):
    """LIDC-IDRI-0001/<study>/<series>/*.dcm with the readings among them."""
    write_phantoms("chest", 1, 1, "dicom", tmp_path / "made", settings=TINY)
    (series,) = [path for path in (tmp_path / "made").iterdir() if path.is_dir()]
    image = read_image(series)
    place = series.parent / "set" / "LIDC-IDRI-0007" / "study"
    place.mkdir(parents=True)
    series = series.rename(place / "series")
    uid = pydicom.dcmread(next(series.glob("*.dcm")), stop_before_pixels=True).SeriesInstanceUID
    zs = [float(image.geometry.ras_from_ijk((0, 0, k))[2]) for k in (4, 5)]
    (series / "069.xml").write_text(message([block(20, 24, zs)], series=uid))
    (case,) = opened(series.parents[2], "?readers=1").cases
    assert (case.id, case.patient) == (uid, "LIDC-IDRI-0007")
    assert case.sources() == (series, series / "069.xml")
    np.testing.assert_array_equal(case.images()[CT].voxels, image.voxels)
    (lesion,) = case.truth().lesions
    np.testing.assert_allclose(lesion.center_ras_mm, image.geometry.ras_from_ijk((22, 22, 4.5)), atol=1e-6)


def test_images_under_the_name_of_their_series(tmp_path):
    (tmp_path / "xml" / "157").mkdir(parents=True)
    (tmp_path / "xml" / "157" / "a.xml").write_text(message(FOUR[0], series="1.2.9"))
    (tmp_path / "scans").mkdir()
    write_image(an_image(), tmp_path / "scans" / "1.2.9.mhd")
    (case,) = opened(tmp_path).cases
    assert case.image == tmp_path / "scans" / "1.2.9.mhd"


def test_the_image_among_several(tmp_path):
    a_case(tmp_path, FOUR[0])
    for name in ("crop.nrrd", "label.nrrd"):
        write_image(an_image(), tmp_path / name)
    assert opened(tmp_path).cases[0].image.name == "ct.nrrd"
    assert opened(tmp_path, "?image=cr*.nrrd").cases[0].image.name == "crop.nrrd"
    (tmp_path / "ct.nrrd").rename(tmp_path / "other.nrrd")
    with pytest.raises(InputError, match=r"2 images that the readings may be of \(crop.nrrd, other.nrrd\)"):
        opened(tmp_path)


def test_what_is_wrong_is_told_and_the_others_go_on(tmp_path):
    a_case(tmp_path / "good", FOUR[0], series="1.1")
    a_case(tmp_path / "twice", FOUR[0], series="1.1")
    a_case(tmp_path / "radiograph", FOUR[0], root="IdriReadMessage")
    a_case(tmp_path / "other", FOUR[0], root="html")
    a_case(tmp_path / "alone", FOUR[0], series="1.5")
    (tmp_path / "alone" / "ct.nrrd").unlink()
    a_case(tmp_path / "damaged")
    (tmp_path / "damaged" / "readings.xml").write_bytes(b"<LidcReadMessage><a>")
    cohort = opened(tmp_path)
    assert [case.patient for case in cohort.cases] == ["good"]
    told = {left.case.split("/")[0]: left.reason for left in cohort.left_out}
    assert "has readings in good/readings.xml too" in told["twice"]
    assert "radiograph" in told["radiograph"]
    assert "“html”" in told["other"]
    assert "no image for the readings" in told["alone"]
    assert "no XML file that can be read" in told["damaged"]
    with pytest.raises(InputError, match="no XML file that can be read"):
        read_readings(tmp_path / "damaged" / "readings.xml")


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>'
NAMED = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>'


@pytest.mark.parametrize("before", [BOMB, NAMED, "<!DOCTYPE LidcReadMessage>"])
@pytest.mark.parametrize("read", [read_readings, read_series_uid])
def test_a_document_type_is_refused(tmp_path, before, read):
    path = tmp_path / "readings.xml"
    path.write_text(message(FOUR[0], before=before, series="&a;" if "ENTITY" in before else "1"))
    with pytest.raises(InputError, match="document type"):
        read(path)


@pytest.mark.parametrize(
    ("session", "sentence"),
    [
        ([block(10, 12, ["x"])], "“x” under imageZposition is no number"),
        ([block(10, 12, ["nan"])], "is no number"),
        ([nodule(roi(Z[1], [(1, 2), (1.5, 2)]))], "“1.5” under xCoord is no pixel"),
        ([nodule(roi(Z[1], [("", 2)]))], "“” under xCoord is no number"),
        (["<nonNodule><imageZposition>1</imageZposition></nonNodule>"], "a non-nodule without a place"),
    ],
)
def test_damaged_readings_are_told(tmp_path, session, sentence):
    a_case(tmp_path, session)
    with pytest.raises(InputError, match=sentence):
        truth_of(tmp_path)


def test_readings_of_another_image_are_told(tmp_path):
    a_case(tmp_path, [block(10, 12, [900.0, 902.0])])
    with pytest.raises(InputError, match=r"No slice of the readings is in the image"):
        truth_of(tmp_path)
    a_case(tmp_path, [block(45, 60, Z[2:4])])
    with pytest.raises(InputError, match="up to column 61 and row 61, and the image has 50 x 40"):
        truth_of(tmp_path)


def test_slices_that_do_not_fit_are_noted(tmp_path):
    a_case(tmp_path, [block(10, 14, [*Z[2:4], 500.0, Z[5] + 0.8])])
    truth = truth_of(tmp_path, "?readers=1")
    assert any("1 outlines or points are of slices that the image does not have" in note for note in truth.notes)
    assert any("1 outlines or points lie between slices" in note for note in truth.notes)


def test_a_scan_without_findings_is_a_case(tmp_path):
    a_case(tmp_path, [], [])
    truth = truth_of(tmp_path)
    assert (truth.lesions, truth.excluded) == ((), ())


def test_settings_and_folders_that_make_no_sense(tmp_path):
    a_case(tmp_path, FOUR[0])
    for options in ("?readers=0", "?readers=5", "?consensus=most"):
        with pytest.raises(UsageError, match="readers is from 1 to 4"):
            opened(tmp_path, options)
    with pytest.raises(InputError, match="There is no folder"):
        opened(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="hold no XML file"):
        opened(tmp_path / "empty")


def test_listing_reads_only_the_beginning_of_the_readings(tmp_path):
    path = tmp_path / "readings.xml"
    path.write_text(message(*FOUR, series="1.2.8") + "<" * 100_000)
    assert read_series_uid(path) == "1.2.8"


def test_the_genuine_case(real_data):
    """The label by two of four readers that the collection's users know, voxel by voxel; LUNA16's centre and size."""
    folder = real_data("lidc-0314/readings.xml").parent
    label = read_image(real_data("lidc-0314/nodule_label.nrrd"))
    cohort = open_cohort(f"lidc:{folder}?readers=2", Progress())
    (case,) = cohort.cases
    truth = case.truth()
    (nodule_found,) = truth.lesions
    np.testing.assert_array_equal(nodule_found.mask.full(label.shape_kji), label.voxels > 0)
    assert nodule_found.measurements["volume_mm3"] == pytest.approx(2075, abs=0.5)
    np.testing.assert_allclose(nodule_found.center_ras_mm, (57.44, -131.23, -520.36), atol=0.3)
    assert nodule_found.diameter_mm == pytest.approx(15.5, abs=0.5)
    assert nodule_found.measurements["readers"] == 4
    assert nodule_found.measurements["mean_malignancy"] == 3.25
    assert truth.notes == ()
    # LUNA16 lists the same points as excluded, and four single outlines of the nodule besides.
    assert len(truth.excluded) == 39
    assert case.series.endswith("154677396354641150280013275227")
