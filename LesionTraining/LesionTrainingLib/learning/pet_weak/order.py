"""In which order patients are learned from."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..sampling.by_class import ClassOrder
from ..sampling.epochs import EpochOrder


def patient_order(
    labels: npt.NDArray[np.integer[Any]], balanced: bool, seed: int, name: str
) -> EpochOrder | ClassOrder:
    """Each class as often as the others, or each patient.

    Args:
        labels: [n] class of each.
    """
    return ClassOrder(labels, seed, name) if balanced else EpochOrder(len(labels), seed, name)
