"""The hybrid loss of Dou et al. (MICCAI 2017, Eqs. 1, 3 and 4): what it is, and for nodules also where and how large.

The weight decay, Eq. 4's third term, is left to the optimiser.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from ..engine.task import Term


def hybrid_loss(
    logits: Tensor, regression: Tensor | None, labels: Tensor, targets: Tensor, regression_weight: float
) -> dict[str, Term]:
    """The sum of both terms, each divided by its count, is Eq. 4.

    Args:
        logits: [n, 2] background, nodule.
        regression: [n, 4] predicted targets of Eq. 2, or None for a network without that branch.
        labels: [n] int64, 1 for a nodule.
        targets: [n, 4] true targets of Eq. 2, NaN where one is not known (a diameter): nothing is learned from it. Rows of
            negative samples are not looked at.
        regression_weight: lambda of Eq. 4.

    Returns:
        ``classification`` of all samples, and with a regression ``localisation`` of the nodules, weighted.
    """
    terms = {"classification": Term(functional.cross_entropy(logits.float(), labels, reduction="sum"), len(labels))}
    if regression is not None:
        positive = labels == 1
        # dist(a) of Eq. 3 is PyTorch's smooth L1 with beta = 1; summed over x, y, z, d, averaged over the positives.
        wanted = targets[positive]
        told = regression[positive].float().masked_fill(wanted.isnan(), 0.0)
        distance = functional.smooth_l1_loss(told, wanted.nan_to_num(), reduction="sum", beta=1.0)
        terms["localisation"] = Term(regression_weight * distance, positive.sum())
    return terms
