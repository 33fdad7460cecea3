"""The whole method, with an engine whose answer is known and a box for a liver, and with networks and a liver of their own."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch
from LesionDetectionLib.core.detections import SCHEMA_PATH
from LesionDetectionLib.core.detector import method
from LesionDetectionLib.core.errors import BundleError, Cancelled, InputError, UsageError
from LesionDetectionLib.core.image import CT, HU, Image
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.imaging.liver import LiverSearch
from LesionDetectionLib.methods.liver_ct import detector as liver_detector
from LesionDetectionLib.methods.liver_ct.architecture import DETECTORS
from LesionDetectionLib.methods.liver_ct.detector import CLICKED, LARGEST_SECTION, ONE_BOX, create
from LesionDetectionLib.methods.liver_ct.in_slice import BESIDE_MM
from LesionDetectionLib.methods.liver_ct.model import architecture_from, weights_of
from LesionDetectionLib.methods.liver_ct.network import make_network
from LesionDetectionLib.methods.liver_ct.settings import LiverSettings

from ..detecting import CancelledAt

HERE = LiverSettings(size_px=64)
EVERYWHERE = LiverSettings(size_px=64, where="everywhere")
LEFT, RIGHT = ((-26.0, -10.0, -8.0), 11.0), ((20.0, 8.0, 10.0), 16.0)
"""The balls: the brighter first."""
RIGHT_SIDE = (0.0, -50.0, -6.0), (50.0, 50.0, 30.0)


@pytest.fixture
def said_to_be(monkeypatch):
    """``said_to_be(liver)``: what comes of looking for the liver; counts how often that is done."""
    asked = []

    def say(liver, words="No liver was found: nothing is thick enough."):
        def search(image, progress):
            progress(0.5, "Looking for the liver")
            asked.append(image)
            return LiverSearch(liver, words)

        monkeypatch.setattr(liver_detector, "search_liver", search)
        return asked

    return say


@pytest.fixture(scope="module")
def detector(with_engine, bright_engine):
    return with_engine(bright_engine())


def check_balls(lesions, balls):
    for lesion, (center, diameter) in zip(lesions, balls, strict=True):
        np.testing.assert_allclose(lesion.center_ras_mm, center, atol=1.5)
        assert lesion.diameter_mm == lesion.recist.long_mm == pytest.approx(diameter, abs=2.5)
        assert lesion.measurements["volume_mm3"] == pytest.approx(np.pi / 6 * diameter**3, rel=0.35)
        assert lesion.note.startswith(CLICKED)
        assert lesion.score == lesion.measurements["probability"]


def test_everywhere_all_balls_become_lesions(detector, body, said_to_be, tmp_path):
    asked = said_to_be(None)
    found = detector.detect({CT: body}, EVERYWHERE)
    check_balls(found.lesions, (LEFT, RIGHT))
    assert not asked
    assert (found.method, found.modality, found.unit, found.image_name) == ("liver-ct", CT, HU, "body")
    assert {(lesion.method, lesion.model) for lesion in found.lesions} == {("liver-ct", "tiny")}
    assert found.provenance["slices"] == 22
    assert found.provenance["settings"]["where"] == "everywhere"
    assert [warning for warning in found.warnings if "phantoms" not in warning] == []
    import jsonschema

    jsonschema.validate(json.loads(json.dumps(found.to_json())), json.loads(SCHEMA_PATH.read_text()))


def test_only_the_liver_is_looked_at(body, said_to_be, a_liver, with_engine, bright_engine):
    """A liver from 6 mm below the middle on, of the right half: its slices, the part of each that shows it, and the ball in it."""
    said_to_be(a_liver(body, *RIGHT_SIDE))
    engine = bright_engine()
    found = with_engine(engine).detect({CT: body}, dataclasses.replace(HERE, liver_margin_mm=4.0))
    check_balls(found.lesions, (RIGHT,))
    assert 14 <= found.provenance["slices"] <= 19  # of 22
    assert found.provenance["liver_ml"] == pytest.approx(45 * 90 * 28 / 1000, rel=0.2)
    within = np.array([rectangle for run in engine.within for rectangle in run])
    assert len(within) == found.provenance["slices"]
    assert (within[:, 0] == 0).all()
    # To the left of the middle, in pixels of the input.
    assert within[:, 2].max() == pytest.approx((30 + (4 + BESIDE_MM) / 1.5) * 64 / 60, abs=2.5)
    assert "reaches its upper end" in found.warnings[-1]


def test_a_lesion_at_the_liver_s_edge_counts_and_one_beyond_does_not(body, said_to_be, a_liver, detector):
    """The ball's middle lies 20 mm to the right."""
    for edge, margin, count in ((34.0, 4.0, 0), (34.0, 18.0, 1), (24.0, 8.0, 1), (34.0, 0.0, 0)):
        said_to_be(a_liver(body, (edge, -50.0, -6.0), (50.0, 50.0, 30.0)))
        found = detector.detect({CT: body}, dataclasses.replace(HERE, liver_margin_mm=margin, measure=False))
        assert len(found.lesions) == count, (edge, margin)


