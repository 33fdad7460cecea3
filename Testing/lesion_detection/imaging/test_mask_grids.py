"""Masks find back to the image's own grid, however the image is stored and whatever grid they were made on."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.imaging.geometry import AxialOrder, resampled_grid, to_axial
from LesionDetectionLib.imaging.mask_grids import mask_from_axial, mask_from_grid

SHAPE_KJI = (5, 8, 7)
WAYS = list(itertools.product(itertools.permutations(range(3)), itertools.product((False, True), repeat=3)))


def an_image(axes=(0, 1, 2), flips=(False, False, False), spacing=(0.7, 0.9, 2.0)):
    """A slightly oblique image whose axes run in any order and direction."""
    columns = (
        (np.diag([-1.0, -1.0, 1.0]) + 0.02)[:, list(axes)] * np.where(flips, -1, 1) * np.array(spacing)[list(axes)]
    )
    matrix = np.eye(4)
    matrix[:3, :3] = columns
    matrix[:3, 3] = (10, -20, 300)
    shape = tuple(np.array(SHAPE_KJI[::-1])[list(axes)][::-1])
    return Image(np.zeros(shape, np.int16), matrix)


def some_box(seed):
    """A box of the axial array with about half of its voxels set: box, start (i, j, k), and the mask of the whole array."""
    random = np.random.default_rng(seed)
    size = random.integers(1, np.array(SHAPE_KJI) + 1)
    start = random.integers(0, np.array(SHAPE_KJI) - size + 1)
    box = random.random(size) < 0.5
    box.flat[random.integers(box.size)] = True
    whole = np.zeros(SHAPE_KJI, dtype=bool)
    whole[tuple(slice(a, a + n) for a, n in zip(start, size, strict=True))] = box
    return box, tuple(int(n) for n in start[::-1]), whole


@pytest.mark.parametrize(("axes", "flips"), WAYS)
def test_all_48_ways_to_store_an_image(axes, flips):
    image = an_image(axes, flips)
    order, axial = AxialOrder.of(image.geometry), to_axial(image)
    assert axial.shape_kji == SHAPE_KJI
    for seed in range(3):
        box, start, whole = some_box(seed)
        for mask in (mask_from_axial(image, box, start), mask_from_grid(image, axial.geometry, box, start)):
            np.testing.assert_array_equal(order.apply_array(mask.full(image.shape_kji)), whole)


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.sampled_from(WAYS), st.tuples(*[st.floats(0.3, 6.0)] * 3))
def test_each_voxel_is_as_the_nearest_of_the_other_grid(seed, way, spacing):
    image = an_image(*way)
    axial = to_axial(image)
    grid = resampled_grid(axial.geometry, spacing)
    random = np.random.default_rng(seed)
    whole = random.random(grid.shape_kji) < 0.4
    whole.flat[random.integers(whole.size)] = True
    mask = mask_from_grid(image, grid, whole, (0, 0, 0))
    found = AxialOrder.of(image.geometry).apply_array(mask.full(image.shape_kji))
    places = grid.ijk_from_ras(axial.geometry.ras_from_ijk(np.argwhere(np.ones(SHAPE_KJI))[:, ::-1]))
    nearest = np.clip(np.floor(places + 0.5 + 1e-6).astype(int), 0, np.array(grid.shape_kji[::-1]) - 1)
    expected = whole[tuple(nearest[:, ::-1].T)].reshape(SHAPE_KJI)
    if expected.any():
        np.testing.assert_array_equal(found, expected)
    else:  # it lay between the image's voxels
        centers = axial.geometry.ijk_from_ras(grid.ras_from_ijk(np.argwhere(whole)[:, ::-1]))
        expected[tuple(np.floor(centers + 0.5 + 1e-6).astype(int)[:, ::-1].T)] = True
        np.testing.assert_array_equal(found, expected)


def test_a_box_of_a_grid_is_the_same_as_the_whole_of_it():
    image = an_image()
    grid = resampled_grid(image.geometry, (1.1, 0.5, 3.0))
    whole = np.zeros(grid.shape_kji, dtype=bool)
    whole[1:3, 4:9, 2:4] = np.random.default_rng(1).random((2, 5, 2)) < 0.7
    one, two = (
        mask_from_grid(image, grid, whole, (0, 0, 0)),
        mask_from_grid(image, grid, whole[1:3, 4:9, 2:4], (2, 4, 1)),
    )
    np.testing.assert_array_equal(one.full(image.shape_kji), two.full(image.shape_kji))


def test_a_voxel_of_a_finer_grid_is_not_lost():
    image = an_image(spacing=(3.0, 3.0, 3.0))
    grid = resampled_grid(image.geometry, (1.0, 1.0, 1.0))
    for ijk in itertools.product(range(6), repeat=3):
        mask = mask_from_grid(image, grid, np.ones((1, 1, 1), dtype=bool), ijk)
        assert mask.count == 1
        assert mask.start_ijk == tuple(n // 3 for n in ijk)
