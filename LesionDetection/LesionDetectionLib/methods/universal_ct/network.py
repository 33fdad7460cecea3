"""The improved RetinaNet (Zlocha, Dou & Glocker, MICCAI 2019): backbone, pyramid, two heads, and a mask branch."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .architecture import UniversalArchitecture
from .backbones import make_backbone
from .dense import DenseBranch
from .heads import Head
from .pyramid import Pyramid


@dataclass(frozen=True, eq=False)
class Features:
    """What both heads and the mask branch look at.

    Attributes:
        levels: five, the finest first, [n, pyramid, h / stride, w / stride].
        first: C1, [n, channels, h / 2, w / 2].
        slices: the input.
    """

    levels: tuple[Tensor, ...]
    first: Tensor
    slices: Tensor


@dataclass(frozen=True, eq=False)
class Outputs:
    """Of a batch; a = all anchors, level by level, row by row, as :func:`.anchors.anchor_boxes` lists them.

    Attributes:
        logits: [n, a] of the probability that an anchor holds a lesion.
        deltas: [n, a, 4] from anchor to box, see :func:`.anchors.decode`.
        mask: [n, h, w] logits; None where the architecture has no mask.
    """

    logits: Tensor
    deltas: Tensor
    mask: Tensor | None


class UniversalNetwork(nn.Module):
    """One forward pass of three-channel slices; its parts can be called alone, for an engine that computes only what it needs.

    Input: [n, 3, h, w] in [-1, 1], slices 2 mm apart, the one that is looked at in the middle; h and w are multiples of
    ``architecture.multiple``.

    Raises:
        ValueError: an architecture that cannot be.
    """

    def __init__(self, architecture: UniversalArchitecture) -> None:
        super().__init__()
        if problem := architecture.problem():
            raise ValueError(problem)
        self.architecture = architecture
        self.backbone = make_backbone(architecture.backbone, architecture.base)
        self.pyramid = Pyramid(self.backbone.widths, architecture)
        self.classification = Head(architecture, 1)
        self.regression = Head(architecture, 4)
        self.dense = DenseBranch(self.backbone.widths[0], architecture) if architecture.dense else None

    def features(self, slices: Tensor) -> Features:
        stages = self.backbone(slices)
        return Features(tuple(self.pyramid(stages)), stages[0], slices)

    def classify(self, level: Tensor) -> Tensor:
        """[n, anchors of the level] logits."""
        logits: Tensor = self.classification(level)
        return logits[..., 0]

    def regress(self, level: Tensor) -> Tensor:
        """[n, anchors of the level, 4]."""
        deltas: Tensor = self.regression(level)
        return deltas

    def outline(self, features: Features) -> Tensor | None:
        """[n, h, w] logits of the mask; None without one."""
        if self.dense is None:
            return None
        logits: Tensor = self.dense(features.levels[0], features.first, features.slices)
        return logits

    def forward(self, slices: Tensor) -> Outputs:
        features = self.features(slices)
        return Outputs(
            torch.cat([self.classify(level) for level in features.levels], dim=1),
            torch.cat([self.regress(level) for level in features.levels], dim=1),
            self.outline(features),
        )


def parameter_count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())
