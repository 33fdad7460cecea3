"""Two networks that segment, which the paper's own is compared with: fully convolutional, and U-Net."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from .layers import Blocks, head, pair, pooling

_UP: dict[int, type[nn.Module]] = {2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}


class Fcn(nn.Module):
    """FCN-8s (Long et al. 2015, Fig. 3) on the classifier's own four blocks [choice]: a 1 x 1 head on each of the last three,
    summed from the coarsest to the finest, each brought to the next one's size by bilinear interpolation."""

    def __init__(self, widths: Sequence[int], normalised: bool = True) -> None:
        super().__init__()
        self.features = Blocks(1, widths, normalised)
        self.heads = nn.ModuleList(head(width, 1) for width in widths[1:])

    def forward(self, views: Tensor) -> Tensor:
        """[n, 1, h, w] -> [n, 1, h, w] logits."""
        maps = self.features(views)[1:]
        logits: Tensor = self.heads[-1](maps[-1])
        for layer, finer in zip(reversed(self.heads[:-1]), reversed(maps[:-1]), strict=True):
            logits = _enlarged(logits, finer.shape[2:]) + layer(finer)
        return _enlarged(logits, views.shape[2:])


class UNet(nn.Module):
    """U-Net (Ronneberger et al. 2015) whose convolutions keep the size, in two or three dimensions.

    Args:
        widths: channels of each level, the finest first.
        dimensions: 2, or 3 for volumes.
    """

    def __init__(self, widths: Sequence[int], dimensions: int = 2, normalised: bool = True) -> None:
        super().__init__()
        self.down = nn.ModuleList(
            pair(before, width, normalised, dimensions) for before, width in zip((1, *widths[:-1]), widths, strict=True)
        )
        self.pooling = pooling(dimensions)
        rising = list(pairwise(reversed(widths)))
        self.enlarge = nn.ModuleList(_UP[dimensions](coarse, fine, 2, stride=2) for coarse, fine in rising)
        self.up = nn.ModuleList(pair(2 * fine, fine, normalised, dimensions) for _, fine in rising)
        self.head = head(widths[0], 1, dimensions)

    def forward(self, x: Tensor) -> Tensor:
        """[n, 1, (d,) h, w], sides of a multiple of 2 to the number of levels less one -> logits of the same shape."""
        kept = []
        for index, level in enumerate(self.down):
            x = level(self.pooling(x) if index else x)
            kept.append(x)
        kept.pop()
        for enlarge, level in zip(self.enlarge, self.up, strict=True):
            x = level(torch.cat([enlarge(x), kept.pop()], dim=1))
        logits: Tensor = self.head(x)
        return logits


def _enlarged(logits: Tensor, size: Sequence[int]) -> Tensor:
    return functional.interpolate(logits, size=tuple(size), mode="bilinear", align_corners=False)
