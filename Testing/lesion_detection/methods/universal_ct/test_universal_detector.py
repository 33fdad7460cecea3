"""The whole method on scans stored in every way, with an engine whose answer is known, and with a network."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math

import numpy as np
import pytest
import torch
from LesionDetectionLib.core.detections import SCHEMA_PATH, Detections
from LesionDetectionLib.core.detector import method
from LesionDetectionLib.core.errors import BundleError, Cancelled, DeviceError, InputError, UsageError
from LesionDetectionLib.core.image import CT, HU, Image
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.device import slices_at_once
from LesionDetectionLib.methods.universal_ct.architecture import ROWS
from LesionDetectionLib.methods.universal_ct.detector import create
from LesionDetectionLib.methods.universal_ct.engine import SliceEngine
from LesionDetectionLib.methods.universal_ct.settings import UniversalSettings
from scipy import ndimage

from ..detecting import WAYS, CancelledAt, stored_otherwise

HERE = UniversalSettings(size_px=64)
BALLS_MM = {"right": ((20.0, 8.0, 10.0), 16.0), "left": ((-26.0, -10.0, -8.0), 11.0)}


@pytest.fixture(scope="module")
def with_engine(a_bundle):
    """``with_engine(engine)``: a detector that asks this one."""
    bundle = a_bundle()

    def make(engine):
        detector = create(bundle, "cpu")
        detector._engine = engine
        return detector

    return make


@pytest.fixture(scope="module")
def detector(with_engine, bright_engine):
    return with_engine(bright_engine())


@pytest.fixture(scope="module")
def found(detector, body):
    return detector.detect({CT: body})


def masks_of(detections):
    return [lesion.mask.full(detections.geometry.shape_kji) for lesion in detections.lesions]


def dice(one, other):
    return 2 * np.count_nonzero(one & other) / (np.count_nonzero(one) + np.count_nonzero(other))


def test_balls_become_lesions_with_place_size_and_mask(found, body):
    assert len(found.lesions) == 2
    assert found.lesions[0].score > found.lesions[1].score
    for lesion, (center, diameter) in zip(found.lesions, (BALLS_MM["left"], BALLS_MM["right"]), strict=True):
        np.testing.assert_allclose(lesion.center_ras_mm, center, atol=1.0)
        assert lesion.diameter_mm == lesion.recist.long_mm == pytest.approx(diameter, abs=2.0)
        assert lesion.measurements["volume_mm3"] == pytest.approx(np.pi / 6 * diameter**3, rel=0.25)
        truth = np.linalg.norm(places(body) - center, axis=-1) < diameter / 2
        assert dice(lesion.mask.full(body.shape_kji), truth) > 0.85
        # The engine's boxes reach 5 pixels of the input beyond the ball.
        low, high = np.array(lesion.box_ras_mm)
        margin = 5 * 1.5 * 60 / 64
        np.testing.assert_allclose((high - low)[:2], diameter + 2 * margin, atol=3.0)
        assert (high - low)[2] == pytest.approx(diameter, abs=2.1)
        p = lesion.measurements["probability"]
        assert 1.9 * p < lesion.score <= 2 * p


def places(image):
    k, j, i = np.indices(image.shape_kji)
    return np.stack([i, j, k], axis=-1) @ image.ijk_to_ras[:3, :3].T + image.ijk_to_ras[:3, 3]


def test_what_a_result_says_of_itself(found, body, detector, tmp_path):
    assert found.geometry.same_grid(body.geometry)
    assert (found.method, found.modality, found.unit, found.image_name) == ("universal-ct", CT, HU, "body")
    assert {(lesion.method, lesion.model) for lesion in found.lesions} == {("universal-ct", "tiny")}
    assert (found.operating_point.name, found.operating_point.threshold) == ("balanced", 0.6)
    assert found.provenance["slices"] == 22
    assert found.provenance["boxes"] >= 14
    assert set(found.provenance["seconds"]) == {"preparation", "network", "linking", "measuring"}
    assert len(found.warnings) == 1
    assert "computer-made phantoms" in found.warnings[0]
    noted = detector.detect({CT: dataclasses.replace(body, notes=("A slice was missing.",))})
    assert noted.warnings[1:] == ("A slice was missing.",)
    import jsonschema

    jsonschema.validate(json.loads(json.dumps(found.to_json())), json.loads(SCHEMA_PATH.read_text()))
    found.save(tmp_path / "found.json")
    assert len(Detections.load(tmp_path / "found.json").lesions) == 2


def test_a_scan_is_the_same_however_it_is_stored(detector, found, body):
    for axes, flips in WAYS[5::9]:  # five of 48, each order and each flip among them
        stored = stored_otherwise(body, axes, flips)
        turned = detector.detect({CT: stored})
        assert turned.geometry.same_grid(stored.geometry)
        for one, two, mask in zip(turned.lesions, found.lesions, masks_of(turned), strict=True):
            assert one.score == two.score
            np.testing.assert_allclose(one.center_ras_mm, two.center_ras_mm, atol=1e-6)
            np.testing.assert_allclose(one.box_ras_mm, two.box_ras_mm, atol=1e-6)
            # As this grid has the ball, by place and not by index.
            inside = np.linalg.norm(places(stored) - two.center_ras_mm, axis=-1) < two.diameter_mm / 2
            assert dice(mask, inside) > 0.85


def test_lesions_are_where_they_are_in_an_oblique_scan(detector, found, body):
    """Turned as a whole: places turn with it."""
    angle = np.radians(20)
    turn = np.eye(4)
    turn[:3, :3] = [[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]]
    turned = detector.detect({CT: dataclasses.replace(body, ijk_to_ras=turn @ body.ijk_to_ras)})
    for one, two in zip(turned.lesions, found.lesions, strict=True):
        np.testing.assert_allclose(one.center_ras_mm, turn[:3, :3] @ two.center_ras_mm, atol=1e-6)
        assert one.mask.count == two.mask.count
        assert np.all(np.array(one.box_ras_mm)[0] < one.center_ras_mm)


@pytest.mark.parametrize(("thickness", "looked_at"), [(0.8, (25, 27)), (1.0, (20, 22)), (4.0, (10, 12))])
def test_thin_and_thick_slices(detector, make_body, thickness, looked_at):
    """Every second or third thin slice is looked at; the mask has the slices between, too."""
    count = round(42 / thickness)
    thin = detector.detect({CT: make_body(shape=(count, 60, 60), spacing=(1.5, 1.5, thickness))})
    assert looked_at[0] <= thin.provenance["slices"] <= looked_at[1]
    assert len(thin.lesions) == 2
    for lesion, (center, diameter) in zip(thin.lesions, (BALLS_MM["left"], BALLS_MM["right"]), strict=True):
        np.testing.assert_allclose(lesion.center_ras_mm, center, atol=1.5)
        assert lesion.mask.voxels.any(axis=(1, 2)).all()
        assert lesion.measurements["volume_mm3"] == pytest.approx(np.pi / 6 * diameter**3, rel=0.3)


@pytest.mark.parametrize("shape", [(6, 40, 70), (6, 70, 40), (6, 20, 33)])
def test_slices_of_any_size(detector, shape):
    image = Image(np.full(shape, -400, dtype=np.int16), np.diag([-1.0, -1.0, 2.0, 1.0]), CT, HU)
    voxels = np.array(image.voxels)
    voxels[1:4, 6:14, 12:24] = 400
    (lesion,) = detector.detect({CT: image.with_voxels(voxels)}, HERE).lesions
    assert dice(lesion.mask.full(shape), voxels == 400) > 0.9
    low, high = np.sort(image.geometry.ijk_from_ras(np.array(lesion.box_ras_mm)), axis=0)
    margin = 5 * max(shape[1:]) / 64
    expected = (max(0, 12 - margin), max(0, 6 - margin), min(24 + margin, shape[2]), min(14 + margin, shape[1]))
    np.testing.assert_allclose((*(low[:2] + 0.5), *(high[:2] + 0.5)), expected, atol=1.0)
    np.testing.assert_allclose((low[2] + 0.5, high[2] + 0.5), (1, 4), atol=1e-6)


def test_of_three_slices_the_one_in_the_middle_is_looked_at(detector, bright_engine, with_engine, body):
    """As of the cases of DeepLesion, whose slices run to the feet; its boxes are the network's to the pixel."""
    i, j, k = np.round(body.geometry.ijk_from_ras(BALLS_MM["right"][0])).astype(int)
    three = stored_otherwise(body.crop((0, 0, k - 1), (60, 60, 3)), (0, 1, 2), (True, False, False))
    assert three.ijk_to_ras[2, 2] < 0
    (lesion,) = (run := detector.detect({CT: three})).lesions
    assert run.provenance["slices"] == 1
    assert run.warnings[1] == "Only the middle one of the 3 slices of “body” was looked at."
    assert lesion.mask.full((3, 60, 60)).any(axis=(1, 2)).tolist() == [False, True, False]
    assert lesion.note == "Volume from one slice."
    low, high = np.sort(three.geometry.ijk_from_ras(np.array(lesion.box_ras_mm)), axis=0)
    np.testing.assert_allclose((low[2], high[2]), (0.5, 1.5), atol=1e-6)
    assert (low < (i, j, 1)).all()
    assert (high > (i, j, 1)).all()
    every = detector.detect({CT: three}, dataclasses.replace(HERE, slices="all"))
    assert every.provenance["slices"] == 3
    engine = bright_engine()
    with_engine(engine).detect({CT: three})
    inputs = np.concatenate(engine.inputs)
    expected = three.voxels[::-1]  # the one to the feet first
    assert inputs.shape == (1, 3, 64, 64)
    assert [plane.mean() for plane in inputs[0]] == pytest.approx(
        [(2 * (plane + 1024.0) / 2074 - 1).mean() for plane in expected], abs=1e-3
    )


