"""Looking in a region only: what is found in it is what is found there in the whole scan."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch
from LesionDetectionLib.core.detections import SCHEMA_PATH, Detections
from LesionDetectionLib.core.errors import BundleError, InputError, UsageError
from LesionDetectionLib.core.image import CT
from LesionDetectionLib.methods.nodule_ct.detector import create
from LesionDetectionLib.methods.nodule_ct.preprocessing import prepare
from LesionDetectionLib.methods.nodule_ct.screening import screen
from LesionDetectionLib.methods.nodule_ct.settings import NoduleSettings, settings_for
from LesionDetectionLib.methods.plain_values import from_json

BOX = ((15.0, -30.0, -20.0), (50.0, 20.0, 15.0))
"""A part of the small chest's right lung."""


def inside(places, box):
    return np.all((places >= box[0]) & (places <= box[1]), axis=-1)


def kji_in(whole, part):
    """Where the part's array begins in the whole's, and the slices of it."""
    start = np.round(whole.geometry.ijk_from_ras(part.geometry.ras_from_ijk((0, 0, 0)))).astype(int)[::-1]
    return start, tuple(slice(a, a + n) for a, n in zip(start, part.voxels.shape, strict=True))


@pytest.mark.parametrize("spacing", [(0.75, 0.75, 1.25), (1.5, 1.5, 2.5), (1.1, 1.3, 2.5)])
@pytest.mark.parametrize("lungs_only", [True, False])
def test_the_part_is_cut_out_of_the_whole_working_volume(chest, spacing, lungs_only):
    settings = NoduleSettings(spacing_mm=spacing, lungs_only=lungs_only)
    whole = prepare(chest(), settings)
    part = prepare(chest(), dataclasses.replace(settings, region_ras_mm=BOX))
    start, slices = kji_in(whole, part)
    assert start[1] % 2 == start[2] % 2 == 0
    assert part.voxels.size < 0.75 * whole.voxels.size
    np.testing.assert_array_equal(part.voxels, whole.voxels[slices])
    places = np.moveaxis(np.indices(part.search.shape), 0, -1)[..., ::-1]
    expected = whole.search[slices] & inside(part.geometry.ras_from_ijk(places), BOX)
    np.testing.assert_array_equal(part.search, expected)
    rest = np.ones(whole.search.shape, bool)
    rest[slices] = False
    everywhere = np.moveaxis(np.indices(whole.search.shape), 0, -1)[..., ::-1]
    assert not (rest & whole.search & inside(whole.geometry.ras_from_ijk(everywhere), BOX)).any()


def test_candidates_are_those_of_the_whole_scan(a_bundle, chest):
    """With suppression switched off: across the border of the region, candidates would put out others."""
    bundle, cpu = a_bundle(), torch.device("cpu")
    settings = dataclasses.replace(
        settings_for(bundle), candidate_distance_mm=0.0, most_candidates=10_000, candidate_threshold=0.2
    )
    detector = create(bundle, "cpu")
    whole, part = (prepare(chest(), dataclasses.replace(settings, region_ras_mm=region)) for region in (None, BOX))
    all_places = screen(whole, detector._screening, settings, cpu)
    voxel = np.floor(all_places.ijk).astype(int)
    in_box = inside(whole.geometry.ras_from_ijk(voxel), BOX)
    places = screen(part, detector._screening, settings, cpu)
    assert 5 < len(places) < len(all_places) / 3
    order, expected = np.lexsort(places.ras_mm.T), np.lexsort(all_places.ras_mm[in_box].T)
    np.testing.assert_allclose(places.ras_mm[order], all_places.ras_mm[in_box][expected], atol=1e-6)
    np.testing.assert_allclose(places.probability[order], all_places.probability[in_box][expected], atol=1e-5)

    everything, looked = detector.look_at(whole, settings), detector.look_at(part, settings)
    wanted = {tuple(np.round(place, 2)): n for n, place in enumerate(looked.center_ras_mm)}
    found = [n for n, place in enumerate(everything.center_ras_mm) if tuple(np.round(place, 2)) in wanted]
    assert len(found) >= 0.9 * len(places)
    for n in found:
        other = wanted[tuple(np.round(everything.center_ras_mm[n], 2))]
        assert everything.probability[n] == pytest.approx(looked.probability[other], abs=1e-4)


