"""The whole method with a network whose response is known: masks to the pixel, in every way a scan can be stored."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch
from LesionDetectionLib.core.detections import SCHEMA_PATH, Detections
from LesionDetectionLib.core.detector import method
from LesionDetectionLib.core.errors import BundleError, Cancelled, DeviceError, InputError, UsageError
from LesionDetectionLib.core.image import CT, HU, Image
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.imaging.mask_grids import mask_from_grid
from LesionDetectionLib.imaging.measurements import measure_mask
from LesionDetectionLib.methods.high_uptake_ct.detector import NO_UPTAKE, create
from LesionDetectionLib.methods.high_uptake_ct.preprocessing import prepare
from LesionDetectionLib.methods.high_uptake_ct.settings import HighUptakeSettings, settings_for
from scipy import ndimage

from ..detecting import WAYS, CancelledAt, stored_otherwise

OVER_SLICES = np.zeros((3, 3, 3), dtype=bool)
OVER_SLICES[1], OVER_SLICES[:, 1, 1] = True, True
"""Pixels that touch at a corner are connected; slices are through a shared pixel."""
IN_HULL = HighUptakeSettings(hull_margin_mm=0.0, least_shared=0.0)
EVERYWHERE = HighUptakeSettings(lungs_only=False, least_shared=0.0)


@pytest.fixture(scope="module")
def detector(a_bundle):
    return create(a_bundle(), "cpu")


@pytest.fixture(scope="module")
def found(detector, chest):
    return detector.detect({CT: chest})


def components(positive):
    """Masks of what hangs together, in the order of their first voxels."""
    labels, count = ndimage.label(positive, OVER_SLICES)
    return [labels == number for number in range(1, count + 1)]


def full_masks(detections):
    return [lesion.mask.full(detections.geometry.shape_kji) for lesion in detections.lesions]


def assert_same_masks(masks, expected):
    """Whatever their order."""
    assert len(masks) == len(expected)
    assert {mask.tobytes() for mask in masks} == {mask.tobytes() for mask in expected}


def by_score(detections):
    return sorted((lesion.score, lesion.center_ras_mm, lesion.mask.count) for lesion in detections.lesions)


def assert_same_lesions(one, two):
    """The masks are the same; responses are, to the rounding of a fast transform."""
    assert_same_masks(full_masks(one), full_masks(two))
    scores = [sorted(lesion.score for lesion in found.lesions) for found in (one, two)]
    np.testing.assert_allclose(*scores, atol=1e-5)


def test_lesions_are_what_the_network_says_to_the_pixel(a_bundle, chest, response):
    bundle, info = a_bundle(), method("high-uptake-ct")
    settings = info.default_settings(bundle)
    found = info.create(bundle, "cpu").detect({CT: chest}, settings, Progress())
    expected = response(chest.voxels)
    search = prepare(chest, settings).search
    parts = [part for part in components(search & (expected > 0)) if expected[part].max() > 0.2]
    assert len(parts) == 2
    assert_same_masks(full_masks(found), parts)
    for lesion, mask in zip(found.lesions, full_masks(found), strict=True):
        assert lesion.score == pytest.approx(expected[mask].max(), abs=1e-6)
        measured = measure_mask(chest, lesion.mask)
        assert lesion.center_ras_mm == measured.center_ras_mm
        assert lesion.diameter_mm == lesion.recist.long_mm == measured.recist.long_mm
        assert lesion.measurements["mean_hu"] == chest.voxels[mask].mean()
        areas = [np.count_nonzero(plane) for plane in mask]
        assert lesion.measurements["largest_area_px"] == max(areas)
        assert (lesion.method, lesion.model) == ("high-uptake-ct", "known")
    assert [lesion.score for lesion in found.lesions] == sorted(
        (lesion.score for lesion in found.lesions), reverse=True
    )
    assert sorted(lesion.center_ras_mm[0] > 0 for lesion in found.lesions) == [False, True]


def test_what_a_result_says_of_itself(a_bundle, detector, found, chest, tmp_path):
    assert found.geometry.same_grid(chest.geometry)
    assert (found.method, found.modality, found.unit, found.image_name) == ("high-uptake-ct", CT, HU, "chest")
    assert found.provenance["model"]["name"] == "known"
    assert set(found.provenance["seconds"]) == {"preparation", "network", "blobs", "measuring"}
    assert found.provenance["candidates"] >= len(found.lesions) == 2
    assert found.provenance["working_spacing_mm"] == pytest.approx([2.5, 2.5, 4.0])
    assert found.provenance["settings"]["least_response"] == found.operating_point.threshold == 0.2
    assert found.operating_point.name == "verified"
    assert [(control.name, control.value) for control in found.controls] == [
        ("least_response", 0.2),
        ("least_area_px", 0),
    ]
    assert "trained on computer-made phantoms" in found.warnings[0]
    assert found.warnings[1:] == (NO_UPTAKE,)
    noted = detector.detect({CT: dataclasses.replace(chest, notes=("A slice was missing.",))})
    assert noted.warnings[2:] == ("A slice was missing.",)
    import jsonschema

    jsonschema.validate(json.loads(json.dumps(found.to_json())), json.loads(SCHEMA_PATH.read_text()))
    found.save(tmp_path / "found.json")
    again = Detections.load(tmp_path / "found.json")
    assert [lesion.evidence for lesion in again.lesions] == [lesion.evidence for lesion in found.lesions]
    assert again.controls == found.controls


def test_the_map(found, chest, response):
    """R on the working grid, where it was searched; the box around that and no more."""
    (title,) = found.maps
    similarity = found.maps[title]
    assert title == "Lesion similarity"
    assert (similarity.modality, similarity.unit, similarity.voxels.dtype) == ("", "", np.float32)
    search = prepare(chest, IN_HULL).search
    (box,) = ndimage.find_objects(search.astype(int))
    start = tuple(part.start for part in box[::-1])
    assert similarity.geometry.same_grid(chest.geometry.crop(start, similarity.shape_kji[::-1]))
    assert similarity.shape_kji == search[box].shape
    np.testing.assert_allclose(
        similarity.voxels, np.where(search[box], response(chest.voxels[box]), -1), atol=1e-5, rtol=0
    )
    for lesion in found.lesions:
        i, j, k = np.round(similarity.geometry.ijk_from_ras(lesion.center_ras_mm)).astype(int)
        assert similarity.voxels[k, j, i] > 0.2


def test_five_slices_and_the_ends_of_the_scan(a_bundle, make_network, response):
    """The network sees two slices on either side; beyond the ends, the end slices once more."""
    weights = np.array((1, 2, 4, 2, 1))
    voxels = np.random.default_rng(3).integers(-1000, 1000, (4, 12, 11), dtype=np.int16)
    image = Image(voxels, np.diag([-1.0, -1.0, 2.0, 1.0]), CT, HU)
    found = create(a_bundle(network=make_network(slices=weights)), "cpu").detect({CT: image}, EVERYWHERE)
    (similarity,) = found.maps.values()
    padded = np.pad(voxels.astype(float), [(2, 2), (0, 0), (0, 0)], mode="edge")
    mean = sum(w * padded[n : n + 4] for n, w in enumerate(weights)) / weights.sum()
    np.testing.assert_allclose(similarity.voxels, response(mean), atol=1e-5)


@pytest.mark.parametrize("spacing", [(0.0, 0.0, 0.0), (2.0, 2.0, 3.0)])
def test_masks_lie_on_the_image_however_it_is_stored(detector, chest, spacing):
    settings = dataclasses.replace(IN_HULL, spacing_mm=spacing)
    straight = detector.detect({CT: chest}, settings)
    assert len(straight.lesions) == 2
    for axes, flips in WAYS[5::9]:  # five of 48, each order and each flip among them
        stored = stored_otherwise(chest, axes, flips)
        turned = detector.detect({CT: stored}, settings)
        assert turned.geometry.same_grid(stored.geometry)
        back = [mask.transpose(np.argsort(axes)) for mask in (flipped(mask, flips) for mask in full_masks(turned))]
        assert_same_masks([np.ascontiguousarray(mask) for mask in back], full_masks(straight))
        assert [count for *_, count in by_score(turned)] == [count for *_, count in by_score(straight)]
        for one, two in zip(by_score(turned), by_score(straight), strict=True):
            np.testing.assert_allclose(one[1], two[1], atol=1e-6)
            assert one[0] == pytest.approx(two[0], abs=1e-6)


def flipped(array, flips):
    return array[tuple(slice(None, None, -1 if flip else 1) for flip in flips)]


@pytest.mark.parametrize("spacing", [(1.25, 1.25, 0.0), (3.3, 3.3, 4.0), (0.0, 0.0, 2.0)])
def test_masks_come_back_from_a_working_grid(detector, found, chest, response, spacing):
    settings = dataclasses.replace(IN_HULL, spacing_mm=spacing)
    resampled = detector.detect({CT: chest}, settings)
    prepared = prepare(chest, settings)
    expected = response(prepared.voxels)
    parts = [part for part in components(prepared.search & (expected > 0)) if expected[part].max() > 0.2]
    masks = [mask_from_grid(chest, prepared.geometry, part, (0, 0, 0)).full(chest.shape_kji) for part in parts]
    assert_same_masks(full_masks(resampled), masks)
    one, two = (max(full_masks(run), key=np.sum) for run in (resampled, found))
    assert 2 * (one & two).sum() > 0.7 * (one.sum() + two.sum())


def test_no_lesion_is_lost_between_the_voxels(a_bundle, make_network):
    """A single bright voxel, on a working grid three times as fine and three times as coarse."""
    voxels = np.full((4, 9, 9), -850, dtype=np.int16)
    voxels[1, 4, 4] = 3000
    image = Image(voxels, np.diag([-3.0, -3.0, 3.0, 1.0]), CT, HU)
    for spacing in (1.0, 3.0, 9.0):
        settings = dataclasses.replace(EVERYWHERE, spacing_mm=(spacing, spacing, 3.0), operating_point="0")
        network = make_network(limit_hu=-800.0)
        (lesion,) = create(a_bundle(network=network), "cpu").detect({CT: image}, settings).lesions
        assert lesion.mask.full(image.shape_kji)[1, 4, 4]
        assert lesion.mask.count == (9 if spacing == 9.0 else 1)


def test_lesions_at_the_edge(detector, response):
    """In the corners of the scan, where a patch sees mostly nothing; without lungs."""
    voxels = np.random.default_rng(0).integers(-60, 60, (5, 20, 18), dtype=np.int16)
    voxels[:2, :4, :3] = voxels[4, -1, -2:] = voxels[2, 9:13, 9:13] = 400
    image = Image(voxels, np.diag([-1.0, -1.0, 2.0, 1.0]), CT, HU)
    found = detector.detect({CT: image}, dataclasses.replace(EVERYWHERE, operating_point="every candidate"))
    assert_same_masks(full_masks(found), components(voxels == 400))
    notes = {lesion.mask.count: lesion.note for lesion in found.lesions}
    assert notes == {
        24: "The lesion reaches the edge of the image: it may be larger.",
        2: "The lesion reaches the edge of the image: it may be larger.",
        16: "",
    }


def test_what_the_search_cuts_off_is_told(detector, chest):
    """The left lesion is cut by the region; the right one is not seen at all."""
    cut = ((-60.0, -40.0, -20.0), (-36.0, 40.0, 20.0))
    settings = dataclasses.replace(IN_HULL, region_ras_mm=cut)
    (lesion,) = detector.detect({CT: chest}, settings).lesions
    assert "border of what was searched" in lesion.note
    assert max(corner[0] for corner in lesion.box_ras_mm) <= -36 + 1.25 + 1e-6


def test_a_single_slice(detector, chest, response):
    image = chest.crop((0, 0, 8), (72, 58, 1))
    found = detector.detect({CT: image}, IN_HULL)
    assert_same_masks(full_masks(found), [part for part in components(image.voxels > 200) if part.sum() > 1])
    assert {lesion.note for lesion in found.lesions} == {"Volume from one slice."}


def test_a_region_gives_the_lesions_of_the_whole_scan(detector, found, chest):
    box = ((10.0, -30.0, -20.0), (60.0, 30.0, 20.0))
    settings = dataclasses.replace(IN_HULL, region_ras_mm=box)
    some = detector.detect({CT: chest}, settings)
    inside = tuple(lesion for lesion in found.lesions if lesion.center_ras_mm[0] > 0)
    assert_same_lesions(some, dataclasses.replace(found, lesions=inside))
    assert (
        some.warnings[-1]
        == "Active lesions were looked for in a region of 50 x 60 x 40 mm only, not in the whole scan."
    )
    (part,), (whole,) = some.maps.values(), found.maps.values()
    i, j, k = np.round(whole.geometry.ijk_from_ras(part.geometry.ras_from_ijk((0, 0, 0)))).astype(int)
    nk, nj, ni = part.shape_kji
    same = whole.voxels[k : k + nk, j : j + nj, i : i + ni]
    np.testing.assert_allclose(part.voxels[part.voxels > -1], same[part.voxels > -1], atol=1e-5)


@pytest.fixture(scope="module")
def speckles(a_bundle, make_network):
    """Noise with some forty candidates of all sizes and responses: image, detector, settings."""
    voxels = np.random.default_rng(1).normal(0, 300, (6, 40, 40))
    voxels = ndimage.gaussian_filter(voxels, (0.3, 1.0, 1.0)) - 40
    image = Image(np.round(voxels).astype(np.int16), np.diag([-1.0, -1.0, 2.0, 1.0]), CT, HU)
    return image, create(a_bundle(network=make_network(limit_hu=0.0)), "cpu"), EVERYWHERE


def test_moved_thresholds_show_what_a_new_run_would(speckles):
    image, detector, settings = speckles
    review = detector.detect({CT: image}, dataclasses.replace(settings, **method("high-uptake-ct").review_settings))
    assert review.operating_point.name == "verified"
    assert len(review.lesions) == review.provenance["candidates"] > 30
    counts = set()
    for least_response, least_area in [(0.0, 0), (0.2, 0), (0.0, 7), (0.3, 3), (0.35, 12), (0.9, 0)]:
        moved = review.with_control_values((least_response, least_area))
        shown = dataclasses.replace(moved, lesions=tuple(one for one in moved.lesions if moved.passing(one)))
        point = repr(least_response)
        anew = detector.detect(
            {CT: image}, dataclasses.replace(settings, operating_point=point, least_area_px=least_area)
        )
        assert by_score(shown) == by_score(anew)
        assert [control.value for control in anew.controls] == [least_response, least_area]
        counts.add(len(anew.lesions))
    assert len(counts) == 6
    assert 0 in counts


def test_every_candidate_drops_both_thresholds(speckles):
    image, detector, settings = speckles
    settings = dataclasses.replace(settings, least_area_px=7)
    every = detector.detect({CT: image}, dataclasses.replace(settings, operating_point="every candidate"))
    by_size = detector.detect({CT: image}, dataclasses.replace(settings, operating_point="0"))
    assert len(by_size.lesions) < len(every.lesions)
    assert [control.value for control in every.controls] == [0.0, 0.0]
    assert [control.value for control in by_size.controls] == [0.0, 7.0]


def test_the_number_is_limited(speckles):
    image, detector, settings = speckles
    few = detector.detect({CT: image}, dataclasses.replace(settings, operating_point="0", most_lesions=3))
    every = detector.detect({CT: image}, dataclasses.replace(settings, operating_point="0"))
    assert [lesion.score for lesion in few.lesions] == [lesion.score for lesion in every.lesions][:3]
    assert few.warnings[-1] == f"Only the 3 highest responses of {few.provenance['candidates']} findings are shown."
    some = detector.detect({CT: image}, dataclasses.replace(settings, all_candidates=True, most_candidates=5))
    assert len(some.lesions) == 5
    assert "5 highest responses" in some.warnings[-1]
    assert "no threshold shows the others" in some.warnings[-1]


def test_the_number_of_threads_changes_nothing(speckles):
    image, detector, settings = speckles
    before, maps = torch.get_num_threads(), []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            maps += detector.detect({CT: image}, settings).maps.values()
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    np.testing.assert_array_equal(maps[0].voxels, maps[1].voxels)


def test_full_memory(a_bundle, chest, found, monkeypatch):
    """Halves of slices are tried; their responses are the same. Where even a pixel is too much, it is said."""
    detector = create(a_bundle(), "cpu")
    whole, sizes = detector._dense, []

    def small_only(most):
        def dense(stack, wanted):
            sizes.append(np.count_nonzero(wanted))
            if sizes[-1] > most:
                raise MemoryError
            return whole(stack, wanted)

        return dense

    monkeypatch.setattr(detector, "_dense", small_only(200))
    halved = detector.detect({CT: chest})
    assert_same_lesions(halved, found)
    assert max(sizes) > 200
    (one,), (two,) = halved.maps.values(), found.maps.values()
    np.testing.assert_allclose(one.voxels, two.voxels, atol=1e-5)
    monkeypatch.setattr(detector, "_dense", small_only(0))
    with pytest.raises(DeviceError, match="memory is full"):
        detector.detect({CT: chest.crop((20, 20, 6), (20, 20, 2))}, EVERYWHERE)


def test_cancel_in_every_stage(detector, chest):
    never = CancelledAt(None)
    detector.detect({CT: chest}, progress=never)
    assert never.fractions == sorted(never.fractions)
    assert never.fractions[-1] == 1.0
    stages = list(dict.fromkeys(never.texts[:-1]))
    assert stages == ["Finding the lungs", "Comparing with active lesions", "Measuring"]
    for stage in stages:
        progress = CancelledAt(stage)
        with pytest.raises(Cancelled):
            detector.detect({CT: chest}, progress=progress)
        assert progress.texts[-1] == stage
        assert progress.texts.count(stage) == 1


@pytest.mark.parametrize(
    ("learned", "text"),
    [
        ({}, ""),
        ({"slices_mm": (1.0, 4.0), "pixels_mm": (2.4, 2.6)}, ""),
        ({"slices_mm": (3.8, 3.8)}, ""),
        ({"slices_mm": (1.0, 3.0)}, "slices of “chest” are 4.0 mm apart; the model learned from 1 to 3 mm"),
        ({"slices_mm": (5.0, 5.0)}, "the model learned from 5 mm"),
        ({"pixels_mm": (0.6, 0.98)}, "pixels of “chest” are 2.50 mm wide; the model learned from 0.6 to 0.98 mm"),
        ({"pixels_mm": (0.6, 0.98), "spacing_mm": (0.9, 0.9, 0.0)}, "2.50 mm wide"),
        ({"pixels_mm": (4.9, 5.0), "spacing_mm": (5.0, 5.0, 0.0)}, ""),
    ],
)
def test_scans_unlike_those_learned_from(detector, chest, learned, text):
    image = chest.crop((20, 20, 6), (20, 20, 2))
    found = detector.detect({CT: image}, dataclasses.replace(EVERYWHERE, **learned))
    assert (text in found.warnings[-1]) if text else found.warnings[2:] == ()


def test_what_is_not_said_to_be_a_ct(detector, found, chest):
    plain = Image(chest.voxels.astype(np.float64), chest.ijk_to_ras, name="chest")
    untold = detector.detect({CT: plain})
    assert by_score(untold) == by_score(found)
    assert [set(lesion.measurements) for lesion in untold.lesions] == [
        set(lesion.measurements) for lesion in found.lesions
    ]
    assert "does not say that it is a CT" in untold.warnings[-1]


def test_what_is_refused(a_bundle, detector, chest):
    with pytest.raises(InputError, match="Choose a CT"):
        detector.detect({})
    with pytest.raises(UsageError, match="no operating point “loose”"):
        detector.detect({CT: chest}, HighUptakeSettings(operating_point="loose"))
    with pytest.raises(UsageError, match="needs a model"):
        create(None)
    with pytest.raises(BundleError, match="for the method nodule-ct"):
        create(a_bundle(method="nodule-ct"), "cpu")
    with pytest.raises(BundleError, match="from which score"):
        create(a_bundle(settings={"operating_points": {}}), "cpu")
    with pytest.raises(DeviceError, match="There is no device “gpu”"):
        create(a_bundle(), "gpu")


def test_a_scan_without_candidates(detector, chest):
    dark = dataclasses.replace(chest, voxels=np.minimum(chest.voxels, 100))
    found = detector.detect({CT: dark}, settings_for(None))
    assert found.lesions == ()
    assert found.provenance["candidates"] == 0
    assert found.maps["Lesion similarity"].voxels.max() < 0