def test_the_same_however_the_scan_is_stored(body, said_to_be, a_liver, detector):
    said_to_be(a_liver(body, *RIGHT_SIDE))
    (one,) = detector.detect({CT: body}, HERE).lesions
    matrix = body.ijk_to_ras[:, [2, 0, 1, 3]]
    turned = dataclasses.replace(body, voxels=np.ascontiguousarray(body.voxels.transpose(1, 2, 0)), ijk_to_ras=matrix)
    said_to_be(a_liver(turned, *RIGHT_SIDE))
    (two,) = detector.detect({CT: turned}, HERE).lesions
    assert one.score == two.score
    np.testing.assert_allclose(one.center_ras_mm, two.center_ras_mm, atol=1e-6)
    np.testing.assert_allclose(one.box_ras_mm, two.box_ras_mm, atol=1e-6)
    assert one.mask.count == pytest.approx(two.mask.count, rel=0.1)


def test_without_a_liver_nothing_is_said_of_it(body, said_to_be, detector):
    """No mark would look like a healthy liver, and marks everywhere like lesions of one."""
    said_to_be(None)
    with pytest.raises(InputError, match=r"No liver was found: nothing is thick enough\. .*“body”, “Everywhere”"):
        detector.detect({CT: body}, HERE)


def test_a_liver_that_goes_on_beyond_the_scan(body, said_to_be, a_liver, detector):
    for low, high, told in (
        (-10.0, 10.0, ""),
        (-50.0, 10.0, "its lower end"),
        (-50.0, 50.0, "its lower and its upper end"),
    ):
        said_to_be(a_liver(body, (0.0, -50.0, low), (50.0, 50.0, high)))
        found = detector.detect({CT: body}, dataclasses.replace(HERE, measure=False))
        text = " ".join(found.warnings)
        assert (told in text) if told else ("whole liver" not in text)


def test_one_slice_is_looked_at_as_it_is(body, said_to_be, detector):
    """As of DeepLesion: nobody looks for the liver."""
    asked = said_to_be(None)
    k = round(body.geometry.ijk_from_ras(RIGHT[0])[2])
    three = detector.detect({CT: body.crop((0, 0, k - 1), (60, 60, 3))}, dataclasses.replace(HERE, measure=False))
    middle = detector.detect({CT: body}, dataclasses.replace(HERE, slices="middle", measure=False))
    assert not asked
    np.testing.assert_allclose(three.lesions[0].center_ras_mm[:2], RIGHT[0][:2], atol=1.5)
    assert three.warnings[1] == "Only the middle one of the 3 slices of “body” was looked at."
    assert middle.provenance["slices"] == 1


def test_every_mark_for_an_evaluation(body, said_to_be, a_liver, detector):
    said_to_be(a_liver(body, (-50.0, -50.0, -30.0), (50.0, 50.0, 30.0)))
    plain = detector.detect({CT: body}, dataclasses.replace(HERE, measure=False, operating_point="0"))
    full = detector.detect({CT: body}, dataclasses.replace(HERE, operating_point="0"))
    assert len(plain.lesions) == len(full.lesions) == 2
    for one, two in zip(plain.lesions, full.lesions, strict=True):
        assert (one.score, one.box_ras_mm, one.mask) == (two.score, two.box_ras_mm, None)
        assert one.diameter_mm == pytest.approx(two.diameter_mm, abs=4.0)


