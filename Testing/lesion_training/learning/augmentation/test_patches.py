"""Patches hold what they should, and targets follow the flips, turns and scales of their patches."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionTrainingLib.learning.augmentation.patches import cut_patches, snap
from LesionTrainingLib.learning.augmentation.spatial_3d import GeometrySettings, PatchTransforms

SIZE = (10, 30, 30)


def transform(flips=(False, False, False), turns=0, scale=1.0):
    return PatchTransforms.of(torch.tensor([flips]), torch.tensor([turns]), torch.tensor([scale]))


@pytest.fixture
def volume():
    return np.random.default_rng(0).integers(-1000, 400, (24, 50, 60)).astype(np.int16)


def test_an_untouched_patch_is_the_scans_own_voxels(volume):
    patch = cut_patches([volume], np.array([[10.5, 20.5, 30.5]]), transform(), SIZE, -1000)
    assert np.allclose(patch[0, 0], volume[6:16, 6:36, 16:46], atol=0.1)


def test_what_lies_outside_is_filled(volume):
    patch = cut_patches([volume], np.array([[0.5, 20.5, 58.5]]), transform(), SIZE, -777)
    assert np.allclose(patch[0, 0, :4], -777)
    assert np.allclose(patch[0, 0, :, :, 16:], -777)
    assert np.allclose(patch[0, 0, 4:, :, :16], volume[:6, 6:36, 44:60], atol=0.1)
    nowhere = cut_patches([volume], np.array([[200.5, 20.5, 58.5]]), transform(), SIZE, -777)
    assert np.allclose(nowhere, -777)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_flips(volume, axis):
    flips = tuple(axis == other for other in range(3))
    patch = cut_patches([volume], np.array([[10.5, 20.5, 30.5]]), transform(flips), SIZE, 0)
    assert np.allclose(patch[0, 0], np.flip(volume[6:16, 6:36, 16:46], axis), atol=0.1)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_quarter_turns_stay_in_the_slice(volume, turns):
    patch = cut_patches([volume], np.array([[10.5, 20.5, 30.5]]), transform(turns=turns), SIZE, 0)
    assert np.allclose(patch[0, 0], np.rot90(volume[6:16, 6:36, 16:46], turns, axes=(1, 2)), atol=0.1)


def blob(shape, center, radius):
    grid = np.stack(np.meshgrid(*[np.arange(n) for n in shape], indexing="ij"), axis=-1)
    distance = np.linalg.norm(grid - center, axis=-1)
    return (1000 * np.clip(radius + 0.5 - distance, 0, 1)).astype(np.int16)


@settings(max_examples=40, deadline=None)
@given(
    flips=st.tuples(st.booleans(), st.booleans(), st.booleans()),
    turns=st.integers(0, 3),
    scale=st.floats(0.9, 1.1),
    offset=st.tuples(st.integers(-2, 2), st.integers(-5, 5), st.integers(-5, 5)),
)
def test_targets_follow_the_patch(flips, turns, scale, offset):
    """The blob's centre of mass in the patch lies where ``offsets`` says, and its volume grows with the scale."""
    size, center = (20, 30, 30), np.array([[30.5, 40.5, 40.5]])
    true = center[0] + offset
    volume = blob((60, 80, 80), true, 5.0)
    one = transform(flips, turns, scale)
    patch = cut_patches([volume], center, one, size, 0)[0, 0].numpy()
    mass = patch.sum()
    where = [float((patch.sum(axis=tuple(set(range(3)) - {a})) * np.arange(size[a])).sum() / mass) for a in range(3)]
    told = one.offsets(np.array([offset], dtype=float))[0] + (np.array(size) - 1) / 2
    assert where == pytest.approx(told, abs=0.05)
    assert (mass / volume.sum()) ** (1 / 3) == pytest.approx(scale, rel=0.02)


def test_drawn_transforms_stay_in_their_ranges():
    drawn = PatchTransforms.draw(2000, GeometrySettings(), torch.Generator().manual_seed(1))
    assert set(drawn.turns.tolist()) == {0, 1, 2, 3}
    assert 0.9 <= drawn.scales.min() < drawn.scales.max() <= 1.1
    assert (drawn.scales == 1).float().mean() == pytest.approx(0.5, abs=0.05)
    assert drawn.flips.float().mean(0).tolist() == pytest.approx([0.5] * 3, abs=0.05)
    still = PatchTransforms.draw(50, GeometrySettings(0.0, False, (1.0, 1.0), 0.0), torch.Generator())
    assert torch.equal(still.matrices(), PatchTransforms.identity(50).matrices())


def test_snapped_positions_are_halves_near_by():
    positions = np.random.default_rng(2).uniform(-5, 50, (100, 3))
    snapped = snap(positions)
    assert np.all(snapped % 1 == 0.5)
    assert np.abs(snapped - positions).max() <= 0.5
