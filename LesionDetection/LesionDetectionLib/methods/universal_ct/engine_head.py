"""A head at some places only: each layer where the next one needs it, as products of gathered neighbours with the weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .heads import Head, by_anchor

FEW = 0.4
"""Of a head's places: with more it costs less to compute all. Gathering takes as long as the product in bfloat16."""
_CHUNK = 512
"""Places whose neighbours are gathered at a time: 2.4 MB of 256 channels in bfloat16."""


class LeanHead:
    """A head of a network in any number format whose results are float32.

    In bfloat16 a logit around -4.6 would be one of some values .03 apart, and many the same. So the last layer's bias is added in
    float32, and where a result matters the whole last layer is computed in float32 (``finely``).

    Args:
        head: in channels-last order; its last layer's bias is taken from it.
    """

    def __init__(self, head: Head) -> None:
        self.values = head.values
        self._anchors = head.last.out_channels // head.values
        self._layers, self._last = head.layers, head.last
        self._hidden = [_Product(layer) for layer in head.layers if isinstance(layer, nn.Conv2d)]
        self._wide_last = _Product(head.last, torch.float32)
        assert head.last.bias is not None
        self._bias = head.last.bias.float()
        head.last.bias = None

    def everywhere(self, level: Tensor) -> Tensor:
        """[n, channels, y, x] -> [n, places * anchors, values], float32, as the anchors are listed."""
        return self.last(self.hidden(level))

    def hidden(self, level: Tensor) -> Tensor:
        """What the last layer looks at, [n, width, y, x]."""
        maps: Tensor = self._layers(level)
        return maps

    def last(self, hidden: Tensor) -> Tensor:
        """[n, width, y, x] -> [n, places * anchors, values]."""
        # A GPU makes float32 of 16 bits as it goes; there the layer costs nothing.
        if hidden.is_cuda:
            maps = functional.conv2d(hidden.float(), self._last.weight.float(), padding=1)
        else:
            maps = self._last(hidden).float()
        return by_anchor(maps + self._bias[:, None, None], self.values)

    def finely(self, hidden: Tensor, places: Tensor) -> Tensor:
        """The last layer in float32 at places [p] of hidden maps [1, width, y, x] -> [p, anchors, values]."""
        found = self._wide_last(_framed(hidden), None, _in_frame(places, hidden.shape[3]), _around(hidden)) + self._bias
        return found.reshape(len(places), self._anchors, self.values)

    def at(self, level: Tensor, places: Tensor) -> Tensor:
        """[1, channels, y, x], [p] places (y * width + x), rising -> [p, anchors, values]."""
        _, _, height, width = level.shape
        needed = self.needed(places, height, width)
        if sum(map(len, needed[:-1])) > FEW * len(self._hidden) * height * width:
            return self.finely(self.hidden(level), places)
        rows, row_of, around = _framed(level), None, _around(level)
        for product, here in zip(self._hidden, needed, strict=False):
            rows = functional.pad(product(rows, row_of, here, around).relu_(), (0, 0, 1, 0))  # row 0: zeros
            row_of = here.new_zeros((height + 2) * (width + 2))
            row_of[here] = torch.arange(1, len(here) + 1, device=here.device)
        last = self._wide_last(rows, row_of, needed[-1], around) + self._bias
        return last.reshape(len(places), self._anchors, self.values)

    def needed(self, places: Tensor, height: int, width: int) -> list[Tensor]:
        """The places of each layer's results that these need, as numbers in the framed map; the last layer's last."""
        inside = torch.ones(height, width, dtype=torch.bool, device=places.device)
        around, inside = _around(inside), functional.pad(inside, (1, 1, 1, 1)).reshape(-1)
        found = [_in_frame(places, width)]
        for _ in self._hidden:
            hit = torch.zeros_like(inside)
            hit[(found[0][:, None] + around).reshape(-1)] = True
            found.insert(0, (hit & inside).nonzero()[:, 0])
        return found


class _Product:
    """A 3 x 3 convolution as a product: [places, 9 * channels] x [9 * channels, outputs].

    Args:
        number: of the product, without the bias then; None for the layer's own.
    """

    def __init__(self, layer: nn.Conv2d, number: torch.dtype | None = None) -> None:
        assert layer.bias is not None
        weight = layer.weight.to(number or layer.weight.dtype)
        self._matrix = weight.permute(2, 3, 1, 0).reshape(-1, layer.out_channels).contiguous()
        self._bias = layer.bias if number is None else None

    def __call__(self, rows: Tensor, row_of: Tensor | None, places: Tensor, around: Tensor) -> Tensor:
        """[p, outputs] at ``places``; ``row_of`` a place its row is, where rows are not all places."""
        parts = []
        for here in torch.split(places, _CHUNK):
            near = (here[:, None] + around).reshape(-1)
            # Copies rows whole, and takes a quarter of the time that indexing takes.
            taken = rows.index_select(0, near if row_of is None else row_of.index_select(0, near)).reshape(
                len(here), self._matrix.shape[0]
            )
            taken = taken.to(self._matrix.dtype)
            parts.append(taken @ self._matrix if self._bias is None else torch.addmm(self._bias, taken, self._matrix))
        return torch.cat(parts)


def _framed(maps: Tensor) -> Tensor:
    """[1, channels, y, x] -> [(y + 2) * (x + 2), channels]: with a frame of zeros, as convolutions pad."""
    _, channels, height, width = maps.shape
    framed = maps.new_zeros(height + 2, width + 2, channels)
    framed[1:-1, 1:-1] = maps[0].permute(1, 2, 0)
    return framed.reshape(-1, channels)


def _in_frame(places: Tensor, width: int) -> Tensor:
    return (places // width + 1) * (width + 2) + places % width + 1


def _around(maps: Tensor) -> Tensor:
    """[9] from a place to its neighbours in the frame of maps [..., x], row by row."""
    step = torch.arange(-1, 2, device=maps.device)
    return (step[:, None] * (maps.shape[-1] + 2) + step).reshape(-1)
