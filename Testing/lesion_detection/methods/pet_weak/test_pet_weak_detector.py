"""From a PET to tumours: score, class, warnings, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
import torch
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.errors import BundleError, Cancelled, GeometryError, InputError, ModalityError, UsageError
from LesionDetectionLib.core.image import BQ_PER_ML, CT, PET
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.imaging.geometry import AxialOrder
from LesionDetectionLib.methods.pet_weak.about import METHOD
from LesionDetectionLib.methods.pet_weak.architecture import FCN, UNET
from LesionDetectionLib.methods.pet_weak.detector import PetWeakDetector, create
from LesionDetectionLib.methods.pet_weak.model import weights_of
from LesionDetectionLib.methods.pet_weak.network import make_network
from LesionDetectionLib.methods.pet_weak.settings import PetWeakSettings, settings_for

from .conftest import BLADDER, BODY, BRAIN, TINY, TUMOUR

CANVAS = (64, 64)
SECOND = ((-70.0, 0.0, 60.0), (36.0, 36.0, 36.0), 6.0)
NONE = {"lung": 0.2, "oesophagus": 0.2, "none": 0.6}


@pytest.fixture(scope="module")
def detect(a_bundle, bright_looker):
    """``detect(pet, looker or its probabilities, settings)``."""
    bundle = a_bundle()

    def run(pet, looker=None, progress=None, **settings):
        looker = bright_looker(looker) if looker is None or isinstance(looker, dict) else looker
        detector = PetWeakDetector(bundle, torch.device("cpu"), looker)
        return detector.detect({PET: pet}, replace(settings_for(bundle), **settings), progress)

    return run


@pytest.fixture(scope="module")
def result(detect, patient):
    return detect(patient)


def test_the_tumour_is_found_outlined_and_measured(result, patient):
    (lesion,) = result.lesions
    assert lesion.center_ras_mm == pytest.approx(TUMOUR[0], abs=4)
    values = patient.voxels[lesion.mask.slices_kji][lesion.mask.voxels]
    assert values.min() >= 0.4 * values.max()
    assert lesion.measurements["equivalent_diameter_mm"] == pytest.approx(36, abs=2)
    assert lesion.measurements["max_suvbw"] == pytest.approx(7, abs=0.3)
    assert lesion.measurements["tlg_g"] == pytest.approx(values.mean() * len(values) * 0.18, rel=1e-5)
    assert lesion.measurements["peak_suvbw"] <= lesion.measurements["max_suvbw"]
    assert (lesion.method, lesion.model) == ("pet-weak", "tiny")
    assert "from the front" in lesion.note


def test_the_score_is_agreement_times_the_probability_of_a_tumour(result, detect, patient):
    sure = detect(patient, {"lung": 1.0, "oesophagus": 0.0, "none": 0.0})
    without_class = detect(patient, {})
    assert result.lesions[0].score == pytest.approx(0.9 * sure.lesions[0].score)
    assert without_class.lesions[0].score == sure.lesions[0].score
    assert 0.5 < sure.lesions[0].score <= 1


def test_the_result_says_how_it_came_about(result):
    record = result.provenance
    assert record["class_probabilities"] == {"lung": 0.8, "oesophagus": 0.1, "none": 0.1}
    assert record["map_of"] == "lung"
    assert record["places"] == 1
    assert record["seconds"].keys() >= {"projections", "network", "uptake", "measuring"}
    told = " ".join(result.warnings)
    assert "phantoms" in told
    assert "lung cancer (lung 0.80" in told
    assert "diffuse" not in told
    assert "of the body only" not in told
    assert Detections.from_json(json.loads(json.dumps(result.to_json()))).warnings == result.warnings
    picture = result.maps["Tumour map"]
    ijk = np.round(picture.geometry.ijk_from_ras(TUMOUR[0])).astype(int)
    assert picture.voxels[tuple(ijk[::-1])] > 0.8
    assert picture.voxels.max() <= 1
    assert min(picture.spacing_mm) > 7


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_however_the_image_lies_the_result_is_the_same(result, detect, paint, order):
    flips = tuple(n % 2 == 0 for n in order)
    turned = paint((BODY, BRAIN, BLADDER, TUMOUR), order=order, flips=flips)
    found = detect(turned)
    assert len(found.lesions) == 1
    one, expected = found.lesions[0], result.lesions[0]
    assert one.center_ras_mm == pytest.approx(expected.center_ras_mm, abs=1e-6)
    assert one.score == pytest.approx(expected.score, abs=1e-5)
    assert np.array_equal(AxialOrder.of(turned.geometry).apply_array(one.mask.voxels), expected.mask.voxels)


def test_a_scan_without_a_tumour_has_no_lesions_and_is_said_to_be_one(detect, patient):
    found = detect(patient, NONE)
    assert found.lesions == ()
    assert any("without a tumour" in told and "rules out nothing" in told for told in found.warnings)
    every = detect(patient, NONE, operating_point="sensitive")
    assert [lesion.score for lesion in every.lesions] == [0.0]


def test_a_model_that_knows_no_scans_without_a_tumour_says_so(detect, patient):
    told = " ".join(detect(patient, {"lung": 0.9, "oesophagus": 0.1}).warnings)
    assert "finds one in each" in told


def test_a_diffuse_map_is_said_to_be_one(detect, patient, bright_looker):
    found = detect(patient, bright_looker(everywhere=True))
    assert any("diffuse" in told and "%" in told for told in found.warnings)
    assert found.provenance["map_covers"] > 0.8


def test_maps_that_meet_at_no_uptake_are_said_to(detect, patient):
    found = detect(patient, least_suvmax=15.0)
    assert found.lesions == ()
    assert any("nothing is marked, which rules out nothing" in told for told in found.warnings)


def test_several_tumours_the_best_first_and_no_more_than_asked_for(detect, paint):
    pet = paint((BODY, TUMOUR, SECOND))
    both = detect(pet, operating_point="sensitive", map_share=0.2)
    assert len(both.lesions) == 2
    assert both.lesions[0].score > both.lesions[1].score > 0
    one = detect(pet, operating_point="sensitive", map_share=0.2, most_lesions=1)
    assert len(one.lesions) == 1
    assert any("1 highest scores of 2" in told for told in one.warnings)
    high = detect(pet, operating_point=str((both.lesions[0].score + both.lesions[1].score) / 2), map_share=0.2)
    assert len(high.lesions) == 1


def test_only_what_lies_in_a_region_is_reported(detect, patient):
    r, a, s = TUMOUR[0]
    around = ((r - 20, a - 20, s - 20), (r + 20, a + 20, s + 20))
    beside = ((r - 80, a - 20, s - 20), (r - 20, a + 20, s + 20))
    assert len(detect(patient, region_ras_mm=around).lesions) == 1
    nothing = detect(patient, region_ras_mm=beside)
    assert nothing.lesions == ()
    assert any("region of" in told for told in nothing.warnings)


def test_places_hidden_in_both_views_are_counted(detect, paint):
    hidden = ((60.0, 10.0, 150.0), (30.0, 30.0, 30.0), 5.0)
    hot = [((60.0, -70.0, 150.0), (40.0, 40.0, 40.0), 8.0), ((-60.0, 10.0, 150.0), (40.0, 40.0, 40.0), 8.0)]
    found = detect(paint((BODY, BRAIN, BLADDER, hidden, *hot)))
    assert found.provenance["unexplained"] == 1
    assert any("hides what lies there" in told for told in found.warnings)


def test_a_cropped_field_of_view_is_said(detect, patient):
    part = patient.crop((0, 0, 70), (*patient.shape_kji[:0:-1], 60))
    found = detect(part)
    assert any("300 mm of the body only" in told for told in found.warnings)
    assert len(found.lesions) == 1


@pytest.mark.parametrize("dtype", ["float64", "int16"])
def test_values_of_any_type(detect, paint, dtype):
    assert len(detect(paint((BODY, BRAIN, BLADDER, TUMOUR), dtype=dtype)).lesions) == 1


def broken(pet, value):
    voxels = np.array(pet.voxels)
    voxels[3, 4, 5] = value
    return pet.with_voxels(voxels)


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        (lambda pet: replace(pet, modality=CT, unit="HU"), ModalityError, "CT"),
        (lambda pet: replace(pet, unit=BQ_PER_ML), ModalityError, "SUV by body weight"),
        (lambda pet: replace(pet, unit="", voxels=pet.voxels * 5000), ModalityError, "cannot be SUV"),
        (lambda pet: pet.crop((0, 0, 60), (*pet.shape_kji[:0:-1], 1)), GeometryError, "1 axial slice"),
        (lambda pet: pet.with_voxels(np.zeros(pet.shape_kji)), InputError, "empty image"),
        (lambda pet: broken(pet, np.nan), InputError, "1 voxels that are not numbers"),
        (lambda pet: broken(pet, -np.inf), InputError, "1 voxels that are not numbers"),
    ],
    ids=["CT", "activity", "no SUV", "one slice", "empty", "NaN", "infinite"],
)
def test_a_pet_that_cannot_be_used(detect, patient, change, error, text):
    with pytest.raises(error, match=text):
        detect(change(patient))


def test_no_pet(a_bundle, bright_looker, patient):
    detector = PetWeakDetector(a_bundle(), torch.device("cpu"), bright_looker())
    with pytest.raises(InputError, match="Choose a PET volume"):
        detector.detect({CT: patient})


def test_what_is_doubtful_is_said(detect, patient):
    assert any("does not say" in told for told in detect(replace(patient, modality="", unit="")).warnings)
    twice = patient.with_voxels(patient.voxels * 100)
    assert any("converted to SUV twice" in told for told in detect(twice).warnings)


@pytest.mark.parametrize("at", [0.0, 0.2, 0.5, 0.8])
def test_it_can_be_cancelled(detect, patient, at):
    progress = Progress(lambda fraction, _: fraction >= at and progress.cancel())
    with pytest.raises(Cancelled):
        detect(patient, progress=progress)


@pytest.mark.parametrize("kind", ["cam", FCN, UNET])
def test_every_kind_of_network_from_its_bundle(a_bundle, patient, kind):
    torch.manual_seed(1)
    architecture = replace(TINY, kind=kind)
    weights = weights_of(make_network(architecture))
    bundle = a_bundle(weights, architecture)
    found = create(bundle, "cpu").detect({PET: patient}, PetWeakSettings(canvas_px=CANVAS, operating_point="0"))
    if kind == "cam":
        odds = found.provenance["class_probabilities"]
        assert sum(odds.values()) == pytest.approx(1, abs=1e-3)
        by_view = found.provenance["class_probabilities_by_view"]
        assert by_view.keys() == {"coronal", "sagittal"}
        # The mean of both views' logits, not of their probabilities.
        logits = np.log([list(by_view[view].values()) for view in ("coronal", "sagittal")]).mean(axis=0)
        assert np.exp(logits) / np.exp(logits).sum() == pytest.approx(list(odds.values()), abs=1e-3)
        assert found.maps["Tumour map"].voxels.max() <= 1
    else:
        assert found.provenance["class_probabilities"] == {}
        # Untrained, half of all: a map everywhere, and no class.
        assert 0.3 < found.maps["Tumour map"].voxels.max() < 0.7


def test_bundles_that_do_not_fit(a_bundle):
    weights = weights_of(make_network(TINY))
    with pytest.raises(UsageError, match="needs a model"):
        create(None)
    with pytest.raises(BundleError, match="of this method"):
        create(a_bundle(weights, replace(TINY, kind="other")), "cpu")
    with pytest.raises(BundleError, match="of this method"):
        create(a_bundle(weights, replace(TINY, widths=(2, 2, 2, 9999))), "cpu")
    with pytest.raises(BundleError, match="shape"):
        create(a_bundle(weights, replace(TINY, widths=(2, 2, 2, 3))), "cpu")
    with pytest.raises(BundleError, match="does not fit"):
        create(a_bundle({**weights, "more": np.zeros(1, np.float32)}), "cpu")
    with pytest.raises(BundleError, match="from which score"):
        create(a_bundle(weights, settings={}), "cpu")
    with pytest.raises(BundleError):
        create(a_bundle(weights, method="liver-ct"), "cpu")


def test_settings_are_the_bundles_own(a_bundle):
    settings = settings_for(
        a_bundle(settings={"pet_weak_settings": {"map_share": 0.6}, "operating_points": {"all": 0.0}})
    )
    assert settings.map_share == 0.6
    for wrong in (
        {"pixel_mm": 0},
        {"canvas_px": (50, 64)},
        {"map_share": 0.0},
        {"reach_mm": -1.0},
        {"most_lesions": 0},
    ):
        with pytest.raises(UsageError):
            PetWeakSettings(**wrong)
    assert not hasattr(settings.seen(), "map_share")


def test_every_choice_is_a_setting_and_in_its_range():
    plain = PetWeakSettings()
    for choice in METHOD.choices:
        low, high = choice.range
        assert low <= getattr(plain, choice.name) <= high
        for value in (low, high):
            replace(plain, **{choice.name: value})
