"""The plain way from slices to boxes: everything is computed everywhere. The reference of the engine."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from .anchors import decode, level_anchors
from .engine_boxes import Limits, SliceBoxes, best_anchors, cut_windows, kept_boxes, window_edges
from .network import UniversalNetwork


def plain_boxes(network: UniversalNetwork, inputs: npt.NDArray[np.float32], limits: Limits) -> list[SliceBoxes]:
    """The boxes of slices: forward, the best anchors of each level, boxes, non-maximum suppression, windows of the mask.

    Args:
        network: in evaluation mode, on any device, in float32.
        inputs: float32 [n, 3, h, w] in [-1, 1].
    """
    device = next(network.parameters()).device
    with torch.inference_mode():
        outputs = network(torch.from_numpy(inputs).to(device))
    count, _, height, width = inputs.shape
    found, start = [], 0
    for level in range(len(network.architecture.strides)):
        anchors = level_anchors(network.architecture, level, height, width).to(device)
        end = start + len(anchors)
        where, probability = best_anchors(outputs.logits[:, start:end], limits)
        deltas = outputs.deltas[:, start:end].gather(1, where[..., None].expand(-1, -1, 4))
        found.append((decode(deltas.float(), anchors[where]), probability))
        start = end
    candidates, probabilities = (torch.cat(parts, dim=1).cpu() for parts in zip(*found, strict=True))
    masks = None if outputs.mask is None else torch.sigmoid(outputs.mask.float()).cpu().numpy()
    slices = []
    for n in range(count):
        kept, probability = kept_boxes(candidates[n], probabilities[n], height, width, limits)
        boxes = kept.double().numpy()
        edges = window_edges(boxes, height, width)
        windows = () if masks is None or not limits.windows else cut_windows(masks[n], edges)
        slices.append(SliceBoxes(boxes, probability.double().numpy(), windows))
    return slices
