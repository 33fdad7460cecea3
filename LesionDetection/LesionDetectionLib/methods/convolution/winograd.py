"""Convolutions of 3 x 3 by Winograd's minimal filtering F(4 x 4, 3 x 3): a quarter of the multiplications, exact to rounding.

A square of 6 x 6 places gives 4 x 4 results from 36 products for each pair of channels, in place of 144 (Lavin & Gray, CVPR 2016).
Inputs and kernels are seen as polynomials and multiplied by their values at some points; which points decides on the rounding. Those
here, 0, ±1/√2, ±√2 and infinity, lose half as much as the usual 0, ±1, ±2: results of size 1 from 256 channels are off by some
1e-6, those of the plain sum by a quarter of that.

For CPUs and float32 alone. The transforms are matrix products, too; of few channels they take what the fewer multiplications save.
"""

from __future__ import annotations

import math
from itertools import product

import torch
from torch import Tensor, nn

LEAST_CHANNELS = 128
"""On both sides: with fewer the plain way is as fast (measured on a core with AVX-512)."""
KEPT, TAKEN = 4, 6
"""Places along a side of a tile: of its results, and of what these are made from."""
_LEAST_TILES = 128
"""So many at once: their products keep a core busy, and what lies in between stays in its cache."""


class WinogradConvolution(nn.Module):
    """As ``layer``, which has 3 x 3 weights, stride 1 and padding 1, and perhaps with the ReLU after it.

    The results are in channels-last order, whatever the input's.
    """

    _weight: Tensor
    _into: Tensor
    _out: Tensor
    _bias: Tensor | None

    def __init__(self, layer: nn.Conv2d, relu: bool) -> None:
        super().__init__()
        self.out_channels, self._relu = layer.out_channels, relu
        into_tile, into_kernel, out_of = _matrices()
        weight = layer.weight.detach()
        kernels = torch.kron(into_kernel, into_kernel) @ weight.double().permute(2, 3, 1, 0).reshape(9, -1)
        self.register_buffer("_weight", kernels.reshape(-1, weight.shape[1], weight.shape[0]).to(weight), False)
        self.register_buffer("_into", torch.kron(into_tile, into_tile).to(weight), False)
        self.register_buffer("_out", torch.kron(out_of, out_of).to(weight), False)
        self.register_buffer("_bias", None if layer.bias is None else layer.bias.detach().clone(), False)

    def forward(self, maps: Tensor) -> Tensor:
        """[n, channels, y, x] -> [n, channels out, y, x]."""
        count, channels, height, width = maps.shape
        found = maps.new_empty((count, height, width, self.out_channels))
        wanted, across = max(_LEAST_TILES, channels // 2), -(-width // KEPT)
        step = KEPT * max(1, wanted // across)
        together = max(1, wanted // (-(-height // KEPT) * across))
        for n, start in product(range(0, count, together), range(0, height, step)):
            self._band(maps[n : n + together], start, found[n : n + together, start : start + step], across)
        return found.permute(0, 3, 1, 2)

    def _band(self, maps: Tensor, start: int, target: Tensor, across: int) -> None:
        """Rows of the results from ``start`` on, written to ``target``, [n, rows, x, channels out]; ``across``: tiles in a row."""
        count, rows, width, outputs = target.shape
        down, channels, height = -(-rows // KEPT), maps.shape[1], maps.shape[2]
        # With zeros around the map, as convolutions pad, and beyond it up to whole tiles.
        part = maps.new_zeros((count, KEPT * down + 2, KEPT * across + 2, channels))
        low, end = max(0, start - 1), min(height, start + KEPT * down + 1)
        part[:, low - start + 1 : end - start + 1, 1 : width + 1] = maps[:, :, low:end].permute(0, 2, 3, 1)
        n, y, x, c = part.stride()
        squares = part.as_strided((TAKEN, TAKEN, count, down, across, channels), (y, x, n, KEPT * y, KEPT * x, c))
        points = (self._into @ squares.reshape(TAKEN**2, -1)).view(TAKEN**2, -1, channels)
        products = torch.bmm(points, self._weight).view(TAKEN**2, -1)
        results = (self._out @ products).view(KEPT, KEPT, count, down, across, outputs).permute(2, 3, 0, 4, 1, 5)
        if rows % KEPT or width % KEPT:
            target.copy_(results.reshape(count, KEPT * down, KEPT * across, outputs)[:, :rows, :width])
        else:
            target.view(results.shape).copy_(results)
        if self._bias is not None:
            target.add_(self._bias)
        if self._relu:
            target.relu_()


def use_winograd(network: nn.Module) -> None:
    """Replace those convolutions of a network for inference that are faster so, each with the ReLU that follows it in a sequence."""
    for module in list(network.modules()):
        children = dict(module.named_children())
        after = list(children.values())[1:] if isinstance(module, nn.Sequential) else []
        for n, (name, layer) in enumerate(children.items()):
            if not isinstance(layer, nn.Conv2d) or not _pays(layer):
                continue
            relu = n < len(after) and isinstance(after[n], nn.ReLU)
            setattr(module, name, WinogradConvolution(layer, relu))
            if relu:
                setattr(module, list(children)[n + 1], nn.Identity())


def _pays(layer: nn.Conv2d) -> bool:
    if layer.weight.dtype != torch.float32 or layer.weight.device.type != "cpu":
        return False
    like_ours = nn.Conv2d(1, 1, 3, padding=1)
    names = ("kernel_size", "stride", "padding", "dilation", "groups", "padding_mode")
    if any(getattr(layer, name) != getattr(like_ours, name) for name in names):
        return False
    return min(layer.in_channels, layer.out_channels) >= LEAST_CHANNELS


def _matrices() -> tuple[Tensor, Tensor, Tensor]:
    """Of one axis, float64: to the points from a tile, [6, 6], and from a kernel, [6, 3]; and from there to results, [4, 6]."""
    near, far = math.sqrt(0.5), math.sqrt(2.0)
    points = torch.tensor([0.0, near, -near, far, -far], dtype=torch.float64)

    def values(terms: int) -> Tensor:
        """[6, terms] of a polynomial at the points; at infinity its highest coefficient."""
        at_infinity = torch.eye(terms, dtype=torch.float64)[-1:]
        return torch.cat([points[:, None] ** torch.arange(terms), at_infinity])

    out_of, into_kernel = values(KEPT).T, values(TAKEN - KEPT + 1)
    # Result k is the sum over taps j of kernel j times place k + j: that tells what the tile's own matrix must be.
    sums = (out_of[:, None, :] * into_kernel.T).reshape(-1, TAKEN)
    places = torch.arange(KEPT)[:, None] + torch.arange(TAKEN - KEPT + 1)
    wanted = torch.eye(TAKEN, dtype=torch.float64)[places.flatten()]
    return torch.linalg.lstsq(sums, wanted).solution, into_kernel, out_of
