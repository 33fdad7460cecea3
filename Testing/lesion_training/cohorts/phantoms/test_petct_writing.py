"""PET/CT phantoms as files: read as a cohort, and through DICOM with SUVbw from the header."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.errors import OutputError, UsageError
from LesionDetectionLib.io.files import read_image
from LesionTrainingLib.cohorts.phantoms import petct
from LesionTrainingLib.cohorts.phantoms.dicom_writing import draw_injection, series_uid
from LesionTrainingLib.cohorts.phantoms.writing import write_phantoms
from LesionTrainingLib.cohorts.spec import open_cohort

SMALL = replace(
    petct.TINY,
    ct=replace(petct.TINY.ct, shape_ijk=(76, 60, 40), spacing_mm=(4.6, 4.6, 6.5), vessel_tips=20),
    center_s_mm=-12.0,
    step_mm=12.0,
    pet=replace(petct.TINY.pet, shape_ijk=(56, 46, 36), spacing_mm=(6.5, 6.5, 7.0)),
)
NAME = "pet-ct-phantom-0021"


@pytest.fixture(scope="module")
def a_case():
    return petct.make_petct(21, replace(SMALL, lesions=replace(SMALL.lesions, active="yes")))


@pytest.fixture(scope="module")
def written(tmp_path_factory, a_case):
    """The case as files, and another without active lesions; without making it anew for each format."""
    folder = tmp_path_factory.mktemp("pet-ct")
    none = petct.make_petct(22, replace(SMALL, lesions=replace(SMALL.lesions, active="no")))
    with pytest.MonkeyPatch.context() as patch:
        made = {21: a_case, 22: none}
        patch.setattr(
            "LesionTrainingLib.cohorts.phantoms.writing.maker", lambda _: (lambda seed, *_: made[seed], SMALL)
        )
        write_phantoms("pet-ct", 21, 2, "nrrd", folder / "nrrd")
        write_phantoms("pet-ct", 21, 1, "dicom", folder / "dicom")
        with pytest.raises(OutputError, match="already holds"):
            write_phantoms("pet-ct", 21, 1, "nrrd", folder / "nrrd")
    return folder


def test_the_folder_is_a_cohort_of_phantoms_with_and_without_lesions(written, a_case):
    cohort = open_cohort(f"folder:{written / 'nrrd'}")
    assert not cohort.left_out
    assert cohort.on_phantoms
    active, none = cohort.cases
    assert (active.id, active.modalities, active.labelled, none.labelled) == (NAME, ("CT", "PT"), True, True)
    images = active.images()
    for modality, image in a_case.images.items():
        assert np.array_equal(images[modality].voxels, image.voxels)
        assert images[modality].geometry.same_grid(image.geometry)
        assert images[modality].unit == image.unit
    found = active.truth().lesions
    assert len(found) == len(a_case.lesions) > 0
    assert sum(x.mask.count for x in found) == sum(x.mask.count for x in a_case.lesions)
    assert none.truth().lesions == ()
    truth = Detections.load(written / "nrrd" / NAME / "CT_mask.json")
    assert [x.measurements for x in truth.lesions] == [x.measurements for x in a_case.lesions]
    kinds = [mimic["kind"] for mimic in truth.provenance["mimics"]]
    assert kinds.count("inactive-lesion") == len(a_case.inactive)


def test_dicom_gives_the_same_suv_and_the_same_frame_of_reference(written, a_case):
    folder = written / "dicom" / NAME
    ct, pet = read_image(folder / "CT"), read_image(folder / "PT")
    assert np.array_equal(ct.voxels, a_case.image.voxels)
    assert ct.geometry.same_grid(a_case.image.geometry)
    made = a_case.others["PT"]
    assert (pet.modality, pet.unit, pet.notes) == ("PT", "SUVbw", ())
    assert pet.geometry.same_grid(made.geometry)
    # Half a step of each slice's own slope, and the header's decimals.
    steps = made.voxels.max(axis=(1, 2), keepdims=True) / 32766
    assert (np.abs(pet.voxels - made.voxels) <= 0.51 * steps + 2e-5 * made.voxels).all()
    assert ct.identifiers["FrameOfReferenceUID"] == pet.identifiers["FrameOfReferenceUID"]
    assert ct.identifiers["StudyInstanceUID"] == pet.identifiers["StudyInstanceUID"]
    assert ct.identifiers["SeriesInstanceUID"] == series_uid(a_case)
    assert pet.identifiers["SeriesInstanceUID"] == series_uid(a_case, "PT") != series_uid(a_case)


def test_the_pet_header_says_what_suv_follows_from(written):
    import pydicom

    first, second = (pydicom.dcmread(written / "dicom" / NAME / "PT" / f"000{n}.dcm") for n in (1, 2))
    injection = draw_injection(21)
    assert (first.Units, first.DecayCorrection, first.NumberOfSlices) == ("BQML", "START", SMALL.pet.shape_ijk[2])
    assert float(first.PatientWeight) == injection.weight_kg
    dose = first.RadiopharmaceuticalInformationSequence[0]
    assert float(dose.RadionuclideTotalDose) == injection.dose_bq
    assert 2e6 < injection.dose_bq / injection.weight_kg < 5e6
    assert first.RescaleSlope != second.RescaleSlope
    assert {"ATTN", "DECY"} <= set(first.CorrectedImage)


def test_a_pet_ct_is_not_written_as_luna16(tmp_path):
    with pytest.raises(UsageError, match="LUNA16"):
        write_phantoms("pet-ct", 0, 1, "luna16", tmp_path / "out", settings=SMALL)
    with pytest.raises(UsageError, match="Only a PET/CT"):
        write_phantoms("chest", 0, 1, "nrrd", tmp_path / "out", active="no")
    assert list(tmp_path.iterdir()) == []