def test_a_single_slice(detector, body):
    k = round(body.geometry.ijk_from_ras(BALLS_MM["left"][0])[2])
    found = detector.detect({CT: body.crop((0, 0, k), (60, 60, 1))})
    assert [lesion.note for lesion in found.lesions] == ["Volume from one slice."]
    assert len(found.warnings) == 1


def test_every_mark_for_an_evaluation(detector, body):
    """As “lesion evaluate” asks: no outline, every score."""
    settings = dataclasses.replace(HERE, measure=False, operating_point="0")
    (one, two) = detector.detect({CT: body}, settings).lesions
    assert (one.mask, one.recist, one.note) == (None, None, "")
    measured = detector.detect({CT: body}, dataclasses.replace(settings, measure=True))
    for plain, full in zip((one, two), measured.lesions, strict=True):
        assert (plain.score, plain.box_ras_mm) == (full.score, full.box_ras_mm)
        assert plain.diameter_mm == pytest.approx(full.diameter_mm, abs=4.0)


def test_the_operating_point_decides(detector, body):
    assert len(detector.detect({CT: body}, dataclasses.replace(HERE, operating_point="sensitive")).lesions) == 2
    (one,) = detector.detect({CT: body}, dataclasses.replace(HERE, operating_point="1.4")).lesions
    assert one.score > 1.4
    nothing = detector.detect({CT: body}, dataclasses.replace(HERE, operating_point="1.99"))
    assert nothing.lesions == ()
    with pytest.raises(UsageError, match="no operating point “loose”"):
        detector.detect({CT: body}, dataclasses.replace(HERE, operating_point="loose"))


