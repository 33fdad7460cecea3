"""The PET phantom: the same for the same seed, one patient's organs and tumours at their places, and exact masks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionDetectionLib.core.errors import Cancelled, UsageError
from LesionDetectionLib.core.progress import Progress
from LesionTrainingLib.cohorts.phantoms import cohort as cohorts
from LesionTrainingLib.cohorts.phantoms import pet, pet_scan, pet_tumours
from LesionTrainingLib.cohorts.phantoms.nodules import Covered
from LesionTrainingLib.cohorts.phantoms.pet_anatomy import build_anatomy
from LesionTrainingLib.cohorts.phantoms.pet_scene import draw_uptake
from LesionTrainingLib.cohorts.phantoms.pet_settings import PetPhantomSettings, TumourSettings
from LesionTrainingLib.cohorts.spec import open_cohort

LUNG_SEED, OESOPHAGUS_SEED, HEALTHY_SEED, SPREAD_SEED = 0, 1, 1, 2
"""Seeds under ``tiny``, and under ``tiny-mixed``."""


@pytest.fixture(scope="module")
def a_lung():
    return pet.make_pet(LUNG_SEED, pet.TINY)


@pytest.fixture(scope="module")
def an_oesophagus():
    """Case of the cohort, and the phantom that it holds."""
    (case,) = open_cohort(f"phantoms:pet?seeds={OESOPHAGUS_SEED}&protocol=tiny").cases
    case.images()
    return case, cohorts._made(case, None)


@pytest.fixture(scope="module")
def a_spread():
    return pet.make_pet(SPREAD_SEED, pet.TINY_MIXED)


def places_of(image):
    k, j, i = np.indices(image.shape_kji)
    return image.geometry.ras_from_ijk(np.stack([i, j, k], axis=-1))


def test_the_same_seed_gives_the_same_bits_on_any_threads(a_lung):
    import cv2

    before = cv2.getNumThreads()
    cv2.setNumThreads(3 if before == 1 else 1)
    try:
        again = pet.make_pet(LUNG_SEED, pet.TINY)
    finally:
        cv2.setNumThreads(before)
    assert np.array_equal(again.image.voxels, a_lung.image.voxels)
    assert np.array_equal(again.image.ijk_to_ras, a_lung.image.ijk_to_ras)
    assert [x.to_json() for x in again.lesions] == [x.to_json() for x in a_lung.lesions]
    assert again.landmarks == a_lung.landmarks


def test_a_seed_stays_the_patient_that_it_was(a_lung):
    """Not its bits, which another processor's exponential may change, but what it shows to a fraction of a percent."""
    (tumour,) = a_lung.lesions
    told = tumour.measurements
    assert a_lung.image.shape_kji == (168, 72, 96)
    np.testing.assert_allclose(
        [*tumour.center_ras_mm, tumour.diameter_mm, told["painted_suvbw"], told["heterogeneity"]],
        [-47.99, -72.48, 3.95, 35.015, 7.4721, 0.4172],
        rtol=2e-3,
    )
    np.testing.assert_allclose(a_lung.image.voxels.mean(), 0.260908, rtol=2e-3)


def test_it_is_a_pet_alone(a_lung):
    image = a_lung.image
    assert list(a_lung.images) == ["PT"]
    assert (image.modality, image.unit, image.voxels.dtype) == ("PT", "SUVbw", np.float32)
    assert (image.name, image.identifiers) == ("pet-phantom-0000", {"Phantom": "pet"})
    assert np.isfinite(image.voxels).all()
    assert image.voxels.min() == 0
    assert {"heart", "liver", "bladder", "brain", "left kidney"} <= set(a_lung.landmarks)
    assert float(image.voxels[:, :3].max()) < 0.1, "neither table nor body reaches the edge"


