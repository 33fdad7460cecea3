"""The second and third fully connected layers, for many pixels at a time."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from .network import PatchNetwork
from .scratch import Scratch

PIECE = 432
"""Pixels of one product on a CPU: these rows, before and after, and the weights fit into a core's second cache."""
WORTH_LEAVING_OUT = 0.8
"""Units are left out where at most this share of them is on: picking these costs a sixth of the product."""


class Reader(Protocol):
    def __call__(self, units: Tensor, asked: npt.NDArray[np.bool_], scratch: Scratch) -> Tensor:
        """r_l - r_b [...] float32, right where ``asked`` [...], of the first hidden layer before its ReLU, ``units``
        [..., unit], which is overwritten. Pixels that lie together should follow each other."""
        ...


class Readout:
    """See :class:`Reader`.

    On a CPU units that are off at all pixels of a product are left out of it: they do not change its sum. Of 432 pixels that
    lie together an eighth of the units is off in a network with random weights, half in a trained one.
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
        self._on_cpu = device.type == "cpu"

    def __call__(self, units: Tensor, asked: npt.NDArray[np.bool_], scratch: Scratch) -> Tensor:
        rows = units.view(-1, units.shape[-1])
        if not self._on_cpu:
            return self._some(rows, scratch).view(units.shape[:-1])
        response = torch.zeros(len(rows))
        self.fill(response, rows, np.flatnonzero(asked), scratch)
        return response.view(units.shape[:-1])

    def fill(self, response: Tensor, rows: Tensor, which: npt.NDArray[np.intp], scratch: Scratch) -> None:
        """Write the response [n] at the rows [n, units] that ``which`` names in rising order; they are overwritten."""
        for start in range(0, len(which), PIECE):
            some = which[start : start + PIECE]
            first, last = int(some[0]), int(some[-1]) + 1
            if last - first == len(some):
                response[first:last] = self._some(rows[first:last], scratch)
            else:
                index = torch.from_numpy(some)
                picked = torch.index_select(rows, 0, index, out=scratch("picked", len(some), rows.shape[1]))
                response[index] = self._some(picked, scratch)

    def _some(self, hidden: Tensor, scratch: Scratch) -> Tensor:
        count, units = hidden.shape
        weight = self._weight
        if self._on_cpu:
            on = (hidden.amax(dim=0) > 0).nonzero()[:, 0]
            if len(on) <= WORTH_LEAVING_OUT * units:
                hidden = torch.index_select(hidden, 1, on, out=scratch("on", count, len(on)))
                weight = torch.index_select(weight, 0, on, out=scratch("weight of on", len(on), weight.shape[1]))
        second = torch.mm(hidden.relu_(), weight, out=scratch("second hidden", count, weight.shape[1]))
        torch.maximum(second, self._least, out=second)
        return torch.mv(second.float(), self._difference) + self._constant
