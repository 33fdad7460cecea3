"""The whole method: what it refuses, what it says of its results, and that they do not hang on how the scan is stored."""

from __future__ import annotations

import dataclasses
import itertools
import json

import numpy as np
import pytest
import torch
from LesionDetectionLib.core.detections import SCHEMA_PATH, Detections
from LesionDetectionLib.core.detector import method
from LesionDetectionLib.core.errors import (
    BundleError,
    Cancelled,
    DeviceError,
    GeometryError,
    InputError,
    ModalityError,
    UsageError,
)
from LesionDetectionLib.core.image import CT, HU, PET, Image
from LesionDetectionLib.core.lesion import NODULE
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.nodule_ct import detector as detector_module
from LesionDetectionLib.methods.nodule_ct.detector import create
from LesionDetectionLib.methods.nodule_ct.settings import NoduleSettings, settings_for

from ..detecting import WAYS, CancelledAt, stored_otherwise
from .conftest import a_chest, bundle_in


def places(detections):
    return np.array([lesion.center_ras_mm for lesion in detections.lesions])


def scores(detections):
    return np.array([lesion.score for lesion in detections.lesions])


@pytest.fixture(scope="module")
def told():
    """(fraction, text) of each report while ``found`` was searched for."""
    return []


@pytest.fixture(scope="module")
def found(told, tmp_path_factory):
    """What the model of random weights finds in the chest."""
    detector = create(bundle_in(tmp_path_factory.mktemp("found")), "cpu")
    return detector.detect({CT: a_chest()}, progress=Progress(lambda *report: told.append(report)))


def test_the_registry_makes_it(a_bundle, chest):
    bundle = a_bundle()
    info = method("nodule-ct")
    made = info.create(bundle, "cpu").detect({CT: chest()}, info.default_settings(bundle), Progress())
    assert 2 <= len(made.lesions) <= 10
    assert np.all(np.diff(scores(made)) <= 0)
    assert {lesion.method for lesion in made.lesions} == {"nodule-ct"}
    assert {lesion.model for lesion in made.lesions} == {"random"}
    assert {lesion.meaning for lesion in made.lesions} == {NODULE}


def test_what_a_result_says_of_itself(a_bundle, chest, tmp_path):
    bundle = a_bundle()
    image = dataclasses.replace(chest(), notes=("A slice was missing.",))
    found = create(bundle, "cpu").detect({CT: image})
    assert found.geometry.same_grid(image.geometry)
    assert found.provenance["model"] == {"name": "random", "version": "1", "sha256": bundle.digest}
    assert set(found.provenance["seconds"]) == {"preparation", "screening", "reduction", "measuring"}
    assert found.provenance["candidates"] >= len(found.lesions)
    assert found.provenance["device"].startswith("cpu")
    assert "trained on computer-made phantoms" in found.warnings[0]
    assert found.warnings[1:] == ("A slice was missing.",)
    import jsonschema

    jsonschema.validate(json.loads(json.dumps(found.to_json())), json.loads(SCHEMA_PATH.read_text()))
    found.save(tmp_path / "found.json")
    assert len(Detections.load(tmp_path / "found.json").lesions) == len(found.lesions)


def test_the_same_again(a_bundle, chest, found):
    again = create(a_bundle(), "cpu").detect({CT: chest()})
    np.testing.assert_array_equal(places(again), places(found))
    np.testing.assert_array_equal(scores(again), scores(found))


def test_all_48_ways_to_store_a_scan_give_the_same_lesions(a_bundle, chest, found):
    image, detector = chest(), create(a_bundle(), "cpu")
    assert len(found.lesions) >= 2
    for axes, flips in WAYS[5::7]:  # seven of them, each order and each flip among them
        stored = stored_otherwise(image, axes, flips)
        otherwise = detector.detect({CT: stored})
        np.testing.assert_allclose(places(otherwise), places(found), atol=1e-3)
        np.testing.assert_allclose(scores(otherwise), scores(found), atol=1e-5)
        assert otherwise.geometry.same_grid(stored.geometry)


