"""The screening network as a chain that slices run through: each layer computes only the columns that are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

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
        self._route: Route = "direct" if self._sixteen_bits else route
        lean = for_inference(network, device).to(number)
        first, second, third, fourth, last = (layer for layer in lean.modules() if isinstance(layer, nn.Conv3d))
        gpu = device.type == "cuda"
        self._width, self._at_once = (WIDTH_GPU, AT_ONCE_GPU) if gpu else (WIDTH, AT_ONCE)
        if narrow:
            self._width, self._at_once = self._width // 2, self._at_once * 2
        # Of two classes only the difference of the logits matters: the last layer is a sum for each place.
        readout = last.weight[1, :, 0, 0, 0] - last.weight[0, :, 0, 0, 0]
        self._bias = 0.0 if last.bias is None else float(last.bias[1].double() - last.bias[0].double())
        self.convolutions: tuple[ColumnConvolution, ...] = (
            # One column at a time stays in a CPU's cache.
            PooledConvolution(first.weight, first.bias, self._width, self._at_once if gpu or narrow else 1),
            self._convolution(second.weight, second.bias),
            self._convolution(third.weight, third.bias),
            self._convolution(fourth.weight, fourth.bias, readout),
        )

    def scores(self, voxels: Voxels, asked: Mask, slices: int) -> Iterator[tuple[int, int, Scores]]:
        """Logits of nodule against background, ``slices`` at a time: first, end, and [z, y, x]; right where ``asked``.
        Where nothing is asked for in so many slices, they are left out.

        Args:
            voxels: ``voxels(start, stop)``, the scan's slices [z, y, x] float32, 0 being the first that score 0 sees; in y
                and x all that ``asked`` sees.
            asked: [z, y, x].
        """
        depth, height, width = asked.shape
        deeper = [sum(layer.kernel_zyx[0] - 1 for layer in self.convolutions[index:]) for index in range(5)]
        sizes = [_lengths(height, self.convolutions), _lengths(width, self.convolutions)]
        read = None
        for start in range(0, depth, slices):
            stop = min(start + slices, depth)
            if not asked[start:stop].any():
                read = None
                continue
            if read is None:
                chain = [_Layer(convolution) for convolution in self.convolutions]
                read = start
            new = torch.from_numpy(voxels(read, stop + deeper[0]))
            read = stop + deeper[0]
            room = (0, sizes[1][0] - new.shape[2], 0, sizes[0][0] - new.shape[1])
            features = functional.pad(new.to(self.device), room).to(self.number)[..., None]
            with torch.inference_mode(), full_precision(self.device):
                for index, layer in enumerate(chain, start=1):
                    # A layer's slice q goes into the scores q - deeper to q; those before start are done.
                    wanted: Mask = np.any(asked[start : stop + deeper[index]], axis=0)
                    wanted = _seen_by(wanted, self.convolutions[index:])
                    features = layer.push(features, wanted, (sizes[0][index], sizes[1][index]))
                scores = (features[:, :height, :width, 0].float() + self._bias).cpu().numpy()
            yield start, stop, scores

    def _convolution(self, weight: Tensor, bias: Tensor | None, readout: Tensor | None = None) -> ColumnConvolution:
        if self._route == "fourier" or (self._route == "cheaper" and fourier_pays(weight)):
            return FourierConvolution(weight, bias, readout)
        if readout is not None and self._sixteen_bits:
            more = round_up(len(weight), CHANNELS_TOGETHER) - len(weight)
            bias = weight.new_zeros(len(weight)) if bias is None else bias
            weight, bias, readout = (torch.cat([n, n.new_zeros((more, *n.shape[1:]))]) for n in (weight, bias, readout))
        return DirectConvolution(weight, bias, self._width, self._at_once, readout)


class _Layer:
    """A convolution that is fed slices, and keeps those that belong to its next results too."""

    def __init__(self, convolution: ColumnConvolution) -> None:
        self._convolution = convolution
        self._kept: Tensor | None = None

    def push(self, features: Tensor, wanted: Mask, size_yx: tuple[int, int]) -> Tensor:
        """As many slices of results as come in, at first fewer by the kernel's depth less one; 0 where not wanted."""
        if self._kept is not None:
            features = torch.cat([self._kept, features])
        convolution = self._convolution
        left = len(features) - convolution.kernel_zyx[0] + 1
        self._kept = features[left:].clone()
        corners = corners_of(wanted, convolution.width)
        if not corners:
            return features.new_zeros((left, *size_yx, convolution.outputs))
        columns = convolution(features, corners)
        results = columns.new_zeros((left, *size_yx, convolution.outputs))
        scatter(results, corners, columns)
        return results


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
