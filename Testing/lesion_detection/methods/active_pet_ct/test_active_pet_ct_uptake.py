"""Regions of uptake: one a peak that stands out, outlined at a share of it."""

from __future__ import annotations

import numpy as np
import pytest
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.methods.active_pet_ct.settings import ActivePetCtSettings
from LesionDetectionLib.methods.active_pet_ct.uptake import find_uptake
from scipy import ndimage

SPACING = (4.0, 4.0, 3.0)
SHAPE = (30, 32, 40)
GRID = Geometry(SHAPE, np.diag([-4.0, -4.0, 3.0, 1.0]))


def distance_mm(center_kji):
    return np.linalg.norm((np.moveaxis(np.indices(SHAPE), 0, -1) - center_kji) * SPACING[::-1], axis=-1)


def balls(*parts, fwhm_mm=7.0, background=0.5):
    """Balls (centre in voxels, diameter in mm, SUV) as a scanner of this resolution sees them."""
    suv = np.full(SHAPE, background)
    for center, diameter, value in parts:
        suv[distance_mm(np.array(center)) <= diameter / 2] = value
    return ndimage.gaussian_filter(suv, fwhm_mm / 2.355 / np.array(SPACING[::-1])).astype(np.float32)


def full(region):
    out = np.zeros(SHAPE, dtype=bool)
    out[region.slices] = region.voxels
    return out


def test_one_ball_is_what_lies_above_the_share_around_its_peak():
    suv = balls(((15, 16, 12), 24, 8.0), ((15, 16, 33), 12, 2.0))
    (region,) = find_uptake(suv, GRID, 2.5, ActivePetCtSettings())
    labels, _ = ndimage.label(suv >= 0.41 * suv.max(), np.ones((3, 3, 3)))
    np.testing.assert_array_equal(full(region), labels == labels[15, 16, 12])
    assert region.suvmax == suv.max()
    assert suv[region.peak_kji] == suv.max()
    volume = region.count * GRID.voxel_volume_mm3
    assert volume == pytest.approx(np.pi / 6 * 24**3, rel=0.12)


def test_the_fixed_outline_is_what_lies_above_the_threshold():
    suv = balls(((15, 16, 12), 24, 8.0))
    (region,) = find_uptake(suv, GRID, 2.5, ActivePetCtSettings(outline="threshold"))
    np.testing.assert_array_equal(full(region), suv >= 2.5)


def test_from_the_threshold_on_and_in_falling_order():
    suv = balls(((15, 8, 8), 16, 5.0), ((15, 8, 30), 16, 9.0), ((15, 25, 20), 16, 3.0))
    assert [round(region.suvmax) for region in find_uptake(suv, GRID, 2.5, ActivePetCtSettings())] == [8, 5, 3]
    lowest = min(region.suvmax for region in find_uptake(suv, GRID, 2.5, ActivePetCtSettings()))
    assert len(find_uptake(suv, GRID, lowest, ActivePetCtSettings())) == 3
    assert len(find_uptake(suv, GRID, np.nextafter(lowest, 9), ActivePetCtSettings())) == 2
    assert find_uptake(suv, GRID, 20.0, ActivePetCtSettings()) == []


@pytest.mark.parametrize(("apart_mm", "count"), [(12, 1), (20, 2), (28, 2)])
def test_two_close_lesions(apart_mm, count):
    """Two 12 mm lesions at a resolution of 7 mm: two as soon as uptake between them falls to 60 % of the lower one's."""
    places = [(15, 16, 20 - apart_mm / 8), (15, 16, 20 + apart_mm / 8)]
    suv = balls((places[0], 12, 12.0), (places[1], 12, 9.0))
    regions = find_uptake(suv, GRID, 2.5, ActivePetCtSettings())
    assert len(regions) == count
    if count == 2:
        for region, place in zip(regions, places, strict=True):
            assert full(region)[tuple(np.round(place).astype(int))]
        # Each at 41 % of its own maximum, and no voxel in both.
        assert not (full(regions[0]) & full(regions[1])).any()
        assert suv[full(regions[1])].min() < 0.41 * regions[0].suvmax
        volumes = [region.count * GRID.voxel_volume_mm3 for region in regions]
        assert volumes == pytest.approx([np.pi / 6 * 12**3 * 1.25] * 2, rel=0.25)


