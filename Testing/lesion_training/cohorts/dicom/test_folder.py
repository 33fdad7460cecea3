"""A folder of DICOM as a cohort: the right series, the right labels, and a sentence on everything else."""

from __future__ import annotations

import shutil
import subprocess
import sys

import numpy as np
import pytest
import SimpleITK as sitk
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.errors import InputError, UsageError
from LesionDetectionLib.core.lesion import LESION
from LesionDetectionLib.core.progress import Progress
from LesionTrainingLib.cohorts.cohort import work_on
from LesionTrainingLib.cohorts.dicom.records import patient_key
from LesionTrainingLib.cohorts.phantoms.chest_settings import TINY
from LesionTrainingLib.cohorts.phantoms.writing import write_phantoms
from LesionTrainingLib.cohorts.spec import open_cohort

pytestmark = pytest.mark.usefixtures("phantoms_kept")

NAME, PATIENT_ID = "Doe", "P-4711"


def cohort_of(files, query=""):
    cohort = open_cohort(f"dicom:{files.folder}{query}")
    for text in (*cohort.notes, *(left.reason + left.case for left in cohort.left_out), repr(cohort)):
        assert NAME not in text
        assert PATIENT_ID not in text
    return cohort


def union(truth, shape):
    out = np.zeros(shape, bool)
    for lesion in truth.lesions:
        out |= lesion.mask.full(shape)
    return out


def test_an_image_with_its_segmentation(files, blobs):
    uid = files.image()
    path = files.segmentation(uid, blobs())
    (case,) = cohort_of(files).cases
    assert (case.id, case.patient, case.labelled) == (uid, patient_key("P-4711", ""), True)
    (image,) = case.images().values()
    assert np.array_equal(union(case.truth(), image.shape_kji), blobs())
    assert set(case.sources()) == {*files.paths[uid], path}
    assert image.identifiers["SeriesInstanceUID"] == uid


@pytest.mark.parametrize(
    "orientation",
    [(1, 0, 0, 0, 1, 0), (1, 0, 0, 0, -1, 0), (-1, 0, 0, 0, 1, 0), (0.936, 0.352, 0, -0.352, 0.936, 0)],
    ids=["head first", "normal down", "mirrored", "oblique"],
)
@pytest.mark.parametrize("labels", ["seg", "rtstruct"])
def test_masks_lie_on_the_image_as_it_is_read(files, blobs, orientation, labels):
    """What the pixels under the labels are is written in them: any slip in order or direction shows."""
    uid = files.image(orientation=orientation)
    sorted_by_z = np.stack([d.pixel_array for d in files.datasets(uid)])
    mask = blobs()
    if labels == "seg":
        files.segmentation(uid, mask)
    else:
        contours = []
        for k, dataset in enumerate(files.datasets(uid)):
            contours += [contour_of(dataset, j, i) for j, i in np.argwhere(mask[k])]
        files.structures(uid, {"GTV": contours})
    (case,) = cohort_of(files, f"?labels={labels}").cases
    (image,) = case.images().values()
    found = union(case.truth(), image.shape_kji)
    assert sorted(image.voxels[found] + 1024) == sorted(sorted_by_z[mask])
    assert found.sum() == mask.sum()


def contour_of(dataset, j, i):
    """The outline of one pixel, LPS mm."""
    position, direction = (
        np.array(dataset.ImagePositionPatient, float),
        np.array(dataset.ImageOrientationPatient, float),
    )
    row, column = direction[:3] * float(dataset.PixelSpacing[1]), direction[3:] * float(dataset.PixelSpacing[0])
    corners = [(i - 0.5, j - 0.5), (i + 0.5, j - 0.5), (i + 0.5, j + 0.5), (i - 0.5, j + 0.5)]
    return [position + a * row + b * column for a, b in corners]


def test_contours_that_name_images_or_only_a_frame_find_their_series(files):
    first, second = files.image(into="a"), files.image(into="b", FrameOfReferenceUID="1.2.3")
    ring = [contour_of(files.datasets(second)[2], 4, 5)]
    files.structures(second, {"by images": ring}, referring="images", name="1.dcm")
    files.structures(second, {"by frame": ring}, referring="", name="2.dcm")
    cases = {case.id: case for case in cohort_of(files).cases}
    assert not cases[first].labelled
    truth = cases[second].truth()
    assert {lesion.note for lesion in truth.lesions} == {"Structure “by images”.", "Structure “by frame”."}
    assert "2 label files are put together" in truth.notes[0]


