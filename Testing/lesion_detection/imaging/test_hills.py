"""One hill of a landscape: what belongs to a peak."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionDetectionLib.imaging.hills import Hills, connected_part, filled_box
from scipy import ndimage

TOUCHING = np.ones((3, 3, 3))


def landscape(seed):
    random = np.random.default_rng(seed)
    values = ndimage.gaussian_filter(random.random((9, 10, 11)), 1.0).astype(np.float32)
    return values - values.min() + 0.1, random.random(values.shape) > 0.1


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), share=st.sampled_from([0.4, 0.7]), split=st.sampled_from([0.6, 0.9]))
def test_hills_hang_together_overlap_nowhere_and_end_at_their_share(seed, share, split):
    values, mask = landscape(seed)
    hills = Hills(values, mask, share, split)
    taken = np.zeros(values.shape, int)
    peaks = hills.peaks
    assert [suv for *_, suv in peaks] == sorted((suv for *_, suv in peaks), reverse=True)
    for number, kji, suv in peaks:
        hill = hills.hill(number)
        assert (hill.peak_kji, hill.peak) == (kji, suv)
        whole = np.zeros(values.shape, bool)
        whole[tuple(slice(n, n + size) for n, size in zip(hill.start_kji, hill.voxels.shape, strict=True))] = (
            hill.voxels
        )
        assert whole[kji]
        assert values[whole].max() == values[kji] == np.float32(suv)
        assert (values[whole] >= np.float32(share * suv)).all()
        assert not (whole & ~mask).any()
        assert ndimage.label(whole, TOUCHING)[1] == 1
        assert all(hills.number_at(tuple(map(int, place))) == number for place in np.argwhere(whole))
        assert hill.holds(kji)
        outside = np.argwhere(~whole)
        assert not hill.holds(tuple(outside[seed % len(outside)]))
        taken += whole
    assert taken.max() == 1
    assert all(hills.number_at(tuple(map(int, place))) is None for place in np.argwhere(~mask))


def test_a_peak_of_the_core_is_none_of_a_hill_that_peaks_outside_unless_they_are_one_but_for_noise():
    values = np.array([1, 5, 4.2, 6, 1, 5.9, 5.8, 6.1, 1], np.float32).reshape(1, 1, 9)
    mask, core = np.ones(values.shape, bool), np.zeros(values.shape, bool)
    core[..., [1, 5]] = True
    assert len(Hills(values, mask, 0.4, 0.6).peaks) == 2
    with_core = Hills(values, mask, 0.4, 0.6, core)
    # The pass of 4.2 is 84 % of 5, that of 5.8 is 98 % of 5.9.
    assert [kji[2] for _, kji, _ in with_core.peaks] == [7, 3, 1]


def test_the_part_of_a_mask_that_holds_a_voxel():
    mask = np.zeros((4, 5, 6), bool)
    mask[1:3, 1:3, 1:3] = mask[3, 3, 3] = mask[0, 4, 5] = True
    part, start = connected_part(mask, (1, 1, 1))
    assert start == (1, 1, 1)
    assert part.shape == (3, 3, 3)
    assert part.sum() == 9
    assert filled_box(mask) == (slice(0, 4), slice(1, 5), slice(1, 6))
    assert filled_box(np.zeros((2, 2, 2), bool)) is None
