"""C1 to C3 of the second network over the union of many candidates' patches, each place once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from ..convolution.pooled import PooledConvolution
from .layers import AT_ONCE, WIDTH, Chain, Route, convolution_for
from .network import REDUCTION_INPUT_ZYX, ReductionResNet
from .preprocessing import PreparedScan

Places = npt.NDArray[np.intp]

STRIDE_ZYX = np.array((1, 2, 2))
BLOCK_ZYX = (18, 20, 20)
"""Features of one patch, a ``STRIDE_ZYX`` apart."""
SLICES = 6
"""Of features that go through the trunk together: a third of a patch, so that few are computed beyond its ends."""


class TrunkLayers:
    """The trunk of a second network whose batch normalisations are folded, in float32 on a CPU."""

    def __init__(self, lean: ReductionResNet, device: torch.device, route: Route = "cheaper") -> None:
        """``route``: of C2 and C3."""
        first, second, third = (layer for layer in lean.trunk.modules() if isinstance(layer, nn.Conv3d))
        convolutions = (
            PooledConvolution(first.weight, first.bias, WIDTH // 2, 2),
            convolution_for(second.weight, second.bias, route, WIDTH, AT_ONCE),
            convolution_for(third.weight, third.bias, route, WIDTH, AT_ONCE),
        )
        self._chain = Chain(convolutions, device, torch.float32)
        self._channels = len(third.weight)

    def blocks(self, prepared: PreparedScan, starts: Places, at_once: int) -> Iterator[tuple[list[int], Tensor | None]]:
        """Which patches, and their features [n, channels, 18, 20, 20], as they become complete: ``at_once``, at the end up
        to one more; after each few slices nothing, to look up from the work.

        Slices run through the trunk. Besides those of its layers, memory holds a block of features, 1.8 MB at the paper's
        widths, for each patch that the slices at hand belong to.

        Args:
            starts: [n, 3], first voxels (z, y, x) of the patches, a ``STRIDE_ZYX`` or its multiples apart: pooling is then
                on one grid for all.
        """
        low = starts.min(axis=0)
        places = (starts - low) // STRIDE_ZYX
        asked = union(places)
        reach = np.array(REDUCTION_INPUT_ZYX) - STRIDE_ZYX * (np.array(BLOCK_ZYX) - 1)
        height, width = (int(n) for n in (STRIDE_ZYX * (np.array(asked.shape) - 1) + reach)[1:])

        def voxels(first: int, last: int) -> npt.NDArray[np.float32]:
            return prepared.box((int(low[0]) + first, int(low[1]), int(low[2])), (last - first, height, width))

        filling: dict[int, Tensor] = {}
        ready: list[int] = []
        for first, last, features in self._chain.results(voxels, asked, SLICES):
            overlapping = (places[:, 0] < last) & (places[:, 0] + BLOCK_ZYX[0] > first)
            for index in np.flatnonzero(overlapping).tolist():
                z, y, x = places[index].tolist()
                if index not in filling:
                    filling[index] = features.new_empty((*BLOCK_ZYX, self._channels))
                a, b = max(z, first), min(z + BLOCK_ZYX[0], last)
                filling[index][a - z : b - z] = features[
                    a - first : b - first, y : y + BLOCK_ZYX[1], x : x + BLOCK_ZYX[2]
                ]
                if b == z + BLOCK_ZYX[0]:
                    ready.append(index)
            del features
            yield [], None
            while len(ready) >= at_once + 2 or (ready and last == len(asked)):
                # None is left alone: one at a time takes three times as long.
                count = at_once if len(ready) >= at_once + 2 else len(ready)
                some, ready = ready[:count], ready[count:]
                # Channels lie last in memory, as PyTorch's convolutions are fastest with.
                yield some, torch.stack([filling.pop(index) for index in some]).permute(0, 4, 1, 2, 3)


def union(places: Places) -> npt.NDArray[np.bool_]:
    """Of blocks of features that begin at ``places`` [n, 3], the lowest at 0: [z, y, x], what they hold."""
    asked = np.zeros(places.max(axis=0) + BLOCK_ZYX, dtype=bool)
    for z, y, x in places:
        asked[z : z + BLOCK_ZYX[0], y : y + BLOCK_ZYX[1], x : x + BLOCK_ZYX[2]] = True
    return asked