def test_a_lower_operating_point_only_adds_lesions(with_engine, make_noise):
    """Lesions above the higher one stay as they are, though more boxes are linked."""
    image, engine = make_noise
    detector = with_engine(engine)
    runs = [
        detector.detect({CT: image}, dataclasses.replace(HERE, operating_point=point, most_shared=1.0)).lesions
        for point in ("1.2", "0.2", "0")
    ]
    assert 3 < len(runs[0]) < len(runs[1]) <= len(runs[2])
    for few, more in itertools.pairwise(runs):
        for one, two in zip(few, more[: len(few)], strict=True):
            assert (one.score, one.box_ras_mm, one.mask.to_json()) == (two.score, two.box_ras_mm, two.mask.to_json())


@pytest.fixture(scope="module")
def make_noise(bright_engine):
    """Noise with many bright blobs of all heights, and an engine for it."""
    voxels = ndimage.gaussian_filter(np.random.default_rng(1).normal(0, 1, (8, 40, 40)), (0.7, 1.5, 1.5))
    image = Image((900 * voxels / voxels.std() - 900).clip(-1024, 1050), np.diag([-1.0, -1.0, 2.0, 1.0]), CT, HU)
    return image, bright_engine(margin=2.0)


def test_the_number_is_limited(with_engine, make_noise):
    image, engine = make_noise
    detector = with_engine(engine)
    every = detector.detect({CT: image}, dataclasses.replace(HERE, operating_point="0"))
    few = detector.detect({CT: image}, dataclasses.replace(HERE, operating_point="0", most_lesions=3))
    assert [one.score for one in few.lesions] == [one.score for one in every.lesions[:3]]
    assert few.warnings[-1].startswith("Only the 3 highest scores of")
    assert "Only the" not in " ".join(every.warnings)


