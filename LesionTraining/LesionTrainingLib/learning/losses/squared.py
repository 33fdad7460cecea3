"""The mean squared error (Aluko, Hari & Yakubenko 2018, section 4.1.1)."""

from __future__ import annotations

from torch import Tensor

from ..engine.task import Term


def squared_error(found: Tensor, targets: Tensor) -> Term:
    """Summed over all numbers, and divided by how many there are.

    Args:
        found, targets: of one shape; may be empty.
    """
    return Term((found.float() - targets.float()).square().sum(), targets.numel())
