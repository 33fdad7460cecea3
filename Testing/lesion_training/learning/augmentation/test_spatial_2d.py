"""Slices, boxes and masks move together; what is only flipped keeps its very pixels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionTrainingLib.learning.augmentation.spatial_2d import SliceSettings, SliceTransforms
from LesionTrainingLib.learning.engine.task import Share
from scipy import ndimage
from scipy.stats import kstest

SETTINGS = SliceSettings()
SIZE = (60, 80)


def draw(count, settings=SETTINGS, seed=1):
    return SliceTransforms.draw(count, settings, torch.Generator().manual_seed(seed))


def image_with(box, size=SIZE):
    """[1, 1, y, x] with 1 in a box of whole pixels, x0 y0 x1 y1."""
    image = torch.zeros(1, 1, *size)
    x0, y0, x1, y1 = box
    image[..., y0:y1, x0:x1] = 1
    return image


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), x=st.integers(25, 45), y=st.integers(20, 30))
def test_a_box_holds_what_it_held(seed, x, y):
    one, box = draw(1, seed=seed), (x, y, x + 12, y + 8)
    moved = one.apply(image_with(box))[0, 0]
    (boxes,), (kept,) = one.move_boxes([torch.tensor([box], dtype=torch.float32)], SIZE)
    assert kept.tolist() == [0]
    rows, columns = np.nonzero(moved.numpy() > 0.5)
    found = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    # The box is that of the corners, which a pixel grid cuts off a little.
    assert boxes[0].tolist() == pytest.approx(found, abs=1.3)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_middle_of_a_box_goes_with_its_pixels(seed):
    one, box = draw(1, seed=seed), (30, 25, 42, 33)
    moved = one.apply(image_with(box))[0, 0].numpy()
    (point,) = one.move_points([torch.tensor([[36.0, 29.0]])], SIZE)
    row, column = ndimage.center_of_mass(moved)
    assert point[0].tolist() == pytest.approx([column + 0.5, row + 0.5], abs=0.05)
    expected = 12 * 8 * float(torch.linalg.det(one.matrices)[0].abs())
    assert moved.sum() == pytest.approx(expected, rel=0.02)


def test_flips_keep_the_very_pixels_and_boxes_follow():
    settings = replace(SETTINGS, share=0.0)
    slices = torch.rand(16, 3, 20, 31, generator=torch.Generator().manual_seed(0))
    drawn = draw(16, settings)
    moved = drawn.apply(slices)
    boxes, _ = drawn.move_boxes([torch.tensor([[2.0, 3.0, 10.0, 8.0]])] * 16, (20, 31))
    signs = set()
    for n, (y, x) in enumerate(drawn.matrices.diagonal(dim1=1, dim2=2).tolist()):
        signs.add((y, x))
        assert torch.equal(moved[n], slices[n].flip([axis for axis, sign in ((1, y), (2, x)) if sign < 0]))
        assert boxes[n][0, [0, 2]].tolist() == ([2, 10] if x > 0 else [21, 29])
        assert boxes[n][0, [1, 3]].tolist() == ([3, 8] if y > 0 else [12, 17])
    assert len(signs) == 4
    assert torch.equal(SliceTransforms.identity(16).apply(slices), slices)


def test_boxes_that_leave_the_slice_are_dropped_and_those_at_its_border_clipped():
    shifted = SliceTransforms(torch.eye(2, dtype=torch.float64)[None], torch.tensor([[0.0, 0.5]]).double(), 0.25)
    boxes = torch.tensor([[70.0, 10, 79, 20], [10, 10, 20, 20], [35, 10, 45, 20], [32, 10, 52, 20], [30, 10, 130, 20]])
    (moved,), (kept,) = shifted.move_boxes([boxes], SIZE)
    assert kept.tolist() == [1, 2, 3]
    assert moved.tolist() == [[50, 10, 60, 20], [75, 10, 80, 20], [72, 10, 80, 20]]
    for nothing in ([70.0, 10, 79, 20], [10.0, 10, 10, 20]):  # outside; without an area
        (moved,), (kept,) = replace(shifted, least_left=0.0).move_boxes([torch.tensor([nothing])], SIZE)
        assert len(moved) == len(kept) == 0
    (moved,), (kept,) = shifted.move_boxes([torch.zeros(0, 4)], SIZE)
    assert (moved.shape, kept.shape) == ((0, 4), (0,))


def test_each_slice_has_its_own_boxes():
    drawn = draw(3)
    boxes = [
        torch.tensor([[30.0, 20, 40, 30]]),
        torch.zeros(0, 4),
        torch.tensor([[30.0, 20, 40, 30], [20, 20, 30, 30]]),
    ]
    moved, kept = drawn.move_boxes(boxes, SIZE)
    assert [len(box) for box in moved] == [len(rows) for rows in kept] == [1, 0, 2]
    assert moved[0].dtype == torch.float32
    assert not torch.allclose(moved[0][0], moved[2][0])


def test_masks_keep_their_values():
    mask = (image_with((30, 25, 42, 33)) * 2).to(torch.uint8)
    moved = draw(1).apply(mask, nearest=True)
    assert moved.dtype == torch.uint8
    assert set(moved.unique().tolist()) == {0, 2}


def test_values_are_those_of_the_paper_and_drawn_evenly():
    drawn = draw(4000)
    assert torch.linalg.matrix_norm(drawn.matrices, 2).max() < 1.1 * 1.11
    shares = drawn.shifts.numpy()
    assert kstest(shares[:, 0] / 0.2 + 0.5, "uniform").pvalue > 0.01
    scale = torch.linalg.det(drawn.matrices).abs().sqrt().numpy()  # a shear keeps areas
    assert kstest((scale - 0.9) / 0.2, "uniform").pvalue > 0.01
    only_turned = draw(4000, replace(SETTINGS, shear_rad=0.0, flip=0.0)).matrices
    angles = torch.atan2(only_turned[:, 1, 0], only_turned[:, 1, 1]).numpy()
    assert kstest(angles / 0.2 + 0.5, "uniform").pvalue > 0.01
    only_sheared = draw(4000, replace(SETTINGS, rotation_rad=0.0, flip=0.0)).matrices
    leaning = torch.atan2(only_sheared[:, 1, 0], only_sheared[:, 0, 0]).numpy()
    assert kstest(leaning / 0.2 + 0.5, "uniform").pvalue > 0.01
    unscaled = draw(4000, replace(SETTINGS, scale=0.0, flip=0.0)).matrices
    assert torch.allclose(torch.linalg.det(unscaled), torch.ones(4000, dtype=torch.float64))
    negative = torch.linalg.det(drawn.matrices) < 0
    assert float(negative.float().mean()) == pytest.approx(0.5, abs=0.03)


def test_parts_computed_apart_equal_the_whole():
    slices = torch.rand(7, 3, 20, 24, generator=torch.Generator().manual_seed(0))
    whole = draw(7).apply(slices, -1.0)
    for index in range(2):
        share = Share(index, 2)
        assert torch.equal(share.of(draw(7)).apply(share.of(slices), -1.0), share.of(whole))
