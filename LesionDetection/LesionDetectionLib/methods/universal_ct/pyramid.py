"""The feature pyramid (Lin et al. 2017), and the attention gates at its lateral connections (paper, section 2.3)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from .architecture import LEVELS, UniversalArchitecture


class AttentionGate(nn.Module):
    """What the finer stage gives, times a map in [0, 1]: alpha = sigmoid(psi(ReLU(theta x + phi g))), all 1 x 1 convolutions.

    Schlemper et al. 2019 with one map; g, the coarser level, has been brought to the size of x.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        between = max(1, width // 2)
        self.theta = nn.Conv2d(width, between, 1, bias=False)
        self.phi = nn.Conv2d(width, between, 1)
        self.psi = nn.Conv2d(between, 1, 1)

    def forward(self, x: Tensor, gate: Tensor) -> Tensor:
        return x * torch.sigmoid(self.psi(functional.relu(self.theta(x) + self.phi(gate))))


class Pyramid(nn.Module):
    """Five levels from the stages of a backbone, all of one width.

    P2 to P6: laterals at C2 to C5, P6 = 3 x 3 with stride 2 on C5. P3 to P7: laterals at C3 to C5, and P7 = 3 x 3 with stride 2
    on ReLU(P6).
    """

    def __init__(self, widths: Sequence[int], architecture: UniversalArchitecture) -> None:
        super().__init__()
        wide, self.lowest = architecture.pyramid, architecture.lowest
        sources = widths[self.lowest - 1 :]
        self.lateral = nn.ModuleList(nn.Conv2d(width, wide, 1) for width in sources)
        self.smooth = nn.ModuleList(nn.Conv2d(wide, wide, 3, padding=1) for _ in sources)
        gates = [AttentionGate(wide) for _ in sources[:-1]] if architecture.attention else []
        self.gate = nn.ModuleList(gates)
        more = LEVELS - len(sources)
        self.coarser = nn.ModuleList(
            nn.Conv2d(wide if n else widths[-1], wide, 3, stride=2, padding=1) for n in range(more)
        )
        for convolution in [*self.lateral, *self.smooth, *self.coarser]:
            nn.init.kaiming_uniform_(convolution.weight, a=1)
            nn.init.zeros_(convolution.bias)

    def forward(self, stages: Sequence[Tensor]) -> list[Tensor]:
        """C1 to C5 -> the five levels, the finest first."""
        sources = stages[self.lowest - 1 :]
        top = self.lateral[-1](sources[-1])
        levels = [self.smooth[-1](top)]
        for n in reversed(range(len(sources) - 1)):
            side = self.lateral[n](sources[n])
            above = functional.interpolate(top, scale_factor=2.0, mode="nearest")
            top = (self.gate[n](side, above) if len(self.gate) else side) + above
            levels.insert(0, self.smooth[n](top))
        x = stages[-1]
        for n, convolution in enumerate(self.coarser):
            x = convolution(functional.relu(x) if n else x)
            levels.append(x)
        return levels
