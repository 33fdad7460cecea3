"""The body phantom: the same for the same seed, and each region's lesions in the tissue where they belong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionDetectionLib.core.errors import Cancelled, UsageError
from LesionDetectionLib.core.image import PHANTOM
from LesionDetectionLib.core.progress import Progress
from LesionTrainingLib.cohorts.deeplesion_rows import TYPES
from LesionTrainingLib.cohorts.phantoms import body, body_protocols, body_shapes
from LesionTrainingLib.cohorts.phantoms.body_kinds import HAEMATOMAS, KINDS
from LesionTrainingLib.cohorts.phantoms.body_places import PLACES
from LesionTrainingLib.cohorts.phantoms.body_settings import REGIONS, BodySettings
from LesionTrainingLib.cohorts.spec import open_cohort
from scipy import ndimage

FINER = replace(body.TINY, columns=160, pixel_mm=(2.2, 2.9), psf_mm=(2.0, 2.0), tube_current_mas=(1e5, 1e5))
"""A little less coarse, and without noise."""
AROUND_HU = {
    "lung": (-950, -550),
    "liver": (15, 130),
    "kidney": (-110, 215),
    "mediastinum": (-950, 190),
    "abdomen": (-130, 215),
    "bone": (-110, 700),
    "pelvis": (-130, 500),
    "soft tissue": (-120, 130),
}
"""Least and greatest median of what lies about a lesion."""


def of_region(name, seed):
    return body.make_body(seed, replace(FINER, regions=((name, 1.0),), lesions=(0.0, 1.0)))


@pytest.fixture(scope="module")
def a_slab():
    return body.make_body(5, body.TINY)


def test_the_same_seed_gives_the_same_bits_on_any_threads(a_slab):
    import cv2

    before = cv2.getNumThreads()
    cv2.setNumThreads(3 if before == 1 else 1)
    try:
        again = body.make_body(5, body.TINY)
    finally:
        cv2.setNumThreads(before)
    assert np.array_equal(again.image.voxels, a_slab.image.voxels)
    assert np.array_equal(again.image.ijk_to_ras, a_slab.image.ijk_to_ras)
    assert [x.to_json() for x in again.lesions] == [x.to_json() for x in a_slab.lesions]
    assert (again.kinds, again.mimics) == (a_slab.kinds, a_slab.mimics)


def test_phantoms_are_those_that_the_demonstration_models_learned_from(a_slab):
    """One draw more or less, for a new kind of lesion say, would change all that follows."""
    assert a_slab.image.voxels.mean() == pytest.approx(-536.07, abs=0.05)
    assert a_slab.image.voxels.std() == pytest.approx(480.33, abs=0.05)
    assert a_slab.kinds == ("soft tissue", "lung", "mediastinum", "mediastinum")
    np.testing.assert_allclose(a_slab.lesions[1].center_ras_mm, (64.6, -21.2, 74.1), atol=0.1)


def test_it_is_a_ct_in_axial_order_that_says_it_is_a_phantom(a_slab):
    image = a_slab.image
    assert (image.modality, image.unit, image.identifiers[PHANTOM]) == ("CT", "HU", "body")
    assert np.all(np.diag(image.ijk_to_ras)[:3] * (-1, -1, 1) > 0)
    assert image.voxels.min() < -900
    assert image.voxels.max() > 300


def test_regions_are_deeplesions_in_its_order():
    assert tuple(TYPES[n] for n in range(1, 9)) == REGIONS
    assert {kind.region for kind in KINDS} == set(REGIONS)
    assert {kind.place for kind in KINDS + HAEMATOMAS} == set(PLACES)


@pytest.mark.parametrize("region", REGIONS)
def test_lesions_of_a_region_lie_in_its_tissue_and_apart(region):
    case = of_region(region, 3)
    assert set(case.kinds) == {region}
    assert len(case.kinds) == len(case.lesions)
    taken = np.zeros(case.image.shape_kji, dtype=int)
    for lesion in case.lesions:
        mask = lesion.mask.full(case.image.shape_kji)
        taken += mask
        around = ndimage.binary_dilation(mask, np.ones((1, 3, 3)), iterations=3) & ~ndimage.binary_dilation(
            mask, np.ones((1, 3, 3))
        )
        low, high = AROUND_HU[region]
        assert low < np.median(case.image.voxels[around]) < high
        if region in ("lung", "soft tissue", "mediastinum"):
            assert np.median(case.image.voxels[mask]) > np.median(case.image.voxels[around]) or region == "soft tissue"
        assert np.linalg.norm(np.subtract(lesion.center_ras_mm, lesion.mask.centroid_ras_mm(case.image.geometry))) < 4
    assert taken.max() == 1, "lesions overlap"


@pytest.mark.parametrize("seed", range(3))
def test_a_slab_has_a_lesion_whose_largest_section_is_within(seed):
    case = body.make_body(seed, body.TINY)
    mask = case.lesions[0].mask
    largest = mask.start_ijk[2] + int(mask.voxels.sum(axis=(1, 2)).argmax())
    assert 0 < largest < case.image.shape_kji[0] - 1
    assert 1 <= len(case.lesions) <= 4


def test_the_painted_lesion_is_what_the_mask_says():
    """Scanned without noise, a liver's cyst differs from the liver exactly where the mask is."""
    for seed in range(3, 30):
        case = of_region("liver", seed)
        found = [lesion for lesion in case.lesions if lesion.note.endswith("cyst") and lesion.mask.count > 30]
        if found:
            break
    mask = found[0].mask.full(case.image.shape_kji)
    inner = ndimage.binary_erosion(mask, np.ones((1, 3, 3)))
    outer = ndimage.binary_dilation(mask, np.ones((1, 3, 3)), iterations=2)
    ring = ndimage.binary_dilation(outer, np.ones((1, 3, 3)), iterations=2) & ~outer
    painted = found[0].measurements["painted_hu"]
    assert abs(np.median(case.image.voxels[inner]) - painted) < 12
    assert abs(np.median(case.image.voxels[ring]) - painted) > 10