def test_a_frame_that_two_series_share_tells_nothing(files):
    first, _ = files.image(into="a"), files.image(into="b")
    files.structures(first, {"GTV": [contour_of(files.datasets(first)[2], 4, 5)]}, referring="")
    cohort = cohort_of(files)
    assert not any(case.labelled for case in cohort.cases)
    assert "of the series chosen 2 lie in its frame" in cohort.left_out[0].reason


def test_a_segmentation_finds_its_series_by_the_images_it_was_made_from(files, blobs):
    uid, _ = files.image(into="a"), files.image(into="b")
    files.segmentation(uid, blobs(), ReferencedSeriesSequence=None)
    labelled = [case.id for case in cohort_of(files).cases if case.labelled]
    assert labelled == [uid]


def test_labels_of_what_is_not_here_or_lies_elsewhere_are_left_out(files, blobs):
    gone = files.image(into="gone")
    files.segmentation(gone, blobs())
    shutil.rmtree(files.folder / "gone")
    files.paths.pop(gone)
    uid = files.image()
    ring = [contour_of(files.datasets(uid)[2], 4, 5)]
    files.structures(uid, {"GTV": ring}, frame="9.9.9", name="elsewhere.dcm")
    files.structures(uid, {"GTV": ring}, name="cut.dcm").write_bytes(files.paths[uid][0].read_bytes()[:200])
    cohort = cohort_of(files)
    assert len(cohort.cases) == 1
    assert not cohort.cases[0].labelled
    reasons = " ".join(left.reason for left in cohort.left_out)
    assert "The SEG refers to a series that is not here." in reasons
    assert "lies in another frame of reference than the series" in reasons
    assert "1 DICOM files in the folder are damaged" in reasons
    assert cohort.notes == ("Cases without labels: 1 of 1.",)


@pytest.mark.parametrize("of_another_image", [True, False], ids=["who has images here", "who has none"])
def test_labels_that_say_another_patient_are_left_out_and_told(files, blobs, of_another_image):
    uid = files.image()
    if of_another_image:
        files.image(into="other", PatientID="P-9", StudyInstanceUID="1.2.3")
    files.segmentation(uid, blobs(), PatientID="P-9")
    cohort = cohort_of(files)
    assert not any(case.labelled for case in cohort.cases)
    assert "has another Patient ID than the series" in cohort.left_out[0].reason


def test_labels_in_another_study_of_anonymised_images_are_found(files, blobs):
    uid = files.image(PatientID="")
    files.image(modality="PT", PatientID="", StudyInstanceUID="1.2.3")
    files.segmentation(uid, blobs(), PatientID="", StudyInstanceUID="1.2.3")
    cohort = cohort_of(files)
    assert [case.labelled for case in cohort.cases] == [True]
    assert not cohort.left_out


def test_two_segmentations_of_one_series(files, blobs):
    uid = files.image()
    old, new = blobs(seed=1), blobs(seed=2)
    files.segmentation(uid, new, name="b.dcm", ContentDate="20210101", ContentTime="120000")
    files.segmentation(uid, old, name="a.dcm", ContentDate="20200101", ContentTime="130000")
    (both,) = cohort_of(files).cases
    (latest,) = cohort_of(files, "?several=latest").cases
    assert np.array_equal(union(both.truth(), old.shape), old | new)
    assert "2 label files are put together" in both.truth().notes[0]
    assert np.array_equal(union(latest.truth(), old.shape), new)
    assert latest.truth().notes == ()


def test_a_copy_of_a_segmentation_counts_once(files, blobs):
    uid = files.image()
    path = files.segmentation(uid, blobs())
    shutil.copy(path, files.folder / "copy.dcm")
    (case,) = cohort_of(files).cases
    assert len(case.label_files) == 1


def test_automatic_labels_prefer_segmentations(files, blobs):
    uid = files.image()
    files.segmentation(uid, blobs())
    files.structures(uid, {"GTV": [contour_of(files.datasets(uid)[2], 4, 5)]})
    assert [f.kind for f in cohort_of(files).cases[0].label_files] == ["SEG"]
    assert [f.kind for f in cohort_of(files, "?labels=rtstruct").cases[0].label_files] == ["RTSTRUCT"]
    (case,) = cohort_of(files, "?labels=none").cases
    assert not case.labelled
    assert case.truth().lesions == ()
    (case,) = cohort_of(files, "?labels=rtstruct&structures=liver").cases
    with pytest.raises(InputError, match=r"RTSTRUCT ….*: No structure is a lesion"):
        case.truth()


