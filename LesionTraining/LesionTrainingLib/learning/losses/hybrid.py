"""The hybrid loss of Dou et al. (MICCAI 2017, Eqs. 1, 3 and 4): what it is, and for nodules also where and how large.

The weight decay, Eq. 4's third term, is left to the optimiser.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional


def hybrid_loss(
    logits: Tensor, regression: Tensor | None, labels: Tensor, targets: Tensor, regression_weight: float
) -> tuple[Tensor, Tensor]:
    """Mean classification loss, and the weighted mean localisation loss of the positive samples; their sum is Eq. 4.

    Args:
        logits: [n, 2] background, nodule.
        regression: [n, 4] predicted targets of Eq. 2, or None for a network without that branch.
        labels: [n] int64, 1 for a nodule.
        targets: [n, 4] true targets of Eq. 2; rows of negative samples are not looked at.
        regression_weight: lambda of Eq. 4.

    Returns:
        Two scalars, classification and ``regression_weight`` times localisation; the second is 0 without positives.
    """
    classification = functional.cross_entropy(logits, labels)
    positive = labels == 1
    if regression is None or not bool(positive.any()):
        return classification, logits.new_zeros(())
    # dist(a) of Eq. 3 is PyTorch's smooth L1 with beta = 1; summed over x, y, z, d, averaged over the positives.
    distance = functional.smooth_l1_loss(regression[positive], targets[positive], reduction="none", beta=1.0)
    return classification, regression_weight * distance.sum(dim=1).mean()