def test_an_oblique_scan_gives_the_turned_lesions(a_bundle, chest, found):
    image = chest()
    a, b = np.radians(20), np.radians(-15)
    turn = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]]) @ np.array(
        [[np.cos(b), -np.sin(b), 0], [np.sin(b), np.cos(b), 0], [0, 0, 1]]
    )
    matrix = np.eye(4)
    matrix[:3, :3] = turn
    oblique = dataclasses.replace(image, ijk_to_ras=matrix @ image.ijk_to_ras)
    turned = create(a_bundle(), "cpu").detect({CT: oblique})
    np.testing.assert_allclose(places(turned), places(found) @ turn.T, atol=1e-3)


def test_other_number_types_and_missing_words_change_nothing_but_a_warning(a_bundle, chest, found):
    image = chest()
    plain = Image(image.voxels.astype(np.float64), image.ijk_to_ras, name="chest")
    untold = create(a_bundle(), "cpu").detect({CT: plain})
    np.testing.assert_allclose(places(untold), places(found), atol=1e-3)
    assert any("does not say that it is a CT" in warning for warning in untold.warnings)
    assert not any("does not say" in warning for warning in found.warnings)


def test_thick_slices_are_warned_of(a_bundle, chest):
    image = chest()
    thick = dataclasses.replace(image, voxels=image.voxels[::2], ijk_to_ras=image.ijk_to_ras @ np.diag([1, 1, 2, 1]))
    found = create(a_bundle(), "cpu").detect({CT: thick})
    assert any("5.0 mm apart" in warning for warning in found.warnings)


def test_lesions_lie_apart_and_their_number_is_limited(a_bundle, chest):
    bundle = a_bundle()
    settings = dataclasses.replace(settings_for(bundle), candidate_distance_mm=0.0, most_candidates=100)
    detector = create(bundle, "cpu")
    found = detector.detect({CT: chest()}, settings)
    for one, two in itertools.combinations(found.lesions, 2):
        apart = np.linalg.norm(np.subtract(one.center_ras_mm, two.center_ras_mm))
        assert apart >= max(5.0, one.diameter_mm / 2, two.diameter_mm / 2) - 1e-9
    few = detector.detect({CT: chest()}, dataclasses.replace(settings, most_lesions=1))
    assert scores(few).tolist() == scores(found)[:1].tolist()
    assert any("Only the 1 highest" in warning for warning in few.warnings)


def test_operating_points(a_bundle, chest, found):
    bundle = a_bundle()
    detector, settings = create(bundle, "cpu"), settings_for(bundle)

    def at(point):
        return detector.detect({CT: chest()}, dataclasses.replace(settings, operating_point=point))

    assert (found.operating_point.name, found.operating_point.threshold) == ("all", 0.0)
    middle = float(np.median(scores(found)))
    some = at(repr(middle))
    assert some.operating_point.threshold == middle
    assert scores(some).tolist() == [score for score in scores(found) if score >= middle]
    assert at("strict").operating_point.threshold == 0.9
    with pytest.raises(UsageError, match=r"no operating point “loose”. Choose all, strict, or a least score"):
        at("loose")


