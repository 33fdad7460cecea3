"""The two convolutional layers at every pixel, each place once."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from .network import CONV1_STRIDE, CONV1_ZYX, CONV2_STRIDE, CONV2_YX, FEATURES_YX, PATCH_ZYX, PatchNetwork

STRIDE = CONV1_STRIDE * CONV2_STRIDE
"""Pixels between neighbouring features of a patch."""
MARGIN = STRIDE * (FEATURES_YX[0] - 1)
"""Features beyond those that begin at a pixel which its patch sees too: 54."""
PATCH_MARGIN = PATCH_ZYX[1] - 1
"""The same of pixels: 74."""
_REACH1 = CONV1_ZYX[1] - 1
_REACH2 = CONV1_STRIDE * (CONV2_YX[0] - 1)


class DenseFeatures:
    """At stride 1: a patch's features are every sixth of them, each way.

    The second layer, whose kernel steps over every other result of the first one as strides go in a patch, is a convolution
    with dilation 2.
    """

    def __init__(self, network: PatchNetwork, device: torch.device, number: torch.dtype) -> None:
        assert network.conv1.bias is not None
        assert network.conv2.bias is not None

        def of(tensor: Tensor) -> Tensor:
            return tensor.detach().to(device, number)

        # oneDNN runs channels-last convolutions at the speed of a matrix product, others at half of it.
        self._weight1 = of(network.conv1.weight).contiguous(memory_format=torch.channels_last)
        self._weight2 = of(network.conv2.weight).contiguous(memory_format=torch.channels_last)
        self._bias1, self._bias2 = of(network.conv1.bias), of(network.conv2.bias)

    def fill(self, into: Tensor, voxels: Tensor) -> None:
        """Write the features [y, x, filter] of ``voxels`` [5, y + 20, x + 20] into an array that is as large or larger."""
        rows, columns = voxels.shape[1] - _REACH1 - _REACH2, voxels.shape[2] - _REACH1 - _REACH2
        stack = voxels[None].to(self._weight1.dtype, memory_format=torch.channels_last)
        first = functional.conv2d(stack, self._weight1, self._bias1).relu_()
        second = functional.conv2d(first, self._weight2, self._bias2, dilation=CONV1_STRIDE)
        torch.clamp(second[0].permute(1, 2, 0), min=0, out=into[:rows, :columns])


VOXELS_BEYOND = _REACH1 + _REACH2
"""Rows and columns that features take beyond themselves: 20."""
