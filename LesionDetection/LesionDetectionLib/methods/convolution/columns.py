"""What both routes of a convolution share: which columns of a feature map they are asked for, and its layout.

A feature map is [z, y, x, channel], contiguous: a place's channels lie together, so that columns are cut out and put back in
long runs and every product has the channels of a place in a row. A column is a square of ``width`` x ``width`` places through
all slices; its corner (y, x) names it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

Corner = tuple[int, int]


class ColumnConvolution(Protocol):
    """One convolution with bias and ReLU, and perhaps a readout behind it.

    Attributes:
        width: of the columns that come out.
        kernel_zyx: of the convolution; what goes in is by this less one larger than what comes out.
        outputs: channels that come out.
    """

    width: int
    kernel_zyx: tuple[int, int, int]
    outputs: int

    def __call__(self, features: Tensor, corners: Sequence[Corner]) -> Tensor:
        """Columns [n, z', width, width, outputs] of the result; ``features`` [z, y, x, channel] must hold their margins."""
        ...


def corners_of(wanted: npt.NDArray[np.bool_], width: int, height: int | None = None) -> list[Corner]:
    """Columns that hold every wanted place of [y, x], apart from each other; they may reach ``width`` - 1 beyond its end.
    ``height``: of columns that are no squares.

    Each begins at the first place that is left: a run of n places takes n / width columns, rounded up, where on a fixed grid
    it takes half a column more on average. Of two lungs that is a tenth of all columns.
    """
    height = width if height is None else height
    return [
        (y, x) for y in _starts(wanted.any(axis=1), height) for x in _starts(wanted[y : y + height].any(axis=0), width)
    ]


def _starts(wanted: npt.ArrayLike, width: int) -> list[int]:
    starts: list[int] = []
    for place in np.flatnonzero(wanted).tolist():
        if not starts or place >= starts[-1] + width:
            starts.append(place)
    return starts


def in_parts(
    convolve: Callable[[Tensor, Sequence[Corner]], Tensor], features: Tensor, corners: Sequence[Corner], at_once: int
) -> Tensor:
    """All columns, of which ``convolve`` makes ``at_once`` in one call."""
    parts = [convolve(features, corners[start : start + at_once]) for start in range(0, len(corners), at_once)]
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def gathered(features: Tensor, corners: Sequence[Corner], height: int, width: int, stride: int = 1) -> Tensor:
    """[z, n, height, width, channel]: the boxes that begin at ``stride`` times the corners, in one call.

    For a GPU, where a call for each column costs more than what it copies; a processor copies columns one by one faster.
    """
    rows, columns = _places(features, corners, height, width, stride)
    return features[:, rows, columns]


def scatter(results: Tensor, corners: Sequence[Corner], columns: Tensor) -> None:
    """Put columns [n, z, width, width, channel] where they belong in ``results`` [z, y, x, channel]."""
    width = columns.shape[2]
    if results.is_cuda:
        rows, across = _places(results, corners, width, width, 1)
        results[:, rows, across] = columns.transpose(0, 1)
        return
    for (y, x), column in zip(corners, columns, strict=True):
        results[:, y : y + width, x : x + width] = column


def _places(features: Tensor, corners: Sequence[Corner], height: int, width: int, stride: int) -> tuple[Tensor, Tensor]:
    """Rows [n, height, 1] and columns [n, 1, width] of the boxes' places."""
    first = stride * torch.tensor(corners, device=features.device).view(-1, 2, 1)
    rows = first[:, 0] + torch.arange(height, device=features.device)
    columns = first[:, 1] + torch.arange(width, device=features.device)
    return rows[:, :, None], columns[:, None, :]


def round_up(length: int, width: int) -> int:
    return -(-length // width) * width
