"""The paper's three detectors, and the one that it tried first, as networks."""

from __future__ import annotations

from typing import TypeAlias

import torch
from torch import Tensor, nn

from ..backbones.vgg import Vgg
from .architecture import BASELINE, FASTER_RCNN, VGG, LiverArchitecture
from .baseline import Baseline
from .faster_rcnn import FasterRcnn
from .freezing import Freezable, freeze
from .proposals import Sampling
from .upsampled import beside_upsampled
from .vgg import make_vgg, vgg_features

__all__ = [
    "FasterRcnn",
    "LiverNetwork",
    "Sampling",
    "SingleBoxNetwork",
    "boxes_of",
    "freeze",
    "make_network",
    "parameter_count",
]


class SingleBoxNetwork(Freezable):
    """The baseline, on slices, on features of VGG-16, or on both: one box for each slice, whether there is a lesion or not.

    Input: [n, 3, s, s] in [-1, 1], the slice that is looked at in the middle; s = ``architecture.input_px``.

    Raises:
        ValueError: an architecture that cannot be, or of another detector.
    """

    backbone: Vgg | None

    def __init__(self, architecture: LiverArchitecture) -> None:
        super().__init__()
        if problem := architecture.problem():
            raise ValueError(problem)
        if not architecture.single_box:
            raise ValueError(f"“{architecture.detector}” gives more than one box")
        self.architecture = architecture
        channels, side = 3, architecture.input_px
        self.backbone = None if architecture.detector == BASELINE else make_vgg(architecture)
        if self.backbone is not None and architecture.detector == VGG:
            channels += self.backbone.widths[-1]
        elif self.backbone is not None:
            channels, side = self.backbone.widths[architecture.front_block - 1], side // 2**architecture.front_block
        self.baseline = Baseline(channels, side, architecture)

    def forward(self, slices: Tensor) -> Tensor:
        """[n, 4]: edges (x0, y0, x1, y1) as shares of the input's side; neither clipped nor in order, see :func:`boxes_of`."""
        return self.baseline.after_first(self.first(slices))

    def first(self, slices: Tensor) -> Tensor:
        """What the first convolution of the baseline gives."""
        features = slices if self.backbone is None else vgg_features(self.backbone, slices)
        if self.architecture.detector == VGG:
            return beside_upsampled(self.baseline.first, slices, features)
        maps: Tensor = self.baseline.first(features)
        return maps


LiverNetwork: TypeAlias = SingleBoxNetwork | FasterRcnn


def make_network(architecture: LiverArchitecture, sampling: Sampling | None = None) -> LiverNetwork:
    """A network with random weights.

    Args:
        sampling: what Faster R-CNN learns from; the other detectors learn from all.

    Raises:
        ValueError: an architecture that cannot be.
    """
    if architecture.detector == FASTER_RCNN:
        return FasterRcnn(architecture, sampling or Sampling())
    return SingleBoxNetwork(architecture)


def boxes_of(outputs: Tensor, px: int) -> Tensor:
    """Outputs of :class:`SingleBoxNetwork`, [n, 4] -> edges in pixels of an input of ``px`` pixels, in order and clipped to it."""
    one, other = outputs[:, :2], outputs[:, 2:]
    edges = torch.cat([torch.minimum(one, other), torch.maximum(one, other)], dim=1)
    return (edges * px).clamp(0, px)


def parameter_count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())
