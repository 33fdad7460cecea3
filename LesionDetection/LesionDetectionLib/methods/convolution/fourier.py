"""The route of fewer products: convolution in slices by a discrete Fourier transform of 16 x 16 places, exact to rounding.

A square of 16 x 16 places gives 12 x 12 results of a 5 x 5 kernel. Along y and x the transform makes of the convolution one
product of a [places, channels in] and a [channels in, channels out] matrix for each frequency; the kernel's slices are summed
directly, so that each frequency is a plain matrix product, a machine's fastest operation. 16 is small enough that few places
beyond the asked ones are computed and that all transformed weights of the paper's largest layer take 100 MB; even so 2.7
products (counted as multiplication and addition) stand in the place of 25 for each pair of channels and slice of the kernel.

The transform itself (`transform.py`) is a matrix product too. Voxels are real: of 256 frequencies 130 are kept.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from .columns import Corner, gathered, in_parts
from .transform import backward_y, forward_y, frequencies_of, points_of, rows_of

SIZE = 16
ROWS = frequencies_of(SIZE)
"""Frequencies along y that are kept."""
POINTS = points_of((SIZE, SIZE))
"""Real products for each pair of channels: 3 for each of 130 frequencies."""
AT_ONCE = 32
"""Columns of one pass: with 8 slices, matrices of 256 rows, from where on products run at full speed."""
AT_ONCE_GPU = 96
"""The same on a GPU, where fewer and larger calls count: 1.3 GB at the paper's widths and 32 slices."""


class FourierConvolution:
    """See :class:`.columns.ColumnConvolution`. float32 or float64."""

    def __init__(self, weight: Tensor, bias: Tensor | None, readout: Tensor | None = None) -> None:
        """``weight``: [channels out, in, z, y, x], y and x at most 9. ``readout``: [channels out], summed over behind the ReLU."""
        kernel = weight.shape[2:]
        self.kernel_zyx = (int(kernel[0]), int(kernel[1]), int(kernel[2]))
        self.width = SIZE - max(self.kernel_zyx[1:]) + 1
        self.outputs = len(weight) if readout is None else 1
        self._channels = len(weight)
        self._readout = readout
        self._bias = weight.new_zeros(len(weight)) if bias is None else bias
        self._into_y = forward_y(SIZE).to(weight)
        self._out_of_y = backward_y(SIZE, self.width).to(weight)
        self._rows = rows_of(weight, (SIZE, SIZE), self.width)

    def __call__(self, features: Tensor, corners: Sequence[Corner]) -> Tensor:
        return in_parts(self._some, features, corners, AT_ONCE_GPU if features.is_cuda else AT_ONCE)

    def _some(self, features: Tensor, corners: Sequence[Corner]) -> Tensor:
        depth, channels, count, width = features.shape[0], features.shape[3], len(corners), self.width
        if features.is_cuda:
            cut = gathered(features, corners, SIZE, SIZE).permute(2, 3, 0, 1, 4).contiguous()
        else:
            cut = features.new_empty((SIZE, SIZE, depth, count, channels))
            for index, (y, x) in enumerate(corners):
                cut[:, :, :, index] = features[:, y : y + SIZE, x : x + SIZE].permute(1, 2, 0, 3)
        half = torch.mm(self._into_y, cut.view(SIZE, -1)).view(ROWS, 2 * SIZE, depth * count * channels)
        del cut
        left = depth - self.kernel_zyx[0] + 1
        spectrum = features.new_empty((ROWS, 2 * width, left * count * self._channels))
        for index, row in enumerate(self._rows):
            points = torch.mm(row.into, half[index]).view(-1, depth * count, channels)
            products = torch.bmm(points[:, : left * count], row.weight[0])
            for tap in range(1, self.kernel_zyx[0]):
                products.baddbmm_(points[:, tap * count : (tap + left) * count], row.weight[tap])
            torch.mm(row.out, products.view(len(points), -1), out=spectrum[index])
        result = torch.mm(self._out_of_y, spectrum.view(2 * ROWS, -1))
        places = result.view(width, width, left, count, self._channels).add_(self._bias).relu_()
        if self._readout is not None:
            places = (places @ self._readout)[..., None]
        return places.permute(3, 2, 0, 1, 4)