def test_two_boxes_around_one_lesion_are_one(body, with_engine, bright_engine):
    class Doubled(type(bright_engine())):
        def of_slice(self, plane, limits, within):
            found = super().of_slice(plane, limits, within)
            boxes = np.concatenate([found.boxes, np.clip(found.boxes + np.array([10, 0, 10, 0]), 0, 64)])
            return dataclasses.replace(found, boxes=boxes, probability=np.tile(found.probability, 2) * 0.99)

    detector = with_engine(Doubled(bright_engine().boxes_around))
    boxes = detector.detect({CT: body}, dataclasses.replace(EVERYWHERE, measure=False)).lesions
    lesions = detector.detect({CT: body}, EVERYWHERE).lesions
    assert len(boxes) == 4
    outlined = [lesion for lesion in lesions if lesion.mask is not None]
    assert len(outlined) == 2


def test_a_region_in_the_liver_and_beside_it(body, said_to_be, a_liver, detector):
    said_to_be(a_liver(body, (-50.0, -50.0, -30.0), (50.0, 50.0, -6.0)))
    for region, count in (
        (((10.0, -30.0, -30.0), (60.0, 30.0, 0.0)), 0),
        (((-60.0, -30.0, -30.0), (0.0, 30.0, 0.0)), 1),
    ):
        found = detector.detect({CT: body}, dataclasses.replace(HERE, measure=False, region_ras_mm=region))
        assert len(found.lesions) == count
    tall = dataclasses.replace(body, ijk_to_ras=body.ijk_to_ras @ np.diag([1.0, 1.0, 3.0, 1.0]))
    said_to_be(a_liver(tall, (-50.0, -50.0, -90.0), (50.0, 50.0, -40.0)))
    low, high = tall.geometry.ras_from_ijk([(59, 59, 20), (0, 0, 21)])
    with pytest.raises(InputError, match="does not reach the liver of “body”"):
        detector.detect({CT: tall}, dataclasses.replace(HERE, region_ras_mm=(tuple(low), tuple(high))))


@pytest.fixture(scope="module")
def one_box(with_engine, bright_engine):
    return with_engine(bright_engine(single_box=True))


def test_a_network_of_one_box_looks_at_the_largest_section(body, said_to_be, a_liver, one_box):
    """Whatever is asked for: never many boxes of slices, which would look like a lesion that all agree on."""
    liver = a_liver(body, *RIGHT_SIDE)
    said_to_be(liver)
    for slices in ("auto", "all"):
        found = one_box.detect({CT: body}, dataclasses.replace(HERE, slices=slices, measure=False))
        (lesion,) = found.lesions
        assert (lesion.score, found.provenance["slices"]) == (1.0, 1)
        assert f"{ONE_BOX} {LARGEST_SECTION}" in found.warnings
        told = f"Only slice {liver.largest_slice + 1}, from the feet, of the 22 slices of “body” was looked at."
        assert told in found.warnings
        k = np.sort(body.geometry.ijk_from_ras(lesion.box_ras_mm)[:, 2])
        np.testing.assert_allclose(k, (liver.largest_slice - 0.5, liver.largest_slice + 0.5))


def test_a_network_of_one_box_elsewhere(body, said_to_be, one_box):
    """The middle one of all, of the region's, and of three; it returns a box where there is nothing, too."""
    asked = said_to_be(None)
    everywhere = one_box.detect({CT: body}, dataclasses.replace(EVERYWHERE, measure=False))
    assert everywhere.warnings[1:] == ("Only the middle one of the 22 slices of “body” was looked at.", ONE_BOX)
    region = ((-44.0, -44.0, 8.0), (44.0, 44.0, 14.0))
    some = one_box.detect({CT: body}, dataclasses.replace(EVERYWHERE, measure=False, region_ras_mm=region))
    assert 8.0 <= some.lesions[0].center_ras_mm[2] <= 14.0
    empty = one_box.detect({CT: body.with_voxels(np.minimum(body.voxels, -80)).crop((0, 0, 4), (60, 60, 3))}, HERE)
    (lesion,) = empty.lesions
    assert (lesion.score, lesion.mask, empty.warnings[-1]) == (1.0, None, ONE_BOX)
    assert not asked


