"""Whose lesion is measured, on which grid."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionDetectionLib.core.detections import Detections, OperatingPoint
from LesionDetectionLib.core.errors import InputError, ModalityError
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.core.lesion import Lesion, Mask
from LesionTrainingLib.cohorts.spec import open_cohort
from LesionTrainingLib.radiomics.masks import joined_mask, mask_files, masked_cases, on_grid
from LesionTrainingLib.radiomics.settings import ALL, LARGEST
from radiomics_samples import ball, write_cohort

GRID = Geometry((14, 14, 14), np.diag([4.0, 4.0, 4.0, 1.0]))


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cohort")
    return open_cohort(write_cohort(folder, 3))


def small(at, size=2):
    full = np.zeros(GRID.shape_kji, dtype=bool)
    full[tuple(slice(start, start + size) for start in at)] = True
    return full


def test_of_several_lesions_the_largest_or_all():
    one, two = small((1, 2, 3)), small((6, 6, 6), 4)
    masks = [Mask.from_full(one), None, Mask.from_full(two)]
    np.testing.assert_array_equal(joined_mask(masks, LARGEST, GRID).full(GRID.shape_kji), two)
    np.testing.assert_array_equal(joined_mask(masks, ALL, GRID).full(GRID.shape_kji), one | two)


@pytest.mark.parametrize(
    ("masks", "words"),
    [
        ([], "has no lesion"),
        ([None], "no masks, only places"),
        ([Mask(np.ones((2, 2, 2), dtype=bool), (13, 0, 0))], "same scan"),
    ],
)
def test_what_is_no_mask_is_told(masks, words):
    with pytest.raises(InputError, match=words):
        joined_mask(masks, LARGEST, GRID)


@settings(max_examples=25)
@given(
    st.tuples(*[st.sampled_from([1.5, 2.0, 4.0, 5.0])] * 3),
    st.tuples(*[st.floats(-12, 12)] * 3),
    st.tuples(*[st.sampled_from([-1, 1])] * 3),
)
def test_on_another_grid_each_voxel_is_as_the_nearest(spacing, shift, signs):
    """Beside the plain way: look at every voxel of the other grid."""
    matrix = np.diag([*(size * sign for size, sign in zip(spacing, signs, strict=True)), 1.0])
    matrix[:3, 3] = np.array(shift) + np.where(np.array(signs) < 0, 50, 0)
    target = Geometry((13, 15, 17), matrix)
    mask = ball(3.0)
    k, j, i = np.indices(target.shape_kji)
    there = np.rint(GRID.ijk_from_ras(target.ras_from_ijk(np.stack([i, j, k], axis=-1)))).astype(int)
    valid = ((there >= 0) & (there < 14)).all(axis=-1)
    a, b, c = np.moveaxis(np.where(valid[..., None], there, 0), -1, 0)
    expected = mask[c, b, a] & valid
    if expected.any():
        np.testing.assert_array_equal(on_grid(Mask.from_full(mask), GRID, target), expected)
    else:
        with pytest.raises(InputError, match="not of the same place"):
            on_grid(Mask.from_full(mask), GRID, target)


def test_the_cohorts_own_labels(cohort):
    cases, left_out = masked_cases(cohort, None, "")
    assert ([case.id for case in cases], left_out) == (["c0", "c1", "c2"], [])
    image, mask = cases[0].measured(LARGEST)
    assert (image.modality, image.unit) == ("PT", "SUVbw")
    assert mask.shape == image.shape_kji
    assert (image.voxels[mask] > 1).all()
    with pytest.raises(ModalityError, match="no image of modality CT, only PT"):
        masked_cases(cohort, None, "CT")[0][0].measured(LARGEST)


def test_detections_in_a_folder_at_their_operating_point(cohort, tmp_path):
    sure, unsure = (
        Lesion((0.0, 0.0, 0.0), 8.0, score, mask=Mask.from_full(full))
        for score, full in ((0.9, small((1, 2, 3))), (0.2, small((6, 6, 6), 4)))
    )
    grid = cohort.cases[0].images()["PT"].geometry
    found = Detections((sure, unsure), grid, "some", operating_point=OperatingPoint("sure", 0.5))
    (tmp_path / "c1").mkdir()
    found.save(tmp_path / "c1" / "detections.json")
    (case,), left_out = masked_cases(cohort, tmp_path, "PT")
    np.testing.assert_array_equal(case.measured(LARGEST)[1], small((1, 2, 3)))
    assert [(one.case, one.reason) for one in left_out] == [
        (name, f"{tmp_path.name} has nothing of it.") for name in ("c0", "c2")
    ]
    assert case.sources()[-1] == tmp_path / "c1" / "detections.json"


def test_label_maps_in_a_folder(cohort, tmp_path):
    image = sitk.GetImageFromArray(ball(3.0).astype(np.uint8))
    image.SetSpacing((4.0, 4.0, 4.0))
    sitk.WriteImage(image, str(tmp_path / "c2.nii.gz"))
    (tmp_path / "other.json").write_text("{}")
    assert list(mask_files(tmp_path)) == ["c2"]
    (case,), _ = masked_cases(cohort, tmp_path, "")
    np.testing.assert_array_equal(case.measured(LARGEST)[1], ball(3.0))


def test_of_a_patient_the_first_case_is_measured(cohort):
    same = replace(cohort, cases=tuple(replace(case, patient="one") for case in cohort.cases))
    cases, left_out = masked_cases(same, None, "")
    assert [case.id for case in cases] == ["c0"]
    assert left_out[0].reason == "The patient's case c0 comes first."


def test_folders_without_masks_are_told(cohort, tmp_path):
    with pytest.raises(InputError, match="no folder"):
        masked_cases(cohort, tmp_path / "none", "")
    with pytest.raises(InputError, match="holds no masks"):
        masked_cases(cohort, tmp_path, "")
    sitk.WriteImage(sitk.GetImageFromArray(ball(1.0).astype(np.uint8)), str(tmp_path / "stranger.nrrd"))
    with pytest.raises(InputError, match=r"No case of .* is in"):
        masked_cases(cohort, tmp_path, "")
