"""Slices together on a GPU: all is computed everywhere, in a few large steps, and brought back at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from .anchors import anchors_at, decode
from .engine_boxes import Limits, SliceBoxes, best_anchors, cut_windows, kept_boxes, window_edges
from .engine_network import LeanNetwork


def batch_boxes(lean: LeanNetwork, inputs: npt.NDArray[np.float32], limits: Limits) -> list[SliceBoxes] | None:
    """What :func:`.engine_plain.plain_boxes` gives, to the rounding of the number format.

    Non-maximum suppression follows on the CPU: of a thousand boxes it takes less than a GPU's answer to its questions.

    Args:
        inputs: float32 [n, 3, h, w].

    Returns:
        Of each slice; None where 16 bits were too few for a value.
    """
    count, _, height, width = inputs.shape
    with torch.inference_mode():
        features = lean.features(inputs)
        found, finite = [], []
        for n, level in enumerate(features.levels):
            logits = lean.classification.everywhere(level)[..., 0]
            where, probability = best_anchors(logits, limits)
            deltas = lean.regression.everywhere(level).gather(1, where[..., None].expand(-1, -1, 4))
            anchors = anchors_at(lean.network.architecture, n, width, where)
            found.append((decode(deltas, anchors), probability))
            finite.append(torch.isfinite(logits).all() & torch.isfinite(deltas).all())
        boxes, probabilities = (torch.cat(parts, dim=1) for parts in zip(*found, strict=True))
        outline = lean.network.outline(features) if limits.windows else None
        if outline is not None:
            finite.append(torch.isfinite(outline).all())
        if lean.is_narrow and not bool(torch.stack(finite).all()):
            return None
        masks = None if outline is None else torch.sigmoid(outline.float()).cpu().numpy()
        boxes, probabilities = boxes.cpu(), probabilities.cpu()
        return [
            _of_slice(boxes[n], probabilities[n], None if masks is None else masks[n], (height, width), limits)
            for n in range(count)
        ]


def _of_slice(
    boxes: Tensor, probability: Tensor, mask: npt.NDArray[np.float32] | None, size: tuple[int, int], limits: Limits
) -> SliceBoxes:
    kept, probability = kept_boxes(boxes, probability, *size, limits)
    edges = kept.double().numpy()
    windows = () if mask is None else cut_windows(mask, window_edges(edges, *size))
    return SliceBoxes(edges, probability.double().numpy(), windows)
