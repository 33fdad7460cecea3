"""Growing by a ball is what a Euclidean distance transform says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionDetectionLib.imaging.ball_growth import grown_by_ball
from scipy import ndimage


@settings(max_examples=25)
@given(
    seed=st.integers(0, 10_000),
    spacing=st.tuples(*[st.sampled_from([0.7, 1.0, 2.5, 4.0])] * 3),
    radius=st.sampled_from([0.4, 1.0, 3.0, 5.0, 8.1, 60.0]),
)
def test_as_a_distance_transform(seed, spacing, radius):
    mask = np.random.default_rng(seed).random((7, 9, 8)) > 0.97
    grown = grown_by_ball(mask, spacing, radius)
    assert mask.any() or not grown.any()
    if mask.any():
        distance = ndimage.distance_transform_edt(~mask, sampling=spacing[::-1])
        np.testing.assert_array_equal(grown, distance <= radius + 1e-9)


@pytest.mark.parametrize("radius", [0.0, -1.0])
def test_by_nothing_is_a_copy(radius):
    mask = np.eye(4, dtype=bool)[None]
    grown = grown_by_ball(mask, (1, 1, 1), radius)
    np.testing.assert_array_equal(grown, mask)
    assert grown is not mask


def test_a_ball_of_whole_steps_has_its_poles():
    mask = np.zeros((9, 9, 9), dtype=bool)
    mask[4, 4, 4] = True
    grown = grown_by_ball(mask, (2.0, 2.0, 2.0), 6.0)
    assert [grown[1, 4, 4], grown[4, 1, 4], grown[4, 4, 7], grown[0].any()] == [True, True, True, False]