def test_two_boxes_around_one_outline_are_one_lesion(with_engine, bright_engine, body):
    """A second box around each ball, less sure."""

    class Doubled(bright_engine.func):
        def of_slice(self, plane, limits):
            found = super().of_slice(plane, limits)
            boxes = np.concatenate([found.boxes, np.clip(found.boxes + np.array([9, 0, 9, 0]), 0, 64)])
            probability = np.concatenate([found.probability, 0.8 * found.probability])
            return dataclasses.replace(found, boxes=boxes, probability=probability, windows=found.windows * 2)

    detector = with_engine(Doubled(*bright_engine.args))
    assert len(detector.detect({CT: body}, dataclasses.replace(HERE, most_shared=1.0)).lesions) == 4
    assert len(detector.detect({CT: body}, HERE).lesions) == 2


def test_a_network_without_a_mask(with_engine, bright_engine, body):
    """Its scores are probabilities; outlines come from click to measure."""
    found = with_engine(bright_engine(masked=False)).detect({CT: body})
    assert len(found.lesions) == 2
    for lesion, (center, diameter) in zip(found.lesions, (BALLS_MM["left"], BALLS_MM["right"]), strict=True):
        assert lesion.score == lesion.measurements["probability"]
        assert "click to measure" in lesion.note
        np.testing.assert_allclose(lesion.mask.centroid_ras_mm(body.geometry), center, atol=1.5)
        assert lesion.measurements["equivalent_diameter_mm"] == pytest.approx(diameter, abs=2.0)


def test_a_region_gives_the_lesions_of_the_whole_scan(detector, found, body):
    region = ((10.0, -30.0, 5.0), (60.0, 30.0, 20.0))
    some = detector.detect({CT: body}, dataclasses.replace(HERE, region_ras_mm=region))
    ((one,), two) = some.lesions, found.lesions[1]
    assert (one.score, one.box_ras_mm, one.mask.to_json()) == (two.score, two.box_ras_mm, two.mask.to_json())
    assert some.warnings[-1] == "Lesions were looked for in a region of 50 x 60 x 15 mm only, not in the whole scan."
    with pytest.raises(InputError, match="outside"):
        detector.detect({CT: body}, dataclasses.replace(HERE, region_ras_mm=((500.0, 0, 0), (600.0, 50, 50))))


@pytest.mark.parametrize(
    ("learned", "told"),
    [
        ({}, ""),
        ({"slices_mm": (1.0, 2.0), "pixels_mm": (1.3, 1.5)}, ""),
        ({"slices_mm": (5.0, 5.0)}, ""),  # thinner ones are looked at as thick as they were
        ({"slices_mm": (0.5, 1.0)}, "slices of “body” are 2.0 mm apart; the model learned from 0.5 to 1 mm"),
        ({"pixels_mm": (0.6, 0.98)}, "pixels of “body” are 1.41 mm wide; it learned from 0.6 to 0.98 mm"),
        ({"pixels_mm": (0.6, 0.75), "size_px": 128}, ""),
    ],
)
def test_scans_unlike_those_learned_from(detector, body, learned, told):
    found = detector.detect({CT: body.crop((0, 0, 4), (60, 60, 5))}, dataclasses.replace(HERE, **learned))
    assert (told in found.warnings[1]) if told else len(found.warnings) == 1


def test_pixels_that_are_not_square(detector, make_body):
    found = detector.detect({CT: make_body(shape=(5, 40, 60), spacing=(1.0, 1.5, 2.0))})
    assert "1.00 mm wide and 1.50 mm high" in found.warnings[1]


def test_what_is_not_said_to_be_a_ct(detector, found, body):
    untold = detector.detect({CT: Image(body.voxels.astype(np.float64) - 100, body.ijk_to_ras, name="body")})
    assert "does not say that it is a CT" in untold.warnings[-1]
    assert len(untold.lesions) == 2
    assert set(untold.lesions[0].measurements) == set(found.lesions[0].measurements)


