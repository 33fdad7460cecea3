"""Anchors: where they lie, and boxes as offsets from them (Girshick et al. 2014, appendix C)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .architecture import UniversalArchitecture

_LARGEST = math.log(1000 / 16)
"""Of the logarithm of a box's side over its anchor's: keeps an untrained network from overflowing."""


def anchor_shapes(architecture: UniversalArchitecture, size: float) -> Tensor:
    """[anchors, 2] width and height; a scale's ratios follow one another."""
    shapes = [
        (size * scale / math.sqrt(ratio), size * scale * math.sqrt(ratio))
        for scale in architecture.scales
        for ratio in architecture.ratios
    ]
    return torch.tensor(shapes, dtype=torch.float32)


def level_anchors(architecture: UniversalArchitecture, level: int, height: int, width: int) -> Tensor:
    """[y * x * anchors, 4] edges of the anchors of one level, row by row, for an input of height x width pixels."""
    stride = architecture.strides[level]
    count = (height // stride) * (width // stride) * architecture.anchors
    return anchors_at(architecture, level, width, torch.arange(count))


def anchors_at(architecture: UniversalArchitecture, level: int, width: int, which: Tensor) -> Tensor:
    """[..., 4] edges of some anchors of one level, on their device.

    The anchor of place (y, x) has its centre in the middle of the stride x stride pixels that the place stands for.

    Args:
        width: of the input, pixels.
        which: [...] int64, as :func:`level_anchors` lists them.
    """
    stride = architecture.strides[level]
    half = anchor_shapes(architecture, architecture.sizes[level]).to(which.device) / 2
    place, across = which // architecture.anchors, width // stride
    centers = (torch.stack([place % across, place // across], dim=-1) + 0.5) * stride
    reach = half[which % architecture.anchors]
    return torch.cat([centers - reach, centers + reach], dim=-1)


def anchor_boxes(architecture: UniversalArchitecture, height: int, width: int) -> Tensor:
    """[a, 4] edges of all anchors, level by level, row by row; some reach beyond the input."""
    return torch.cat([level_anchors(architecture, n, height, width) for n in range(len(architecture.strides))])


def encode(boxes: Tensor, anchors: Tensor) -> Tensor:
    """[..., 4] offsets (x, y as shares of the anchor's sides; logarithms of the ratios of width and height)."""
    size, anchor_size = boxes[..., 2:] - boxes[..., :2], anchors[..., 2:] - anchors[..., :2]
    shift = (boxes[..., :2] + boxes[..., 2:] - anchors[..., :2] - anchors[..., 2:]) / 2 / anchor_size
    return torch.cat([shift, torch.log(size / anchor_size)], dim=-1)


def decode(deltas: Tensor, anchors: Tensor) -> Tensor:
    """[..., 4] edges; the inverse of :func:`encode`."""
    anchor_size, center = anchors[..., 2:] - anchors[..., :2], (anchors[..., :2] + anchors[..., 2:]) / 2
    half = anchor_size * torch.exp(deltas[..., 2:].clamp(max=_LARGEST)) / 2
    middle = center + deltas[..., :2] * anchor_size
    return torch.cat([middle - half, middle + half], dim=-1)
