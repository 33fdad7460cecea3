"""The plain route: PyTorch's own convolution of the columns cut out with their margins."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from .columns import Corner, gathered, in_parts


class DirectConvolution:
    """See :class:`.columns.ColumnConvolution`. Any number format; channels-last, as matrix units want it."""

    def __init__(
        self, weight: Tensor, bias: Tensor | None, width: int, at_once: int, readout: Tensor | None = None
    ) -> None:
        """``weight``: [channels out, in, z, y, x]. ``at_once``: columns in one call of PyTorch. ``readout``: [channels out],
        summed over in float32 behind the ReLU."""
        self.width = width
        kernel = weight.shape[2:]
        self.kernel_zyx = (int(kernel[0]), int(kernel[1]), int(kernel[2]))
        self.outputs = len(weight) if readout is None else 1
        self._at_once = at_once
        self._weight = weight.contiguous(memory_format=torch.channels_last_3d)
        self._bias = bias
        self._readout = None if readout is None else readout[:, None].float()

    def __call__(self, features: Tensor, corners: Sequence[Corner]) -> Tensor:
        return in_parts(self._some, features, corners, self._at_once)

    def _some(self, features: Tensor, corners: Sequence[Corner]) -> Tensor:
        depth, _, _, channels = features.shape
        height, width = (self.width + n - 1 for n in self.kernel_zyx[1:])
        if features.is_cuda:
            cut = gathered(features, corners, height, width).transpose(0, 1).contiguous()
        else:
            cut = features.new_empty((len(corners), depth, height, width, channels))
            for index, (y, x) in enumerate(corners):
                cut[index] = features[:, y : y + height, x : x + width]
        result = functional.conv3d(cut.permute(0, 4, 1, 2, 3), self._weight, self._bias)
        columns = result.permute(0, 2, 3, 4, 1).relu_()
        return columns if self._readout is None else columns.float() @ self._readout
