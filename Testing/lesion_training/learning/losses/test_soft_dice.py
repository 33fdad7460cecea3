"""Soft Dice and cross-entropy of masks, in sums that several processes can add up."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from LesionTrainingLib.learning.losses.soft_dice import SMOOTHING, cross_entropy, soft_dice

LOGITS = torch.from_numpy(np.random.default_rng(0).normal(size=(3, 1, 5, 4)))
MASKS = torch.from_numpy(np.random.default_rng(1).random((3, 1, 5, 4)) < 0.4)
MASKS[2] = False


def test_they_are_what_their_formulas_say():
    dice, entropy = 0.0, 0.0
    for logits, mask in zip(LOGITS.numpy(), MASKS.numpy(), strict=True):
        shares = 1 / (1 + np.exp(-logits))
        dice += 1 - (2 * (shares * mask).sum() + SMOOTHING) / (shares.sum() + mask.sum() + SMOOTHING)
        entropy -= np.where(mask, np.log(shares), np.log(1 - shares)).mean()
    for term, expected in ((soft_dice(LOGITS, MASKS), dice), (cross_entropy(LOGITS, MASKS), entropy)):
        assert float(term.total) == pytest.approx(expected, rel=1e-5)
        assert term.count == 3


@pytest.mark.parametrize("loss", [soft_dice, cross_entropy])
def test_what_is_right_costs_nearly_nothing_and_parts_add_up(loss):
    sure = 40.0 * MASKS.float() - 20.0
    assert float(loss(sure, MASKS).total) == pytest.approx(0, abs=1e-5)
    assert float(loss(-sure, MASKS).total) > 2
    parts = [loss(LOGITS[n::2], MASKS[n::2]) for n in range(2)]
    assert sum(float(part.total) for part in parts) == pytest.approx(float(loss(LOGITS, MASKS).total))
    assert sum(part.count for part in parts) == 3
