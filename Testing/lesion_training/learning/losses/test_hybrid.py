"""Eq. 4 against numbers worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch
from LesionTrainingLib.learning.losses.hybrid import hybrid_loss

LOGITS = torch.tensor([[0.0, 0.0], [0.0, math.log(3.0)]])  # p(nodule) = 1/2, 3/4
LABELS = torch.tensor([0, 1])


def mean(term):
    return float(term.total) / float(term.count)


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
    localisation = hybrid_loss(torch.zeros(4, 2), regression, torch.tensor([1, 1, 1, 0]), targets, 1.0)["localisation"]
    assert float(localisation.count) == 3
    assert mean(localisation) == pytest.approx(1.5 * 2 / 3)


def test_without_positives_localisation_is_nothing_and_can_still_be_differentiated():
    regression = torch.ones(2, 4, requires_grad=True)
    localisation = hybrid_loss(LOGITS, regression, torch.tensor([0, 0]), torch.zeros(2, 4), 0.5)["localisation"]
    localisation.total.backward()
    assert float(localisation.total) == float(localisation.count) == 0
    assert torch.equal(regression.grad, torch.zeros(2, 4))


def test_without_a_branch_there_is_one_term():
    assert list(hybrid_loss(LOGITS, None, LABELS, torch.zeros(2, 4), 0.5)) == ["classification"]