def test_a_patient_has_one_tumour_and_its_label(a_lung, an_oesophagus):
    _, other = an_oesophagus
    for case, label in ((a_lung, "lung"), (other, "oesophagus")):
        assert (case.label, case.kinds) == (label, (label,))
        (tumour,) = case.lesions
        inside = case.image.voxels[tumour.mask.slices_kji][tumour.mask.voxels]
        assert tumour.measurements["max_suvbw"] == inside.max() > 3
        assert inside.mean() > 0.3 * tumour.measurements["painted_suvbw"]
        np.testing.assert_allclose(tumour.mask.centroid_ras_mm(case.image.geometry), tumour.center_ras_mm, atol=3)
        assert tumour.mask.voxels.sum() * case.image.geometry.voxel_volume_mm3 == pytest.approx(
            tumour.measurements["volume_mm3"], rel=0.15
        )


def test_half_have_each_tumour_and_a_fifth_of_the_mixed_none():
    labels = [pet_tumours.label_of(seed, pet.TINY.tumours) for seed in range(400, 420)]
    assert all({*labels[n : n + 2]} == {"lung", "oesophagus"} for n in range(0, 20, 2))
    mixed = [pet_tumours.label_of(seed, pet.MIXED.tumours) for seed in range(400, 420)]
    assert [mixed[n : n + 5].count("none") for n in range(0, 20, 5)] == [1, 1, 1, 1]
    assert all(one in (other, "none") for one, other in zip(mixed, labels, strict=True))


def test_a_healthy_patient_has_organs_and_no_tumour():
    case = pet.make_pet(HEALTHY_SEED, pet.TINY_MIXED)
    assert (case.label, case.lesions, case.kinds) == ("none", (), ())
    drawn = draw_uptake(HEALTHY_SEED, pet.TINY)
    places = places_of(case.image)

    def values(name, radius_mm):
        return case.image.voxels[np.linalg.norm(places - case.landmarks[name], axis=-1) < radius_mm]

    assert values("liver", 18).mean() == pytest.approx(drawn["liver"], rel=0.12)
    assert values("spleen", 12).mean() == pytest.approx(drawn["spleen"], rel=0.25)
    assert values("bladder", 12).mean() == pytest.approx(drawn["bladder"], rel=0.25)
    assert np.percentile(values("brain", 75), 97) > 0.5 * drawn["brain"]
    for side in ("left", "right"):
        assert values(f"{side} kidney", 30).mean() > 0.6 * drawn["kidney"]
    anatomy = build_anatomy(HEALTHY_SEED, pet.TINY)
    some = places[::3, ::3, ::3]
    lung = case.image.voxels[::3, ::3, ::3][anatomy.grid.sample(anatomy.body.lung, some) < -15]
    assert len(lung) > 100
    assert 0.2 < np.median(lung) < 0.9


def test_metastases_lie_apart_from_the_primary_which_is_the_largest(a_spread):
    assert a_spread.kinds[0] == a_spread.label == "lung"
    assert set(a_spread.kinds[1:]) == {"metastasis"}
    sizes = [lesion.measurements["volume_mm3"] for lesion in a_spread.lesions]
    assert sizes[0] == max(sizes)
    taken = np.zeros(a_spread.image.shape_kji, dtype=int)
    for lesion in a_spread.lesions:
        taken[lesion.mask.slices_kji] += lesion.mask.voxels
    assert taken.max() == 1


def test_a_tumour_of_the_oesophagus_lies_along_it(an_oesophagus):
    _, case = an_oesophagus
    (tumour,) = case.lesions
    points, _ = build_anatomy(OESOPHAGUS_SEED, pet.TINY).gullet
    kji = np.argwhere(tumour.mask.voxels)
    voxels = case.image.geometry.ras_from_ijk(kji[:, ::-1] + np.array(tumour.mask.start_ijk))
    away = np.sqrt(((voxels[:, None] - points[None]) ** 2).sum(axis=-1)).min(axis=1)
    assert np.percentile(away, 90) < 28
    assert np.ptp(voxels[:, 2]) > 1.2 * np.ptp(voxels[:, 0])


def test_the_cohort_gives_image_tumour_and_label(an_oesophagus):
    case, phantom = an_oesophagus
    assert (case.id, case.modalities, case.labelled) == ("pet-phantom-0001", ("PT",), True)
    truth = case.truth()
    assert (truth.label, truth.kinds) == ("oesophagus", ("oesophagus",))
    assert truth.lesions == phantom.lesions


