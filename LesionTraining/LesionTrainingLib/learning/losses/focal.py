"""The focal loss (Lin, Goyal, Girshick, He & Dollár, ICCV 2017, section 3): what is easy counts little."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from LesionDetectionLib.core.errors import UsageError
from torch import Tensor
from torch.nn import functional

from ..engine.task import Term

IGNORED = -1
"""Label of what is neither: it is not learned from."""


@dataclass(frozen=True)
class FocalSettings:
    """Attributes:
    alpha: weight of positives; negatives have 1 - alpha.
    gamma: the cross-entropy is multiplied by the share of the probability that is missing, to this power; 0 leaves it.
    """

    alpha: float = 0.25
    gamma: float = 2.0

    def __post_init__(self) -> None:
        """Raises UsageError for values that make no sense."""
        if not (0 <= self.alpha <= 1 and 0 <= self.gamma < inf):
            raise UsageError(
                f"“alpha” of a focal loss lies from 0 to 1, “gamma” is 0 or more, not {self.alpha} and {self.gamma}."
            )


def focal_loss(logits: Tensor, labels: Tensor, settings: FocalSettings, weight: float = 1.0) -> Term:
    """Sum over all but the ignored; divided by the number of positives (by 1 where there is none), as in the paper.

    Args:
        logits: any shape, any number format.
        labels: the same shape, any type: 1, 0, or :data:`IGNORED`.
        weight: of this part of a loss.
    """
    known, positive = labels != IGNORED, labels == 1
    # Of the right answer: log(1 + e^-x) is its cross-entropy, sigmoid(-x) the probability that is missing.
    right = logits.float() * (2.0 * positive - 1.0)
    losses = functional.softplus(-right)
    if settings.gamma:
        losses = losses * (-right).sigmoid().pow(settings.gamma)
    weights = known * (positive * (2 * settings.alpha - 1) + (1 - settings.alpha))
    return Term(weight * (losses * weights).sum(), positive.sum())
