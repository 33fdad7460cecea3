"""The networks' first layers as a chain that slices run through: each layer computes only the columns that are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ..convolution.columns import ColumnConvolution, corners_of, round_up, scatter
from ..convolution.direct import DirectConvolution
from ..convolution.fourier import FourierConvolution
from ..convolution.pooled import PooledConvolution
from ..convolution.route import fourier_pays
from ..device import full_precision
from ..folding import for_inference
from .network import ScreeningFCN

Mask = npt.NDArray[np.bool_]
Scores = npt.NDArray[np.float32]
Voxels = Callable[[int, int], npt.NDArray[np.float32]]
Route = Literal["cheaper", "direct", "fourier"]

WIDTH, WIDTH_GPU = 16, 32
"""Of the columns of direct convolutions. Narrow ones follow the lungs' outline; a GPU wants more work at once."""
AT_ONCE, AT_ONCE_GPU = 8, 16
"""Columns in one call of a direct convolution."""
CHANNELS_TOGETHER = 16
"""What matrix units take at once; where they are used, the last layer (of 250) is filled up with zeros."""


class Chain:
    """Convolutions with what follows each, on one device in one number format; the first one is pooled behind.

    Attributes:
        convolutions: first to last.
    """

    def __init__(self, convolutions: Sequence[ColumnConvolution], device: torch.device, number: torch.dtype) -> None:
        self.convolutions = tuple(convolutions)
        self._device, self._number = device, number

    def results(self, voxels: Voxels, asked: Mask, slices: int) -> Iterator[tuple[int, int, Tensor]]:
        """What comes out, ``slices`` at a time: first, end, and [z, y, x, channel]; right where ``asked``. Where nothing is
        asked for in so many slices, they are left out.

        Args:
            voxels: ``voxels(start, stop)``, the scan's slices [z, y, x] float32, 0 being the first that result 0 sees; in y
                and x all that ``asked`` sees.
            asked: [z, y, x].
        """
        depth, height, width = asked.shape
        layers = self.convolutions
        deeper = [sum(layer.kernel_zyx[0] - 1 for layer in layers[index:]) for index in range(len(layers) + 1)]
        sizes = list(zip(_lengths(height, layers), _lengths(width, layers), strict=True))
        channels = [1, *(layer.outputs for layer in layers)]
        read = None
        for start in range(0, depth, slices):
            stop = min(start + slices, depth)
            if not asked[start:stop].any():
                read = None
                continue
            if read is None:
                kinds = zip(layers, sizes, channels, strict=False)
                inputs = [_Input(layer.kernel_zyx[0] - 1, (*size, count)) for layer, size, count in kinds]
                read = start
            new = torch.from_numpy(voxels(read, stop + deeper[0]))
            read = stop + deeper[0]
            with torch.inference_mode(), full_precision(self._device):
                features = inputs[0].room(len(new), self._device, self._number)
                features[:, : new.shape[1], : new.shape[2], 0] = new
                for index, layer in enumerate(layers, start=1):
                    # A layer's slice q goes into the results q - deeper to q; those before start are done.
                    wanted: Mask = np.any(asked[start : stop + deeper[index]], axis=0)
                    corners = corners_of(_seen_by(wanted, layers[index:]), layer.width)
                    left = inputs[index - 1].used - layer.kernel_zyx[0] + 1
                    columns = layer(inputs[index - 1].filled, corners) if corners else features.new_empty(0)
                    if index < len(layers):
                        features = inputs[index].room(left, self._device, self._number)
                    else:
                        features = columns.new_zeros((left, *sizes[index], layer.outputs))
                    if corners:
                        scatter(features, corners, columns)
            yield start, stop, features[:, :height, :width]


