"""The patch network of "Detecting High-Uptake Lesions from CT Using Deep Learning" (paper 000), section 3: is the pixel in the
middle of a patch of five slices part of an active lesion? torch only, so that it runs on a bare GPU machine.

Patches are [n, slice, row, column], sizes in names follow that order (``_ZYX``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor, nn
from torch.nn import functional

PATCH_ZYX = (5, 75, 75)
CENTER_ZYX = (2, 37, 37)
"""Of the pixel that a patch is about."""
CONV1_ZYX, CONV1_STRIDE = (5, 9, 9), 2
"""The first filters span all slices (section 3, "Network Architecture"): 75 x 75 -> 34 x 34."""
CONV2_YX, CONV2_STRIDE = (7, 7), 3
"""34 x 34 -> 10 x 10."""
FEATURES_YX = (10, 10)
"""What the fully connected layers see of each filter of the second layer."""


@dataclass(frozen=True)
class PatchArchitecture:
    """Sizes of the network (Fig. 3).

    Attributes:
        filters: of the two convolutional layers; the paper's are 16 and 48.
        hidden: units of the two hidden fully connected layers. The paper does not say [choice]; with 512 and 512 the network
            has 2.77 million parameters.
        dropout: the paper's probability P_D, behind each hidden fully connected layer.
    """

    filters: tuple[int, int] = (16, 48)
    hidden: tuple[int, int] = (512, 512)
    dropout: float = 0.5


PRESETS: Mapping[str, PatchArchitecture] = MappingProxyType(
    {"paper": PatchArchitecture(), "small": PatchArchitecture(hidden=(256, 64))}
)


class PatchNetwork(nn.Module):
    """Two convolutions without pooling, three fully connected layers, a ReLU after each but the last (section 3)."""

    def __init__(self, architecture: PatchArchitecture | None = None) -> None:
        super().__init__()
        self.architecture = architecture or PatchArchitecture()
        first, second = self.architecture.filters
        hidden1, hidden2 = self.architecture.hidden
        self.conv1 = nn.Conv2d(CONV1_ZYX[0], first, CONV1_ZYX[1:], CONV1_STRIDE)
        self.conv2 = nn.Conv2d(first, second, CONV2_YX, CONV2_STRIDE)
        self.fc1 = nn.Linear(second * FEATURES_YX[0] * FEATURES_YX[1], hidden1)
        self.fc2 = nn.Linear(hidden1, hidden2)
        self.fc3 = nn.Linear(hidden2, 2)
        self.dropout = nn.Dropout(self.architecture.dropout)
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(parameter)
            else:
                nn.init.kaiming_normal_(parameter, nonlinearity="relu")

    def forward(self, patches: Tensor) -> Tensor:
        """Responses [n, 2], column 0 to background (r_b), 1 to an active lesion (r_l), of patches [n, 5, 75, 75] in [0, 1]."""
        features = functional.relu(self.conv2(functional.relu(self.conv1(patches))))
        hidden = self.dropout(functional.relu(self.fc1(features.flatten(1))))
        logits: Tensor = self.fc3(self.dropout(functional.relu(self.fc2(hidden))))
        return logits


def similarity(logits: Tensor) -> Tensor:
    """The lesion similarity R = p_l - p_b in (-1, 1) of responses [..., 2], p being their softmax.

    The paper's R is r_l - r_b itself (section 3, "Analysis of the Network Response"). This one rises with it, is 0 where it is
    0, and lies in a range in which a threshold T_R can be set by hand.
    """
    return torch.tanh((logits[..., 1] - logits[..., 0]) / 2)


def parameter_count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())
