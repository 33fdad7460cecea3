"""The mask branch: from P2 up to the pixels of the input (paper, section 2.2 and Fig. 1)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from .architecture import UniversalArchitecture
from .heads import PRIOR_LOGIT, set_bias


class DenseBranch(nn.Module):
    """P1 = P2 enlarged + C1 through a 1 x 1 convolution; P0 = P1 enlarged + the input through two 3 x 3 ones; then a mask.

    Args:
        first: channels of C1.
    """

    def __init__(self, first: int, architecture: UniversalArchitecture) -> None:
        super().__init__()
        at_half, at_full = architecture.dense_widths
        self.narrow = nn.Conv2d(architecture.pyramid, at_half, 1)
        self.skip_half = nn.Conv2d(first, at_half, 1)
        self.smooth_half = nn.Conv2d(at_half, at_full, 3, padding=1)
        self.skip_full = nn.Sequential(
            nn.Conv2d(3, at_full, 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(at_full, at_full, 3, padding=1)
        )
        self.smooth_full = nn.Conv2d(at_full, at_full, 3, padding=1)
        self.mask = nn.Conv2d(at_full, 1, 1)
        set_bias(self.mask, PRIOR_LOGIT)

    def forward(self, level: Tensor, first: Tensor, slices: Tensor) -> Tensor:
        """Logits of the mask.

        Args:
            level: P2, [n, pyramid, h / 4, w / 4].
            first: C1, [n, channels, h / 2, w / 2].
            slices: the input, [n, 3, h, w].

        Returns:
            [n, h, w].
        """
        half = _twice(self.narrow(level)) + self.skip_half(first)
        half = functional.relu(self.smooth_half(functional.relu(half)))
        full = _twice(half) + self.skip_full(slices)
        full = functional.relu(self.smooth_full(functional.relu(full)))
        logits: Tensor = self.mask(full)
        return logits[:, 0]


def _twice(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2.0, mode="nearest")