def test_slabs_differ_in_spacing_as_deeplesions_do():
    drawn = [body_protocols.protocol("slab", seed) for seed in range(200)]
    assert {one.spacing_mm for one in drawn} == {1.0, 2.0, 2.5, 5.0}
    assert all(7 <= one.slices <= 13 and one.columns == 512 for one in drawn)
    assert body_protocols.protocol("slab", 7) == body_protocols.protocol("slab", 7)
    assert body_protocols.protocol("tiny", 7) == body.TINY


def test_a_whole_body_reaches_from_neck_to_pelvis():
    whole = replace(
        body.TINY, slices=0, spacing_mm=20.0, slice_thickness_mm=20.0, step_mm=14.0, lesions=(0.0, 0.0, 1.0)
    )
    case = body.make_body(2, whole)
    assert {"heart", "liver", "spleen", "left kidney", "right kidney", "bladder"} <= set(case.landmarks)
    assert case.image.shape_kji[0] * 20 > 580
    assert 1 <= len(case.lesions) <= 3


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from(KINDS),
    st.floats(4.0, 60.0),
    st.integers(0, 2**31),
    st.tuples(*[st.floats(-100, 100)] * 3),
)
def test_shapes_have_their_size_and_place_and_are_not_too_long(kind, diameter, seed, center):
    shape = body_shapes.draw_shape(kind, diameter, np.random.default_rng(seed)).of_size(diameter, np.array(center))
    assert shape.volume_mm3() == pytest.approx(np.pi / 6 * diameter**3, rel=1e-3)
    np.testing.assert_allclose(shape.centroid(), center, atol=0.02 * diameter)
    lengths = 1 / np.linalg.norm(shape.axes, axis=1)
    assert lengths.max() / lengths.min() <= kind.long[1] + 1e-6


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(KINDS), st.integers(0, 2**31))
def test_diameters_are_within_the_types_and_the_settings_range(kind, seed):
    drawn = body_shapes.draw_diameter(body.SLAB, kind, np.random.default_rng(seed))
    assert max(3.0, kind.least_mm) <= drawn <= min(100.0, kind.most_mm)


def test_as_a_cohort():
    cohort = open_cohort("phantoms:body?seeds=4&protocol=tiny")
    (case,) = cohort.cases
    assert cohort.on_phantoms
    assert case.modalities == ("CT",)
    truth = case.truth()
    assert truth.lesions
    assert set(truth.kinds) <= set(REGIONS)
    assert case.images()["CT"].shape_kji == (5, 128, 128)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"columns": 10}, "64 columns"),
        ({"slices": 2}, "3 slices"),
        ({"pixel_mm": (2.0, 1.0)}, "smaller number first"),
        ({"spacing_mm": 0.0}, "greater than zero"),
        ({"diameter_mm": (1.0, 20.0)}, "2 to 120 mm"),
        ({"lesions": ()}, "number of lesions"),
        ({"regions": (("head", 1.0),)}, "soft tissue"),
    ],
)
def test_settings_that_make_no_sense_are_refused(changes, words):
    with pytest.raises(UsageError, match=words):
        BodySettings(**changes)


def test_it_can_be_cancelled():
    def stop(share, text):
        if share > 0.3:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        body.make_body(5, body.TINY, Progress(stop))
