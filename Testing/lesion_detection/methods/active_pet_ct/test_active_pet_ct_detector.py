"""The whole method on a patient of ellipsoids: what it finds, what it leaves out, and what it says of that."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.detector import method
from LesionDetectionLib.core.errors import Cancelled, InputError, UsageError
from LesionDetectionLib.core.image import CT, PET, Image
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.active_pet_ct.settings import ActivePetCtSettings
from scipy.spatial.transform import Rotation

from .conftest import Patient, grid

LESIONS = {  # centre, diameter, SUV
    "in the lung": ((95, -10, 100), 26, 8.0),
    "at the hilum": ((42, 10, 110), 24, 7.0),
    "at the wall": ((-122, -25, 70), 22, 6.0),
    "at the heart": ((-85, 62, 92), 32, 5.0),
}
CHEST = (5, 5, 4), (-200, -140, -130), (200, 140, 210)
FAINT = ((75, 35, 140), 24, 2.3)
HEART, LIVER, LEFT_LOBE = (-52, 32, 20), (75, 5, -75), (-30, 40, -70)
KIDNEY, BLADDER, BRAIN = (50, -62, -85), (0, 20, -270), (0, 0, 270)


def detect(images, **values):
    return method("active-pet-ct").create(None).detect(images, ActivePetCtSettings(**values))


def named(detections, places, within_mm=14.0):
    """What each reported lesion is: the name of the nearest place, or the place itself."""
    names = []
    for lesion in filter(detections.passing, detections.lesions):
        near = {name: np.linalg.norm(np.subtract(lesion.center_ras_mm, place)) for name, place in places.items()}
        best = min(near, key=near.get)
        names.append(best if near[best] < within_mm else lesion.center_ras_mm)
    return names


PLACES = {name: place for name, (place, _, _) in LESIONS.items()}


@pytest.fixture(scope="module")
def ill():
    one = Patient()
    for lesion in (*LESIONS.values(), FAINT):
        one.with_lesion(*lesion)
    return one


@pytest.fixture(scope="module")
def images(ill):
    return {CT: ill.ct(), PET: ill.pet(grid(*CHEST))}


@pytest.fixture(scope="module")
def found(images):
    return detect(images)


def test_all_four_lesions_and_nothing_else_the_most_avid_first(found):
    assert named(found, PLACES) == list(LESIONS)
    assert [lesion.score for lesion in found.lesions] == sorted(
        (lesion.score for lesion in found.lesions), reverse=True
    )


def test_what_is_measured(found, images):
    pet = images[PET]
    for lesion, (_, diameter, suv) in zip(found.lesions, LESIONS.values(), strict=True):
        inside = pet.voxels[lesion.mask.full(pet.shape_kji)]
        values = lesion.measurements
        assert values["max_suvbw"] == lesion.score == inside.max() == pytest.approx(suv, rel=0.25)
        assert values["mean_suvbw"] == pytest.approx(inside.mean(), rel=1e-5)
        assert values["mean_suvbw"] < values["peak_suvbw"] < values["max_suvbw"]
        assert values["mtv_ml"] == pytest.approx(lesion.mask.count * 0.1, rel=1e-2)
        assert values["mtv_ml"] == pytest.approx(np.pi / 6 * diameter**3 / 1000, rel=0.4)
        assert values["tlg_g"] == pytest.approx(values["mtv_ml"] * values["mean_suvbw"])
        assert lesion.evidence == ((lesion.score, values["mtv_ml"]),)
        assert inside.min() >= 0.41 * lesion.score * (1 - 1e-6)
        assert lesion.method == "active-pet-ct"


def test_the_heart_is_left_out_and_that_is_told(found):
    (record,) = found.provenance["left_out"]
    assert np.linalg.norm(np.subtract(record["peak_ras_mm"], HEART)) < 45
    (told,) = (text for text in found.warnings if text.startswith("Left out"))
    assert f"of SUVmax {record['max_suvbw']:.1f}" in told
    assert "heart, liver, spleen, stomach or kidney" in told


def test_the_hull_alone_holds_the_heart(images):
    everything = detect(images, organs_thicker_mm=0.0)
    assert named(everything, {**PLACES, "heart": HEART}) == ["heart", *LESIONS]
    assert everything.provenance["left_out"] == []


def test_kidneys_as_high_as_the_lungs_recesses():
    """A sickle of lung around liver and kidney has both in its hull: they are left out as thick tissue."""
    one = Patient()
    one.parts = [part for part in one.parts if part[0] not in (LIVER, KIDNEY)]
    at = next(n for n, part in enumerate(one.parts) if part[0] == LEFT_LOBE)
    kidney = (60, -40, -60)
    one.parts[at:at] = [
        ((78, 0, -40), (150, 195, 230), -850, 0.5),
        ((78, 0, -40), (105, 145, 200), 55, 2.2),
        (kidney, (45, 45, 80), 30, 14.0),
    ]
    images = {CT: one.ct(), PET: one.pet(grid(*CHEST))}
    bare = {"organs_thicker_mm": 0.0, "least_share_inside": 0.0, "least_lung_share": 0.0}
    assert "kidney" in named(detect(images, **bare), {"kidney": kidney})
    ordinary = detect(images)
    assert named(ordinary, PLACES) == []
    told = [record["max_suvbw"] for record in ordinary.provenance["left_out"]]
    assert len(told) == 2
    assert max(told) > 12


def test_a_lesion_on_the_dome_of_a_lively_liver_does_not_become_liver():
    """41 % of its SUVmax is less than the liver has: it would flow into it, and be left out as such."""
    place = (85, 0, 34)
    one = Patient().with_lesion(place, 30, 4.8)
    one.parts = [(*part[:3], 2.6) if part[0] in (LIVER, LEFT_LOBE) else part for part in one.parts]
    images = {CT: one.ct(), PET: one.pet(grid(*CHEST))}
    result = detect(images)
    assert named(result, {"on the dome": place}) == ["on the dome"]
    assert result.lesions[0].measurements["mtv_ml"] == pytest.approx(np.pi / 6 * 27, rel=0.5)
    assert "flows into what surrounds it" in result.lesions[0].note
    without = detect(images, raised_share=0.41)
    assert without.lesions == ()
    assert len(without.provenance["left_out"]) == 2


@pytest.mark.parametrize("up_mm", [-15.0, 15.0])
def test_breathing_brings_neither_heart_nor_liver_in(images, up_mm):
    pet = images[PET]
    matrix = np.array(pet.ijk_to_ras)
    matrix[2, 3] += up_mm
    moved = {name: np.add(place, (0, 0, up_mm)) for name, place in PLACES.items()}
    names = named(detect({CT: images[CT], PET: dataclasses.replace(pet, ijk_to_ras=matrix)}), moved)
    assert set(names) <= set(LESIONS)
    assert {"in the lung", "at the hilum", "at the wall"} <= set(names)


def test_in_the_whole_pet_without_a_ct(ill):
    whole = detect({PET: ill.pet()}, lungs_only=False, operating_point="2.6")
    organs = {"bladder": BLADDER, "kidney": KIDNEY, "brain": BRAIN, "heart": HEART, "other kidney": (-50, -62, -80)}
    names = named(whole, {**PLACES, **organs})
    assert names[0] == "bladder"
    assert set(names) == {*LESIONS, *organs}
    assert whole.provenance["left_out"] == []


def test_axes_in_any_order_give_the_same(images, found):
    pet = images[PET]
    turned = dataclasses.replace(
        pet, voxels=pet.voxels.transpose(1, 2, 0)[::-1], ijk_to_ras=_flipped(pet.ijk_to_ras[:, [2, 0, 1, 3]], pet)
    )
    again = detect({**images, PET: turned})
    assert [lesion.score for lesion in again.lesions] == [lesion.score for lesion in found.lesions]
    for one, other in zip(again.lesions, found.lesions, strict=True):
        np.testing.assert_allclose(one.center_ras_mm, other.center_ras_mm, atol=1e-6)
        assert one.measurements["max_suvbw"] == turned.voxels[one.mask.full(turned.shape_kji)].max()
        assert one.measurements["peak_suvbw"] == pytest.approx(other.measurements["peak_suvbw"])
        assert one.mask.count == other.mask.count


def _flipped(matrix, pet):
    """The matrix after turning the new k axis, which was j, around."""
    out = np.array(matrix)
    out[:3, 3] += matrix[:3, 2] * (pet.shape_kji[1] - 1)
    out[:3, 2] *= -1
    return out


def test_a_pet_that_is_turned_against_the_ct(ill, images):
    turn = Rotation.from_euler("xyz", (8, -12, 20), degrees=True).as_matrix()
    oblique = detect({**images, PET: ill.pet(grid(*CHEST, turn))})
    assert sorted(named(oblique, PLACES, within_mm=5)) == sorted(LESIONS)
    for lesion in oblique.lesions:
        name = named(dataclasses.replace(oblique, lesions=(lesion,)), PLACES)[0]
        assert lesion.score == pytest.approx(LESIONS[name][2], rel=0.3)


def test_controls_begin_where_the_rule_is_and_a_review_reaches_lower(images, found):
    suv, volume = found.controls
    assert (suv.name, volume.name) == ("least_suvmax", "least_volume_ml")
    assert suv.value == suv.lowest == pytest.approx(2.5)
    assert suv.value < 2.5
    review = detect(images, all_candidates=True)
    assert review.controls[0].value == suv.value
    assert review.controls[0].lowest == pytest.approx(1.5)
    assert len(review.lesions) > len(found.lesions)
    shown = [lesion for lesion in review.lesions if review.passing(lesion)]
    assert [lesion.center_ras_mm for lesion in shown] == [lesion.center_ras_mm for lesion in found.lesions]
    assert all(review.with_control_values([1.4, 0.0]).passing(lesion) for lesion in review.lesions)


def test_an_operating_point_and_the_most_lesions(images):
    few = detect(images, operating_point="4.0", most_lesions=2)
    assert named(few, PLACES) == ["in the lung", "at the hilum"]
    assert (few.operating_point.name, few.operating_point.threshold) == ("chosen SUVmax", 4.0)
    assert any("Only the 2 most avid of 4 regions" in text for text in few.warnings)
    with pytest.raises(UsageError, match="no operating point"):
        detect(images, operating_point="high")


def test_in_a_region(images):
    around = ((60.0, -50.0, 60.0), (130.0, 30.0, 140.0))
    inside = detect(images, region_ras_mm=around)
    assert named(inside, PLACES) == ["in the lung"]
    assert any("region of 70 x 80 x 80 mm only" in text for text in inside.warnings)
    assert not any(text.startswith("Left out") for text in inside.warnings)
    for values in ({}, {"lungs_only": False}):
        with pytest.raises(InputError, match="in the region to look in"):
            detect(images, region_ras_mm=((900.0, 0.0, 0.0), (950.0, 50.0, 50.0)), **values)


def test_the_rule_by_the_liver(images):
    by_liver = detect(images, rule="percist")
    reference = by_liver.provenance["liver_reference"]
    assert by_liver.operating_point.threshold == pytest.approx(
        1.5 * reference["mean_suvbw"] + 2 * reference["sd_suvbw"], rel=1e-3
    )
    assert named(by_liver, PLACES) == list(LESIONS)
    assert any("Least SUVmax by PERCIST: 3." in text for text in by_liver.warnings)
    given = detect({PET: images[PET]}, rule="percist", liver_ras_mm=(75.0, 5.0, -60.0), lungs_only=False)
    assert given.operating_point.threshold == pytest.approx(by_liver.operating_point.threshold, rel=0.1)


@pytest.mark.parametrize(
    ("values", "text"),
    [({}, "Lungs only|lungs only needs the CT"), ({"lungs_only": False, "rule": "percist"}, "PERCIST needs the CT")],
)
def test_without_the_ct_that_it_needs(images, values, text):
    with pytest.raises(InputError, match=text):
        detect({PET: images[PET]}, **values)


def test_lungs_that_the_pet_does_not_show_all(images):
    pet = images[PET]
    half = pet.crop((0, 0, 0), (*pet.shape_kji[:0:-1], 55))
    part = detect({**images, PET: half})
    assert "at the hilum" not in named(part, PLACES)
    assert any("% of the lungs only; the rest was not looked at" in text for text in part.warnings)


def test_nothing_there_is_a_result_too():
    one = Patient()
    pet = one.pet(grid((8, 8, 8), *CHEST[1:]))
    calm = detect({CT: one.ct(), PET: pet.with_voxels(np.minimum(pet.voxels, 2.4))})
    assert calm.lesions == ()
    assert calm.controls
    assert not any(text.startswith("Left out") for text in calm.warnings)


def test_frames_of_reference_that_are_not_known_are_told(images):
    nameless = {name: dataclasses.replace(image, identifiers={}) for name, image in images.items()}
    result = detect(nameless)
    assert named(result, PLACES) == list(LESIONS)
    assert any("do not both say which frame of reference" in text for text in result.warnings)


def test_the_record_is_whole_and_the_input_unchanged(images, found, tmp_path):
    before = {name: image.voxels.copy() for name, image in images.items()}
    found.save(tmp_path / "lesions.json")
    again = Detections.load(tmp_path / "lesions.json")
    assert [lesion.measurements for lesion in again.lesions] == [lesion.measurements for lesion in found.lesions]
    assert again.controls == found.controls
    assert found.provenance["settings"]["rule"] == "fixed"
    assert set(found.provenance["seconds"]) == {"lungs", "reference", "uptake", "measuring"} - {"reference"}
    for name, image in images.items():
        np.testing.assert_array_equal(image.voxels, before[name])


def test_it_can_be_cancelled(images):
    progress = Progress(lambda fraction, text: progress.cancel() if text == "Finding uptake" else None)
    with pytest.raises(Cancelled):
        method("active-pet-ct").create(None).detect(images, ActivePetCtSettings(), progress)


def test_whole_numbers_of_a_scanner_are_suv_too(images, found):
    """A PET kept as scaled whole numbers has many equal voxels."""
    rounded = images[PET].with_voxels(np.round(images[PET].voxels * 2).astype(np.uint8))
    coarse = Image(rounded.voxels, rounded.ijk_to_ras, PET, "SUVbw", "PET", identifiers=images[PET].identifiers)
    result = detect({**images, PET: coarse})
    assert len(result.lesions) >= len(found.lesions)
    assert result.lesions[0].score == np.round(2 * found.lesions[0].score)
