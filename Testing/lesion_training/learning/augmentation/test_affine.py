"""Voxels lie where the matrix says: against scipy, point by point, and bit by bit where nothing is interpolated."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionTrainingLib.learning.augmentation.affine import warp
from scipy import ndimage


def plain(values, matrix, shift, size, outside, order):
    """The same by scipy, one image and channel. Its output position o comes from input position matrix @ o + offset."""
    inverse = np.linalg.inv(matrix)
    source, result = (np.array(shape) - 1 for shape in (values.shape, size))
    offset = source / 2 - inverse @ (result / 2 + shift)
    # Its "constant" mode drops what lies less than a voxel outside; "grid-constant" blends it, as we do.
    return ndimage.affine_transform(
        values, inverse, offset, size, order=order, mode="grid-constant", cval=outside, prefilter=False
    )


def random_matrices(count, dimensions, seed):
    random = np.random.default_rng(seed)
    return np.eye(dimensions) + random.uniform(-0.3, 0.3, (count, dimensions, dimensions))


@pytest.mark.parametrize(
    ("source", "size"), [((9, 14, 12), (9, 14, 12)), ((11, 10, 13), (6, 9, 8)), ((15, 12), (10, 11))]
)
@pytest.mark.parametrize("outside", [0.0, -1000.0])
def test_interpolation_is_scipys(source, size, outside):
    random, dimensions = np.random.default_rng(3), len(source)
    values = random.normal(0, 100, (4, 2, *source))
    matrices, shifts = random_matrices(4, dimensions, 4), random.uniform(-2, 2, (4, dimensions))
    moved = warp(torch.from_numpy(values), torch.from_numpy(matrices), torch.from_numpy(shifts), size, outside)
    assert moved.dtype == torch.float64
    for n, channel in itertools.product(range(4), range(2)):
        expected = plain(values[n, channel], matrices[n], shifts[n], size, outside, 1)
        # The grid is float32: a hundred-thousandth of a voxel.
        assert np.abs(moved[n, channel].numpy() - expected).max() < 0.05


def test_masks_take_the_nearest_value():
    random = np.random.default_rng(5)
    labels = random.integers(0, 5, (3, 1, 12, 13, 14)).astype(np.uint8)
    matrices, shifts = random_matrices(3, 3, 6), random.uniform(-1, 1, (3, 3))
    moved = warp(torch.from_numpy(labels), torch.from_numpy(matrices), torch.from_numpy(shifts), (12, 13, 14), 4, True)
    assert moved.dtype == torch.uint8
    for n in range(3):
        expected = plain(labels[n, 0], matrices[n], shifts[n], (12, 13, 14), 4, 0)
        assert (moved[n, 0].numpy() == expected).mean() > 0.999  # what lies between two may go either way


@given(
    axes=st.permutations([0, 1, 2]),
    signs=st.tuples(*[st.sampled_from([-1.0, 1.0])] * 3),
    shift=st.tuples(*[st.integers(-4, 4)] * 3),
    source=st.tuples(*[st.integers(1, 7)] * 3),
    size=st.tuples(*[st.integers(1, 7)] * 3),
)
@settings(max_examples=80, deadline=None)
def test_whole_voxels_stay_bit_by_bit(axes, signs, shift, source, size):
    """Against a plain loop over voxels, wherever centres fall on centres."""
    values = torch.randint(-1000, 1000, (1, 1, *source), generator=torch.Generator().manual_seed(1), dtype=torch.int16)
    matrix = torch.zeros(1, 3, 3, dtype=torch.float64)
    for row, (axis, sign) in enumerate(zip(axes, signs, strict=True)):
        matrix[0, row, axis] = sign
    size = tuple(n + (n - source[axis]) % 2 for n, axis in zip(size, axes, strict=True))
    moved = warp(values, matrix, torch.tensor([shift], dtype=torch.float64), size, -7)
    assert moved.dtype == torch.int16
    inverse = matrix[0].numpy().T
    for at in np.ndindex(*size):
        offset = np.array(at) - (np.array(size) - 1) / 2 - shift
        where = inverse @ offset + (np.array(source) - 1) / 2
        inside = np.all((where > -0.5) & (where < np.array(source) - 0.5))
        assert moved[0, 0][at] == (values[0, 0][tuple(np.round(where).astype(int))] if inside else -7)


def test_still_and_moved_samples_in_one_batch():
    values = torch.rand(3, 2, 6, 8, 8, generator=torch.Generator().manual_seed(2))
    matrices = torch.eye(3, dtype=torch.float64).repeat(3, 1, 1)
    matrices[1] *= 1.1
    moved = warp(values, matrices, torch.zeros(3, 3, dtype=torch.float64), (6, 8, 8))
    assert torch.equal(moved[[0, 2]], values[[0, 2]])
    assert not torch.equal(moved[1], values[1])
    alone = warp(values[1:2], matrices[1:2], torch.zeros(1, 3, dtype=torch.float64), (6, 8, 8))
    assert torch.equal(moved[1:2], alone)


def test_half_a_voxel_is_interpolated():
    values = torch.arange(4.0).reshape(1, 1, 1, 4)
    still = torch.eye(2, dtype=torch.float64)[None]
    assert warp(values, still, torch.zeros(1, 2, dtype=torch.float64), (1, 3))[0, 0, 0].tolist() == [0.5, 1.5, 2.5]
    by_half = torch.tensor([[0.0, 0.5]], dtype=torch.float64)
    assert warp(values, still, by_half, (1, 4), -1.0)[0, 0, 0].tolist() == pytest.approx([-0.5, 0.5, 1.5, 2.5])


def test_one_slice_is_a_volume_too():
    values = torch.rand(1, 1, 1, 5, 5, generator=torch.Generator().manual_seed(3))
    matrix = torch.diag(torch.tensor([1.0, 1.2, 1.2], dtype=torch.float64))[None]
    moved = warp(values, matrix, torch.zeros(1, 3, dtype=torch.float64), (1, 5, 5))
    flat = warp(values[:, :, 0], matrix[:, 1:, 1:], torch.zeros(1, 2, dtype=torch.float64), (5, 5))
    assert torch.allclose(moved[:, :, 0], flat)


def test_nothing_to_move():
    none = warp(torch.zeros(0, 1, 3, 3), torch.zeros(0, 2, 2).double(), torch.zeros(0, 2).double(), (3, 3))
    assert none.shape == (0, 1, 3, 3)
