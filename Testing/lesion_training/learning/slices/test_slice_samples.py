"""Slices, masks and boxes move together, into squares that show what they should; samples follow from seed and step."""

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
from LesionTrainingLib.learning.slices.judged import in_network
from LesionTrainingLib.learning.slices.samples import SampleMaker, moved_boxes
from LesionTrainingLib.learning.slices.settings import CropSettings, SelectionSettings
from slice_cases import MadeSettings, made_slices

CPU = torch.device("cpu")
WHOLE = MadeSettings(size_px=128, selection=SelectionSettings(box_margin_px=0.0))
CUT = replace(WHOLE, crop=CropSettings(64, anywhere=0.0))
EVERY = np.arange(4)
ALONE = Share()


@pytest.fixture(scope="module")
def cases():
    return [made_slices(seed, WHOLE) for seed in range(4)]


def samples(cases, how, step=3, share=ALONE, seed=0):
    return SampleMaker(cases, how, seed, "test", CPU).make(EVERY, step, share)


def extent(mask):
    rows, columns = np.nonzero(mask.numpy() == 1)
    return np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])


def test_unchanged_slices_are_what_the_network_sees(cases):
    found = samples(cases, WHOLE)
    assert np.allclose(found.inputs.numpy(), [in_network(one.planes[0], WHOLE.window_hu) for one in cases], atol=1e-6)
    assert np.array_equal(found.masks.numpy(), [one.masks[0] for one in cases])
    for boxes, one in zip(found.boxes, cases, strict=True):
        assert np.allclose(boxes.numpy(), one.boxes)


@pytest.mark.parametrize("how", [WHOLE, CUT], ids=["whole", "cut"])
def test_masks_and_boxes_move_with_the_slices(cases, how):
    how = replace(how, variation=SliceSettings())
    for step in range(4):
        found = samples(cases, how, step)
        assert found.inputs.shape[2:] == found.masks.shape[1:] == (how.sample_px, how.sample_px)
        for plane, mask, boxes in zip(found.inputs[:, 1], found.masks, found.boxes, strict=True):
            bright = plane > -0.3  # halfway from -700 to 60 HU
            assert (bright != (mask == 1)).sum() <= 0.25 * bright.sum()
            if len(boxes) and (mask == 1).any():
                # A square that is turned reaches beyond the ellipse's box by a tenth or so.
                assert np.abs(boxes[0].numpy() - extent(mask)).max() < 4


def test_flips_are_exact(cases):
    found = samples(cases, replace(WHOLE, variation=SliceSettings(flip=1.0, share=0.0)))
    still = samples(cases, WHOLE)
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


def test_samples_follow_from_seed_and_step(cases):
    how = replace(CUT, variation=SliceSettings(), intensity=IntensitySettings())
    whole = samples(cases, how)
    again = samples(cases, how)
    assert torch.equal(whole.inputs, again.inputs)
    assert not torch.equal(whole.inputs, samples(cases, how, step=4).inputs)
    assert not torch.equal(whole.inputs, samples(cases, how, seed=1).inputs)
    part = samples(cases, how, share=Share(1, 2))
    assert torch.equal(part.inputs, whole.inputs[1::2])
    assert torch.equal(part.masks, whole.masks[1::2])
    assert all(torch.equal(a, b) for a, b in zip(part.boxes, whole.boxes[1::2], strict=True))
    assert whole.inputs.min() >= -1
    assert whole.inputs.max() <= 1
