"""Boxes: a square near the truth, a line far from it; nothing where there is no box."""

from __future__ import annotations

import pytest
import torch
from LesionTrainingLib.learning.losses.box import box_loss


def test_it_is_a_square_then_a_line():
    offsets = torch.tensor([[0.1, 0.0, 0.0, 0.0], [2.0, -1.0, 0.0, 0.0]])
    found = box_loss(offsets, torch.zeros(2, 4), beta=0.5, weight=3.0)
    assert float(found.total) == pytest.approx(3 * (0.5 * 0.1**2 / 0.5 + 2 - 0.25 + 1 - 0.25))
    assert found.count == 2


def test_without_boxes_there_is_no_loss_and_no_slope():
    offsets = torch.zeros(3, 4, requires_grad=True)
    found = box_loss(offsets[:0], torch.zeros(0, 4), beta=1 / 9)
    found.total.backward()
    assert (float(found.total.detach()), found.count) == (0.0, 0)
    assert not offsets.grad.any()
