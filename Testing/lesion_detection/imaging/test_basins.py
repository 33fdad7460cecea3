"""Basins, passes and which peaks are one, against plain reference implementations."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionDetectionLib.imaging.basins import basins, joined
from scipy import ndimage

STEPS = [step for step in product((-1, 0, 1), repeat=3) if any(step)]


def landscape(seed, levels=12, shape=(4, 5, 6)):
    """Few different values, so that many are equal; a mask with holes."""
    random = np.random.default_rng(seed)
    return random.integers(1, levels, shape).astype(np.float32), random.random(shape) > 0.2


def neighbours(place, shape):
    for step in STEPS:
        other = tuple(a + b for a, b in zip(place, step, strict=True))
        if all(0 <= n < size for n, size in zip(other, shape, strict=True)):
            yield other


def plain(values, mask):
    """For each voxel of the mask the peak it leads up to; the height of the pass between two peaks whose basins touch."""

    def key(place):
        return values[place], np.ravel_multi_index(place, values.shape)

    def top(place):
        best = max([place, *(o for o in neighbours(place, values.shape) if mask[o])], key=key)
        return place if best == place else top(best)

    tops = {tuple(map(int, place)): top(tuple(map(int, place))) for place in np.argwhere(mask)}
    passes = {}
    for place, peak in tops.items():
        for other in neighbours(place, values.shape):
            if mask[other] and tops[other] != peak:
                pair = frozenset((peak, tops[other]))
                passes[pair] = max(passes.get(pair, 0), min(values[place], values[other]))
    return tops, passes


@settings(max_examples=8)
@given(seed=st.integers(0, 10_000))
def test_as_the_plain_way(seed):
    values, mask = landscape(seed)
    found = basins(values, mask)
    peaks = [tuple(map(int, np.unravel_index(found.voxels[n], values.shape))) for n in found.peaks]
    places = [tuple(map(int, place)) for place in np.argwhere(mask)]
    tops, passes = plain(values, mask)
    assert {place: peaks[basin] for place, basin in zip(places, found.basin, strict=True)} == tops
    told = {frozenset((peaks[a], peaks[b])): h for (a, b), h in zip(found.passes, found.heights, strict=True)}
    assert told == passes
    assert (np.diff(found.heights) <= 0).all()


@settings(max_examples=40)
@given(
    seed=st.integers(0, 10_000), split=st.sampled_from([0.3, 0.6, 0.9, 1.0]), share=st.sampled_from([0.2, 0.41, 0.7])
)
def test_a_joined_region_above_its_level_is_connected_and_led_by_its_highest_peak(seed, split, share):
    values, mask = landscape(seed, levels=40, shape=(5, 6, 7))
    found = basins(values, mask)
    leader = joined(found, lambda peak: share * peak, split)
    heights = found.peak_values
    assert (heights[leader] >= heights).all()
    np.testing.assert_array_equal(leader[leader], leader)
    for one in np.unique(leader):
        region = np.zeros(values.shape, dtype=bool)
        region.ravel()[found.voxels[(leader[found.basin] == one) & (found.values >= share * heights[one])]] = True
        assert ndimage.label(region, np.ones((3, 3, 3)))[1] == 1


@pytest.mark.parametrize(
    ("heights", "split", "count"),
    [
        ((10, 6, 9), 0.6, 1),  # a dip to 67 % of the lower
        ((10, 6, 9), 0.7, 2),
        ((10, 5, 9), 0.6, 2),
        ((20, 7, 9), 0.6, 2),  # no deep dip, but above 41 % of the higher with a pass below it: an island
        ((20, 6, 7), 0.6, 1),  # all of the lower lies below 41 % of the higher: its skirt
        ((9, 6, 9), 0.6, 1),
    ],
)
def test_when_two_peaks_are_two(heights, split, count):
    values = np.array(heights, dtype=np.float32)[None, None]
    found = basins(values, np.ones_like(values, dtype=bool))
    assert len(np.unique(joined(found, lambda peak: 0.41 * peak, split))) == count


def test_nothing_in_the_mask():
    found = basins(np.ones((2, 2, 2), dtype=np.float32), np.zeros((2, 2, 2), dtype=bool))
    assert len(found.voxels) == len(found.peaks) == len(found.passes) == 0
    assert len(joined(found, lambda peak: peak, 0.5)) == 0


def test_neighbours_do_not_wrap_around():
    values = np.zeros((2, 3, 4), dtype=np.float32)
    values[0, 0, 3] = values[0, 1, 0] = values[1, 2, 3] = 1
    found = basins(values, values > 0)
    assert len(found.peaks) == 3
    assert len(found.passes) == 0
