"""Patches hold what they should, and targets follow the flips, turns and scales of their patches."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionTrainingLib.learning.augmentation.patches import cut_patches, snap
from LesionTrainingLib.learning.augmentation.spatial_3d import GeometrySettings, PatchTransforms
from LesionTrainingLib.learning.engine.task import Share
from scipy import ndimage

SIZE = (10, 30, 30)


def transform(flips=(False, False, False), turns=0, scale=1.0):
    return PatchTransforms.of(torch.tensor([flips]), torch.tensor([turns]), torch.tensor([scale]))


@pytest.fixture
def volume():
    return np.random.default_rng(0).integers(-1000, 400, (24, 50, 60)).astype(np.int16)


def test_an_untouched_patch_is_the_scans_own_voxels(volume):
    patch = cut_patches([volume], np.array([[10.5, 20.5, 30.5]]), transform(), SIZE, -1000)
    assert np.array_equal(patch[0, 0], volume[6:16, 6:36, 16:46])


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
    assert np.allclose(patch[0, 0], np.flip(volume[6:16, 6:36, 16:46], axis), atol=0)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_quarter_turns_stay_in_the_slice(volume, turns):
    patch = cut_patches([volume], np.array([[10.5, 20.5, 30.5]]), transform(turns=turns), SIZE, 0)
    assert np.allclose(patch[0, 0], np.rot90(volume[6:16, 6:36, 16:46], turns, axes=(1, 2)), atol=0)


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
    still = PatchTransforms.draw(50, GeometrySettings(flip=0.0, turn=False, scale_share=0.0), torch.Generator())
    assert torch.equal(still.matrices(), PatchTransforms.identity(50).matrices())


FREE = GeometrySettings(rotation_rad=(0.5, 0.3, 0.3), shear=0.1, shift_voxels=(1.0, 3.0, 3.0), free_share=0.7)


def plain(volume, center, matrix, shift, size, outside):
    """The same by scipy from the whole volume."""
    inverse = np.linalg.inv(matrix)
    offset = center - inverse @ ((np.array(size) - 1) / 2 + shift)
    return ndimage.affine_transform(
        volume.astype(float), inverse, offset, size, order=1, mode="grid-constant", cval=outside, prefilter=False
    )


@pytest.mark.parametrize("size", [SIZE, (9, 21, 21), (7, 20, 15), (8, 30, 20), (1, 24, 24)])
def test_patches_are_scipys_wherever_they_are_cut(volume, size):
    """Also at the border, around any position, of odd sizes, and of sides that differ."""
    random = np.random.default_rng(8)
    centers = random.uniform((0, 0, 0), volume.shape, (24, 3))
    centers[::2] = snap(centers[::2])
    drawn = PatchTransforms.draw(24, FREE, torch.Generator().manual_seed(3))
    patches = cut_patches([volume] * 24, centers, drawn, size, -1000)
    assert patches.shape == (24, 1, *size)
    for patch, center, matrix, shift in zip(patches, centers, drawn.matrices(), drawn.shifts, strict=True):
        expected = plain(volume, center, matrix.numpy(), shift.numpy(), size, -1000)
        assert np.abs(patch[0].numpy() - expected).max() < 0.2  # of 1400


def test_shifted_patches_lose_nothing(volume):
    """What comes in from beside the patch is the scan's, up to the greatest shift."""
    still = PatchTransforms.identity(2)
    shifts = torch.tensor([[0.0, 5.5, -4.25], [2.0, -6.0, 6.0]], dtype=torch.float64)
    shifted = PatchTransforms.of(still.flips, still.turns, still.scales, shifts=shifts)
    patches = cut_patches([volume] * 2, np.full((2, 3), (10.5, 24.5, 30.5)), shifted, SIZE, 5000)
    for patch, shift in zip(patches, shifts.numpy(), strict=True):
        expected = plain(volume, (10.5, 24.5, 30.5), np.eye(3), shift, SIZE, 5000)
        assert np.abs(patch[0].numpy() - expected).max() < 0.2
    assert patches.max() < 400


def test_parts_of_a_batch_are_cut_as_the_whole(volume):
    """Bit by bit, though another part may hold the patch that reaches furthest."""
    centers = np.random.default_rng(9).uniform((0, 0, 0), volume.shape, (17, 3))
    drawn = PatchTransforms.draw(17, FREE, torch.Generator().manual_seed(4))
    whole = cut_patches([volume] * 17, centers, drawn, SIZE, -1000)
    for index in range(3):
        share = Share(index, 3)
        own = cut_patches([volume] * len(share.of(centers)), share.of(centers), share.of(drawn), SIZE, -1000)
        assert torch.equal(own, share.of(whole))


def test_masks_keep_their_type_and_values(volume):
    mask = (volume > 100).astype(np.uint8) * 3
    drawn = PatchTransforms.draw(12, FREE, torch.Generator().manual_seed(5))
    centers = np.full((12, 3), (10.5, 20.5, 30.5))
    cut = cut_patches([mask] * 12, centers, drawn, SIZE, 0, nearest=True)
    assert cut.dtype == torch.uint8
    assert set(cut.unique().tolist()) == {0, 3}
    still = drawn.is_still()
    again = cut_patches([mask] * 12, centers, drawn, SIZE, 0)
    assert torch.equal(cut[still].float(), again[still])


def test_no_patches_at_all():
    assert cut_patches([], np.zeros((0, 3)), PatchTransforms.identity(0), SIZE, 0).shape == (0, 1, *SIZE)


def test_snapped_positions_are_halves_near_by():
    positions = np.random.default_rng(2).uniform(-5, 50, (100, 3))
    snapped = snap(positions)
    assert np.all(snapped % 1 == 0.5)
    assert np.abs(snapped - positions).max() <= 0.5
