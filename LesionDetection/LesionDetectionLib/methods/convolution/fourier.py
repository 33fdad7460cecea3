"""The route of fewer products: convolution in slices by a discrete Fourier transform of 16 x 16 places, exact to rounding.

A square of 16 x 16 places gives 12 x 12 results of a 5 x 5 kernel. Along y and x the transform makes of the convolution one
product of a [places, channels in] and a [channels in, channels out] matrix for each frequency; the kernel's slices are summed
directly, so that each frequency is a plain matrix product, a machine's fastest operation. 16 is small enough that few places
beyond the asked ones are computed and that all transformed weights of the paper's largest layer take 100 MB; even so 2.7
products (counted as multiplication and addition) stand in the place of 25 for each pair of channels and slice of the kernel.

- The transform itself is a matrix product too: at this size that is as fast as a fast Fourier transform, works on all
  channels at once, leaves the result frequency by frequency, and is as exact as the sum it replaces (all its factors are at
  most 1; the small whole numbers of Winograd's transform for 5 taps lose 2 to 3 digits).
- Voxels are real: of 256 frequencies 130 are kept, the others are their conjugates.
- Three real products do a complex one (Gauss): with x = xr + i xi and g = gr + i gi, the products gr (xr + xi),
  (gi - gr) xr and (gr + gi) xi are summed to the real part (first less third) and the imaginary part (first and second).
  The sum xr + xi and the final sums are rows of the transforms' matrices and cost nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .columns import Corner, gathered, in_parts

SIZE = 16
ROWS = SIZE // 2 + 1
"""Frequencies along y that are kept."""
POINTS = 3 * ((ROWS - 2) * SIZE + 2 * ROWS)
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
        self._into_y = _forward_y().to(weight)
        self._out_of_y = _backward_y(self.width).to(weight)
        self._rows = [_row(weight, row, self.width) for row in range(ROWS)]

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


@dataclass(frozen=True)
class _Row:
    """The frequencies of one row: p points, three for each frequency.

    Attributes:
        into: [p, 2 * SIZE]; of real and imaginary parts of 16 places.
        weight: [kernel's slices][p, channels in, channels out].
        out: [2 * width, p]; to real and imaginary parts of the results' places.
    """

    into: Tensor
    weight: list[Tensor]
    out: Tensor


def _angles(frequencies: int, places: int) -> tuple[Tensor, Tensor]:
    """Cosine and sine, [frequencies, places] float64."""
    turns = torch.outer(torch.arange(frequencies), torch.arange(places)) % SIZE
    angle = turns.double() * (2 * math.pi / SIZE)
    return torch.cos(angle), torch.sin(angle)


def _forward_y() -> Tensor:
    """[2 * ROWS, SIZE]: real and imaginary part of each frequency in turn."""
    cosine, sine = _angles(ROWS, SIZE)
    return torch.stack([cosine, -sine], dim=1).view(2 * ROWS, SIZE)


def _backward_y(width: int) -> Tensor:
    """[width, 2 * ROWS]: the real part of the inverse; all rows but the first and last stand for their conjugates too."""
    cosine, sine = _angles(ROWS, width)
    share = torch.full((ROWS, 1), 2 / SIZE, dtype=torch.float64)
    share[[0, -1]] = 1 / SIZE
    return torch.stack([cosine * share, -sine * share], dim=1).view(2 * ROWS, width).T.contiguous()


def _row(weight: Tensor, row: int, width: int) -> _Row:
    # The first and the last row are spectra of real numbers: half of each is the conjugate of the other half.
    real = row in (0, ROWS - 1)
    kept = ROWS if real else SIZE
    cosine, sine = _angles(kept, SIZE)
    real_part, imaginary_part = torch.cat([cosine, sine], dim=1), torch.cat([-sine, cosine], dim=1)
    into = torch.cat([real_part + imaginary_part, real_part, imaginary_part])

    cosine, sine = _angles(kept, width)
    share = torch.full((kept, 1), (2 if real else 1) / SIZE, dtype=torch.float64)
    if real:
        share[[0, -1]] = 1 / SIZE
    to_real = torch.cat([(cosine - sine) * share, -sine * share, -cosine * share])
    to_imaginary = torch.cat([(cosine + sine) * share, cosine * share, -sine * share])
    if real:
        to_imaginary.zero_()
    out = torch.cat([to_real, to_imaginary], dim=1).T.contiguous()
    return _Row(into.to(weight), _transformed(weight, row, kept), out.to(weight))


def _transformed(weight: Tensor, row: int, kept: int) -> list[Tensor]:
    """The kernel's spectrum, conjugated (a network's convolution is a correlation), as Gauss's three products want it."""
    outputs, inputs, depth, height, width = weight.shape
    turns = row * torch.arange(height)[:, None] + torch.arange(kept)[:, None, None] * torch.arange(width)
    angle = (turns % SIZE).double().view(kept, height * width) * (2 * math.pi / SIZE)
    cosine, sine = torch.cos(angle), torch.sin(angle)
    factors = torch.cat([cosine, sine - cosine, cosine + sine]).to(weight.device)
    taps = weight.double().permute(2, 3, 4, 1, 0).reshape(depth, height * width, inputs * outputs)
    return [(factors @ tap).to(weight.dtype).view(3 * kept, inputs, outputs) for tap in taps]