def test_pet_and_ct_as_one_case(files, blobs):
    ct = files.image(shape=(10, 24, 20))
    pet = files.image(modality="PT", shape=(6, 10, 9), spacing=(2.0, 1.6, 4.0), SeriesDescription="PET AC")
    files.image(modality="PT", shape=(6, 10, 9), spacing=(2.0, 1.6, 4.0), SeriesDescription="PET NAC", into="nac")
    alone = files.image(FrameOfReferenceUID="1.2.3", into="alone")
    files.segmentation(pet, blobs((6, 10, 9)) | (np.indices((6, 10, 9))[1] == 4))
    cohort = cohort_of(files, "?modality=CT,PT&description=PT:PET AC")
    (case,) = cohort.cases
    assert (case.id, case.modalities, case.labelled) == (ct, ("CT", "PT"), True)
    assert {left.case: left.reason for left in cohort.left_out} == {
        alone: "Its study has no PT in the same frame of reference that the options mean."
    }
    images = case.images()
    assert list(images) == ["CT", "PT"]
    assert images["PT"].identifiers["SeriesInstanceUID"] == pet
    truth = case.truth()
    assert union(truth, images["CT"].shape_kji).any()  # on the grid of the main image
    assert "on another grid than the image" in truth.notes[0]
    with pytest.raises(InputError, match=r"2 PT series fit it: “PET N?AC”, “PET N?AC”"):
        cohort_of(files, "?modality=CT,PT")


def test_picking_by_description_study_patient_and_series(files):
    first = files.image(into="a", SeriesDescription="Lung 1 mm")
    second = files.image(into="b", SeriesDescription="Soft 5 mm", PatientID="other", StudyInstanceUID="1.2.9")
    for query, expected in {
        "description=lung*": {first},
        "description=*MM": {first, second},
        "description=soft": {second},
        "study=1.2.9": {second},
        "study=follow-up": {first, second},
        f"patient={patient_key('other', '')}": {second},
        "patient=P-4711": {first},
        f"series={second}": {second},
        f"series={first},{second}&description=5": {second},
    }.items():
        assert {case.id for case in open_cohort(f"dicom:{files.folder}?{query}").cases} == expected, query


def test_series_that_were_named_and_cannot_be_used(files):
    ct, pet = files.image(), files.image(modality="PT")
    cohort = cohort_of(files, f"?series={ct},{pet},1.2.3.4")
    assert [case.id for case in cohort.cases] == [ct]
    assert {left.case: left.reason for left in cohort.left_out} == {
        pet: "The series is of modality PT, not CT.",
        "1.2.3.4": "There is no series …1.2.3.4 here.",
    }


def test_one_bad_series_does_not_stop_the_rest(files, blobs):
    good = files.image(into="good")
    files.segmentation(good, blobs())
    phases = files.image(into="phases", AcquisitionNumber=1)
    files.image(into="phases2", SeriesInstanceUID=phases, AcquisitionNumber=2)
    broken = files.image(into="broken")
    for path in files.paths[broken]:
        path.write_bytes(path.read_bytes()[:-400])
    done, left_out = work_on(cohort_of(files).cases, lambda case: case.images(), Progress())
    assert [case.id for case, _ in done] == [good]
    reasons = {left.case: left.reason for left in left_out}
    assert "2 phases (AcquisitionNumber 1, AcquisitionNumber 2)" in reasons[phases]
    assert "10 of 10 images cannot be read" in reasons[broken]


def test_a_file_that_disappears_after_listing(files):
    uid = files.image()
    (case,) = cohort_of(files).cases
    files.paths[uid][0].unlink()
    with pytest.raises(InputError, match="1 of 10 files are missing"):
        case.images()


def test_nothing_to_be_found(files):
    with pytest.raises(InputError, match="holds no DICOM"):
        open_cohort(f"dicom:{files.folder}")
    with pytest.raises(InputError, match="no folder"):
        open_cohort(f"dicom:{files.folder}/nowhere")
    files.image(modality="PT")
    with pytest.raises(InputError, match=r"none of the 1 series here \(1 x PT\)"):
        open_cohort(f"dicom:{files.folder}")


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("labels=csv", "Labels cannot be “csv”"),
        ("labels=table:", "Labels cannot be"),
        ("modality=", "names no modalities"),
        ("modality=CT,CT", "names no modalities"),
        ("several=newest", "several is all or latest"),
        ("frame=RAI", "frame is LPS or RAS"),
        ("one_lesion=each", "One lesion cannot be “each”"),
        ("segment=a", "“segment” is not known"),
    ],
)
def test_options_that_make_no_sense(files, query, text):
    files.image()
    with pytest.raises(UsageError, match=text):
        open_cohort(f"dicom:{files.folder}?{query}")