def test_a_nodule_in_the_region_is_found_as_in_the_whole_scan(a_bundle, chest):
    bundle = a_bundle()
    settings = dataclasses.replace(settings_for(bundle), candidate_distance_mm=5.0, most_candidates=400)
    detector = create(bundle, "cpu")
    whole = detector.detect({CT: chest()}, settings)
    found = detector.detect({CT: chest()}, dataclasses.replace(settings, region_ras_mm=BOX))
    assert 0 < found.provenance["candidates"] < whole.provenance["candidates"]
    assert found.geometry.same_grid(whole.geometry)
    assert "looked for in a region of 35 x 50 x 35 mm only" in found.warnings[-1]
    assert not any("region" in warning for warning in whole.warnings)


def test_a_scan_stored_otherwise(chest):
    image = chest()
    turned = dataclasses.replace(
        image,
        voxels=image.voxels.transpose(2, 0, 1)[::-1],
        ijk_to_ras=np.column_stack(
            [image.ijk_to_ras[:, 1], image.ijk_to_ras[:, 2], -image.ijk_to_ras[:, 0], image.ijk_to_ras[:, 3]]
        )
        + np.outer(image.ijk_to_ras[:, 0] * (image.shape_kji[2] - 1), (0, 0, 0, 1)),
    )
    settings = NoduleSettings(region_ras_mm=BOX)
    one, two = prepare(image, settings), prepare(turned, settings)
    np.testing.assert_array_equal(one.voxels, two.voxels)
    np.testing.assert_array_equal(one.search, two.search)


@pytest.mark.parametrize(
    ("box", "text"),
    [
        (((-5.0, -10.0, -10.0), (5.0, 10.0, 10.0)), "There is no lung in the region"),
        (((300.0, 0.0, 0.0), (350.0, 50.0, 50.0)), "lies outside “chest”"),
        (((-80.0, -70.0, -44.0), (-70.0, -60.0, -30.0)), "There is no lung in the region"),
    ],
)
def test_a_region_without_lung_is_told(chest, box, text):
    settings = NoduleSettings(region_ras_mm=box, closing_mm=0.0, lung_margin_mm=0.0)
    with pytest.raises(InputError, match=text):
        prepare(chest(), settings)


def test_a_region_that_goes_beyond_everything_is_the_whole_scan(chest):
    everywhere = ((-500.0, -500.0, -500.0), (500.0, 500.0, 500.0))
    whole, part = prepare(chest(), NoduleSettings()), prepare(chest(), NoduleSettings(region_ras_mm=everywhere))
    assert part.search.sum() == whole.search.sum()
    _, slices = kji_in(whole, part)
    np.testing.assert_array_equal(part.voxels, whole.voxels[slices])


@pytest.mark.parametrize(
    ("box", "told"),
    [
        (((0.0, 0.0, 0.0), (4.0, 50.0, 50.0)), "has 4 x 50 x 50 mm; it needs at least 5 mm"),
        (((0.0, 50.0, 0.0), (50.0, 0.0, 50.0)), "has 50 x -50 x 50 mm"),
        (((0.0, 0.0, 0.0), (50.0, float("nan"), 50.0)), "has 50 x nan x 50 mm"),
        (((0.0, 0.0, 0.0), (50.0, float("inf"), 50.0)), "has 50 x inf x 50 mm"),
    ],
)
def test_what_is_no_region(box, told):
    with pytest.raises(UsageError, match=told):
        NoduleSettings(region_ras_mm=box)


def test_the_region_in_json(a_bundle, chest, tmp_path):
    """In settings, in the record of a run, and in bundles, which know nothing of it."""
    import jsonschema

    settings = from_json(NoduleSettings, {"region_ras_mm": [[15, -30, -20], [50, 20, 15]]})
    assert settings == NoduleSettings(region_ras_mm=BOX)
    assert from_json(NoduleSettings, json.loads(json.dumps(dataclasses.asdict(settings)))) == settings
    assert from_json(NoduleSettings, {"region_ras_mm": None}) == NoduleSettings()
    bundle = a_bundle()
    assert "region_ras_mm" not in bundle.manifest.settings["nodule_settings"]
    assert settings_for(bundle).region_ras_mm is None
    with pytest.raises(BundleError, match="“region_ras_mm” cannot be"):
        settings_for(a_bundle(settings={"nodule_settings": {"region_ras_mm": [1, 2]}}))
    found = create(bundle, "cpu").detect({CT: chest()}, dataclasses.replace(settings_for(bundle), region_ras_mm=BOX))
    jsonschema.validate(json.loads(json.dumps(found.to_json())), json.loads(SCHEMA_PATH.read_text()))
    found.save(tmp_path / "found.json")
    recorded = Detections.load(tmp_path / "found.json").provenance["settings"]
    assert from_json(NoduleSettings, recorded).region_ras_mm == BOX