def test_a_faint_lesion_beside_a_hot_one_is_not_lost_in_its_skirt():
    suv = balls(((15, 16, 12), 20, 30.0), ((15, 16, 22), 12, 7.0))
    hot, faint = find_uptake(suv, GRID, 2.5, ActivePetCtSettings())
    assert full(faint)[15, 16, 22]
    assert hot.suvmax > 4 * faint.suvmax


def test_noise_does_not_cut_a_lesion_in_pieces():
    noise = ndimage.gaussian_filter(np.random.default_rng(0).normal(0, 1, SHAPE), 0.6)
    suv = balls(((15, 16, 20), 50, 8.0)) * (1 + 0.1 * noise / noise.std()).astype(np.float32)
    assert len(find_uptake(suv, GRID, 2.5, ActivePetCtSettings())) == 1
    assert len(find_uptake(suv, GRID, 2.5, ActivePetCtSettings(split_share=0.95))) > 1


def test_a_faint_lesion_does_not_flow_out_into_its_surroundings():
    """41 % of 4 is below the blood's 1.7: the outline is raised, and without that the reach alone ends it."""
    suv = balls(((15, 16, 20), 24, 4.0), background=1.7)
    free, held, raised = (
        find_uptake(suv, GRID, 2.5, ActivePetCtSettings(**values))[0]
        for values in ({"grow_reach_mm": 1000.0}, {"raised_share": 0.41}, {})
    )
    assert (free.count, free.cut_share, free.is_raised) == (suv.size, 0, False)
    assert held.cut_share > 0.9
    assert not held.is_raised
    assert distance_mm((15, 16, 20))[full(held)].max() < 12 + 10 + 4
    assert raised.is_raised
    # 41 % of the way from the blood to its maximum.
    assert raised.share == pytest.approx((1.7 + 0.41 * 2.3) / 4, abs=0.04)
    assert raised.cut_share < 0.15
    volumes = [region.count * GRID.voxel_volume_mm3 / (np.pi / 6 * 24**3) for region in (held, raised)]
    assert volumes[0] > 3
    assert volumes[1] == pytest.approx(1, abs=0.25)


def test_an_outline_is_raised_on_what_was_already_connected():
    suv = balls(((15, 16, 12), 24, 8.0))
    (region,) = find_uptake(suv, GRID, 2.5, ActivePetCtSettings())
    higher = region.raised_to(suv, 0.7)
    np.testing.assert_array_equal(full(higher), suv >= 0.7 * suv.max())
    assert (higher.suvmax, higher.peak_kji, higher.is_raised) == (region.suvmax, region.peak_kji, True)


def test_a_review_adds_fainter_uptake_and_changes_nothing_else():
    random = np.random.default_rng(3)
    suv = balls(*[(random.uniform((3, 3, 3), np.array(SHAPE) - 4), 14, n / 2 + 1.5) for n in range(14)])
    suv *= 1 + 0.1 * random.normal(size=SHAPE).astype(np.float32)
    plain = find_uptake(suv, GRID, 2.5, ActivePetCtSettings())
    review = find_uptake(suv, GRID, 2.5, ActivePetCtSettings(all_candidates=True))
    assert len(review) > len(plain) > 3
    for one, other in zip(plain, review, strict=False):
        np.testing.assert_array_equal(full(one), full(other))
    assert all(1.5 <= region.suvmax < 2.5 for region in review[len(plain) :])


def test_regions_are_apart_connected_and_at_their_own_level():
    random = np.random.default_rng(5)
    suv = balls(*[(random.uniform((0, 0, 0), SHAPE), random.uniform(8, 20), random.uniform(2, 12)) for _ in range(40)])
    regions = find_uptake(suv, GRID, 2.5, ActivePetCtSettings())
    assert len(regions) > 10
    assert np.sum([full(region) for region in regions], axis=0).max() == 1
    for region in regions:
        inside = full(region)
        assert ndimage.label(inside, np.ones((3, 3, 3)))[1] == 1
        assert suv[inside].max() == region.suvmax == suv[region.peak_kji]
        assert suv[inside].min() >= np.float32(0.41) * region.suvmax
        assert inside[region.peak_kji]


def test_at_the_edge_and_in_an_empty_scan():
    suv = np.zeros(SHAPE, dtype=np.float32)
    assert find_uptake(suv, GRID, 2.5, ActivePetCtSettings()) == []
    suv[0, 0, 0] = suv[-1, -1, -1] = 5.0
    first, last = find_uptake(suv, GRID, 2.5, ActivePetCtSettings())
    assert {first.peak_kji, last.peak_kji} == {(0, 0, 0), (29, 31, 39)}
    assert first.count == last.count == 1
