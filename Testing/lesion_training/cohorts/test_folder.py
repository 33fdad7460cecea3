"""Folders: scans and labels find each other by name, and the lesions are those of the labels."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from LesionDetectionLib.core.errors import InputError, ModalityError, UsageError
from LesionDetectionLib.core.image import CT, HU, PET, SUV_BW, Image
from LesionDetectionLib.io.files import read_image, write_image
from LesionTrainingLib.cohorts.folder_pairs import channels_of, found_of, group
from LesionTrainingLib.cohorts.phantoms.chest_settings import TINY
from LesionTrainingLib.cohorts.phantoms.writing import write_phantoms
from LesionTrainingLib.cohorts.spec import open_cohort

pytestmark = pytest.mark.usefixtures("phantoms_kept")

MATRIX = np.diag([-1.0, -1.0, 2.0, 1.0])
SHAPE = (6, 20, 24)


def a_scan(path, modality="", low=-1000.0):
    voxels = np.linspace(low, 1000, int(np.prod(SHAPE)), dtype=np.float32).reshape(SHAPE)
    write_image(Image(voxels, MATRIX, modality, {CT: HU, PET: SUV_BW}.get(modality, "")), path)


def labels(*boxes):
    """Value and (first k, j, i), size (k, j, i) of each box."""
    voxels = np.zeros(SHAPE, np.uint8)
    for value, (k, j, i), (nk, nj, ni) in boxes:
        voxels[k : k + nk, j : j + nj, i : i + ni] = value
    return Image(voxels, MATRIX)


TWO = labels((1, (1, 2, 3), (1, 4, 4)), (2, (4, 10, 10), (2, 3, 3)))


def a_folder(tmp_path, *names, masks=TWO):
    """Scans, and labels where the name says so."""
    for name in names:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if any(word in name.lower() for word in ("label", "mask", "seg", "truth")):
            write_image(masks, path)
        else:
            a_scan(path)
    return tmp_path


def opened(path, options=""):
    return open_cohort(f"folder:{path}{options}")


def pairs(cohort):
    """Case -> names of its images and labels."""
    return {
        case.id: (" ".join(p.name for p in case.files), " ".join(p.name for p in case.masks)) for case in cohort.cases
    }


def reasons(cohort):
    return {left.case: left.reason for left in cohort.left_out}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["p1/ct.nrrd", "p1/label.nrrd", "p2/ct.nrrd"], {"p1": ("ct.nrrd", "label.nrrd"), "p2": ("ct.nrrd", "")}),
        (["a.nrrd", "a.truth.nrrd", "b.nrrd"], {"a": ("a.nrrd", "a.truth.nrrd"), "b": ("b.nrrd", "")}),
        (["a.nii.gz", "a_mask.nii.gz"], {"a": ("a.nii.gz", "a_mask.nii.gz")}),
        (["a_image.mha", "a_label.mha"], {"a": ("a_image.mha", "a_label.mha")}),
        (["a-1.nrrd", "a-1-label.nrrd", "a-2.nrrd"], {"a-1": ("a-1.nrrd", "a-1-label.nrrd"), "a-2": ("a-2.nrrd", "")}),
        (["images/a.nii.gz", "masks/a.nii.gz"], {"a": ("a.nii.gz", "a.nii.gz")}),
        (["images/a.nii.gz", "labels/a_seg.nrrd"], {"a": ("a.nii.gz", "a_seg.nrrd")}),
        (["imagesTr/a_0000.nii.gz", "labelsTr/a.nii.gz"], {"a": ("a_0000.nii.gz", "a.nii.gz")}),
        (["imagesTr/a_0000.nrrd", "imagesTr/b_0000.nrrd"], {"a": ("a_0000.nrrd", ""), "b": ("b_0000.nrrd", "")}),
        (["imagesTr/a_0001.nrrd", "labelsTr/a_0001.nrrd"], {"a_0001": ("a_0001.nrrd", "a_0001.nrrd")}),
        (["images/a_0000.nrrd", "labels/a.nrrd"], {"a": ("a_0000.nrrd", "a.nrrd")}),
        (["a_0000.nrrd", "a_0001.nrrd"], {"a_0000": ("a_0000.nrrd", ""), "a_0001": ("a_0001.nrrd", "")}),
        (
            ["a_0000.nrrd", "a_0000_mask.nrrd", "a_0001.nrrd"],
            {"a_0000": ("a_0000.nrrd", "a_0000_mask.nrrd"), "a_0001": ("a_0001.nrrd", "")},
        ),
        (["imagesTr/a_12_0000.nrrd", "labelsTr/a_12.nrrd"], {"a_12": ("a_12_0000.nrrd", "a_12.nrrd")}),
        (["s/scan.nrrd", "s/tumour_mask.nrrd"], {"s": ("scan.nrrd", "tumour_mask.nrrd")}),
        (["segmentation_study/p1/ct.nrrd"], {"segmentation_study_p1": ("ct.nrrd", "")}),
        (
            ["p/CT_a.nrrd", "p/CT_b.nrrd", "p/a_mask.nrrd"],
            {"p_a": ("CT_a.nrrd", "a_mask.nrrd"), "p_b": ("CT_b.nrrd", "")},
        ),
    ],
)
def test_names_that_belong_together(tmp_path, names, expected):
    cohort = opened(a_folder(tmp_path, *names))
    assert pairs(cohort) == expected
    assert not cohort.left_out
    for case in cohort.cases:
        assert case.labelled == bool(case.masks)
        assert len(case.truth().lesions) == 2 * len(case.masks)


def test_the_last_image_without_labels_gets_no_labels_of_another(tmp_path):
    cohort = opened(a_folder(tmp_path, "a.nrrd", "a-label.nrrd", "b.nrrd", "c-label.nrrd"))
    assert pairs(cohort) == {"a": ("a.nrrd", "a-label.nrrd"), "b": ("b.nrrd", "")}
    assert reasons(cohort) == {"c-label.nrrd": "There is no image with this name for these labels."}


def test_patterns_say_what_names_do_not(tmp_path):
    a_folder(tmp_path, "p1/T.nrrd", "p1/x.nrrd")
    write_image(TWO, tmp_path / "p1" / "R.nrrd")
    cohort = opened(tmp_path, "?images=*/T.nrrd&masks=*/R.nrrd")
    assert pairs(cohort) == {"p1_T": ("T.nrrd", "R.nrrd")}
    with pytest.raises(InputError, match=r"no image that fits images=\*/none"):
        opened(tmp_path, "?images=*/none")


def test_a_lesion_for_each_part_or_each_label(tmp_path):
    touching = labels((3, (1, 2, 3), (2, 2, 2)), (5, (3, 4, 5), (1, 2, 2)), (5, (5, 15, 15), (1, 1, 1)))
    a_folder(tmp_path, "a.nrrd", "a.label.nrrd", masks=touching)
    by_part = opened(tmp_path).cases[0].truth().lesions
    assert [lesion.mask.count for lesion in by_part] == [12, 1]
    by_label = opened(tmp_path, "?lesions=labels").cases[0].truth().lesions
    assert [lesion.mask.count for lesion in by_label] == [8, 5]
    chosen = opened(tmp_path, "?values=5").cases[0].truth().lesions
    assert [lesion.mask.count for lesion in chosen] == [4, 1]
    np.testing.assert_allclose(chosen[1].center_ras_mm, (-15, -15, 10))
    np.testing.assert_allclose(chosen[1].box_ras_mm, [(-15.5, -15.5, 9), (-14.5, -14.5, 11)])
    assert chosen[1].measurements == {"volume_mm3": pytest.approx(2)}
    assert opened(tmp_path, "?values=7").cases[0].truth().lesions == ()


def test_labels_without_any_lesion(tmp_path):
    (case,) = opened(a_folder(tmp_path, "a.nrrd", "a.label.nrrd", masks=labels())).cases
    assert case.labelled
    assert case.truth().lesions == ()


def test_labels_on_another_grid(tmp_path):
    """Twice as fine, and turned: the nearest label counts."""
    a_scan(tmp_path / "a.nrrd")
    fine = np.zeros((12, 40, 48), np.uint8)
    fine[2:6, 4:8, 6:12] = 1
    fine[0, 0, 0] = 1  # between the voxels of the scan
    matrix = np.diag([0.5, -0.5, 1.0, 1.0])
    matrix[:3, 3] = (-23.25, 0.25, -0.5)
    write_image(Image(fine, matrix), tmp_path / "a_label.nrrd")
    truth = opened(tmp_path).cases[0].truth()
    (lesion,) = truth.lesions
    assert lesion.mask.voxels.shape == (2, 2, 3)
    assert lesion.mask.count == 12
    expected = (matrix @ (8.5, 5.5, 3.5, 1))[:3]
    np.testing.assert_allclose(lesion.center_ras_mm, expected, atol=1e-6)
    assert "another grid" in truth.notes[0]
    assert "1 lesions lie outside" in truth.notes[1]


def test_labels_elsewhere_are_refused(tmp_path):
    a_scan(tmp_path / "a.nrrd")
    matrix = MATRIX.copy()
    matrix[2, 3] = 500
    write_image(Image(TWO.voxels, matrix), tmp_path / "a_label.nrrd")
    with pytest.raises(InputError, match=r"a_label\.nrrd: None of the labelled voxels lies in the image"):
        opened(tmp_path).cases[0].truth()


@pytest.mark.parametrize("kind", ["scan", "fractions", "damaged", "missing"])
def test_labels_that_are_none(tmp_path, kind):
    a_folder(tmp_path, "a.nrrd", "a_label.nrrd")
    (case,) = opened(tmp_path).cases
    path = tmp_path / "a_label.nrrd"
    if kind == "scan":
        a_scan(path)
    elif kind == "fractions":
        write_image(Image(TWO.voxels * np.float32(0.3), MATRIX), path)
    elif kind == "damaged":
        path.write_bytes(path.read_bytes()[:-20])
    else:
        path.unlink()
    with pytest.raises(InputError, match=r"a_label\.nrrd"):
        case.truth()


def test_a_segmentation_of_slicer(tmp_path):
    import SimpleITK as sitk

    a_scan(tmp_path / "a.nrrd")
    volume = sitk.GetImageFromArray(np.stack([TWO.voxels, (TWO.voxels == 0) & (np.arange(24) == 23)], axis=-1), True)
    volume.SetSpacing((1, 1, 2))
    for n, (layer, value) in enumerate([(0, 1), (0, 2), (1, 1)]):
        volume.SetMetaData(f"Segment{n}_ID", f"Segment_{n}")
        volume.SetMetaData(f"Segment{n}_Layer", str(layer))
        volume.SetMetaData(f"Segment{n}_LabelValue", str(value))
    sitk.WriteImage(volume, str(tmp_path / "a.seg.nrrd"))
    counts = [lesion.mask.count for lesion in opened(tmp_path, "?lesions=labels").cases[0].truth().lesions]
    assert counts == [16, 18, 6 * 20]


def test_pet_and_ct_of_one_patient(tmp_path):
    for modality, name in ((CT, "CT"), (PET, "PET")):
        a_scan(tmp_path / "p1" / f"{name}_image.nrrd", modality)
        write_image(TWO, tmp_path / "p1" / f"{name}_mask.nrrd")
    (case,) = opened(tmp_path).cases
    assert (case.id, case.patient, case.modalities) == ("p1", "p1", (CT, PET))
    assert [path.name for path in case.masks] == ["CT_mask.nrrd"]
    assert {name: image.unit for name, image in case.images().items()} == {CT: HU, PET: SUV_BW}
    (case,) = opened(tmp_path, "?main=PT").cases
    assert tuple(case.images()) == case.modalities == (PET, CT)
    assert [path.name for path in case.masks] == ["PET_mask.nrrd"]


def test_channels_of_nnunet(tmp_path):
    a_folder(tmp_path, "imagesTr/a_0000.nrrd", "imagesTr/a_0001.nrrd", "labelsTr/a.nrrd")
    assert "two of them of one kind" in next(iter(reasons_of_nothing(tmp_path).values()))
    (tmp_path / "dataset.json").write_text(json.dumps({"channel_names": {"0": "PET", "1": "CT"}}))
    (case,) = opened(tmp_path).cases
    assert {m: f.name for m, f in zip(case.modalities, case.files, strict=True)} == {
        CT: "a_0001.nrrd",
        PET: "a_0000.nrrd",
    }


def reasons_of_nothing(path):
    """Why a folder of which no case can be used is not."""
    with pytest.raises(InputError) as caught:
        opened(path)
    return {path: str(caught.value)}


@pytest.mark.parametrize("content", ["", "[1]", '{"channel_names": 3}', "{"])
def test_a_description_that_is_none_changes_nothing(tmp_path, content):
    (tmp_path / "dataset.json").write_text(content)
    assert channels_of(tmp_path) == {}


def test_what_does_not_say_what_it_is(tmp_path):
    a_scan(tmp_path / "a.nrrd", low=0)
    with pytest.raises(ModalityError, match="does not look like a CT"):
        opened(tmp_path).cases[0].images()
    assert opened(tmp_path, "?modality=PT").cases[0].images()[PET].unit == SUV_BW
    a_scan(tmp_path / "a.nrrd", CT)
    with pytest.raises(ModalityError, match="says that it is of modality CT"):
        opened(tmp_path, "?modality=PT").cases[0].images()


def test_the_patient_is_the_folder_or_what_a_pattern_finds(tmp_path):
    a_folder(tmp_path, "p1/a.nrrd", "p1/b.nrrd", "x_7.nrrd", "train/images/c.nrrd")
    cohort = opened(tmp_path)
    assert [(case.id, case.patient, case.split) for case in cohort.cases] == [
        ("p1_a", "p1", ""),
        ("p1_b", "p1", ""),
        ("train_c", "train_c", "training"),
        ("x_7", "x_7", ""),
    ]
    cohort = opened(tmp_path, "?patient=([a-z])_%3F7")
    assert [case.patient for case in cohort.cases] == ["x"]
    assert "finds no patient in p1/a.nrrd" in reasons(cohort)["p1_a"]


def test_scans_of_one_patient_at_several_times_are_never_two_patients(tmp_path):
    for visit in ("2001-02-03", "2004-05-06"):
        a_folder(tmp_path, *(f"PETCT_{n}/{visit}/{name}" for n in (1, 2) for name in ("CTres.nii.gz", "SEG.nii.gz")))
    cohort = opened(tmp_path)
    assert [case.patient for case in cohort.cases] == ["PETCT_1", "PETCT_1", "PETCT_2", "PETCT_2"]
    assert (cohort.notes, cohort.left_out) == ((), ())


def test_where_a_guess_may_part_a_patient_it_is_told(tmp_path):
    a_folder(tmp_path, "p1/x/ct.nrrd", "p1/y/ct.nrrd", "p2/x/ct.nrrd")
    (note,) = opened(tmp_path).notes
    assert "those in “p1” too" in note
    cohort = opened(tmp_path, "?patient=([^/]+)/")
    assert ([case.patient for case in cohort.cases], cohort.notes) == (["p1", "p1", "p2"], ())


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("?patient=p(", "no regular expression"),
        ("?patient=p1", "needs one group"),
        ("?lesions=all", "components, labels"),
        ("?modality=US", "modality is one of"),
        ("?main=US", "main is one of"),
        ("?values=a", "names no labels"),
    ],
)
def test_options_that_make_no_sense(tmp_path, options, sentence):
    with pytest.raises(UsageError, match=sentence):
        opened(a_folder(tmp_path, "a.nrrd"), options)


def test_unlabelled_scans_can_be_left_out(tmp_path):
    a_folder(tmp_path, "a.nrrd", "a_label.nrrd", "b.nrrd")
    assert [case.labelled for case in opened(tmp_path).cases] == [True, False]
    assert opened(tmp_path).cases[1].truth().lesions == ()
    some = opened(tmp_path, "?unlabelled=no")
    assert [case.id for case in some.cases] == ["a"]
    assert "has no labels" in reasons(some)["b"]


def test_what_is_wrong_is_told_and_the_others_go_on(tmp_path):
    a_folder(tmp_path, "good/ct.nrrd", "good/label.nrrd")
    a_folder(tmp_path, "two/ct.nrrd", "two/ct.nii.gz", "lonely_label.nrrd", "masks/m/a.nrrd", "c/a.nrrd", "c_a.nrrd")
    a_folder(tmp_path, "three/ct.nrrd", "three/ct_mask.nrrd", "three/ct_seg.nrrd", ".hidden/ct.nrrd")
    cohort = opened(tmp_path, "?main=CT")
    assert [case.id for case in cohort.cases] == ["c_a", "good"]
    told = reasons(cohort)
    assert "two of them of one kind (two/ct.nii.gz, two/ct.nrrd)" in told["two"]
    assert "no image with this name" in told["lonely_label.nrrd"]
    assert "no image with this name" in told["masks/m/a.nrrd"]
    assert "would have one name" in told["c_a"]
    assert "2 label maps" in told["three"]


def test_folders_that_cannot_be_used(tmp_path):
    with pytest.raises(InputError, match="There is no folder"):
        opened(tmp_path / "none")
    with pytest.raises(InputError, match=r"holds no NIfTI.*a cohort dicom:"):
        opened(tmp_path)
    write_image(TWO, tmp_path / "label.nrrd")
    with pytest.raises(InputError, match="holds no NIfTI"):
        opened(tmp_path)


def test_listing_opens_nothing(tmp_path):
    """Empty files are listed as well as whole ones."""
    for name in ("a.nrrd", "a_label.nrrd"):
        (tmp_path / name).write_text("")
    (case,) = opened(tmp_path).cases
    with pytest.raises(InputError, match="is empty"):
        case.images()
    with pytest.raises(InputError, match="is empty"):
        case.truth()


def test_phantoms_that_the_program_wrote(tmp_path):
    write_phantoms("chest", 1, 2, "nrrd", tmp_path / "made", settings=TINY)
    cohort = opened(tmp_path / "made", "?lesions=labels")
    case, _ = cohort.cases
    assert cohort.on_phantoms
    assert case.id == "chest-phantom-0001"
    truth = json.loads((tmp_path / "made" / "chest-phantom-0001.truth.json").read_text())
    found, made = case.truth().lesions, truth["lesions"]
    assert len(found) == len(made)
    for one, other in zip(found, made, strict=True):
        assert np.linalg.norm(np.subtract(one.center_ras_mm, other["center_ras_mm"])) < 3


def test_groups_do_not_depend_on_the_order_of_files():
    names = ["p1/ct.nrrd", "p1/label.nrrd", "p2/x.nrrd", "p2/y_mask.nrrd", "q.nrrd"]
    found = [found_of(Path(name), "", "") for name in names]
    assert group(found) == group(found[::-1])


def test_the_genuine_pet_and_ct(real_data):
    cohort = opened(real_data("sts-petct"))
    assert [case.patient for case in cohort.cases] == [f"STS_00{n}" for n in range(1, 7)]
    assert not cohort.left_out
    volumes = []
    for case in cohort.cases:
        assert case.modalities == (CT, PET)
        (lesion,) = case.truth().lesions
        volumes.append(lesion.measurements["volume_mm3"] / 1000)
    # Counted with SimpleITK's label statistics on CT_mask.nii.gz.
    np.testing.assert_allclose(volumes, [365.3, 53.3, 80.1, 296.1, 585.0, 260.2], atol=0.05)
    case = opened(real_data("sts-petct"), "?main=PT&limit=1").cases[0]
    images = case.images()
    assert [image.unit for image in images.values()] == [SUV_BW, HU]
    (lesion,) = case.truth().lesions
    assert images[PET].voxels[lesion.mask.slices_kji][lesion.mask.voxels].max() == pytest.approx(7.91, abs=0.01)
    mask = read_image(real_data("sts-petct/STS_001/PET_mask.nii.gz"))
    np.testing.assert_array_equal(lesion.mask.full(mask.shape_kji), mask.voxels > 0)


def test_the_genuine_ct_with_its_label(real_data):
    cohort = opened(real_data("lidc-0314/ct.nrrd").parent)
    assert pairs(cohort) == {"crop": ("crop_ct.nrrd", "crop_label.nrrd"), "ct": ("ct.nrrd", "nodule_label.nrrd")}
    for case in cohort.cases:
        (lesion,) = case.truth().lesions
        np.testing.assert_allclose(lesion.center_ras_mm, (57.2, -131.35, -520.36), atol=0.01)
        assert lesion.measurements["volume_mm3"] == pytest.approx(2075, abs=0.5)
