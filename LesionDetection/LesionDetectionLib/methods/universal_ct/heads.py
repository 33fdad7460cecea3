"""The two heads that look at every level with the same weights: which anchors hold a lesion, and where its box is."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from .architecture import UniversalArchitecture

PRIOR = 0.01
"""Probability of a lesion at every anchor before the first step (Lin et al. 2017, focal loss, section 4.1)."""
PRIOR_LOGIT = -math.log((1 - PRIOR) / PRIOR)


class Head(nn.Module):
    """3 x 3 convolutions with ReLU, and a last one with some values for each anchor.

    Attributes:
        values: for each anchor: 1 logit, or 4 offsets of a box.
    """

    def __init__(self, architecture: UniversalArchitecture, values: int) -> None:
        super().__init__()
        self.values = values
        layers: list[nn.Module] = []
        before = architecture.pyramid
        for _ in range(architecture.head_layers):
            layers += [nn.Conv2d(before, architecture.head, 3, padding=1), nn.ReLU(inplace=True)]
            before = architecture.head
        self.layers = nn.Sequential(*layers)
        self.last = nn.Conv2d(before, architecture.anchors * values, 3, padding=1)
        for module in self.layers:
            if isinstance(module, nn.Conv2d):
                # He's, which keeps the size of signals through four ReLUs, in place of .01, which needs trained features.
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                set_bias(module, 0.0)
        nn.init.normal_(self.last.weight, std=0.01)
        set_bias(self.last, PRIOR_LOGIT if values == 1 else 0.0)

    def forward(self, level: Tensor) -> Tensor:
        """[n, pyramid, y, x] -> [n, places * anchors, values]; rows, columns, anchors, as the anchors are listed."""
        return by_anchor(self.last(self.layers(level)), self.values)


def by_anchor(maps: Tensor, values: int) -> Tensor:
    """[n, anchors * values, y, x] -> [n, y * x * anchors, values]."""
    n, channels, y, x = maps.shape
    return torch.reshape(maps.permute(0, 2, 3, 1), (n, y * x * (channels // values), values))


def set_bias(convolution: nn.Conv2d, value: float) -> None:
    assert convolution.bias is not None
    nn.init.constant_(convolution.bias, value)