class ScoringLayers:
    """A screening network made ready for one device and number format.

    Attributes:
        device, number: where and in which format it computes.
        convolutions: first to last, with what follows each.
    """

    def __init__(
        self,
        network: ScreeningFCN,
        device: torch.device,
        number: torch.dtype = torch.float32,
        route: Route = "cheaper",
        narrow: bool = False,
    ) -> None:
        """
        Args:
            route: of the convolutions but the first; 16-bit formats always go the direct one.
            narrow: in columns for a few scores here and there.
        """
        self.device, self.number = device, number
        self._sixteen_bits = number in (torch.float16, torch.bfloat16)
        lean = for_inference(network, device).to(number)
        first, second, third, fourth, last = (layer for layer in lean.modules() if isinstance(layer, nn.Conv3d))
        gpu = device.type == "cuda"
        width, at_once = (WIDTH_GPU, AT_ONCE_GPU) if gpu else (WIDTH, AT_ONCE)
        if narrow:
            width, at_once = width // 2, at_once * 2
        # Of two classes only the difference of the logits matters: the last layer is a sum for each place.
        readout = last.weight[1, :, 0, 0, 0] - last.weight[0, :, 0, 0, 0]
        self._bias = 0.0 if last.bias is None else float(last.bias[1].double() - last.bias[0].double())

        def convolution(weight: Tensor, bias: Tensor | None, readout: Tensor | None = None) -> ColumnConvolution:
            if not self._sixteen_bits:
                return convolution_for(weight, bias, route, width, at_once, readout)
            if readout is not None:
                weight, bias, readout = _filled_up(weight, bias, readout)
            return DirectConvolution(weight, bias, width, at_once, readout)

        self.convolutions: tuple[ColumnConvolution, ...] = (
            # One column at a time stays in a CPU's cache.
            PooledConvolution(first.weight, first.bias, width, at_once if gpu or narrow else 1),
            convolution(second.weight, second.bias),
            convolution(third.weight, third.bias),
            convolution(fourth.weight, fourth.bias, readout),
        )

    def scores(self, voxels: Voxels, asked: Mask, slices: int) -> Iterator[tuple[int, int, Scores]]:
        """Logits of nodule against background, [z, y, x]: see :meth:`Chain.results`."""
        for start, stop, scores in Chain(self.convolutions, self.device, self.number).results(voxels, asked, slices):
            yield start, stop, (scores[..., 0].float() + self._bias).cpu().numpy()


def convolution_for(
    weight: Tensor, bias: Tensor | None, route: Route, width: int, at_once: int, readout: Tensor | None = None
) -> ColumnConvolution:
    """By the route that is named; ``width`` and ``at_once``: of the direct one."""
    if route == "fourier" or (route == "cheaper" and fourier_pays(weight)):
        return FourierConvolution(weight, bias, readout)
    return DirectConvolution(weight, bias, width, at_once, readout)


def _filled_up(weight: Tensor, bias: Tensor | None, readout: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """With channels of 0, to a number that matrix units take."""
    more = round_up(len(weight), CHANNELS_TOGETHER) - len(weight)
    bias = weight.new_zeros(len(weight)) if bias is None else bias
    weight, bias, readout = (torch.cat([n, n.new_zeros((more, *n.shape[1:]))]) for n in (weight, bias, readout))
    return weight, bias, readout


class _Input:
    """What goes into a layer: new slices, and before them those of last time that belong to its next results too.

    All lie in one array that is made once: one for each few slices costs a computer as much time as filling it.

    Attributes:
        used: slices that are there.
    """

    def __init__(self, overlap: int, size_yxc: tuple[int, int, int]) -> None:
        """``overlap``: slices that stay, one less than the layer's kernel has."""
        self._overlap, self._size = overlap, size_yxc
        self._array: Tensor | None = None
        self.used = 0

    def room(self, slices: int, device: torch.device, number: torch.dtype) -> Tensor:
        """Zeros [z, y, x, channel] for that many slices more; later never more, with those that stay, than at first."""
        if self._array is None:
            self._array, self.used = torch.zeros((slices, *self._size), device=device, dtype=number), slices
            return self._array
        self._array[: self._overlap] = self._array[self.used - self._overlap : self.used].clone()
        self.used = self._overlap + slices
        return self._array[self._overlap : self.used].zero_()

    @property
    def filled(self) -> Tensor:
        assert self._array is not None
        return self._array[: self.used]


def _seen_by(wanted: Mask, layers: Sequence[ColumnConvolution]) -> Mask:
    """[y, x] of all places that go through ``layers`` into the wanted ones: place p into those from p - reach to p."""
    reach = [sum(layer.kernel_zyx[axis] - 1 for layer in layers) for axis in (1, 2)]
    seen = np.pad(wanted, [(0, reach[0]), (0, reach[1])])
    for axis in (0, 1):
        along = np.moveaxis(seen, axis, 0)
        grown_by = 0
        while grown_by < reach[axis]:  # each turn doubles what is grown
            step = min(grown_by + 1, reach[axis] - grown_by)
            along[step:] |= along[:-step].copy()
            grown_by += step
    return seen


def _lengths(scores: int, layers: Sequence[ColumnConvolution]) -> list[int]:
    """Along one of the (equal) axes y and x: of what goes into each layer and of the scores, whole columns and margins."""
    lengths = [scores + layers[-1].width - 1]
    needed = scores
    for index in range(len(layers) - 1, -1, -1):
        reach, room = layers[index].kernel_zyx[1] - 1, needed + layers[index].width - 1
        needed += reach
        if index == 0:  # the pooled layer sees voxels, two for each place
            lengths.append(2 * (room - 1) + reach + 1)
        else:
            lengths.append(max(room + reach, needed + layers[index - 1].width - 1))
    return lengths[::-1]
