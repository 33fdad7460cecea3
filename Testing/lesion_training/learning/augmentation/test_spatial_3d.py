"""Things lie where their voxels went, sizes change as scales say, and parts of a batch are those of the whole."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionTrainingLib.learning.augmentation.spatial_3d import GeometrySettings, PatchTransforms
from LesionTrainingLib.learning.engine.task import Share
from scipy.stats import kstest

FREE = GeometrySettings(rotation_rad=(0.5, 0.3, 0.3), shear=0.1, shift_voxels=(1.0, 3.0, 3.0))


def generator(seed=1):
    return torch.Generator().manual_seed(seed)


def draw(count=200, settings=FREE, seed=1, **more):
    return PatchTransforms.draw(count, settings, generator(seed), **more)


def ball(size, center, radius):
    grid = np.stack(np.meshgrid(*[np.arange(n) - (n - 1) / 2 for n in size], indexing="ij"), axis=-1)
    distance = np.linalg.norm(grid - center, axis=-1)
    return torch.from_numpy(np.clip(radius + 0.5 - distance, 0, 1).astype(np.float32))


def center_of_mass(patch):
    grid = [torch.arange(n) - (n - 1) / 2 for n in patch.shape]
    return torch.stack(
        [(patch.sum(dim=[d for d in range(3) if d != axis]) * grid[axis]).sum() for axis in range(3)]
    ) / (patch.sum())


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10_000), offset=st.tuples(st.floats(-2, 2), st.floats(-6, 6), st.floats(-6, 6)),
)  # fmt: skip
def test_a_point_lies_where_its_voxels_went(seed, offset):
    size = (32, 44, 44)
    one = draw(1, replace(FREE, free_share=1.0), seed)
    patch = ball(size, np.array(offset), 4.0)
    moved = one.apply(patch[None, None])[0, 0]
    where = one.move(torch.tensor([[offset]]))[0, 0]
    assert center_of_mass(moved).tolist() == pytest.approx(where.tolist(), abs=0.1)
    assert one.offsets(np.array([offset]))[0] == pytest.approx(where.tolist(), abs=1e-5)  # voxels, in float32
    # The content grows by the determinant.
    assert float(moved.sum() / patch.sum()) == pytest.approx(float(torch.linalg.det(one.matrices())[0].abs()), rel=0.03)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_mask_goes_with_its_image_and_its_box_holds_it(seed):
    size = (32, 44, 44)
    one = draw(1, replace(FREE, free_share=1.0), seed)
    mask = ball(size, np.array([1.0, -3.0, 5.0]), 4.0) > 0.5
    image = mask.float() * 100
    moved_mask = one.apply(mask[None, None], nearest=True)[0, 0]
    moved_image = one.apply(image[None, None])[0, 0]
    assert moved_mask.dtype == torch.bool
    # The nearest of eight voxels has an eighth of the interpolated value at least.
    sure = (moved_image < 12) | (moved_image > 88)
    assert torch.equal((moved_image > 50)[sure], moved_mask[sure])
    inside = torch.nonzero(mask).double() - (torch.tensor(size) - 1) / 2
    box = torch.cat([inside.amin(dim=0) - 0.5, inside.amax(dim=0) + 0.5])
    moved_box = one.move_boxes(box[None, None])[0, 0]
    moved = torch.nonzero(moved_mask).double() - (torch.tensor(size) - 1) / 2
    assert (moved.amin(dim=0) >= moved_box[:3] - 0.5).all()
    assert (moved.amax(dim=0) <= moved_box[3:] + 0.5).all()


def test_there_and_back():
    drawn = draw()
    points = torch.rand(200, 5, 3, dtype=torch.float64, generator=generator())
    back = torch.einsum("nij,nkj->nki", torch.linalg.inv(drawn.matrices()), drawn.move(points) - drawn.shifts[:, None])
    assert torch.allclose(back, points)


def test_flips_and_turns_keep_the_very_voxels():
    settings = GeometrySettings(scale_share=0.0)
    patches = torch.rand(64, 2, 6, 10, 10, generator=generator())
    drawn = draw(64, settings)
    moved = drawn.apply(patches)
    assert drawn.is_still().all()
    for patch, result, flips, turns in zip(patches, moved, drawn.flips.tolist(), drawn.turns.tolist(), strict=True):
        flipped = patch.flip([1 + axis for axis, flip in enumerate(flips) if flip])
        assert torch.equal(result, torch.rot90(flipped, turns, (2, 3)))
    identity = PatchTransforms.identity(64)
    assert torch.equal(identity.apply(patches), patches)


def test_a_box_that_is_flipped_and_turned():
    one = PatchTransforms.of(torch.tensor([[True, False, False]]), torch.tensor([1]), torch.ones(1))
    assert one.move_boxes(torch.tensor([[[-1.0, -2.0, 3.0, 1.5, 4.0, 5.0]]]))[0, 0].tolist() == [-1.5, -5, -2, 1, -3, 4]


def test_rotations_are_rigid_in_millimetres():
    spacing = np.array([2.5, 0.7, 0.7])
    drawn = draw(
        50, GeometrySettings(0.0, False, (1.0, 1.0), 0.0, (0.4, 0.4, 0.4), free_share=1.0), spacing_zyx=spacing
    )
    scale = torch.diag(torch.from_numpy(spacing))
    in_mm = scale @ drawn.matrices() @ torch.linalg.inv(scale)
    assert torch.allclose(in_mm @ in_mm.transpose(1, 2), torch.eye(3, dtype=torch.float64).expand(50, 3, 3))
    assert torch.allclose(torch.linalg.det(in_mm), torch.ones(50, dtype=torch.float64))
    angles = torch.arccos(((in_mm.diagonal(dim1=1, dim2=2).sum(dim=1) - 1) / 2).clamp(-1, 1))
    assert 0.2 < float(angles.mean()) < 0.5


def test_shears_go_any_way_and_keep_what_they_should():
    settings = GeometrySettings(flip=0.0, turn=False, scale_share=0.0, shear=0.2, free_share=1.0)
    matrices = draw(2000, settings).matrices()
    assert torch.equal(matrices.diagonal(dim1=1, dim2=2), torch.ones(2000, 3, dtype=torch.float64))
    for row, column in ((0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1)):
        assert kstest(matrices[:, row, column].numpy() / 0.4 + 0.5, "uniform").pvalue > 0.01


def test_values_are_drawn_evenly_and_as_often_as_they_should():
    drawn = draw(4000)
    freed = (drawn.shifts != 0).any(dim=1)
    assert float(freed.float().mean()) == pytest.approx(0.5, abs=0.03)
    for axis, most in enumerate(FREE.shift_voxels):
        assert kstest(drawn.shifts[freed, axis].numpy() / most / 2 + 0.5, "uniform").pvalue > 0.01
    scaled = drawn.scales != 1
    assert kstest((drawn.scales[scaled].double().numpy() - 0.9) / 0.2, "uniform").pvalue > 0.01
    assert float((drawn.is_still()).float().mean()) == pytest.approx(0.25, abs=0.03)


def test_what_is_switched_off_does_not_change_the_rest():
    with_shifts, without = draw(), draw(settings=replace(FREE, shift_voxels=(0.0, 0.0, 0.0)))
    assert torch.equal(with_shifts.matrices(), without.matrices())


@pytest.mark.parametrize("parts", [2, 3])
def test_parts_computed_apart_equal_the_whole(parts):
    patches = torch.rand(11, 1, 10, 20, 20, generator=generator())
    whole = draw(11).apply(patches, -1.0)
    for index in range(parts):
        share = Share(index, parts)
        assert torch.equal(share.of(draw(11)).apply(share.of(patches), -1.0), share.of(whole))
