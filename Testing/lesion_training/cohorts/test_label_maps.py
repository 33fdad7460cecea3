"""Lesions of label maps, on their own grid and on another."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import Geometry
from LesionTrainingLib.cohorts.label_maps import LabelMap, lesions_in, read_label_map
from scipy import ndimage

GRID = Geometry((6, 7, 8), np.diag([-1.0, -1.0, 2.0, 1.0]))


@settings(max_examples=40)
@given(st.integers(0, 10_000))
def test_against_a_plain_count(seed):
    """Each part and each label, as one full-size array at a time would find them."""
    rng = np.random.default_rng(seed)
    labels = np.where(rng.random((6, 7, 8)) < 0.15, rng.integers(1, 4, (6, 7, 8)), 0)
    parts, count = ndimage.label(labels > 0, np.ones((3, 3, 3)))
    found, notes = lesions_in(LabelMap((labels,), GRID), GRID)
    assert notes == ()
    assert len(found) == count
    for n, lesion in enumerate(found, 1):
        np.testing.assert_array_equal(lesion.mask.full(GRID.shape_kji), parts == n)
    found, _ = lesions_in(LabelMap((labels,), GRID), GRID, "labels", (1, 3))
    for value, lesion in zip([v for v in (1, 3) if (labels == v).any()], found, strict=True):
        np.testing.assert_array_equal(lesion.mask.full(GRID.shape_kji), labels == value)


@settings(max_examples=40)
@given(st.integers(0, 10_000))
def test_another_grid_against_each_voxel_in_turn(seed):
    """The value at each voxel's place, looked up one by one."""
    rng = np.random.default_rng(seed)
    labels = np.zeros((6, 7, 8), int)
    labels[2:5, 1:6, 2:7] = 1
    angle = rng.uniform(-0.5, 0.5)
    turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    matrix = np.eye(4)
    matrix[:3, :3] = turn * rng.uniform(0.5, 1.5, 3)
    matrix[:3, 3] = rng.uniform(-12, 2, 3)
    target = Geometry((12, 14, 16), matrix)
    try:
        found, _ = lesions_in(LabelMap((labels,), GRID), target)
    except InputError:
        found = ()
    full = found[0].mask.full(target.shape_kji) if found else np.zeros(target.shape_kji, bool)
    for k, j, i in np.ndindex(target.shape_kji):
        place = GRID.ijk_from_ras(target.ras_from_ijk((i, j, k)))
        nearest = np.rint(place).astype(int)
        if np.abs(place - nearest).max() < 0.499:  # half-way between two voxels either is right
            inside = (nearest >= 0).all() and (nearest < (8, 7, 6)).all()
            assert full[k, j, i] == (inside and bool(labels[tuple(nearest[::-1])]))


def test_what_is_missing(tmp_path):
    with pytest.raises(InputError, match="no file or folder"):
        read_label_map(tmp_path / "none.nii.gz")
    with pytest.raises(InputError, match="missing, damaged or cut off"):
        read_label_map(tmp_path / "none.seg.nrrd")