def test_sizes_that_a_network_cannot_take(body, one_box, detector):
    with pytest.raises(UsageError, match="slices of 64 pixels as a whole, and cannot take inputs of 128"):
        one_box.detect({CT: body}, LiverSettings(size_px=128))
    with pytest.raises(UsageError, match="multiple of 16 pixels, not 72"):
        detector.detect({CT: body}, LiverSettings(size_px=72))
    assert detector.detect({CT: body}, dataclasses.replace(EVERYWHERE, size_px=96, measure=False)).lesions


def test_limits_reach_the_engine(body, with_engine, bright_engine):
    engine = bright_engine()
    settings = dataclasses.replace(
        EVERYWHERE, proposals=17, nms_iou=0.4, most_boxes=9, least_score=0.02, measure=False, slices="middle"
    )
    for point, least in (("0.3", 0.3), ("0", 0.02)):
        with_engine(engine).detect({CT: body}, dataclasses.replace(settings, operating_point=point))
        limits = engine.limits[-1]
        assert (limits.proposals, limits.nms_iou, limits.most_boxes) == (17, 0.4, 9)
        assert limits.least_probability == pytest.approx(least)
    # Weaker ends of a lesion are linked to it.
    with_engine(engine).detect({CT: body}, dataclasses.replace(settings, operating_point="0.4", slices="all"))
    assert engine.limits[-1].least_probability == pytest.approx(0.4 * settings.link_share)


def test_what_is_refused(a_bundle, detector, body):
    with pytest.raises(InputError, match="Choose a CT"):
        detector.detect({})
    with pytest.raises(InputError, match="is PET, but"):
        detector.detect({CT: dataclasses.replace(body, modality="PT", unit="SUVbw")})
    with pytest.raises(UsageError, match="needs a model"):
        create(None)
    with pytest.raises(BundleError, match="for the method nodule-ct"):
        create(a_bundle(method="nodule-ct"), "cpu")


def test_cancel_in_every_stage(detector, body, said_to_be, a_liver):
    said_to_be(a_liver(body, *RIGHT_SIDE))
    never = CancelledAt(None)
    detector.detect({CT: body}, HERE, never)
    assert never.fractions == sorted(never.fractions)
    assert never.fractions[-1] == 1.0
    stages = list(dict.fromkeys(never.texts[:-1]))
    assert stages == ["Preparing the scan", "Looking for the liver", "Looking for lesions", "Measuring"]
    for stage in stages:
        progress = CancelledAt(stage)
        with pytest.raises(Cancelled):
            detector.detect({CT: body}, HERE, progress)
        assert progress.texts.count(stage) == 1


@pytest.mark.parametrize("kind", DETECTORS)
def test_networks_of_their_own(a_bundle, described, body, kind):
    """Untrained: all that they say has the form of a result, and they say the same again."""
    described_as = dataclasses.replace(architecture_from(described().architecture), detector=kind)
    torch.manual_seed(1)
    bundle = a_bundle(weights_of(make_network(described_as).eval()), described_as)
    settings = dataclasses.replace(EVERYWHERE, operating_point="0", measure=False, most_lesions=5)
    slab = body.crop((0, 0, 4), (60, 60, 4))
    runs = [method("liver-ct").create(bundle, "cpu").detect({CT: slab}, settings, Progress()) for _ in range(2)]
    marks = [[(lesion.score, lesion.box_ras_mm) for lesion in run.lesions] for run in runs]
    assert marks[0] == marks[1]
    assert runs[0].provenance["slices"] == (4 if kind == "faster-rcnn" else 1)
    if kind == "faster-rcnn":
        assert len(marks[0]) == 5
        assert all(0 < score < 1 for score, _ in marks[0])
    else:
        assert all(score == 1 for score, _ in marks[0])
        assert len(marks[0]) <= 1


def test_an_image_that_is_no_belly(detector):
    """The real search for the liver, on air."""
    voxels = np.random.default_rng(0).integers(-1010, -990, (8, 60, 60), dtype=np.int16)
    air = Image(voxels, np.diag([-3.0, -3.0, 5.0, 1.0]), CT, HU, "air")
    with pytest.raises(InputError, match="No liver was found"):
        detector.detect({CT: air}, HERE)
