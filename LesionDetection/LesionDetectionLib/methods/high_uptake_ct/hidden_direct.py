"""The first fully connected layer by PyTorch's own convolution of each phase."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from ..convolution.columns import Corner
from .features import STRIDE
from .hidden import PHASES, Asked, Where, phases_of
from .network import FEATURES_YX, PatchNetwork
from .scratch import Scratch

KEPT, KEPT_GPU = 16, 43
"""Pixels of each phase, along y and x, in a tile: 96 x 96 or, on a GPU, 258 x 258 pixels."""
AT_ONCE_GPU = 4


class DirectHidden:
    """See :class:`.hidden.HiddenLayer`. Any number format; channels-last, as matrix units want it."""

    def __init__(self, network: PatchNetwork, device: torch.device, number: torch.dtype) -> None:
        kept = KEPT if device.type == "cpu" else KEPT_GPU
        self.kept_yx = (kept, kept)
        self.taken_yx = (kept + FEATURES_YX[0] - 1, kept + FEATURES_YX[1] - 1)
        self.at_once = 1 if device.type == "cpu" else AT_ONCE_GPU
        weight = network.fc1.weight.detach().view(-1, network.conv2.out_channels, *FEATURES_YX)
        self._weight = weight.to(device, number).contiguous(memory_format=torch.channels_last)
        self._bias = network.fc1.bias.detach().to(device, number)

    def results(
        self, features: Tensor, corners: Sequence[Corner], asked: Asked, scratch: Scratch
    ) -> Iterator[tuple[Where, Tensor]]:
        (height, width), (down, across) = self.taken_yx, self.kept_yx
        tiles, filters = len(corners), features.shape[2]
        cut = scratch("cut", tiles, STRIDE, STRIDE, height, width, filters)
        for index, corner in enumerate(corners):
            cut[index] = phases_of(features, corner, self.taken_yx).permute(2, 3, 0, 1, 4)
        seen = cut.view(tiles * PHASES, height, width, filters).permute(0, 3, 1, 2)
        units = functional.conv2d(seen, self._weight, self._bias).permute(2, 3, 0, 1)
        units = units.view(down, across, tiles, PHASES, -1)
        step = 1 if features.device.type == "cpu" else down
        for y in range(0, down, step):
            yield (slice(y, y + step), slice(None), slice(None)), units[y : y + step].contiguous()
