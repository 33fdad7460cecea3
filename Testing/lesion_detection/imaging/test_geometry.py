"""Axial order and resampling keep every voxel at its place in the patient."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionDetectionLib.core.image import Geometry, Image
from LesionDetectionLib.imaging.geometry import AxialOrder, obliquity_degrees, resample, resampled_grid, to_axial
from scipy.spatial.transform import Rotation


@st.composite
def grids(draw):
    """Any grid: rotated, mirrored, anisotropic, displaced."""
    rotation = Rotation.from_euler("xyz", draw(st.tuples(*[st.floats(-180, 180)] * 3)), degrees=True).as_matrix()
    spacing = np.array(draw(st.tuples(*[st.floats(0.3, 6)] * 3)))
    mirror = np.diag([draw(st.sampled_from([-1, 1])), 1, 1])
    matrix = np.eye(4)
    matrix[:3, :3] = rotation @ mirror * spacing
    matrix[:3, 3] = draw(st.tuples(*[st.floats(-300, 300)] * 3))
    shape = draw(st.tuples(*[st.integers(1, 6)] * 3))
    return Geometry(shape, matrix)


@given(grids())
@settings(deadline=None)
def test_axial_order_moves_no_voxel(geometry):
    source = Image(np.arange(np.prod(geometry.shape_kji)).reshape(geometry.shape_kji), geometry.ijk_to_ras)
    axial = to_axial(source)
    for kji in np.ndindex(axial.shape_kji):
        there = source.geometry.ijk_from_ras(axial.geometry.ras_from_ijk(kji[::-1]))
        assert np.allclose(there, np.round(there), atol=1e-6)
        i, j, k = np.round(there).astype(int)
        assert source.voxels[k, j, i] == axial.voxels[kji]
    back = AxialOrder.of(geometry).undo_array(axial.voxels)
    assert np.array_equal(back, source.voxels)
    assert np.shares_memory(axial.voxels, source.voxels)


@given(grids())
@settings(deadline=None)
def test_axial_order_runs_left_posterior_superior(geometry):
    axial = to_axial(Image(np.zeros(geometry.shape_kji, np.int16), geometry.ijk_to_ras))
    directions = axial.ijk_to_ras[:3, :3] / np.array(axial.spacing_mm)
    cosines = -directions[0, 0] - directions[1, 1] + directions[2, 2]
    assert cosines >= 1  # worst case of the best signed permutation is well above it
    assert AxialOrder.of(axial.geometry).is_identity


@given(grids(), st.tuples(*[st.floats(0.4, 5)] * 3))
@settings(deadline=None)
def test_resampling_keeps_a_linear_field(geometry, spacing):
    """Values that are a linear function of the position stay so wherever the new centre lies between old ones."""
    slope = np.array([0.3, -0.2, 0.5])
    indices = np.stack(np.meshgrid(*[np.arange(n) for n in geometry.shape_kji[::-1]], indexing="ij"), -1)
    field = (geometry.ras_from_ijk(indices) @ slope).transpose(2, 1, 0)
    new = resample(Image(field, geometry.ijk_to_ras), spacing)
    indices = np.stack(np.meshgrid(*[np.arange(n) for n in new.shape_kji[::-1]], indexing="ij"), -1)
    ras = new.geometry.ras_from_ijk(indices)
    expected = (ras @ slope).transpose(2, 1, 0)
    old = geometry.ijk_from_ras(ras).transpose(2, 1, 0, 3)
    inside = np.all((old >= 0) & (old <= np.array(geometry.shape_kji[::-1]) - 1), axis=-1)
    shrunk = np.array(new.shape_kji) < np.array(geometry.shape_kji)
    if not shrunk.any():
        assert np.allclose(new.voxels[inside], expected[inside], atol=1e-2, rtol=1e-4)
    assert new.voxels.mean() == pytest.approx(field.mean(), rel=1e-3, abs=np.ptp(field) * 0.51 + 1e-2)


@pytest.mark.parametrize("spacing", [(0.75, 0.8, 1.25), (2.0, 0.5, 2.5), (1.0, 2.0, 4.0), (0.9, 1.1, 2.5)])
def test_a_part_has_the_same_values_as_the_whole(spacing):
    matrix = np.diag([-1.0, -1.0, 2.5, 1.0])
    matrix[:3, 3] = 7.0, 8.0, 9.0
    image = Image(np.random.default_rng(0).normal(size=(20, 30, 40)), matrix)
    whole = resample(image, spacing)
    assert resampled_grid(image.geometry, spacing).same_grid(whole.geometry)
    last = tuple(n - 1 for n in whole.shape_kji[::-1])
    for start, size in [((3, 4, 5), (7, 6, 3)), ((0, 0, 0), (1, 1, 1)), (last, (1, 1, 1)), ((0, 1, 2), (15, 9, 2))]:
        part, expected = resample(image, spacing, (start, size)), whole.crop(start, size)
        np.testing.assert_array_equal(part.voxels, expected.voxels)
        assert part.geometry.same_grid(expected.geometry)


def test_resampling_to_the_same_spacing_changes_nothing():
    voxels = np.random.default_rng(0).normal(size=(4, 5, 6)).astype(np.float32)
    image = Image(voxels, np.diag([0.7, 0.7, 2.5, 1]))
    same = resample(image, (0.7, 0.7, 2.5))
    assert np.array_equal(same.voxels, voxels)
    assert same.geometry.same_grid(image.geometry)


def test_shrinking_averages_and_keeps_the_extent():
    voxels = np.arange(8, dtype=np.float32).reshape(1, 1, 8)
    half = resample(Image(voxels, np.eye(4)), (2, 1, 1))
    assert half.voxels.ravel().tolist() == [0.5, 2.5, 4.5, 6.5]
    assert half.geometry.ras_from_ijk((0, 0, 0))[0] == pytest.approx(0.5)


def test_obliquity():
    tilted = np.eye(4)
    tilted[:3, :3] = Rotation.from_euler("x", 20, degrees=True).as_matrix()
    assert obliquity_degrees(Geometry((2, 2, 2), tilted)) == pytest.approx(20)
    assert obliquity_degrees(Geometry((2, 2, 2), np.diag([-1, -1, 3, 1]))) == 0
