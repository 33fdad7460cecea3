"""The mean squared error is that of torch, and sums up over parts."""

from __future__ import annotations

import pytest
import torch
from LesionTrainingLib.learning.losses.squared import squared_error
from torch.nn import functional


def test_it_is_the_mean_over_all_numbers():
    found, true = torch.randn(6, 4, requires_grad=True), torch.randn(6, 4)
    term = squared_error(found, true)
    assert float((term.total / term.count).detach()) == pytest.approx(float(functional.mse_loss(found, true).detach()))
    parts = [squared_error(found[n::2], true[n::2]) for n in range(2)]
    assert float(sum(part.total.detach() for part in parts)) == pytest.approx(float(term.total.detach()))
    assert sum(part.count for part in parts) == term.count == 24


def test_without_boxes_it_is_nothing_with_a_gradient():
    found = torch.zeros(0, 4, requires_grad=True)
    term = squared_error(found, torch.zeros(0, 4))
    assert (float(term.total.detach()), term.count, term.total.requires_grad) == (0, 0, True)