def test_measuring_keeps_the_models_place_size_and_score(a_bundle, chest, found, monkeypatch):
    bundle = a_bundle()
    asked = []

    def measured(image, center, hint):
        asked.append(hint)
        assert (image.modality, image.unit) == (CT, HU)
        lesion = next(lesion for lesion in found.lesions if lesion.center_ras_mm == center)
        return (
            None
            if len(asked) == 1
            else dataclasses.replace(lesion, center_ras_mm=(0, 0, 0), score=1.0, measurements=ball(0.7 * hint))
        )

    monkeypatch.setattr(detector_module, "measure_candidate", measured)
    image = dataclasses.replace(chest(), modality="", unit="")
    settings = dataclasses.replace(settings_for(bundle), measure=True)
    outlined = create(bundle, "cpu").detect({CT: image}, settings)
    np.testing.assert_array_equal(places(outlined), places(found))
    np.testing.assert_array_equal(scores(outlined), scores(found))
    assert asked == [lesion.diameter_mm for lesion in found.lesions]
    assert outlined.lesions[0].note == "It could not be outlined."
    assert [lesion.measurements for lesion in outlined.lesions[1:]] == [ball(0.7 * hint) for hint in asked[1:]]
    assert {lesion.note for lesion in outlined.lesions[1:]} == {""}


def ball(diameter_mm: float) -> dict[str, float]:
    return {"equivalent_diameter_mm": diameter_mm}


def test_an_outline_much_smaller_than_the_model_takes_the_nodule_to_be_is_told(a_bundle, chest, found, monkeypatch):
    def measured(image, center, hint):
        return dataclasses.replace(found.lesions[0], note="Check the border.", measurements=ball(0.5 * hint))

    monkeypatch.setattr(detector_module, "measure_candidate", measured)
    bundle = a_bundle()
    outlined = create(bundle, "cpu").detect({CT: chest()}, dataclasses.replace(settings_for(bundle), measure=True))
    first = outlined.lesions[0]
    said = (
        f"Check the border. The outline is much smaller (a ball of {first.diameter_mm / 2:.1f} mm) than the model takes"
    )
    assert first.note.startswith(said)


def test_without_a_regression_branch_candidates_keep_their_place(a_bundle, chest):
    found = create(a_bundle(regression=False), "cpu").detect({CT: chest()})
    assert {lesion.diameter_mm for lesion in found.lesions} == {10.0}


def test_a_real_outline(a_bundle, chest):
    bundle = a_bundle()
    settings = dataclasses.replace(settings_for(bundle), measure=True)
    found = create(bundle, "cpu").detect({CT: chest()}, settings)
    for lesion in found.lesions:
        if lesion.mask is not None:
            assert lesion.mask.full(found.geometry.shape_kji).sum() == lesion.mask.count
            assert lesion.measurements["volume_mm3"] > 0
        else:
            assert lesion.note


@pytest.mark.parametrize(
    ("spoil", "error", "text"),
    [
        (lambda image: dataclasses.replace(image, modality=PET), ModalityError, "is PET, but"),
        (lambda image: dataclasses.replace(image, unit="SUVbw"), ModalityError, "SUVbw"),
        (lambda image: dataclasses.replace(image, voxels=np.where(image.voxels > 50, np.nan, 0)), InputError, "NaN"),
        (lambda image: dataclasses.replace(image, voxels=image.voxels[:1]), GeometryError, "1 slice"),
        (lambda image: dataclasses.replace(image, voxels=image.voxels * 0), InputError, "empty image"),
        (lambda image: dataclasses.replace(image, voxels=np.maximum(image.voxels, -100)), InputError, "No lungs"),
        (lambda image: dataclasses.replace(image, voxels=image.voxels + 1024, unit=""), ModalityError, "Hounsfield"),
    ],
)
def test_what_cannot_be_used_is_refused(a_bundle, chest, spoil, error, text):
    with pytest.raises(error, match=text):
        create(a_bundle(), "cpu").detect({CT: spoil(chest())})


def test_no_ct_at_all(a_bundle):
    with pytest.raises(InputError, match="Choose a CT"):
        create(a_bundle(), "cpu").detect({})


def test_without_lungs_the_whole_volume_can_be_searched(a_bundle, chest):
    bundle, image = a_bundle(), chest()
    small = image.crop((20, 20, 10), (30, 30, 12))
    solid = dataclasses.replace(small, voxels=np.maximum(small.voxels, -100))
    settings = dataclasses.replace(settings_for(bundle), lungs_only=False)
    assert create(bundle, "cpu").detect({CT: solid}, settings).provenance["candidates"] > 0


