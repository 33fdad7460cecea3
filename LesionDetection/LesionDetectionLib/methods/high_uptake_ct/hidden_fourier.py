"""The first fully connected layer by Fourier transform: a thirtieth of the products.

See `convolution/transform.py`. The phases of all tiles of a call are the rows of one matrix product for each frequency.
Results leave in small pieces that are read out while they are in the processor's cache: all of a tile take 30 MB.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from ..convolution.columns import Corner
from ..convolution.transform import Pair, backward_y, forward_y, frequencies_of, points_of, rows_of
from .features import STRIDE
from .hidden import PHASES, Asked, Where, phases_of
from .network import FEATURES_YX, PatchNetwork
from .scratch import Scratch

AT_ONCE, AT_ONCE_GPU = 3, 24
"""Tiles of one call: from 100 rows on the weights, 135 MB, are read fast enough; spectra take 45 MB a tile."""
ACROSS = 2
"""Places along x in one piece on a CPU: 12 pixels, of which runs of 24 rows are read out together."""

SIZES = [(y, x) for y in range(16, 58, 2) for x in range(14, 42, 2)]
"""Of transformed boxes, in places of a phase. The transform along y costs less than the one along x, so that boxes that are
longer along y pay."""
MOST_WEIGHTS = 40_000_000
"""Numbers that a kernel's spectrum may have: 160 MB."""


def fitting_size(shape_yx: Pair, filters: int, units: int) -> Pair:
    """The size with the least to do for a slice of ``shape_yx`` pixels: tiles reach as little as possible beyond its end."""
    fitting = [size for size in SIZES if points_of(size) * filters * units <= MOST_WEIGHTS] or SIZES[:1]
    return min(fitting, key=lambda size: multiplications(size, shape_yx, filters, units))


def multiplications(size_yx: Pair, shape_yx: Pair, filters: int, units: int) -> int:
    """With an addition each; for a slice of ``shape_yx`` pixels."""
    (height, width), points, frequencies = size_yx, points_of(size_yx), frequencies_of(size_yx[0])
    down, across = (size - taps + 1 for size, taps in zip(size_yx, FEATURES_YX, strict=True))
    phase = (
        points * filters * units
        + filters * 2 * width * (frequencies * height + points)
        + units * 2 * across * (points + frequencies * down)
    )
    return math.ceil(shape_yx[0] / (STRIDE * down)) * math.ceil(shape_yx[1] / (STRIDE * across)) * PHASES * phase


class FourierHidden:
    """See :class:`.hidden.HiddenLayer`. float32."""

    def __init__(self, network: PatchNetwork, device: torch.device, size_yx: Pair) -> None:
        """``size_yx``: of the transformed boxes, in places of a phase."""
        weight = network.fc1.weight.detach().to(device, torch.float32)
        self.taken_yx = size_yx
        self.kept_yx = (size_yx[0] - FEATURES_YX[0] + 1, size_yx[1] - FEATURES_YX[1] + 1)
        self.at_once = AT_ONCE if device.type == "cpu" else AT_ONCE_GPU
        self._across = ACROSS if device.type == "cpu" else 1
        self._apart = device.type == "cpu"
        self._into_y = forward_y(size_yx[0]).to(weight)
        self._out_of_y = backward_y(size_yx[0], self.kept_yx[0]).to(weight)
        kernel = weight.view(len(weight), -1, 1, *FEATURES_YX)
        self._rows = rows_of(kernel, size_yx, self.kept_yx[1])
        # The sum over all places: of the first point of the first row.
        self._bias = network.fc1.bias.detach().to(weight) * (size_yx[0] * size_yx[1])

    def results(
        self, features: Tensor, corners: Sequence[Corner], asked: Asked, scratch: Scratch
    ) -> Iterator[tuple[Where, Tensor]]:
        spectrum = self._spectrum(self._half_transformed(features, corners, scratch), len(corners), scratch)
        width, tiles = self.kept_yx[1], len(corners)
        together = 1 if self._apart else tiles
        columns = together * PHASES * len(self._bias)
        spectrum = spectrum.view(len(self._into_y), width, tiles // together, columns)
        for t in range(0, tiles, together):
            for x in range(0, width, self._across):
                some = asked[:, x : x + self._across, t : t + together]
                rows = np.flatnonzero(np.any(some, axis=(1, 2, 3)))
                if len(rows) == 0:
                    continue
                first, last = int(rows[0]), int(rows[-1]) + 1
                units = scratch("units", last - first, some.shape[1], columns)
                for offset in range(some.shape[1]):
                    torch.mm(self._out_of_y[first:last], spectrum[:, x + offset, t // together], out=units[:, offset])
                where = (slice(first, last), slice(x, x + some.shape[1]), slice(t, t + together))
                yield where, units.view(last - first, some.shape[1], together, PHASES, -1)

    def _half_transformed(self, features: Tensor, corners: Sequence[Corner], scratch: Scratch) -> Tensor:
        """[row, 2 * places along x, tile, phase, filter]: transformed along y; real and imaginary parts one after the other."""
        height, width = self.taken_yx
        filters = features.shape[2]
        cut = scratch("cut", height, width, len(corners), STRIDE, STRIDE, filters)
        for index, corner in enumerate(corners):
            cut[:, :, index] = phases_of(features, corner, self.taken_yx)
        half = scratch("half", len(self._into_y), width * len(corners) * PHASES * filters)
        torch.mm(self._into_y, cut.view(height, -1), out=half)
        return half.view(len(self._rows), 2 * width, len(corners) * PHASES, filters)

    def _spectrum(self, half: Tensor, tiles: int, scratch: Scratch) -> Tensor:
        """[2 * row, result along x, tile, phase, unit]: products in frequencies, transformed back along x."""
        count, filters, units = tiles * PHASES, half.shape[3], len(self._bias)
        spectrum = scratch("spectrum", len(self._rows), 2 * self.kept_yx[1], count * units)
        for index, row in enumerate(self._rows):
            points = len(row.into)
            seen = torch.mm(
                row.into, half[index].view(-1, count * filters), out=scratch("points", points, count * filters)
            )
            products = scratch("products", points, count, units)
            torch.bmm(seen.view(points, count, filters), row.weight[0], out=products)
            if index == 0:
                products[0] += self._bias
            torch.mm(row.out, products.view(points, -1), out=spectrum[index])
        return spectrum
