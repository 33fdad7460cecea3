"""The sphere in the liver: where it is put, what is measured in it, and when there is none."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import PET, SUV_BW, Image
from LesionDetectionLib.imaging.lungs import LungMask, find_lungs
from LesionDetectionLib.imaging.lungs_hull import lung_sides
from LesionDetectionLib.methods.active_pet_ct.liver_reference import find_reference, reference_at
from LesionDetectionLib.methods.active_pet_ct.settings import ActivePetCtSettings
from LesionDetectionLib.methods.active_pet_ct.told import liver_record

from .conftest import Patient

SETTINGS = ActivePetCtSettings(rule="percist")


@pytest.fixture(scope="module")
def seen():
    """A patient with a hot metastasis in the liver."""
    one = Patient().with_lesion((95, 10, -60), 30, 9.0, hu=45)
    return one.ct(), one.pet()


@pytest.fixture(scope="module")
def lungs(seen):
    return find_lungs(seen[0])


def test_it_lies_in_the_liver_away_from_metastasis_and_kidney(seen, lungs):
    found = find_reference(seen[1], seen[0], lungs, SETTINGS)
    assert found.mean == pytest.approx(2.2, rel=0.06)
    assert 0.02 < found.deviation < 0.25
    place = np.array(found.center_ras_mm)
    assert place[0] > 20
    assert np.linalg.norm(place - (95, 10, -60)) > 30
    assert ((place - (75, 5, -75)) ** 2 / np.array([100, 95, 95]) ** 2).sum() < 0.75
    assert found.threshold(SETTINGS) == pytest.approx(1.5 * found.mean + 2 * found.deviation)
    assert found.threshold(dataclasses.replace(SETTINGS, percist_factor=2.0, percist_deviations=0.0)) == 2 * found.mean
    assert "by body weight, where PERCIST wants lean body mass" in found.in_words(SETTINGS)


def test_it_is_told_by_lean_body_mass_where_that_is_known(seen):
    """One factor for liver and lesion: the same lesions pass, whichever of the two is spoken of."""
    pet = dataclasses.replace(seen[1], suv_factors={"SUVlbm": 0.75})
    plain, lean = (reference_at(image, (70.0, 0.0, -80.0), SETTINGS) for image in (seen[1], pet))
    assert lean.threshold(SETTINGS) == plain.threshold(SETTINGS)
    words = lean.in_words(SETTINGS)
    assert f"Least SULmax by PERCIST: {0.75 * plain.threshold(SETTINGS):.2f}, from a liver of SUL" in words
    assert f"by lean body mass. By body weight, as SUV is shown, these are {plain.threshold(SETTINGS):.2f}" in words
    record = liver_record(lean)["liver_reference"]
    assert record["mean_sulbm"] == pytest.approx(0.75 * record["mean_suvbw"], abs=1e-4)
    assert "mean_sulbm" not in liver_record(plain)["liver_reference"]


def test_at_a_given_place_it_is_the_plain_mean_of_the_voxels_in_the_sphere(seen):
    place = (70.0, 0.0, -80.0)
    found = reference_at(seen[1], place, SETTINGS)
    k, j, i = np.indices(seen[1].shape_kji)
    ras = seen[1].geometry.ras_from_ijk(np.stack([i, j, k], axis=-1))
    nearest = seen[1].geometry.ras_from_ijk(np.round(seen[1].geometry.ijk_from_ras(place)))
    inside = seen[1].voxels[np.linalg.norm(ras - nearest, axis=-1) <= 15].astype(float)
    assert found.voxels == len(inside)
    assert found.mean == pytest.approx(inside.mean())
    assert found.deviation == pytest.approx(inside.std(), rel=1e-4)
    assert found.center_ras_mm == place


@pytest.mark.parametrize(
    ("place", "text"), [((0.0, 0.0, 900.0), "does not lie inside the PET"), ((-170.0, -115.0, 0.0), "no uptake")]
)
def test_a_given_place_without_a_liver(seen, place, text):
    empty = seen[1].with_voxels(np.where(seen[1].voxels < 0.3, 0, seen[1].voxels))
    with pytest.raises(InputError, match=text):
        reference_at(empty, place, SETTINGS)


def test_one_lung_alone_does_not_say_where_right_is(seen, lungs):
    right = LungMask(lung_sides(lungs).right, lungs.geometry)
    with pytest.raises(InputError, match=r"only one lung was found.*liver_ras_mm"):
        find_reference(seen[1], seen[0], right, SETTINGS)


def test_no_liver_in_the_scan(seen, lungs):
    ct = seen[0]
    above = int((40 - ct.ijk_to_ras[2, 3]) / 4)
    chest = ct.crop((0, 0, above), (*ct.shape_kji[:0:-1], ct.shape_kji[0] - above))
    with pytest.raises(InputError, match=r"No liver was found.*sphere of 30 mm.*or choose another rule"):
        find_reference(seen[1], chest, find_lungs(chest), SETTINGS)


def test_uptake_that_is_not_even_is_no_liver(seen, lungs):
    ct, pet = seen
    uneven = pet.with_voxels(pet.voxels * np.random.default_rng(0).lognormal(0, 1, pet.shape_kji).astype(np.float32))
    with pytest.raises(InputError, match="not as even as a liver"):
        find_reference(uneven, ct, lungs, SETTINGS)


def test_a_liver_beyond_what_is_usual_is_told():
    image = Image(np.full((20, 20, 20), 5.0, np.float32), np.diag([4.0, 4, 4, 1]), PET, SUV_BW)
    assert "A healthy liver has SUV 1.3 to 3 by body weight" in reference_at(image, (40, 40, 40), SETTINGS).in_words(
        SETTINGS
    )