def test_cancel_in_every_stage(a_bundle, chest, found, told):
    """The run ends at the next report."""
    detector = create(a_bundle(), "cpu")
    stages = list(dict.fromkeys(text for _fraction, text in told[:-1]))
    assert len(stages) >= 4
    for stage in stages:
        progress = CancelledAt(stage)
        with pytest.raises(Cancelled):
            detector.detect({CT: chest()}, progress=progress)
        assert progress.texts[-1] == stage
        assert progress.texts.count(stage) == 1


def test_progress_only_rises(found, told):
    fractions = [fraction for fraction, _text in told]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0


def test_devices(a_bundle):
    with pytest.raises(DeviceError, match="There is no device “gpu”"):
        create(a_bundle(), "gpu")
    if not torch.cuda.is_available():
        with pytest.raises(DeviceError, match="finds no NVIDIA GPU"):
            create(a_bundle(), "cuda")
    with pytest.raises(UsageError, match="needs a model"):
        create(None)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda w: {k: v for k, v in w.items() if k != "screening.trunk.2.0.weight"}, "trunk.2.0.weight is missing"),
        (
            lambda w: {**w, "reduction.classify.2.bias": np.zeros(9, np.float32)},
            r"classify.2.bias has the shape \(9,\)",
        ),
        (lambda w: {**w, "optimizer.state": np.zeros(3)}, "also holds optimizer.state"),
        (lambda w: {**w, "screening.head.1.bias": np.full(2, np.nan, np.float32)}, "not numbers"),
    ],
)
def test_weights_that_do_not_fit_are_refused(a_bundle, change, text):
    with pytest.raises(BundleError, match=text):
        create(a_bundle(change), "cpu")


@pytest.mark.parametrize(
    ("architecture", "text"),
    [
        ({}, "None is no table"),
        ({"screening": {"width": [1, 2, 3, 4]}}, "“width” is not known"),
        ({"screening": {"widths": [1, 2, 3]}}, "“widths” cannot be"),
        ({"screening": {"widths": [1, 2, 3, "x"]}}, "“widths” cannot be"),
        ({"screening": {"widths": [1, 2, 3, 10**9]}}, "between 1 and"),
        ({"screening": {"batch_norm": 1}}, "“batch_norm” cannot be 1"),
        ({"screening": {}, "reduction": {"hidden": 0}}, "between 1 and"),
        ({"screening": {}, "reduction": {}}, "has the shape"),
    ],
)
def test_architectures_of_another_kind_are_refused(a_bundle, architecture, text):
    with pytest.raises(BundleError, match=text):
        create(a_bundle(architecture=architecture), "cpu")


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({}, "from which score"),
        ({"operating_points": {"all": "high"}}, "from which score"),
        ({"operating_points": {"all": 0.5}, "default_operating_point": "some"}, "none of its points"),
    ],
)
def test_models_without_usable_operating_points_are_refused(a_bundle, settings, text):
    with pytest.raises(BundleError, match=text):
        create(a_bundle(settings=settings), "cpu")


def test_settings_of_a_bundle(a_bundle):
    assert settings_for(None) == NoduleSettings()
    assert settings_for(a_bundle()).spacing_mm == (1.5, 1.5, 2.5)
    for wrong, text in [
        ({"colour": 1}, "“colour” is not known"),
        ({"spacing_mm": [1, 1]}, "“spacing_mm” cannot be"),
        ({"spacing_mm": [0, 1, 1]}, "not between"),
        ({"window_hu": [400, -1000]}, "does not rise"),
        ({"most_lesions": 0}, "At least one"),
        ({"closing_mm": -1}, "cannot be negative"),
        (["spacing_mm"], "no table"),
    ]:
        with pytest.raises(BundleError, match=text):
            settings_for(a_bundle(settings={"nodule_settings": wrong}))
