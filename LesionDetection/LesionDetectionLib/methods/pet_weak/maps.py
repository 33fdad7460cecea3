"""Class activation maps (section 2.1, Eq. 1)."""

from __future__ import annotations

import torch
from torch import Tensor


def class_activation_map(activations: Tensor) -> Tensor:
    """Eq. 1, with the ReLU of the work that it comes from [choice]: what speaks for a class, over its maximum in the view.

    Args:
        activations: [n, h, w] w_c . f of one class, of n views.

    Returns:
        [n, h, w] in 0 to 1; 0 everywhere in a view in which nothing speaks for the class. Differentiable.
    """
    positive = activations.relu()
    highest = positive.amax(dim=(1, 2), keepdim=True)
    return positive / torch.where(highest > 0, highest, 1.0)
