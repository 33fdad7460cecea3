"""Eq. 4 against numbers worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch
from LesionTrainingLib.learning.losses.hybrid import hybrid_loss

LOGITS = torch.tensor([[0.0, 0.0], [0.0, math.log(3.0)]])  # p(nodule) = 1/2, 3/4
LABELS = torch.tensor([0, 1])


def mean(term):
    return float(term.total) / max(1.0, float(term.count))


def test_values():
    regression = torch.tensor([[9.0, 9.0, 9.0, 9.0], [0.5, 0.0, 0.0, 3.0]])
    targets = torch.tensor([[0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
    terms = hybrid_loss(LOGITS, regression, LABELS, targets, 0.5)
    assert mean(terms["classification"]) == pytest.approx((math.log(2) + math.log(4 / 3)) / 2)
    # One positive: 0.5 * 0.5^2 below 1, and 2 - 0.5 above; the negative's row counts nothing.
    assert mean(terms["localisation"]) == pytest.approx(0.5 * (0.125 + 1.5))


def test_localisation_is_averaged_over_the_positives():
    regression, targets = torch.zeros(4, 4), torch.zeros(4, 4)
    targets[:2, 0] = 2.0
    terms = hybrid_loss(torch.zeros(4, 2), regression, torch.tensor([1, 1, 1, 0]), targets, 1.0)
    assert mean(terms["localisation"]) == pytest.approx(1.5 * 2 / 3)


def test_what_a_negative_has_for_targets_reaches_neither_loss_nor_gradient():
    regression = torch.zeros(2, 4, requires_grad=True)
    targets = torch.tensor([[math.nan] * 4, [1.0, 0.0, 0.0, 0.0]])
    localisation = hybrid_loss(LOGITS, regression, LABELS, targets, 1.0)["localisation"]
    torch.autograd.backward(localisation.total)
    assert regression.grad is not None
    assert regression.grad.isfinite().all()
    assert regression.grad[0].count_nonzero() == 0


def test_a_size_that_is_not_known_is_not_learned():
    regression = torch.tensor([[0.0, 0.0, 0.0, 0.0], [2.0, 0.0, 0.0, 7.0]], requires_grad=True)
    targets = torch.tensor([[0.0] * 4, [0.0, 0.0, 0.0, math.nan]])
    localisation = hybrid_loss(LOGITS, regression, LABELS, targets, 1.0)["localisation"]
    assert float(localisation.total.detach()) == pytest.approx(1.5)
    torch.autograd.backward(localisation.total)
    assert regression.grad is not None
    assert regression.grad[1].tolist() == [1.0, 0.0, 0.0, 0.0]


def test_without_positives_or_branch_only_the_class_counts():
    terms = hybrid_loss(LOGITS, torch.ones(2, 4), torch.tensor([0, 0]), torch.zeros(2, 4), 0.5)
    assert mean(terms["localisation"]) == 0
    assert set(hybrid_loss(LOGITS, None, LABELS, torch.zeros(2, 4), 0.5)) == {"classification"}
