"""Features are those of the IBSI; what cannot be measured is told; nobody else hears of MIRP."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionDetectionLib.core.errors import DependencyError, GeometryError, InputError, ModalityError, UsageError
from LesionDetectionLib.core.image import BQ_PER_ML, CT, HU, MR, PET, understood_as
from LesionDetectionLib.io.files import read_image
from LesionTrainingLib.radiomics import dependencies
from LesionTrainingLib.radiomics.features import features_of
from LesionTrainingLib.radiomics.settings import FeatureSettings, RadiomicsSettings, StudySettings, preset
from radiomics_samples import IBSI, IBSI_MASK, ball, image_of, lesion

QUICK = FeatureSettings(families=("statistics",), spacing_mm=0.0, least_voxels=8)

PUBLISHED = {
    "morph_volume": 556,
    "morph_vol_approx": 592,
    "morph_area_mesh": 388,
    "morph_sphericity": 0.843,
    "morph_diam": 13.1,
    "morph_pca_maj_axis": 11.4,
    "morph_pca_flatness": 0.749,
    "morph_vol_dens_conv_hull": 0.961,
    "morph_moran_i": 0.0397,
    "morph_geary_c": 0.974,
    "loc_peak_loc": 2.6,
    "loc_peak_glob": 3.1,
    "stat_mean": 2.15,
    "stat_var": 3.05,
    "stat_skew": 1.08,
    "stat_kurt": -0.355,
    "stat_p90": 4,
    "stat_max": 6,
    "stat_energy": 567,
    "stat_qcod": 0.6,
    "ih_mode_fbn_n6": 1,
    "cm_joint_max_d1_3d_v_mrg_fbn_n6": 0.509,
    "cm_joint_entr_d1_3d_v_mrg_fbn_n6": 2.57,
    "cm_contrast_d1_3d_v_mrg_fbn_n6": 5.12,
    "cm_corr_d1_3d_v_mrg_fbn_n6": 0.183,
    "cm_info_corr1_d1_3d_v_mrg_fbn_n6": -0.0288,
    "rlm_sre_3d_v_mrg_fbn_n6": 0.729,
    "rlm_r_perc_3d_v_mrg_fbn_n6": 0.68,
    "szm_sze_3d_fbn_n6": 0.255,
    "szm_z_perc_3d_fbn_n6": 0.0676,
    "dzm_hgze_3d_fbn_n6": 15.6,
    "ngt_coarseness_3d_fbn_n6": 0.0296,
    "ngt_busyness_3d_fbn_n6": 6.54,
    "ngl_lde_d1_a0.0_3d_fbn_n6": 0.045,
    "ngl_dc_energy_d1_a0.0_3d_fbn_n6": 0.0533,
}
"""Benchmarks of the IBSI for its digital phantom, 3D, matrices merged (reference manual, chapter 5). Six bins between its values 1
and 6 leave its grey levels as they are."""


def test_the_published_values_of_the_digital_phantom():
    asked = FeatureSettings(spacing_mm=0.0, pet_bin_width_suv=0.0, bins=6, least_voxels=74)
    found = features_of(image_of(IBSI, 2.0), IBSI_MASK, asked)
    for name, value in PUBLISHED.items():
        assert f"{found[name]:.3g}" == f"{value:.3g}", name
    assert all(type(value) is float for value in found.values())
    assert len(found) > 150


def test_moved_in_a_large_scan_it_is_the_same_lesion():
    """The grid that it is resampled to lies about its middle."""
    voxels, mask = lesion(True, 3)
    settings = FeatureSettings(families=("statistics", "glcm"), spacing_mm=3.0)
    wide = np.full((60, 44, 50), 0.4, dtype=np.float32)
    inside, moved = np.zeros(wide.shape, dtype=bool), np.zeros(wide.shape, dtype=bool)
    other = wide.copy()
    wide[20:34, 20:34, 20:34], inside[20:34, 20:34, 20:34] = voxels, mask
    other[23:37, 15:29, 17:31], moved[23:37, 15:29, 17:31] = voxels, mask
    first, second = features_of(image_of(wide), inside, settings), features_of(image_of(other), moved, settings)
    assert second == pytest.approx(first, rel=1e-6)


@settings(max_examples=3)
@given(st.permutations(range(3)), st.tuples(st.booleans(), st.booleans(), st.booleans()))
def test_however_the_axes_run_it_is_the_same_lesion(order, flips):
    """By slices: what the axial ones are depends on where the axes point."""
    voxels, mask = lesion(True, 1)
    asked = replace(QUICK, families=("statistics", "ngtdm"), by_slice=True)
    image = image_of(voxels)
    expected = features_of(image, mask, asked)
    matrix = image.ijk_to_ras[:, [*order, 3]].copy()  # the new axis n is the old order[n]
    array_axes = [2 - order[2 - axis] for axis in range(3)]
    turned, its_mask = voxels.transpose(array_axes), mask.transpose(array_axes)
    for axis in range(3):
        if flips[axis]:
            matrix[:3, 3] += matrix[:3, axis] * (turned.shape[2 - axis] - 1)
            matrix[:3, axis] *= -1
            turned, its_mask = np.flip(turned, 2 - axis), np.flip(its_mask, 2 - axis)
    found = features_of(replace(image, voxels=turned.copy(), ijk_to_ras=matrix), its_mask.copy(), asked)
    assert found == pytest.approx(expected, rel=1e-5)


def test_both_kinds_of_bins_stand_beside_each_other():
    voxels, mask = lesion(True, 2)
    found = features_of(image_of(voxels), mask, replace(QUICK, families=("glcm",), bins=16))
    assert {name.rpartition("fb")[2] for name in found} == {"s_w0.5", "n_n16"}


def test_a_ct_has_bins_of_its_own():
    voxels, mask = lesion(True, 2)
    image = image_of(voxels * 50 - 100, modality=CT, unit=HU)
    found = features_of(image, mask, replace(QUICK, families=("glcm", "statistics")))
    assert found["stat_min"] == pytest.approx(np.rint(image.voxels[mask].min()), abs=1)
    assert any(name.endswith("fbs_w25.0") for name in found)
    unsaid = replace(image, voxels=image.voxels - 400, modality="", unit="")
    told = features_of(unsaid, mask, QUICK)
    assert told["stat_mean"] == pytest.approx(found["stat_mean"] - 400, abs=1), "what is below -200 is no PET"


def test_a_single_voxel_leaves_some_features_undefined():
    voxels, _ = lesion(True, 2)
    found = features_of(
        image_of(voxels), ball(0.9, centre=[7, 7, 7]), replace(QUICK, families=("statistics", "glcm"), least_voxels=1)
    )
    assert np.isnan(list(found.values())).any()


@pytest.mark.parametrize(
    ("change", "mask", "error", "words"),
    [
        ({"unit": BQ_PER_ML}, None, ModalityError, "need SUVbw"),
        ({"modality": MR, "unit": ""}, None, ModalityError, "of PET"),
        ({}, np.zeros((14, 14, 14), dtype=bool), InputError, "has 0 voxels, fewer than the 8"),
        ({}, np.ones((3, 3, 3), dtype=bool), InputError, "does not fit"),
        (
            {"ijk_to_ras": np.array([[4, 2, 0, 0], [0, 4, 0, 0], [0, 0, 4, 0], [0, 0, 0, 1.0]])},
            None,
            GeometryError,
            "right angles",
        ),
    ],
)
def test_what_cannot_be_measured_is_told(change, mask, error, words):
    voxels, own = lesion(True, 2)
    with pytest.raises(error, match=words):
        features_of(replace(image_of(voxels), **change), own if mask is None else mask, QUICK)


def test_voxels_that_are_no_numbers_are_told_where_they_matter():
    voxels, mask = lesion(True, 2)
    voxels[7, 7, 7] = np.nan
    with pytest.raises(InputError, match="not numbers"):
        features_of(image_of(voxels), mask, QUICK)


def test_a_lesion_that_resampling_loses_is_told():
    voxels, _ = lesion(True, 2)
    for families in (("statistics",), ("statistics", "morphology")):  # MIRP gives nothing, or stumbles
        with pytest.raises(InputError, match="too small for a spacing of 9 mm"):
            asked = replace(QUICK, families=families, spacing_mm=9.0, least_voxels=1)
            features_of(image_of(voxels), ball(0.5, centre=[7, 7, 7]), asked)


def test_grey_levels_need_bins():
    voxels, mask = lesion(True, 2)
    with pytest.raises(UsageError, match="need a bin width for PT"):
        features_of(image_of(voxels), mask, replace(QUICK, families=("glcm",), pet_bin_width_suv=0.0))


def test_nobody_else_hears_of_it(capsys):
    root = logging.getLogger()
    before = list(root.handlers), root.level
    voxels, mask = lesion(False, 2)
    features_of(image_of(voxels), mask, QUICK)
    assert capsys.readouterr() == ("", "")
    assert (list(root.handlers), root.level) == before


def test_without_mirp_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setattr(dependencies, "find_spec", lambda name: None)
    voxels, mask = lesion(False, 2)
    with pytest.raises(DependencyError, match=r'MIRP.*pip install "slicer-lesion-detection\[radiomics\]"'):
        features_of(image_of(voxels), mask, QUICK)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: FeatureSettings(families=("shape",)), "no family of features “shape”"),
        (lambda: FeatureSettings(families=()), "No family"),
        (lambda: FeatureSettings(lesion="second"), "largest, all"),
        (lambda: FeatureSettings(spacing_mm=float("nan")), "spacing_mm"),
        (lambda: StudySettings(classifier="magic"), "logistic, forest, rpet-net"),
        (lambda: StudySettings(folds=1), "at least 2"),
        (lambda: StudySettings(features=(0, 2)), "“features” needs values above 0"),
        (lambda: preset("slow"), "no preset"),
    ],
)
def test_settings_that_make_no_sense_are_told(make, words):
    with pytest.raises(UsageError, match=words):
        make()
    assert preset("") == RadiomicsSettings()


def test_a_sarcoma_in_a_real_pet(real_data):
    """What can be said of the tumour without MIRP is what MIRP says."""
    folder = real_data("sts-petct/STS_002")
    image = understood_as(read_image(folder / "PET_image.nii.gz"), PET)
    mask = read_image(folder / "PET_mask.nii.gz").voxels > 0
    found = features_of(image, mask, replace(QUICK, families=("statistics", "morphology")))
    values = image.voxels[mask].astype(np.float64)
    assert found["stat_max"] == values.max()
    assert found["stat_mean"] == pytest.approx(values.mean(), rel=1e-6)
    assert found["morph_vol_approx"] == pytest.approx(mask.sum() * image.geometry.voxel_volume_mm3, rel=1e-4)
    coarse = features_of(image, mask, FeatureSettings(families=("statistics", "morphology")))
    assert coarse["morph_volume"] == pytest.approx(found["morph_volume"], rel=0.05)
    assert not np.isnan(list(coarse.values())).any()
