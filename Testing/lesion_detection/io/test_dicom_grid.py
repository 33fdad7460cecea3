"""The even grid under a stack of slices: exact where it can be, interpolated where it may be, refused beyond."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionDetectionLib.core.errors import GeometryError
from LesionDetectionLib.io.dicom_grid import slice_axes, slice_order, stack_grid
from scipy.spatial.transform import Rotation

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
turns = st.integers(0, 10_000).map(lambda seed: Rotation.random(random_state=seed).as_matrix())


def _along(normal, distances):
    return np.outer(distances, normal) + np.array([10.0, -20.0, 30.0])


@given(turns, st.integers(2, 40), st.floats(0.3, 10))
@settings(deadline=None)
def test_an_even_stack_is_exact(turn, count, spacing):
    grid = stack_grid(_along(turn[2], spacing * np.arange(count)), (*turn[0], *turn[1]), (0.7, 0.9), 1.0)
    assert grid.is_exact
    assert grid.notes == ()
    stack = np.zeros((count, 2, 3), np.int16)
    assert grid.apply(stack, 0) is stack
    # Columns are RAS: LPS with two signs turned; DICOM's pixel spacing is (rows, columns).
    expected = (turn * np.array([[0.9], [0.7], [spacing]])).T * np.array([[-1], [-1], [1]])
    assert grid.ijk_to_ras[:3, :3] == pytest.approx(expected, abs=1e-9)
    assert grid.ijk_to_ras[:3, 3] == pytest.approx((-10, 20, 30))


@given(st.permutations(range(8)), turns)
@settings(deadline=None)
def test_order_follows_the_normal(order, turn):
    positions = _along(turn[2], np.array(order) * 1.5)
    sorted_by, distances = slice_order(positions, (*turn[0], *turn[1]))
    assert [order[k] for k in sorted_by] == list(range(8))
    assert np.diff(distances[sorted_by]) == pytest.approx([1.5] * 7)


@given(st.sets(st.integers(1, 58), max_size=6), turns)
@settings(deadline=None)
def test_missing_slices_of_a_linear_field_come_back(lost, turn):
    kept = np.array([k for k in range(60) if k not in lost])
    longest = max(np.diff(kept)) - 1
    args = (_along(turn[2], 2.0 * kept), (*turn[0], *turn[1]), (1.0, 1.0), 1.0)
    if longest > 3:
        with pytest.raises(GeometryError, match="slices are missing"):
            stack_grid(*args)
        return
    grid = stack_grid(*args)
    values = np.tile((7.0 * kept)[:, None, None], (1, 2, 2))
    assert grid.apply(values, 0)[:, 0, 0] == pytest.approx(7.0 * np.arange(60))
    assert len(grid.notes) == bool(lost)


@given(st.lists(st.floats(-0.09, 0.09), min_size=5, max_size=20))
@settings(deadline=None)
def test_jitter_below_the_tolerance_changes_no_voxel(jitter):
    distances = 1.5 * np.arange(len(jitter)) + np.array(jitter)
    distances[[0, -1]] = 0.0, 1.5 * (len(jitter) - 1)
    grid = stack_grid(_along((0, 0, 1), distances), AXIAL, (1.0, 1.0), 1.0)
    assert grid.is_exact
    assert grid.ijk_to_ras[2, 2] == pytest.approx(1.5)


@given(st.floats(-30, 30), st.floats(-30, 30))
@settings(deadline=None)
def test_a_sheared_linear_field_is_straightened(along_row, along_column):
    """Slices that slide in both directions: every voxel of the result has the field's value at its place."""
    distances = 2.0 * np.arange(8)
    slide = np.tan(np.radians([along_row, along_column]))
    positions = _along((0, 0, 1), distances)
    positions[:, :2] += distances[:, None] * slide
    slope = np.array([0.2, -0.3, 0.5])
    j, i = np.mgrid[:12, :10]
    inside = positions[:, None, None, :] + i[None, ..., None] * (0.8, 0, 0) + j[None, ..., None] * (0, 0.6, 0)
    grid = stack_grid(positions, AXIAL, (0.6, 0.8), 1.0)
    result = grid.apply(inside @ slope, outside=-1e6)
    k, j, i = np.nonzero(result > -1e5)
    ras = np.stack([i, j, k], -1) @ grid.ijk_to_ras[:3, :3].T + grid.ijk_to_ras[:3, 3]
    expected = (ras * (-1, -1, 1)) @ slope
    # At the rim a value may come from half a pixel further in.
    assert np.abs(result[k, j, i] - expected).max() <= 0.5 * (0.8 * 0.2 + 0.6 * 0.3) + 0.1 * 0.5
    assert len(k) >= 0.7 * 8 * 12 * 10


def test_tilt_and_gap_together():
    kept = np.array([0, 1, 2, 3, 4, 6, 7, 8, 9, 10])
    positions = _along((0, 0, 1), 3.0 * kept)
    positions[:, 1] += 0.3 * 3.0 * kept
    grid = stack_grid(positions, AXIAL, (1.0, 1.0), 1.0)
    assert len(grid.below) == 11
    assert "tilted by 16.7 degrees" in grid.notes[0]
    # The lost slice's own place: its slide included.
    assert "interpolated at S 45.0 mm" in grid.notes[1]


@pytest.mark.parametrize(
    ("orientation", "letter"), [((0, 1, 0, 0, 0, -1), "R"), ((1, 0, 0, 0, 0, -1), "A"), (AXIAL, "S")]
)
def test_positions_are_named_by_the_patients_axis(orientation, letter):
    normal = slice_axes(orientation)[2]
    grid = stack_grid(_along(normal, [*range(10), *range(11, 20)]), orientation, (1.0, 1.0), 1.0)
    expected = (_along(normal, [10.0])[0] * (-1, -1, 1))["RAS".index(letter)]
    assert f"{letter} {expected:.1f} mm" in grid.notes[0]


def test_long_lists_are_cut():
    kept = [k for k in range(200) if k % 12 != 5]
    (note,) = stack_grid(_along((0, 0, 1), kept), AXIAL, (1.0, 1.0), 1.0).notes
    assert note.startswith("17 slices are missing and interpolated at S 35.0 mm, S 47.0 mm")
    assert note.endswith("and 9 more.")


def test_directions_that_are_not_at_right_angles():
    with pytest.raises(GeometryError, match="not two directions at right angles"):
        slice_axes((1, 0, 0, 0.1, 1, 0))
    with pytest.raises(GeometryError, match="not two directions"):
        slice_axes((0, 0, 0, 0, 1, 0))


def test_a_single_slice_without_thickness_says_what_it_assumes():
    grid = stack_grid([(0.0, 0.0, 0.0)], AXIAL, (1.0, 1.0), 0.0)
    assert grid.ijk_to_ras[2, 2] == 1.0
    assert "1 mm was assumed" in grid.notes[0]


def test_half_the_scan_at_another_spacing_is_refused():
    with pytest.raises(GeometryError, match="load the complete series"):
        stack_grid(_along((0, 0, 1), [*range(20), *range(20, 60, 2)]), AXIAL, (1.0, 1.0), 1.0)
