"""Soft Dice and binary cross-entropy of a mask, image by image, as segmentation networks are usually fitted."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from ..engine.task import Term

SMOOTHING = 1.0
"""Pixels that are put on both sides of the fraction, so that an image without any pixel of the mask has a loss, too."""


def soft_dice(logits: Tensor, masks: Tensor) -> Term:
    """1 - (2 sum of p t + 1) / (sum of p + sum of t + 1), summed over images (Milletari et al., 3DV 2016, without the squares).

    Args:
        logits: [n, ...] any number format.
        masks: the same shape; 0 or 1, any type.
    """
    shares, truth = logits.float().sigmoid().flatten(1), masks.float().flatten(1)
    both, either = (shares * truth).sum(dim=1), (shares + truth).sum(dim=1)
    return Term((1 - (2 * both + SMOOTHING) / (either + SMOOTHING)).sum(), len(logits))


def cross_entropy(logits: Tensor, masks: Tensor) -> Term:
    """Binary cross-entropy of each pixel, its mean over an image summed over images.

    Args:
        logits, masks: see :func:`soft_dice`.
    """
    losses = functional.binary_cross_entropy_with_logits(logits.float(), masks.float(), reduction="none")
    return Term(losses.flatten(1).mean(dim=1).sum(), len(logits))
