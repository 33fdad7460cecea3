"""A trained network made lean for inference: folded, in one number format, its parts apart."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from ..backbones.vgg import Vgg
from ..convolution.winograd import WinogradConvolution, use_winograd
from ..folding import for_inference
from .engine_bands import in_bands
from .engine_head import LeanHead
from .network import Features, UniversalNetwork


class LeanNetwork:
    """A copy of a network on one device.

    Args:
        number: format of weights and maps. Logits, offsets and boxes are float32 always.

    Attributes:
        network: whose heads are to be used through ``classification`` and ``regression`` only.
        is_narrow: whether the format has 16 bits.
    """

    def __init__(self, network: UniversalNetwork, device: torch.device, number: torch.dtype) -> None:
        self._device, self._number = device, number
        self.network = for_inference(network, device).to(number)
        self.classification = LeanHead(self.network.classification)
        self.regression = LeanHead(self.network.regression)
        self.is_narrow = number != torch.float32
        use_winograd(self.network)
        self._stages = _stages(self.network.backbone)

    def features(self, inputs: npt.NDArray[np.float32]) -> Features:
        """[n, 3, h, w] -> what the heads and the mask branch look at."""
        slices = torch.from_numpy(inputs).to(self._device, self._number).contiguous(memory_format=torch.channels_last)
        if self._stages is None or self._device.type != "cpu" or len(slices) > 1:
            return self.network.features(slices)
        maps, x = [], slices
        for layers in self._stages:
            x = in_bands(layers, x) if _has_large_maps(layers) else nn.Sequential(*layers)(x)
            maps.append(x)
        return Features(tuple(self.network.pyramid(maps)), maps[0], slices)


def _has_large_maps(layers: Sequence[nn.Module]) -> bool:
    """Whether bands pay: what goes by tiles needs none, and computes no row twice."""
    return not any(isinstance(layer, WinogradConvolution) for layer in layers)


def _stages(backbone: nn.Module) -> list[list[nn.Module]] | None:
    """The layers of VGG's stages, a pooling the last of each; None of another backbone."""
    if not isinstance(backbone, Vgg):
        return None
    stages: list[list[nn.Module]] = [[]]
    for layer in backbone.features:
        if isinstance(layer, nn.Identity):
            continue
        stages[-1].append(layer)
        if isinstance(layer, nn.MaxPool2d):
            stages.append([])
    return stages[:-1]
