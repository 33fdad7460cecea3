"""3D-RPET-Net: two convolutions in 3D, a pooling after each, two full layers, from a cube around the tumour to one logit.

Source: A. Amyar et al., "3-D RPET-NET: development of a 3-D PET imaging convolutional neural network for radiomics analysis and
outcome prediction", IEEE Trans. Radiat. Plasma Med. Sci. 3 (2019) 225-231. Widths and sizes are ours.
"""

from __future__ import annotations

import torch
from torch import nn


class RpetNet(nn.Module):
    """[n, 1, s, s, s] in [0, 1] -> [n] logits of a positive outcome.

    Args:
        side: s, a multiple of 4.
        widths: channels of the two convolutions.
        hidden: units of the first full layer.
        dropout: before each full layer.
    """

    def __init__(self, side: int, widths: tuple[int, int], hidden: int, dropout: float) -> None:
        super().__init__()
        first, second = widths
        self.features = nn.Sequential(
            nn.Conv3d(1, first, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool3d(2),
            nn.Conv3d(first, second, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool3d(2),
        )
        self.decide = nn.Sequential(
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(second * (side // 4) ** 3, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, 1),
        )

    def forward(self, cubes: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.decide(self.features(cubes))[:, 0]
        return logits
