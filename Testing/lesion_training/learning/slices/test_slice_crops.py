"""Squares lie in their slices and hold their lesions; what a border cuts off for the most is neither."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionTrainingLib.learning.slices.crops import Crops, in_square
from LesionTrainingLib.learning.slices.settings import CropSettings


@settings(deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_a_square_lies_in_the_slice_and_holds_its_lesion(seed, large):
    generator = torch.Generator().manual_seed(seed)
    low = 80 * torch.rand(1, 2, generator=generator)
    box = torch.cat([low, low + (100 if large else 48 * torch.rand(1, 2, generator=generator))], dim=1).clamp(max=128)
    corner = Crops.draw(1, CropSettings(64, 0.0), generator).corners([box], 128, 64)
    assert (corner >= 0).all()
    assert (corner <= 64).all()
    for axis in range(2):
        begin, first, last = float(corner[0, axis]), float(box[0, axis]), float(box[0, axis + 2])
        if last - first <= 63:  # of which one pixel may lie between whole ones
            assert begin <= first
            assert last <= begin + 64
        else:
            assert min(last, begin + 64) - max(first, begin) >= 62


def test_squares_are_everywhere_if_that_is_wanted():
    generator = torch.Generator().manual_seed(0)
    boxes = [torch.tensor([[0.0, 0.0, 9.0, 9.0]])] * 400
    corners = Crops.draw(400, CropSettings(64, 1.0), generator).corners(boxes, 128, 64)
    assert corners.amin() == 0
    assert corners.amax() == 64
    assert corners.float().mean() == pytest.approx(32, abs=3)


def test_a_lesion_that_the_border_cuts_off_for_the_most_is_left_out():
    boxes = torch.tensor([[10.0, 10, 30, 30], [60, 10, 80, 30], [62, 10, 82, 30], [90, 10, 99, 30]])
    shown, rest = in_square(boxes, torch.tensor([0, 0]), 65, 0.25)
    assert shown.tolist() == [[10, 10, 30, 30], [60, 10, 65, 30]]
    assert rest.tolist() == [[62, 10, 65, 30]]
