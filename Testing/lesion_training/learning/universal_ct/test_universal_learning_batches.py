"""Slices, masks and boxes move together, into squares that show what they should; a batch follows from seed and step."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionTrainingLib.learning.augmentation.intensity import IntensitySettings
from LesionTrainingLib.learning.augmentation.spatial_2d import SliceSettings, SliceTransforms
from LesionTrainingLib.learning.engine.task import Share
from LesionTrainingLib.learning.slices.crops import Crops, in_square
from LesionTrainingLib.learning.slices.judged import in_network
from LesionTrainingLib.learning.slices.samples import moved_boxes
from LesionTrainingLib.learning.slices.settings import CropSettings, SelectionSettings
from LesionTrainingLib.learning.universal_ct.batches import BatchMaker
from LesionTrainingLib.learning.universal_ct.settings import RecipeSettings
from universal_cases import TINY, made_slices

CPU = torch.device("cpu")
STILL = SliceSettings(flip=0.0, share=0.0)
WHOLE = RecipeSettings(size_px=128, architecture=TINY, selection=SelectionSettings(box_margin_px=0.0), variation=STILL)
CUT = replace(WHOLE, crop=CropSettings(64, anywhere=0.0))
EVERY = np.arange(4)
ALONE = Share()


@pytest.fixture(scope="module")
def cases():
    return [made_slices(seed, WHOLE) for seed in range(4)]


def batch(cases, how, step=3, share=ALONE, seed=0):
    return BatchMaker(cases, how, seed, "test", CPU).make(EVERY, step, share)


def extent(mask):
    rows, columns = np.nonzero(mask.numpy() == 1)
    return np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])


def test_unchanged_slices_are_what_the_network_sees(cases):
    found = batch(cases, WHOLE)
    assert np.allclose(found.inputs.numpy(), [in_network(one.planes[0], WHOLE.window_hu) for one in cases], atol=1e-6)
    assert np.array_equal(found.masks.numpy(), [one.masks[0] for one in cases])
    for boxes, one in zip(found.boxes, cases, strict=True):
        assert np.allclose(boxes.numpy(), one.boxes)


@pytest.mark.parametrize("how", [WHOLE, CUT], ids=["whole", "cut"])
def test_masks_and_boxes_move_with_the_slices(cases, how):
    how = replace(how, variation=SliceSettings())
    for step in range(4):
        found = batch(cases, how, step)
        assert found.inputs.shape[2:] == found.masks.shape[1:] == (how.sample_px, how.sample_px)
        for plane, mask, boxes in zip(found.inputs[:, 1], found.masks, found.boxes, strict=True):
            bright = plane > -0.3  # halfway from -700 to 60 HU
            assert (bright != (mask == 1)).sum() <= 0.25 * bright.sum()
            if len(boxes) and (mask == 1).any():
                # A square that is turned reaches beyond the ellipse's box by a tenth or so.
                assert np.abs(boxes[0].numpy() - extent(mask)).max() < 4


def test_flips_are_exact(cases):
    found = batch(cases, replace(WHOLE, variation=SliceSettings(flip=1.0, share=0.0)))
    still = batch(cases, WHOLE)
    assert torch.equal(found.inputs, still.inputs.flip(2, 3))
    assert torch.equal(found.masks, still.masks.flip(1, 2))
    for boxes, before in zip(found.boxes, still.boxes, strict=True):
        assert torch.allclose(boxes, (128 - before)[:, [2, 3, 0, 1]])


@settings(deadline=None)
@given(st.integers(0, 10**6))
def test_an_ellipse_moves_into_the_box_around_it(seed):
    generator = torch.Generator().manual_seed(seed)
    moves = SliceTransforms.draw(1, SliceSettings(shift=0.05), generator)
    low = 40 + 30 * torch.rand(1, 2, generator=generator, dtype=torch.float64)
    box = torch.cat([low, low + 5 + 30 * torch.rand(1, 2, generator=generator, dtype=torch.float64)], dim=1)
    angle = torch.linspace(0, 2 * np.pi, 721, dtype=torch.float64)
    half, middle = (box[0, 2:] - box[0, :2]) / 2, (box[0, :2] + box[0, 2:]) / 2
    points = middle + torch.stack([half[0] * angle.cos(), half[1] * angle.sin()], dim=1)
    (found,) = moved_boxes(moves, [box], 128)
    (moved,) = moves.move_points([points], (128, 128))
    assert torch.allclose(found[0], torch.cat([moved.amin(0), moved.amax(0)]), atol=0.01)


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


def test_what_is_neither_is_not_taught(cases):
    lesion = cases[0]
    neither = replace(lesion, counted=np.zeros_like(lesion.counted))
    maker = BatchMaker([neither], WHOLE, 0, "test", CPU)
    found = maker.make(np.zeros(1, dtype=np.int64), 0, Share())
    assert not len(found.boxes[0])
    assert (found.targets.labels == -1).any()
    assert not (found.targets.labels == 1).any()


def test_a_batch_follows_from_seed_and_step(cases):
    how = replace(CUT, variation=SliceSettings(), intensity=IntensitySettings())
    whole = batch(cases, how)
    again = batch(cases, how)
    assert torch.equal(whole.inputs, again.inputs)
    assert not torch.equal(whole.inputs, batch(cases, how, step=4).inputs)
    assert not torch.equal(whole.inputs, batch(cases, how, seed=1).inputs)
    part = batch(cases, how, share=Share(1, 2))
    assert torch.equal(part.inputs, whole.inputs[1::2])
    assert torch.equal(part.masks, whole.masks[1::2])
    assert torch.equal(part.targets.labels, whole.targets.labels[1::2])
    assert whole.inputs.min() >= -1
    assert whole.inputs.max() <= 1
