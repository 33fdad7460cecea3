"""Features of VGG-16 for the baseline (paper, section 4.2)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from ..backbones.vgg import VGG16_LAYERS, Vgg
from .architecture import VGG, LiverArchitecture
from .freezing import stage_layers

KEPT_POOLS = 3
"""Pools 4 and 5 are removed: the features have stride 8."""
_LARGE_STAGES = 2
"""Whose maps in between are computed anew for the gradients: they are three quarters of all."""


def make_vgg(architecture: LiverArchitecture) -> Vgg:
    """VGG-16 as ``vgg`` or ``vgg-front`` want it; of the latter only the stages that are looked at."""
    pools = KEPT_POOLS if architecture.detector == VGG else len(VGG16_LAYERS)
    backbone = Vgg(VGG16_LAYERS, architecture.vgg_base, architecture.vgg_normalised, pools)
    if architecture.detector != VGG:
        layers = [layer for stage in stage_layers(backbone)[: architecture.front_block] for layer in stage]
        backbone.features = nn.Sequential(*layers)
    return backbone


def vgg_features(backbone: Vgg, slices: Tensor) -> Tensor:
    """[n, 3, h, w] -> the last stage's output."""
    x = slices
    for n, layers in enumerate(stage_layers(backbone)):
        x = checkpoint(layers, x, use_reentrant=False) if n < _LARGE_STAGES and _is_worth_it(layers) else layers(x)
    return x


def _is_worth_it(layers: nn.Sequential) -> bool:
    """Whether gradients are wanted, and computing again changes nothing: normalisations would count a batch twice."""
    if not torch.is_grad_enabled() or not any(one.requires_grad for one in layers.parameters()):
        return False
    return not any(isinstance(layer, nn.BatchNorm2d) and layer.training for layer in layers)
