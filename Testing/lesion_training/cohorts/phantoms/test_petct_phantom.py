"""The PET/CT phantom: the same for the same seed, its two images of one patient, and organs at their places."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from LesionDetectionLib.core.errors import Cancelled, UsageError
from LesionDetectionLib.core.progress import Progress
from LesionTrainingLib.cohorts.phantoms import cohort as cohorts
from LesionTrainingLib.cohorts.phantoms import petct
from LesionTrainingLib.cohorts.phantoms.chest_settings import ChestSettings
from LesionTrainingLib.cohorts.phantoms.petct_settings import LesionSettings, PetSettings, with_activity
from LesionTrainingLib.cohorts.phantoms.petct_uptake import draw_uptake
from LesionTrainingLib.cohorts.spec import open_cohort

SEED = 3
CHEST = replace(
    petct.TINY,
    ct=replace(petct.TINY.ct, shape_ijk=(84, 66, 44), spacing_mm=(4.2, 4.2, 6.0), vessel_tips=30),
    center_s_mm=-12.0,
    pet=replace(petct.TINY.pet, shape_ijk=(66, 54, 46)),
)
"""The chest only, in voxels as coarse as they may be."""


@pytest.fixture(scope="module")
def a_chest():
    return petct.make_petct(11, CHEST)


@pytest.fixture(scope="module")
def a_body():
    """Case of the cohort, and the phantom that it holds."""
    (case,) = open_cohort(f"phantoms:pet-ct?seeds={SEED}&protocol=tiny&active=yes").cases
    case.images()
    return case, cohorts._made(case, None)


def test_the_same_seed_gives_the_same_bits_on_any_threads(a_chest):
    import cv2

    before = cv2.getNumThreads()
    cv2.setNumThreads(3 if before == 1 else 1)
    try:
        again = petct.make_petct(11, CHEST)
    finally:
        cv2.setNumThreads(before)
    for modality, image in a_chest.images.items():
        assert np.array_equal(again.images[modality].voxels, image.voxels)
        assert np.array_equal(again.images[modality].ijk_to_ras, image.ijk_to_ras)
    assert [x.to_json() for x in again.lesions] == [x.to_json() for x in a_chest.lesions]
    assert [x.to_json() for x in again.inactive] == [x.to_json() for x in a_chest.inactive]
    assert (again.mimics, again.landmarks) == (a_chest.mimics, a_chest.landmarks)


def test_ct_and_pet_have_each_their_unit_and_grid(a_chest):
    ct, pet = a_chest.image, a_chest.others["PT"]
    assert list(a_chest.images) == ["CT", "PT"]
    assert (ct.modality, ct.unit, ct.voxels.dtype) == ("CT", "HU", np.int16)
    assert (pet.modality, pet.unit, pet.voxels.dtype) == ("PT", "SUVbw", np.float32)
    assert ct.name == pet.name == "pet-ct-phantom-0011"
    assert ct.identifiers == pet.identifiers == {"Phantom": "pet-ct"}
    assert not ct.geometry.same_grid(pet.geometry, 1.0)
    assert np.isfinite(pet.voxels).all()
    assert pet.voxels.min() >= 0
    assert set(a_chest.landmarks) == {"heart", "liver"}  # what lies within this field of view


@pytest.mark.parametrize("active", ["yes", "no"])
def test_activity_changes_neither_number_nor_place_nor_size(active, a_chest):
    """The same seed with or without active lesions: a reader of sizes and places alone learns nothing."""
    one = petct.make_petct(11, with_activity(CHEST, active))
    assert (len(one.lesions) > 0) == (active == "yes")
    assert one.kinds == ("active",) * len(one.lesions)

    def told(case):
        return sorted((x.measurements["painted_hu"], x.diameter_mm) for x in (*case.lesions, *case.inactive))

    assert len(told(one)) == len(told(a_chest)) > 1
    np.testing.assert_allclose(told(one), told(a_chest), rtol=0.05)
    inactive = [m for m in one.mimics if m.kind == "inactive-lesion"]
    assert [m.center_ras_mm for m in inactive] == [x.center_ras_mm for x in one.inactive]


def test_pet_shows_each_lesion_where_ct_does():
    """Centroid of the uptake above the lung's, in the noisy PET, against the exact centre: within 2 mm."""
    settings = replace(
        CHEST,
        lesions=LesionSettings(
            number=(4, 4),
            active="yes",
            active_share=1.0,
            diameter_mm=(14.0, 30.0),
            places=(("parenchyma", 1.0),),
            necrotic=0.0,
            suv_active=(12.0, 15.0),
        ),
    )
    case = petct.make_petct(5, settings)
    assert len(case.lesions) >= 3
    pet = case.others["PT"]
    k, j, i = np.indices(pet.shape_kji)
    places = pet.geometry.ras_from_ijk(np.stack([i, j, k], axis=-1))
    for lesion in case.lesions:
        away = np.linalg.norm(places - lesion.center_ras_mm, axis=-1)
        near = (away < lesion.diameter_mm / 2 + 9) & (pet.voxels > 2.5)  # the liver and a heart at rest stay below
        weights = pet.voxels[near]
        centroid = (places[near] * weights[:, None]).sum(axis=0) / weights.sum()
        assert np.linalg.norm(centroid - lesion.center_ras_mm) < 2.0
        assert 5.0 < lesion.measurements["max_suvbw"] < 18.0
        # Total activity is kept by point spread and breathing: the lesion's, and the lung's round it.
        round_it = away < lesion.diameter_mm / 2 + 12
        lung = np.median(pet.voxels[(away < lesion.diameter_mm / 2 + 20) & ~round_it])
        volume = lesion.measurements["volume_mm3"]
        held = (pet.voxels[round_it] - lung).sum() * pet.geometry.voxel_volume_mm3 + lung * volume
        assert held == pytest.approx(lesion.measurements["painted_suvbw"] * volume, rel=0.2)