def test_values_depend_on_what_is_read_and_not_on_where(files, blobs, tmp_path):
    uid = files.image()
    files.segmentation(uid, blobs())
    (case,) = cohort_of(files).cases
    moved = tmp_path / "moved"
    shutil.copytree(files.folder, moved)
    (other,) = open_cohort(f"dicom:{moved}").cases
    (changed,) = cohort_of(files, "?one_lesion=whole").cases
    assert case.values() == other.values() != changed.values()
    assert "dicom" not in repr(case.values())


@pytest.fixture(scope="module")
def phantom(tmp_path_factory):
    """A small phantom as DICOM, and its truth."""
    folder = tmp_path_factory.mktemp("phantom")
    series, truth = write_phantoms("chest", 1, 1, "dicom", folder / "out", settings=TINY)
    return series, Detections.load(truth)


def test_what_is_computer_made_says_so_as_dicom_too(phantom, files, tmp_path):
    """A model that learned from phantoms which went through a DICOM database must not pass for one of patients."""
    series, _ = phantom
    files.folder = tmp_path / "both"
    shutil.copytree(series, files.folder)
    assert open_cohort(f"dicom:{files.folder}").on_phantoms
    files.image()
    assert not open_cohort(f"dicom:{files.folder}").on_phantoms, "one patient among them"


def test_a_phantom_with_a_table_of_its_nodules(phantom, tmp_path):
    series, truth = phantom
    uid = open_cohort(f"dicom:{series}").cases[0].id
    rows = ["seriesuid,coordX,coordY,coordZ,diameter_mm"]
    for lesion in truth.lesions:
        x, y, z = lesion.center_ras_mm
        rows.append(f"{uid},{-x!r},{-y!r},{z!r},{lesion.diameter_mm!r}")
    table = tmp_path / "nodules.csv"
    table.write_text("\n".join(rows))
    (case,) = open_cohort(f"dicom:{series}?labels=table:{table}").cases
    found = case.truth()
    assert found.notes == ()
    for lesion, expected in zip(found.lesions, truth.lesions, strict=True):
        assert (lesion.center_ras_mm, lesion.diameter_mm) == (expected.center_ras_mm, expected.diameter_mm)
    assert found.lesions[0].meaning == LESION


def test_a_phantom_with_a_segmentation_of_its_nodules(phantom, files, tmp_path):
    """Written from the painted masks, read back: the same voxels, centres and sizes."""
    series, truth = phantom
    uid = open_cohort(f"dicom:{series}").cases[0].id
    files.paths[uid] = sorted(series.glob("*.dcm"))
    shape = truth.geometry.shape_kji
    masks = np.stack([lesion.mask.full(shape) for lesion in truth.lesions], axis=-1)
    files.folder = tmp_path / "both"
    shutil.copytree(series, files.folder)
    files.segmentation(uid, masks, labels=[f"Nodule {n}" for n in range(masks.shape[-1])])
    (case,) = open_cohort(f"dicom:{files.folder}?one_lesion=whole").cases
    (image,) = case.images().values()
    assert image.geometry.same_grid(truth.geometry, tolerance_mm=0.01)
    found = case.truth()
    assert len(found.lesions) == len(truth.lesions) > 3
    for lesion, expected in zip(found.lesions, truth.lesions, strict=True):
        assert np.array_equal(lesion.mask.full(shape), expected.mask.full(shape))
        assert lesion.diameter_mm == pytest.approx(expected.diameter_mm, rel=0.35)  # partial volume in coarse voxels
        assert np.linalg.norm(np.subtract(lesion.center_ras_mm, expected.center_ras_mm)) < 2


def test_the_real_pet_with_its_contours(real_data):
    """The tumour's SUV as others published it with the mask (IBSI validation set, same patient)."""
    cohort = open_cohort(f"dicom:{real_data('sts-001')}?modality=PT&structures=GTV_Mass")
    (case,) = cohort.cases
    (lesion,) = case.truth().lesions
    (image,) = case.images().values()
    folder = real_data("sts-petct/STS_001")
    suv, mask = (
        sitk.GetArrayFromImage(sitk.ReadImage(str(folder / f"PET_{name}.nii.gz"))) for name in ("image", "mask")
    )
    found = image.voxels[lesion.mask.slices_kji][lesion.mask.voxels]
    assert image.unit == "SUVbw"
    assert found == pytest.approx(suv[mask > 0], abs=1e-3)
    assert case.patient == patient_key("STS_001", "")


def test_listing_the_kinds_loads_no_heavy_library():
    """The command line names all kinds of cohort without waiting for pydicom and the like."""
    names = ("dicom", "dicomdb")
    code = (
        "import sys; from LesionTrainingLib.cohorts import spec; "
        f"print([spec._kind(name).name for name in {names}], "
        "sorted({'pydicom', 'highdicom', 'scipy', 'cv2', 'torch', 'SimpleITK'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"{list(names)} []"
