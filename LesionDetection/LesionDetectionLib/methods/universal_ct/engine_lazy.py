"""One slice on a CPU: box offsets and mask only where the classification asks for them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from .anchors import anchors_at, decode
from .engine_boxes import FIRST, Limits, SliceBoxes, Window, best_anchors, cut_windows, kept_boxes, window_edges
from .engine_network import LeanNetwork
from .engine_outline import outline_at
from .network import Features

_SLACK = 0.8
"""So much of the least probability is looked at more finely: a logit in 16 bits is off by .03."""


def lazy_boxes(lean: LeanNetwork, inputs: npt.NDArray[np.float32], limits: Limits) -> SliceBoxes:
    """What :func:`.engine_plain.plain_boxes` gives, to the rounding of the number format.

    Args:
        inputs: float32 [1, 3, h, w].
    """
    height, width = inputs.shape[2:]
    with torch.inference_mode():
        features = lean.features(inputs)
        candidates = _Candidates(lean, features, limits)
        count = min(FIRST, len(candidates))
        while True:
            boxes, probability = kept_boxes(*candidates.first(count), height, width, limits)
            if len(boxes) >= limits.most_boxes or count == len(candidates):
                break
            count = min(2 * count, len(candidates))
        edges = boxes.double().numpy()
        windows: tuple[Window, ...] = ()
        if limits.windows and lean.network.dense is not None:
            around = window_edges(edges, height, width)
            windows = cut_windows(outline_at(lean.network, features, around), around)
    return SliceBoxes(edges, probability.double().numpy(), windows)


class _Candidates:
    """The best anchors of all levels, the most probable first; boxes of the first of them."""

    def __init__(self, lean: LeanNetwork, features: Features, limits: Limits) -> None:
        self._lean, self._features = lean, features
        found = [self._of_level(n, limits) for n in range(len(features.levels))]
        level, where, probability = (torch.cat(parts) for parts in zip(*found, strict=True))
        order = torch.sort(probability, descending=True, stable=True).indices
        order = order[probability[order] >= limits.least_probability]
        self._level, self._where, self._probability = level[order], where[order], probability[order]
        self._boxes = torch.zeros(len(order), 4)
        self._done = 0

    def __len__(self) -> int:
        return len(self._level)

    def first(self, count: int) -> tuple[Tensor, Tensor]:
        """Boxes [count, 4] and their probabilities."""
        new = torch.arange(self._done, count)
        for n in range(len(self._features.levels)):
            of_level = new[self._level[new] == n]
            if len(of_level):
                self._boxes[of_level] = self._decoded(n, self._where[of_level])
        self._done = count
        return self._boxes[:count], self._probability[:count]

    def _of_level(self, n: int, limits: Limits) -> tuple[Tensor, Tensor, Tensor]:
        """[c] level, anchor and probability."""
        head, anchors = self._lean.classification, self._lean.network.architecture.anchors
        hidden = head.hidden(self._features.levels[n])
        (where,), (probability,) = best_anchors(head.last(hidden)[..., 0], limits)
        if self._lean.is_narrow:
            where = where[probability >= limits.least_probability * _SLACK]
            places, place_of = torch.unique(where // anchors, return_inverse=True)
            probability = torch.sigmoid(head.finely(hidden, places)[place_of, where % anchors, 0])
        return torch.full_like(where, n), where, probability

    def _decoded(self, n: int, where: Tensor) -> Tensor:
        architecture = self._lean.network.architecture
        places, place_of = torch.unique(where // architecture.anchors, return_inverse=True)
        deltas = self._lean.regression.at(self._features.levels[n], places)
        anchors = anchors_at(architecture, n, self._features.slices.shape[3], where)
        return decode(deltas[place_of, where % architecture.anchors], anchors)
