"""What of C4 lies in the bins of regions, after a convolution of 1 x 1; as torchvision's ``roi_pool`` and ``roi_align`` have it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Protocol

import torch
from torch import Tensor, nn

from .architecture import STRIDE
from .regions import SAMPLES


class Product:
    """A convolution of 1 x 1 as a product, [places, channels] x [channels, outputs]."""

    def __init__(self, layer: nn.Conv2d) -> None:
        self.matrix = layer.weight.flatten(1).t().contiguous()
        assert layer.bias is not None
        self.bias = layer.bias

    @property
    def outputs(self) -> int:
        return self.matrix.shape[1]

    def __call__(self, rows: Tensor) -> Tensor:
        return torch.addmm(self.bias, rows, self.matrix)

    def at_each(self, maps: Tensor) -> Tensor:
        """[n, channels, y, x] -> [n, outputs, y, x], both channels last."""
        count, _, height, width = maps.shape
        return _channels_first(self(_flat(maps)).reshape(count, height, width, self.outputs))


class Bins(Protocol):
    """Bins of regions, after the first convolutions of ResNet-50's last stage.

    Attributes:
        which: [r] of each region of all slices, which of those here it is; None where they are the same.
    """

    which: Tensor | None

    def __len__(self) -> int: ...

    def inner(self, some: slice) -> Tensor:
        """[r, outputs, bins, bins] after the first block's first convolution and its ReLU."""
        ...

    def short(self, some: slice) -> Tensor:
        """[r, outputs, bins / 2, bins / 2] after its shortcut, of every second bin."""
        ...


class Largest:
    """Regions of ``roi_pool``: their edges are rounded to whole places of C4; a bin is the maximum of the places that it meets.

    Regions whose edges are rounded to the same are one here.
    """

    which: Tensor | None

    def __init__(self, count: int, c4: Tensor, boxes: Sequence[Tensor], inner: Product, short: Product) -> None:
        cells = torch.cat([_cells(box, n) for n, box in enumerate(boxes)])
        cells, self.which = torch.unique(cells, dim=0, return_inverse=True)
        image, x0, y0, x1, y1 = cells.unbind(1)
        height, width = c4.shape[2:]
        rows, self._index = _windows(c4, image, _bins(y0, y1, count, height), _bins(x0, x1, count, width))
        self._every_second, seconds = _used(self._index[:, ::2, ::2], len(rows))
        self._inner = inner(rows).relu_()
        self._short = short(rows.index_select(0, seconds))

    def __len__(self) -> int:
        return len(self._index)

    def inner(self, some: slice) -> Tensor:
        return _taken(self._inner, self._index[some])

    def short(self, some: slice) -> Tensor:
        return _taken(self._short, self._every_second[some])


class Aligned:
    """Regions of ``roi_align``: a bin is the mean of points, each between four places of C4."""

    which: Tensor | None = None

    def __init__(self, count: int, c4: Tensor, boxes: Sequence[Tensor], inner: Product, short: Product) -> None:
        flat, (height, width), edges = _flat(c4), c4.shape[2:], torch.cat(list(boxes)) / STRIDE
        self._image = [n for n, box in enumerate(boxes) for _ in range(len(box))]
        self._rows = _weights(edges[:, 1], edges[:, 3], count, height).to(c4.dtype)
        self._columns = _weights(edges[:, 0], edges[:, 2], count, width).to(c4.dtype)
        self._inner, self._short = inner, short
        self._inner_map, self._short_map = (
            (flat @ one.matrix).reshape(len(c4), height, width, one.outputs) for one in (inner, short)
        )

    def __len__(self) -> int:
        return len(self._image)

    def inner(self, some: slice) -> Tensor:
        # Beyond the slice there is nothing: the bias follows the means.
        return _channels_first(self._means(self._inner_map, some, 1) + self._inner.bias).relu_()

    def short(self, some: slice) -> Tensor:
        return _channels_first(self._means(self._short_map, some, 2) + self._short.bias)

    def _means(self, maps: Tensor, some: slice, step: int) -> Tensor:
        """[r, bins, bins, outputs] of every ``step``-th bin; rows first, then columns."""
        _, height, width, outputs = maps.shape
        rows, columns, images = self._rows[some, ::step], self._columns[some, None, ::step], self._image[some]
        found, start = [], 0
        for image in sorted(set(images)):
            end = start + images.count(image)
            own = rows[start:end].flatten(0, 1) @ maps[image].reshape(height, width * outputs)
            found.append(columns[start:end] @ own.reshape(end - start, -1, width, outputs))
            start = end
        return torch.cat(found)


