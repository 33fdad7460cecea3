"""How far regressed boxes are from the true ones (Girshick, ICCV 2015: smooth L1)."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from ..engine.task import Term


def box_loss(offsets: Tensor, targets: Tensor, beta: float, weight: float = 1.0) -> Term:
    """Smooth L1, summed over the four offsets of a box, and over boxes; divided by the number of boxes.

    Args:
        offsets, targets: [p, 4]; p may be 0.
        beta: up to this distance it is half the square over beta, beyond it the distance less half of beta.
        weight: of this part of a loss.
    """
    total = functional.smooth_l1_loss(offsets.float(), targets, reduction="sum", beta=beta)
    return Term(weight * total, len(targets))