def test_what_is_refused(a_bundle, detector, body):
    with pytest.raises(InputError, match="Choose a CT"):
        detector.detect({})
    with pytest.raises(InputError, match="not numbers"):
        detector.detect({CT: body.with_voxels(np.where(body.voxels > 0, np.nan, body.voxels))})
    with pytest.raises(InputError, match="is PET, but"):
        detector.detect({CT: dataclasses.replace(body, modality="PT", unit="SUVbw")})
    with pytest.raises(UsageError, match="needs a model"):
        create(None)
    with pytest.raises(BundleError, match="for the method nodule-ct"):
        create(a_bundle(method="nodule-ct"), "cpu")
    with pytest.raises(BundleError, match="from which score"):
        create(a_bundle(settings={"operating_points": {}}), "cpu")
    with pytest.raises(DeviceError, match="There is no device “gpu”"):
        create(a_bundle(), "gpu")


def test_cancel_in_every_stage(detector, body):
    never = CancelledAt(None)
    detector.detect({CT: body}, progress=never)
    assert never.fractions == sorted(never.fractions)
    assert never.fractions[-1] == 1.0
    stages = list(dict.fromkeys(never.texts[:-1]))
    assert stages == ["Preparing the scan", "Looking for lesions", "Measuring"]
    batches = math.ceil(22 / slices_at_once(torch.device("cpu")))
    assert never.texts.count("Looking for lesions") == batches + 1
    for stage in stages:
        progress = CancelledAt(stage)
        with pytest.raises(Cancelled):
            detector.detect({CT: body}, progress=progress)
        assert progress.texts.count(stage) == 1


@pytest.fixture(scope="module")
def noise():
    voxels = np.random.default_rng(0).integers(-1000, 1000, (4, 70, 90), dtype=np.int16)
    return Image(voxels, np.diag([-1.0, -1.0, 2.0, 1.0]), CT, HU, "noise")


def test_a_network_of_its_own(a_bundle, noise):
    """Untrained: all that it says has the form of a result, and it says the same again."""
    info, bundle = method("universal-ct"), a_bundle()
    settings = dataclasses.replace(
        info.default_settings(bundle), operating_point="0", most_lesions=5, mask_threshold=0.005, most_shared=1.0
    )
    runs = [info.create(bundle, "cpu").detect({CT: noise}, settings, Progress()) for _ in range(2)]
    assert len(runs[0].lesions) == 5
    for one, two in zip(*(run.lesions for run in runs), strict=True):
        assert 0 < one.score < 2
        assert (one.score, one.box_ras_mm) == (two.score, two.box_ras_mm)
        assert one.mask.to_json() == two.mask.to_json()
        low, high = noise.geometry.ijk_from_ras(one.box_ras_mm)
        assert np.all(np.minimum(low, high) >= -0.5 - 1e-6)
        assert np.all(np.maximum(low, high) <= np.array(noise.shape_kji[::-1]) - 0.5 + 1e-6)


def test_a_network_of_the_original_row(a_bundle, noise):
    """Levels P3 to P7, no mask; its input has sizes of its own."""
    original = dataclasses.replace(ROWS["original"], base=2, pyramid=4, head=4, head_layers=1)
    detector = create(a_bundle(architecture=original), "cpu")
    with pytest.raises(UsageError, match="multiple of 128 pixels, not 64"):
        detector.detect({CT: noise}, HERE)
    settings = UniversalSettings(size_px=128, operating_point="0", measure=False)
    found = detector.detect({CT: noise}, settings)
    assert found.lesions
    assert all(lesion.score == lesion.measurements["probability"] for lesion in found.lesions)


def test_slices_together_are_slices_alone(a_bundle, noise, monkeypatch):
    detector = create(a_bundle(), "cpu")
    assert isinstance(detector._engine, SliceEngine)
    settings = dataclasses.replace(HERE, operating_point="0", measure=False, most_lesions=20)
    alone = detector.detect({CT: noise}, settings)
    monkeypatch.setattr("LesionDetectionLib.methods.slices.detector.slices_at_once", lambda device: 3)
    together = detector.detect({CT: noise}, settings)
    # Rounded to bfloat16 where the machine is fast in it.
    scores = [[lesion.score for lesion in run.lesions] for run in (together, alone)]
    np.testing.assert_allclose(*scores, rtol=0.02)
