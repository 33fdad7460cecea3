"""The discrete Fourier transform of a box of places as matrix products, and a kernel as the products between them want it.

- A matrix product is, at sizes up to some tens, as fast as a fast Fourier transform, works on all channels at once, leaves
  the result frequency by frequency, and is as exact as the sum it replaces (all its factors are at most 1; the small whole
  numbers of Winograd's transform for 5 taps lose 2 to 3 digits).
- What is transformed is real: of the frequencies along y only those up to the half are kept, and of the first (for even
  sizes also of the last) of these only half of those along x. The others are their conjugates.
- Three real products do a complex one (Gauss): with x = xr + i xi and g = gr + i gi, the products gr (xr + xi),
  (gi - gr) xr and (gr + gi) xi are summed to the real part (first less third) and the imaginary part (first and second).
  The sum xr + xi and the final sums are rows of the transforms' matrices and cost nothing.

A box of ``size`` gives ``size - kernel + 1`` results along each axis; fewer may be kept.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

Pair = tuple[int, int]
"""Along y and x."""


@dataclass(frozen=True)
class Row:
    """The frequencies of one row (one frequency along y): p points, three for each frequency along x.

    Attributes:
        into: [p, 2 * size]; of real and imaginary parts of the places along x.
        weight: [kernel's slices][p, channels in, channels out].
        out: [2 * kept, p]; to real and imaginary parts of the results' places along x.
    """

    into: Tensor
    weight: list[Tensor]
    out: Tensor


def frequencies_of(size: int) -> int:
    """Those that are kept of real numbers."""
    return size // 2 + 1


def points_of(size_yx: Pair) -> int:
    """Real products for each pair of channels: 3 for each frequency that is kept."""
    return sum(3 * _kept_along_x(row, size_yx) for row in range(frequencies_of(size_yx[0])))


def forward_y(size: int) -> Tensor:
    """[2 * frequencies, size] float64: real and imaginary part of each frequency in turn."""
    cosine, sine = _angles(frequencies_of(size), size, size)
    return torch.stack([cosine, -sine], dim=1).view(2 * frequencies_of(size), size)


def backward_y(size: int, kept: int) -> Tensor:
    """[kept, 2 * frequencies] float64: the real part of the inverse; a frequency that is not real stands for its conjugate too."""
    cosine, sine = _angles(frequencies_of(size), kept, size)
    share = _shares(size)
    return torch.stack([cosine * share, -sine * share], dim=1).view(2 * frequencies_of(size), kept).T.contiguous()


def rows_of(weight: Tensor, size_yx: Pair, kept: int) -> list[Row]:
    """Along x, for each frequency along y.

    Args:
        weight: [channels out, in, z, y, x].
        kept: results along x.
    """
    outputs, inputs, depth, height, width = weight.shape
    taps = weight.double().permute(2, 3, 4, 1, 0).reshape(depth, height * width, inputs * outputs)

    def transformed(row: int, frequencies: int) -> list[Tensor]:
        factors = _kernel_factors(row, frequencies, size_yx, (height, width)).to(weight.device)
        return [(factors @ tap).to(weight.dtype).view(3 * frequencies, inputs, outputs) for tap in taps]

    rows = []
    for row in range(frequencies_of(size_yx[0])):
        frequencies = _kept_along_x(row, size_yx)
        into, out = _along_x(size_yx[1], kept, frequencies, _is_real(row, size_yx[0]))
        rows.append(Row(into.to(weight), transformed(row, frequencies), out.to(weight)))
    return rows


def _along_x(size: int, kept: int, frequencies: int, real: bool) -> tuple[Tensor, Tensor]:
    """The matrices into the frequencies and out of them, float64. ``real``: the row's numbers are."""
    cosine, sine = _angles(frequencies, size, size)
    real_part, imaginary_part = torch.cat([cosine, sine], dim=1), torch.cat([-sine, cosine], dim=1)
    into = torch.cat([real_part + imaginary_part, real_part, imaginary_part])

    cosine, sine = _angles(frequencies, kept, size)
    share = _shares(size) if real else torch.full((frequencies, 1), 1 / size, dtype=torch.float64)
    to_real = torch.cat([(cosine - sine) * share, -sine * share, -cosine * share])
    to_imaginary = torch.cat([(cosine + sine) * share, cosine * share, -sine * share])
    if real:
        to_imaginary.zero_()
    return into, torch.cat([to_real, to_imaginary], dim=1).T.contiguous()


def _is_real(row: int, size: int) -> bool:
    """Whether it is the spectrum of real numbers along x: half of it is the conjugate of the other half."""
    return row == 0 or 2 * row == size


def _kept_along_x(row: int, size_yx: Pair) -> int:
    return frequencies_of(size_yx[1]) if _is_real(row, size_yx[0]) else size_yx[1]


def _shares(size: int) -> Tensor:
    """[frequencies, 1] float64: what they count in the inverse where only half of them is kept."""
    share = torch.full((frequencies_of(size), 1), 2 / size, dtype=torch.float64)
    share[0] = 1 / size
    if size % 2 == 0:
        share[-1] = 1 / size
    return share


def _angles(frequencies: int, places: int, size: int) -> tuple[Tensor, Tensor]:
    """Cosine and sine, [frequencies, places] float64."""
    turns = torch.outer(torch.arange(frequencies), torch.arange(places)) % size
    angle = turns.double() * (2 * math.pi / size)
    return torch.cos(angle), torch.sin(angle)


def _kernel_factors(row: int, frequencies: int, size_yx: Pair, kernel_yx: Pair) -> Tensor:
    """[p, places of the kernel] float64: to its spectrum, conjugated (a network's convolution is a correlation), as Gauss's
    three products want it."""
    whole = math.lcm(*size_yx)
    turns = whole // size_yx[0] * row * torch.arange(kernel_yx[0])[:, None]
    turns = turns + whole // size_yx[1] * torch.arange(frequencies)[:, None, None] * torch.arange(kernel_yx[1])
    angle = (turns % whole).double().view(frequencies, -1) * (2 * math.pi / whole)
    cosine, sine = torch.cos(angle), torch.sin(angle)
    return torch.cat([cosine, sine - cosine, cosine + sine])