def test_organs_take_up_what_was_drawn_for_them(a_body):
    _, phantom = a_body
    drawn = draw_uptake(SEED, phantom.settings.pet)
    pet = phantom.others["PT"]
    k, j, i = np.indices(pet.shape_kji)
    places = pet.geometry.ras_from_ijk(np.stack([i, j, k], axis=-1))

    def values(name: str, radius_mm: float) -> np.ndarray:
        return pet.voxels[np.linalg.norm(places - phantom.landmarks[name], axis=-1) < radius_mm]

    assert values("liver", 18).mean() == pytest.approx(drawn["liver"], rel=0.1)
    assert 1.7 < values("liver", 18).mean() < 2.8
    assert values("spleen", 12).mean() == pytest.approx(drawn["spleen"], rel=0.2)
    assert values("bladder", 14).mean() == pytest.approx(drawn["bladder"], rel=0.15)
    assert np.percentile(values("brain", 75), 97) > 0.55 * drawn["brain"]  # its rind is thinner than a voxel here
    for side in ("left", "right"):
        assert values(f"{side} kidney", 30).mean() > 0.6 * drawn["kidney"] > values("liver", 18).mean()
        assert values(f"{side} kidney", 40).max() > 5
    ct = phantom.image
    lung = pet.voxels[_at(pet, ct, (ct.voxels > -950) & (ct.voxels < -750))]
    fat = pet.voxels[_at(pet, ct, (ct.voxels > -125) & (ct.voxels < -85))]
    assert 0.3 < np.median(lung) < 0.8
    assert 0.1 < np.median(fat) < 0.4


def _at(pet, ct, where):
    """The PET's voxels at the inner voxels of a region of the CT."""
    from scipy import ndimage

    k, j, i = np.nonzero(ndimage.binary_erosion(where, iterations=2))
    at = np.rint(pet.geometry.ijk_from_ras(ct.geometry.ras_from_ijk(np.stack([i, j, k], axis=1)))).astype(int)
    return at[:, 2], at[:, 1], at[:, 0]


def test_organs_look_in_ct_as_their_tissue_does(a_body):
    _, phantom = a_body
    voxels = phantom.image.voxels

    def mean(name: str) -> float:
        i, j, k = np.rint(phantom.image.geometry.ijk_from_ras(phantom.landmarks[name])).astype(int)
        return float(voxels[k - 1 : k + 2, j - 1 : j + 2, i - 1 : i + 2].mean())

    assert 30 < mean("liver") < 85
    assert 20 < mean("spleen") < 80
    assert -20 < mean("bladder") < 35
    assert 10 < mean("brain") < 60
    assert voxels[:, :, :4].max() < 0  # the arms are within the field of view


def test_the_cohort_gives_both_images_and_the_active_lesions(a_body):
    case, phantom = a_body
    assert (case.id, case.modalities, case.labelled) == (f"pet-ct-phantom-{SEED:04d}", ("CT", "PT"), True)
    images, truth = case.images(), case.truth()
    assert list(images) == ["CT", "PT"]
    assert len(truth.lesions) == len(phantom.lesions) > 0
    assert truth.kinds == ("active",) * len(truth.lesions)
    assert truth.negatives_ras_mm.shape == (len(phantom.mimics), 3)
    for lesion in truth.lesions:
        assert lesion.mask is not None
        assert images["CT"].geometry.contains_ras(lesion.center_ras_mm)
        inside = images["CT"].voxels[lesion.mask.slices_kji][lesion.mask.voxels]
        assert -320 < inside.mean() < 110


def test_calling_it_off_stops_it():
    progress = Progress(lambda fraction, _: fraction > 0.3 and progress.cancel())
    with pytest.raises(Cancelled):
        petct.make_petct(1, CHEST, progress)


@pytest.mark.parametrize(
    "change",
    [
        lambda: LesionSettings(number=(4, 1)),
        lambda: LesionSettings(diameter_mm=(1.0, 40.0)),
        lambda: LesionSettings(active="perhaps"),
        lambda: LesionSettings(active="yes", number=(0, 2)),
        lambda: LesionSettings(without_active=1.2),
        lambda: LesionSettings(places=(("liver", 1.0),)),
        lambda: PetSettings(spacing_mm=(0.0, 4.0, 4.0)),
        lambda: PetSettings(fwhm_mm=(7.0, 5.0)),
        lambda: PetSettings(noise=-0.1),
        lambda: with_activity(ChestSettings(), "no"),
    ],
)
def test_senseless_settings_are_refused(change):
    with pytest.raises(UsageError):
        change()


def test_what_there_is_not_is_told():
    with pytest.raises(UsageError, match="Only a PET/CT"):
        open_cohort("phantoms:chest?active=yes")
    with pytest.raises(UsageError, match="no phantom protocol “mixed” of pet-ct"):
        open_cohort("phantoms:pet-ct?protocol=mixed")
    with pytest.raises(UsageError, match="seed"):
        petct.make_petct(-1, CHEST)
