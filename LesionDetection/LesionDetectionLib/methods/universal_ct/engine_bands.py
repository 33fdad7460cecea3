"""Layers in bands of rows, exact: what lies between two layers stays small, and memory is not asked for and given back anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

BAND_BYTES = 2**22
"""Of what a layer gives for one band: 64 rows of 512 x 64 values in bfloat16. Stage 1 of VGG-19 takes two thirds of its time so."""


def in_bands(layers: Sequence[nn.Module], x: Tensor) -> Tensor:
    """The same as one layer after another.

    Rows that a band's edge inside the map makes wrong, one for each 3 x 3 convolution, are computed beside it and left out.

    Args:
        layers: convolutions of 3 x 3 with padding 1, ReLUs, and perhaps a pooling of 2 x 2 as the last.
        x: [1, channels, y, x]; y even, where there is a pooling.
    """
    pool = layers[-1] if isinstance(layers[-1], nn.MaxPool2d) else None
    convolutions = [layer for layer in layers if isinstance(layer, nn.Conv2d)]
    rows, width = x.shape[2:]
    step = band_rows(max(layer.out_channels for layer in convolutions) * width * x.element_size())
    if step >= rows:
        return _all(layers, x)
    result: Tensor | None = None
    shrink = 1 if pool is None else 2
    for start, end in bands(rows, step):
        low, high = max(0, start - len(convolutions)), min(rows, end + len(convolutions))
        part = _all(layers if pool is None else layers[:-1], x[:, :, low:high])[:, :, start - low : end - low]
        part = part if pool is None else pool(part)
        if result is None:
            shape = (1, part.shape[1], rows // shrink, part.shape[3])
            result = torch.empty(shape, dtype=x.dtype, device=x.device, memory_format=torch.channels_last)
        result[:, :, start // shrink : end // shrink] = part
    assert result is not None
    return result


def band_rows(row_bytes: int) -> int:
    """Rows of a band: a multiple of 16, so that those of coarser stages are whole."""
    return max(16, BAND_BYTES // row_bytes // 16 * 16)


def bands(rows: int, step: int) -> Iterator[tuple[int, int]]:
    """First row of each band, and the one after its last."""
    for start in range(0, rows, step):
        yield start, min(rows, start + step)


def _all(layers: Sequence[nn.Module], x: Tensor) -> Tensor:
    for layer in layers:
        x = layer(x)
    return x
