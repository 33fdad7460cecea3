"""Blobs of a similarity map, against SciPy's labels of the same pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from LesionDetectionLib.imaging.blobs import join_over_slices, slice_blobs
from scipy import ndimage

AROUND = np.ones((3, 3), dtype=bool)
OVER_SLICES = np.stack([np.pad([[True]], 1), AROUND, np.pad([[True]], 1)])
"""Neighbours in a slice touch at a corner; neighbours over slices share a pixel."""

maps = arrays(
    np.float32, array_shapes(min_dims=3, max_dims=3, max_side=7), elements=st.sampled_from([-1, 0, 0.25, 0.5])
)


def slice_of(text):
    rows = [[float(sign) if sign != "." else -1.0 for sign in row.split()] for row in text.strip().splitlines()]
    return np.array(rows, dtype=np.float32)


def test_corners_connect_and_zero_is_no_lesion():
    blobs = slice_blobs(slice_of(". .5 .  . 0\n . . .2 . .4\n . . . . ."))
    np.testing.assert_array_equal(blobs.labels, [[0, 1, 0, 0, 0], [0, 0, 1, 0, 2], [0, 0, 0, 0, 0]])
    np.testing.assert_array_equal(blobs.maxima, np.float64(np.float32([0.5, 0.4])))
    np.testing.assert_array_equal(blobs.areas, [2, 1])
    assert len(blobs) == 2


def test_both_thresholds_are_strict():
    blobs = slice_blobs(slice_of(".5 .5 . .75 . .25 .25 .25"))
    np.testing.assert_array_equal(blobs.verified(), [True, True, True])
    np.testing.assert_array_equal(blobs.verified(0.5), [False, True, False])
    np.testing.assert_array_equal(blobs.verified(least_area=1), [True, False, True])
    np.testing.assert_array_equal(blobs.verified(0.25, 1), [True, False, False])
    np.testing.assert_array_equal(blobs.verified(0.5, 1), [False, False, False])


@pytest.mark.parametrize("value", [-1.0, 0.0, np.nan, -np.inf])
def test_a_slice_without_blobs(value):
    blobs = slice_blobs(np.full((3, 4), value, dtype=np.float32))
    assert len(blobs) == 0
    assert not blobs.labels.any()
    assert blobs.labels.dtype == np.int32
    assert blobs.verified().shape == (0,)


def test_a_value_that_is_no_number_parts_blobs():
    assert len(slice_blobs(np.array([[0.5, np.nan, 0.5]], dtype=np.float32))) == 2


def test_a_response_keeps_its_value_when_compared():
    """float32 0.1 lies above the float64 0.1: a threshold must not be rounded to where the response lies."""
    blobs = slice_blobs(np.array([[0.1]], dtype=np.float32))
    assert blobs.verified(0.1)[0]
    assert not blobs.verified(float(np.float32(0.1)))[0]


@settings(max_examples=40)
@given(maps)
def test_as_scipy_labels_them(volume):
    for similarity in volume:
        blobs = slice_blobs(similarity)
        expected, count = ndimage.label(similarity > 0, AROUND)
        assert len(blobs) == count
        np.testing.assert_array_equal(blobs.labels, expected)  # SciPy counts by the first pixel, too
        numbers = np.arange(1, count + 1)
        np.testing.assert_array_equal(blobs.areas, np.bincount(expected.ravel(), minlength=count + 1)[1:])
        np.testing.assert_array_equal(blobs.maxima, np.reshape(ndimage.maximum(similarity, expected, numbers), -1))


@settings(max_examples=60)
@given(maps)
def test_joined_as_scipy_labels_the_volume(volume):
    slices = [slice_blobs(similarity) for similarity in volume]
    groups = join_over_slices(slices)
    joined = np.zeros(volume.shape, dtype=int)
    for number, group in enumerate(groups, 1):
        assert group == sorted(group)
        for index, blob in group:
            joined[index][slices[index].labels == blob] = number
    assert [group[0] for group in groups] == sorted(group[0] for group in groups)
    expected, count = ndimage.label(volume > 0, OVER_SLICES)
    assert len(groups) == count
    pairs = {(int(a), int(b)) for a, b in zip(joined.ravel(), expected.ravel(), strict=True)}
    assert len(pairs) == len({a for a, _ in pairs}) == len({b for _, b in pairs})


def test_joined_through_a_third_slice():
    """Two blobs of one slice that only the next slice connects are one group; a touch over a corner connects no slices."""
    apart, bridge, corner = slice_of(".5 . .5 . ."), slice_of(".5 .5 .5 . ."), slice_of(". . . .5 .")
    assert join_over_slices([slice_blobs(s) for s in (apart, bridge, corner)]) == [[(0, 1), (0, 2), (1, 1)], [(2, 1)]]


def test_a_least_share_of_the_larger_blob():
    """Two pixels are shared by blobs of three and four."""
    slices = [slice_blobs(slice_of(text)) for text in (".5 .5 .5 . . .", ". .5 .5 .5 .5 .")]
    assert len(join_over_slices(slices, 0.5)) == 1
    assert len(join_over_slices(slices[::-1], 0.5)) == 1
    assert len(join_over_slices(slices, 0.51)) == 2
    same = [slice_blobs(slice_of(".5 .5 .5"))] * 2
    assert len(join_over_slices(same, 1.0)) == 1


def test_nothing_to_join():
    assert join_over_slices([]) == []
    empty = slice_blobs(np.full((2, 2), -1.0, dtype=np.float32))
    assert join_over_slices([empty, empty]) == []
