"""Which slices are looked at."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.methods.slices.findings import reached_slices, slices_to_look_at
from LesionDetectionLib.methods.slices.settings import SliceSettings


@pytest.mark.parametrize(
    ("shape", "thickness", "given", "expected"),
    [
        (5, 5.0, {}, [0, 1, 2, 3, 4]),
        (5, 2.0, {}, [0, 1, 2, 3, 4]),
        (5, 1.5, {}, [0, 1, 2, 3, 4]),
        (9, 1.0, {}, [0, 2, 4, 6, 8]),
        (11, 0.7, {}, [0, 3, 6, 9]),
        (12, 0.7, {}, [1, 4, 7, 10]),
        (1, 5.0, {}, [0]),
        (2, 5.0, {}, [0, 1]),
        (3, 2.0, {}, [1]),
        (3, 2.0, {"slices": "all"}, [0, 1, 2]),
        (9, 2.0, {"slices": "middle"}, [4]),
        (40, 5.0, {"region_ras_mm": ((0.0, 0.0, 60.0), (50.0, 50.0, 90.0))}, list(range(6, 25))),
        (40, 5.0, {"region_ras_mm": ((0.0, 0.0, 500.0), (50.0, 50.0, 600.0))}, []),
    ],
)
def test_slices_that_are_looked_at(shape, thickness, given, expected):
    grid = Geometry((shape, 8, 8), np.diag([-1.0, -1.0, thickness, 1.0]))
    assert slices_to_look_at(grid, SliceSettings(**given)) == expected


@given(st.integers(1, 60), st.floats(0.2, 8))
def test_no_place_is_far_from_a_slice_that_is_looked_at(shape, thickness):
    slices = slices_to_look_at(
        Geometry((shape, 8, 8), np.diag([-1.0, -1.0, thickness, 1.0])), SliceSettings(slices="all")
    )
    apart = np.abs(np.arange(shape)[:, None] - slices).min(axis=1) * thickness
    assert apart.max() <= 1.5
    assert np.all(np.diff(slices) * thickness <= max(thickness, 3.0))


def test_slices_in_a_region_and_near_it():
    grid = Geometry((40, 8, 8), np.diag([-1.0, -1.0, 5.0, 1.0]))
    region = SliceSettings(region_ras_mm=((0.0, 0.0, 61.0), (50.0, 50.0, 90.0)))
    assert reached_slices(grid, region, beyond_mm=0.0) == range(13, 19)
    assert reached_slices(grid, region, beyond_mm=5.0) == range(12, 20)
    assert reached_slices(grid, SliceSettings()) == range(40)