def test_the_pets_own_grid_lies_on_the_scenes():
    """The slices of a layer have their middle in the layer's, and rows and columns are the scene's."""
    own = replace(pet.TINY, layers=3, spacing_mm=(5.6, 5.6, 2.0))
    anatomy = build_anatomy(4, own)
    geometry = pet._pet_geometry(anatomy, own)
    for n in (0, 7):
        slices = geometry.ras_from_ijk([(2, anatomy.first_row + 1, 3 * n + m) for m in range(3)])
        np.testing.assert_allclose(slices.mean(axis=0), anatomy.grid.geometry.ras_from_ijk((2, 1, n)), atol=1e-4)
    assert geometry.spacing_mm == pytest.approx((5.6, 5.6, 2.0))


@settings(max_examples=40, deadline=None)
@given(
    layers=st.integers(1, 3),
    start=st.tuples(st.integers(0, 6), st.integers(2, 5), st.integers(0, 4)),
    seed=st.integers(0, 99),
)
def test_painting_keeps_the_activity(layers, start, seed):
    rng = np.random.default_rng(seed)
    share, uptake = rng.random((4, 3, 2)).astype(np.float32), rng.uniform(1, 9, (4, 3, 2)).astype(np.float32)
    k, j, i = start
    covered = Covered(share, (slice(k, k + 4), slice(j, j + 3), slice(i, i + 2)), 0.0, np.zeros(3))
    one = pet_tumours.Painted(None, "lung", covered, uptake)  # type: ignore[arg-type]
    scene = np.zeros((12, 9, 8), dtype=np.float32)
    pet_tumours._paint(one, scene, 2, layers)
    assert scene.sum() * layers == pytest.approx(float((share * uptake).sum()), rel=1e-4)
    assert np.argwhere(scene)[:, 1].min() == j - 2
    full = np.full((12, 9, 8), 5.0, dtype=np.float32)
    pet_tumours._paint(replace(one, uptake=np.full_like(uptake, 5.0)), full, 2, layers)
    np.testing.assert_allclose(full, 5.0, rtol=1e-5)


@settings(max_examples=30, deadline=None)
@given(layers=st.integers(1, 4), slope=st.floats(-2, 2))
def test_slices_between_layers_lie_on_a_line(layers, slope):
    ramp = (slope * np.arange(6, dtype=np.float32))[:, None, None] * np.ones((1, 2, 3), np.float32)
    out = pet_scan._sliced(ramp, layers)
    at = np.clip((np.arange(6 * layers) + 0.5) / layers - 0.5, 0, 5)
    np.testing.assert_allclose(out[:, 1, 2], slope * at, atol=1e-4)


def test_calling_it_off_stops_it():
    progress = Progress(lambda fraction, _: fraction > 0.3 and progress.cancel())
    with pytest.raises(Cancelled):
        pet.make_pet(1, pet.TINY, progress)


@pytest.mark.parametrize(
    "change",
    [
        lambda: TumourSettings(lung_mm=(40.0, 20.0)),
        lambda: TumourSettings(lung_mm=(1.0, 20.0)),
        lambda: TumourSettings(length_mm=(20.0, 400.0)),
        lambda: TumourSettings(without=6),
        lambda: TumourSettings(with_metastases=1.5),
        lambda: TumourSettings(lung_places=(("liver", 1.0),)),
        lambda: PetPhantomSettings(spacing_mm=(0.0, 4.0, 4.0)),
        lambda: PetPhantomSettings(fwhm_mm=(7.0, 5.0)),
        lambda: PetPhantomSettings(layers=0),
        lambda: PetPhantomSettings(patient_size=(0.2, 1.0)),
        lambda: PetPhantomSettings(arms_up=-0.5),
        lambda: PetPhantomSettings(uptake=(("liver", 3.0, 2.0),)),
        lambda: pet.make_pet(-1, pet.TINY),
        lambda: open_cohort("phantoms:pet?protocol=fast"),
        lambda: open_cohort("phantoms:pet?active=no"),
    ],
)
def test_what_makes_no_sense_is_refused(change):
    with pytest.raises(UsageError):
        change()
