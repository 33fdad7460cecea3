"""Which slices are learned from, and that they are what the detector sees, with the truth at the right pixels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import CT, HU, Image
from LesionDetectionLib.core.lesion import Lesion, Mask
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.imaging.geometry import to_axial
from LesionDetectionLib.methods.high_uptake_ct.preprocessing import prepare
from LesionDetectionLib.methods.high_uptake_ct.settings import HighUptakeSettings
from LesionTrainingLib.cohorts.caching import Cache
from LesionTrainingLib.cohorts.case import Truth
from LesionTrainingLib.cohorts.spec import open_cohort
from LesionTrainingLib.learning.high_uptake_ct.choosing import choose_slices, evenly
from LesionTrainingLib.learning.high_uptake_ct.settings import SliceSettings
from LesionTrainingLib.learning.high_uptake_ct.slices import (
    SLICES,
    UNKNOWN,
    grid_settings,
    lesion_count,
    prepare_slices,
    slices_from,
)

WHOLE = HighUptakeSettings(lungs_only=False)
SECTIONS = np.array([[0, 2, 5, 3, 0, 0, 0], [0, 0, 0, 0, 7, 9, 0]])


def chosen(**settings):
    return choose_slices(SECTIONS, range(7), (0, 6, 6, 2), SliceSettings(**settings))


def test_the_largest_section_is_the_papers_slice():
    assert chosen() == [5]
    assert chosen(slices="all") == [1, 2, 3, 4, 5]


def test_a_number_takes_the_largest_section_of_each_lesion_first():
    assert chosen(slices="1") == [5]
    assert chosen(slices="2") == [2, 5]
    assert chosen(slices="3") == [2, 3, 5]
    assert chosen(slices="99") == [1, 2, 3, 4, 5]


def test_slices_through_places_without_lesion_join_once():
    assert chosen(slices_inactive=9) == [0, 2, 5, 6]
    assert len(chosen(slices_inactive=1)) == 2
    assert chosen(slices="all", slices_inactive=9) == list(range(7))


def test_a_case_without_lesions_gives_evenly_spread_slices():
    none = np.zeros((0, 40), dtype=int)
    assert choose_slices(none, range(10, 20), (), SliceSettings(slices_without=2)) == [12, 17]
    assert choose_slices(none, range(10, 20), (11,), SliceSettings(slices_without=0, slices_inactive=1)) == [11]
    assert choose_slices(none, (), (), SliceSettings()) == []


def test_evenly_keeps_order_and_number():
    assert evenly("abcdefgh", 4) == ["b", "d", "f", "h"]
    assert evenly("abc", 5) == ["a", "b", "c"]
    assert evenly("abc", 0) == []


def scan(flip=False):
    """A CT of 12 slices whose axes run as axial ones do, or backwards along j; two lesions that touch, and a finding."""
    random = np.random.default_rng(3)
    voxels = random.integers(-1000, 300, (12, 40, 50)).astype(np.int16)
    masks = np.zeros((3, *voxels.shape), dtype=bool)
    masks[0, 3:7, 10:16, 20:30] = True
    masks[0, 5, 10:18, 20:30] = True
    masks[1, 3:6, 16:19, 22:25] = True
    masks[1] &= ~masks[0]
    masks[2, 5:6, 30:34, 30:34] = True
    matrix = np.diag([-1.5, -1.5, 3.0, 1.0])
    if flip:
        voxels, masks = voxels[:, ::-1], masks[:, :, ::-1]
        matrix[1, 1], matrix[1, 3] = 1.5, -1.5 * 39
    image = Image(voxels, matrix, CT, HU, "made")
    found = [
        Lesion(mask.centroid_ras_mm(image.geometry), 10.0, 1.0, mask=mask)
        for mask in (Mask.from_full(mask) for mask in masks)
    ]
    negatives = image.geometry.ras_from_ijk([[40, 5, 9], [40, 5, 90]])
    return image, Truth(tuple(found[:2]), tuple(found[2:]), negatives), masks


@pytest.mark.parametrize("flip", [False, True])
def test_labels_lie_on_the_pixels_of_the_lesions(flip):
    image, truth, masks = scan(flip)
    found = prepare_slices(image, truth, WHOLE, SliceSettings(slices="all", slices_inactive=5))
    assert found.slices.tolist() == [3, 4, 5, 6, 9]
    axial = to_axial(image)
    expected = masks[:, :, ::-1] if flip else masks
    for n, k in enumerate(found.slices):
        assert np.array_equal(found.stack(n), axial.voxels[k - 2 : k + 3])
        assert np.array_equal(found.labels[n] == 1, expected[0, k])
        assert np.array_equal(found.labels[n] == 2, expected[1, k])
        assert np.array_equal(found.labels[n] == UNKNOWN, expected[2, k])
        assert found.search(n).all()
    assert found.has_active
    assert lesion_count([found]) == 2
    back = found.geometry.ras_from_ijk(found.inactive_kji[:, ::-1])
    assert np.allclose(back, truth.negatives_ras_mm)


def test_sections_are_numbered_from_one_in_each_slice():
    image, truth, _ = scan()
    found = prepare_slices(image, replace(truth, lesions=truth.lesions[::-1]), WHOLE, SliceSettings(slices="all"))
    last = len(found) - 1
    assert set(np.unique(found.labels[last])) == {0, 2}  # the second in the case, alone in this slice
    assert set(np.unique(found.lesions(last))) == {0, 1}
    assert np.array_equal(found.lesions(last) > 0, found.labels[last] > 0)


def test_beyond_the_ends_of_the_scan_its_last_slice_is_repeated_as_for_the_detector():
    image, _, _ = scan()
    ends = Truth(negatives_ras_mm=image.geometry.ras_from_ijk([[5, 5, 0], [5, 5, 11], [5, 5, 10]]))
    found = prepare_slices(image, ends, WHOLE, SliceSettings(slices_without=0, slices_inactive=3))
    assert found.slices.tolist() == [0, 10, 11]
    assert len(found.hu) == 11  # 5 + 6 planes, of which 2 + 2 are copies
    detected = prepare(image, WHOLE)
    for n, k in enumerate(found.slices):
        low, high = WHOLE.unit_window_hu
        assert np.allclose(detected.stack(int(k)), (found.stack(n) - low) / (high - low), atol=1e-6)


def test_a_coarser_grid_keeps_place_and_size():
    image, truth, masks = scan()
    coarse = replace(WHOLE, spacing_mm=(3.0, 3.0, 0.0))
    found = prepare_slices(image, truth, coarse, SliceSettings(slices="all"))
    assert found.shape_ji == (20, 25)
    area = np.count_nonzero(found.labels[0] == 1) * 9.0
    assert area == pytest.approx(np.count_nonzero(masks[0, 3]) * 2.25, rel=0.35)


@pytest.mark.parametrize(("diameter_mm", "ball_mm"), [(12.0, 12.0), (0.0, 10.0)])
def test_an_excluded_finding_without_outline_is_a_ball(diameter_mm, ball_mm):
    """Of 10 mm where its size is not known, as in LUNA16."""
    image, truth, _ = scan()
    finding = Lesion(tuple(image.geometry.ras_from_ijk([25, 32, 4])), diameter_mm, 0.0)
    found = prepare_slices(image, replace(truth, excluded=(finding,)), WHOLE, SliceSettings(slices="all"))
    rows, columns = np.nonzero(found.labels[1] == UNKNOWN)
    assert (rows.mean(), columns.mean()) == (32, 25)
    assert len(rows) == pytest.approx(np.pi * ball_mm**2 / 4 / 2.25, rel=0.15)


def test_lesions_that_cannot_be_learned_from_are_refused():
    image, truth, _ = scan()
    bare = replace(truth, lesions=(Lesion((0.0, 0.0, 0.0), 5.0, 1.0),))
    with pytest.raises(InputError, match="no outline"):
        prepare_slices(image, bare, WHOLE, SliceSettings())
    with pytest.raises(InputError, match="No slice"):
        prepare_slices(image, Truth(), WHOLE, SliceSettings(slices_without=0))


@pytest.fixture(scope="module")
def phantom():
    return open_cohort("phantoms:chest?seeds=3&protocol=tiny", Progress()).cases[0]


def test_what_comes_from_the_cache_is_what_was_made(phantom, tmp_path):
    method, selection = HighUptakeSettings(spacing_mm=(3.0, 3.0, 0.0), least_area_px=7), SliceSettings(slices="3")
    made = prepare_slices(phantom.images()[CT], phantom.truth(), method, selection, phantom.id)
    cache = Cache(tmp_path, 10**9)
    found = slices_from(cache.get(phantom, (grid_settings(method), selection), SLICES))
    again = cache.get(phantom, (grid_settings(HighUptakeSettings(spacing_mm=(3.0, 3.0, 0.0))), selection), SLICES)
    assert found.identity == again.key  # thresholds make no other slices
    for name in ("name", "has_active"):
        assert getattr(found, name) == getattr(made, name)
    for name in ("hu", "first", "labels", "search_bits", "slices", "inactive_kji"):
        assert np.array_equal(getattr(found, name), getattr(made, name)), name
    assert found.geometry.same_grid(made.geometry)
    detected = prepare(phantom.images()[CT], method)
    for n, k in enumerate(found.slices):
        assert np.array_equal(found.search(n), detected.search[k])
        assert np.array_equal(found.stack(n)[2], detected.voxels[k])
        assert (found.labels[n] > 0).any()
    assert not found.search(0).all()
    assert found.search(0).any()
