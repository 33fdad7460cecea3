"""The second and third fully connected layers, for many pixels at a time."""

from __future__ import annotations

import torch
from torch import Tensor

from .network import PatchNetwork
from .scratch import Scratch

WORTH_LEAVING_OUT = 0.92
"""Units are left out where at most this share of them is on: picking the others costs a twelfth of the product."""


class Readout:
    """From the first hidden layer to the difference of the two responses.

    On a CPU units that are off at all pixels of a call are left out of the product, whose sum they do not change. Of pixels
    that lie together many units are off: a fifth of a network with random weights, half of a trained one.
    """

    def __init__(self, network: PatchNetwork, device: torch.device, number: torch.dtype) -> None:
        def of(tensor: Tensor) -> Tensor:
            return tensor.detach().to(device, number)

        weight, bias = network.fc3.weight.detach().double(), network.fc3.bias.detach().double()
        difference = weight[1] - weight[0]
        self._weight = of(network.fc2.weight.T.contiguous())
        self._least = of(-network.fc2.bias)
        self._difference = difference.to(device, torch.float32)
        # relu(z + b) = max(z, -b) + b; what b adds is the same for all pixels.
        self._constant = float(difference @ network.fc2.bias.detach().double() + bias[1] - bias[0])
        self._leave_out = device.type == "cpu"

    def __call__(self, hidden: Tensor, scratch: Scratch) -> Tensor:
        """r_l - r_b, [n] float32, of the first hidden layer before its ReLU, [n, units], which is overwritten."""
        count, units = hidden.shape
        weight = self._weight
        if self._leave_out:
            on = (hidden.amax(dim=0) > 0).nonzero()[:, 0]
            if len(on) <= WORTH_LEAVING_OUT * units:
                hidden = torch.index_select(hidden, 1, on, out=scratch("on", count, len(on)))
                weight = torch.index_select(weight, 0, on, out=scratch("weight of on", len(on), weight.shape[1]))
        second = torch.mm(hidden.relu_(), weight, out=scratch("second hidden", count, weight.shape[1]))
        torch.maximum(second, self._least, out=second)
        return torch.mv(second.float(), self._difference) + self._constant
