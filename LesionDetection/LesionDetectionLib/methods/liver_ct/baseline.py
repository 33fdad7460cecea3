"""The baseline (paper, section 4.1.2): four convolutions, two poolings and a dense layer with four outputs."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from .architecture import LiverArchitecture


class Baseline(nn.Module):
    """All three single-box detectors end in it.

    Args:
        in_channels: of what it looks at.
        side: of what it looks at, in places; a multiple of 4.
    """

    def __init__(self, in_channels: int, side: int, architecture: LiverArchitecture) -> None:
        super().__init__()
        one, two, three, four = architecture.widths
        self.first = nn.Conv2d(in_channels, one, 3, padding=1)
        self.rest = nn.Sequential(
            nn.Conv2d(one, two, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
            nn.Conv2d(two, three, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(three, four, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),
        )
        self.dropout = nn.Dropout(architecture.dropout)
        self.dense = nn.Linear(four * (side // 4) ** 2, 4)

    def forward(self, maps: Tensor) -> Tensor:
        """[n, in_channels, side, side] -> [n, 4]."""
        return self.after_first(self.first(maps))

    def after_first(self, maps: Tensor) -> Tensor:
        """[n, widths[0], side, side], what the first convolution gives, which is overwritten -> [n, 4]."""
        found: Tensor = self.dense(self.dropout(self.features(maps).flatten(1)))
        return found

    def features(self, maps: Tensor) -> Tensor:
        """[n, widths[0], side, side] as in :meth:`after_first` -> [n, widths[3], side / 4, side / 4]."""
        found: Tensor = self.rest(functional.relu_(maps))
        return found