def _cells(boxes: Tensor, image: int) -> Tensor:
    """[r, 5] image and rounded edges in places of C4; halves away from zero, as C++ rounds."""
    cells = torch.floor(boxes / STRIDE)
    cells = (cells + (boxes / STRIDE - cells >= 0.5)).long()
    return torch.cat([torch.full_like(cells[:, :1], image), cells], dim=1)


def _bins(first: Tensor, last: Tensor, count: int, size: int) -> tuple[Tensor, Tensor]:
    """[r, count] first place of each bin, and the one after its last; in float32, as ``roi_pool`` computes it."""
    side = (last - first + 1).clamp(min=1).float()[:, None] / count
    n = torch.arange(count, dtype=torch.float32, device=first.device)
    low, high = torch.floor(n * side).long(), torch.ceil((n + 1) * side).long()
    return (low + first[:, None]).clamp(0, size), (high + first[:, None]).clamp(0, size)


def _windows(
    c4: Tensor, image: Tensor, rows: tuple[Tensor, Tensor], columns: tuple[Tensor, Tensor]
) -> tuple[Tensor, Tensor]:
    """[u, channels] the maxima of all different windows, and [r, bins, bins] which of them a bin is."""
    count, _, height, width = c4.shape
    tall, wide = rows[1] - rows[0], columns[1] - columns[0]
    most = int(torch.cat([tall.flatten(), wide.flatten(), tall.new_ones(1)]).max())
    key = image[:, None, None] * height + rows[0][:, :, None]
    for part, size in ((columns[0][:, None], width), (tall[:, :, None], most + 1), (wide[:, None], most + 1)):
        key = key * size + part
    # In a window without places all is 0. It has the number 0, which no other has: those have rows.
    key = torch.where((tall <= 0)[:, :, None] | (wide <= 0)[:, None], 0, key)
    index, used = _used(key, count * height * width * (most + 1) ** 2)
    rest, right = used // (most + 1), used % (most + 1)
    first, down = rest // (most + 1), rest % (most + 1)
    flat = _flat(c4)
    found = flat.index_select(0, first)
    for dy, dx in product(range(most), range(most)):
        if dy or dx:
            place = first + (down - 1).clamp(0, dy) * width + (right - 1).clamp(0, dx)
            found = torch.maximum(found, flat.index_select(0, place))
    return found.masked_fill_((used == 0)[:, None], 0), index


def _weights(low: Tensor, high: Tensor, count: int, size: int) -> Tensor:
    """[r, count, size] how much of each place along an axis is in a bin, from edges [r] in places."""
    side = (high - low).clamp(min=1)[:, None] / count
    n = torch.arange(count * SAMPLES, dtype=low.dtype, device=low.device)
    points = low[:, None] + (n // SAMPLES + (n % SAMPLES + 0.5) / SAMPLES) * side
    inside = (points >= -1) & (points <= size)
    points = points.clamp(0, size - 1)
    before = points.floor().clamp(max=max(0, size - 2))
    share = points - before
    found = torch.zeros(len(low), count * SAMPLES, size, dtype=low.dtype, device=low.device)
    found.scatter_add_(2, before.long()[..., None], (1 - share)[..., None])
    found.scatter_add_(2, (before.long() + 1).clamp(max=size - 1)[..., None], share[..., None])
    each = (found * inside[..., None]).reshape(len(low), count, SAMPLES, size)
    return each.mean(dim=2)


def _used(index: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Numbers below ``size``, counted anew without gaps; and those that occur, rising."""
    occurs = torch.zeros(size, dtype=torch.bool, device=index.device)
    occurs[index.flatten()] = True
    return (occurs.cumsum(0) - 1)[index], occurs.nonzero()[:, 0]


def _taken(table: Tensor, index: Tensor) -> Tensor:
    """Rows of [u, channels] at [r, y, x] -> [r, channels, y, x], channels last."""
    return _channels_first(table.index_select(0, index.flatten()).reshape(*index.shape, table.shape[1]))


def _channels_first(maps: Tensor) -> Tensor:
    return maps.permute(0, 3, 1, 2)


def _flat(maps: Tensor) -> Tensor:
    """[n, channels, y, x] -> [n * y * x, channels]."""
    return maps.permute(0, 2, 3, 1).reshape(-1, maps.shape[1])
