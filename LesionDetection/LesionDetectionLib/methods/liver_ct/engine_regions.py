"""Faster R-CNN's second stage without what regions share being computed for each of them anew; exact.

ResNet-50's last stage begins, in each region, with two convolutions of 1 x 1: one of the first block, and its shortcut. They
are a quarter of the stage's products, and depend on one place only. With ``pool`` a place is the maximum in a window of C4,
nearly always of 1 or 2 rows and columns: of 300 regions with 14 x 14 bins each, 58 800 places are at most 4096 different ones.
With ``align`` it is a weighted mean, with which these convolutions may change places, so that they are computed for C4's
own 1024 places. The shortcut has stride 2: only each second bin is wanted.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from .architecture import ALIGN
from .engine_bins import Aligned, Bins, Largest, Product
from .faster_rcnn import FasterRcnn

_AT_ONCE = 32
"""Regions that go through the stage together: 6 MB of 2048 channels in 16 bits."""
_AT_ONCE_GPU = 512


class Regions:
    """The second stage of a lean network.

    Args:
        network: folded, in one number format but for its last layers.
    """

    def __init__(self, network: FasterRcnn) -> None:
        self._count = network.architecture.roi_px
        self._bins = Aligned if network.architecture.roi_pooling == ALIGN else Largest
        self._last = network.head.box_predictor
        blocks: Any = network.backbone.layer4
        self._blocks = [_Block(block) for block in blocks]
        self._short = Product(blocks[0].downsample[-1])

    def judge(self, c4: Tensor, boxes: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
        """As :meth:`.faster_rcnn.FasterRcnn.judge`; float32."""
        bins = self._bins(self._count, c4, boxes, self._blocks[0].first, self._short)
        at_once = _AT_ONCE_GPU if c4.is_cuda else _AT_ONCE
        found = [self._means(bins, slice(n, min(n + at_once, len(bins)))) for n in range(0, len(bins), at_once)]
        means = torch.cat(found) if found else torch.zeros(0, self._short.outputs, device=c4.device)
        logits, deltas = self._last(means if bins.which is None else means[bins.which])
        return logits, deltas

    def _means(self, bins: Bins, some: slice) -> Tensor:
        """[r, channels] what the last layers look at."""
        head, *others = self._blocks
        x = head.rest(bins.inner(some), bins.short(some))
        for block in others:
            x = block.rest(block.inner(x), x)
        return x.float().mean(dim=(2, 3))


class _Block:
    """A block of three convolutions; those of 1 x 1 as products, which take four fifths of a convolution's time in bfloat16."""

    def __init__(self, block: Any) -> None:
        self.first, self._middle, self._last = Product(block.conv1), block.conv2, Product(block.conv3)

    def inner(self, x: Tensor) -> Tensor:
        """After the first convolution and its ReLU; [r, channels, y, x], channels last, as all here."""
        return self.first.at_each(x).relu_()

    def rest(self, inner: Tensor, beside: Tensor) -> Tensor:
        """What follows, with what is added to it."""
        return self._last.at_each(functional.relu_(self._middle(inner))).add_(beside).relu_()
