"""The mask only where windows are: the branch on rectangles of tiles, exact."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from .network import Features, UniversalNetwork

TILE = 64
"""Pixels of the input along a side of a tile."""
_HALO = 4
"""Pixels that a rectangle's edge inside the slice makes wrong at most: three 3 x 3 convolutions one after another at the input's
pixels, or one there and one at half its pixels. A multiple of 4, so that P2 has whole places."""


def outline_at(network: UniversalNetwork, features: Features, edges: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Probabilities of the mask in the windows [m, 4] (x0, y0, x1, y1), and 0 far from all.

    Args:
        features: of one slice.

    Returns:
        [h, w].
    """
    height, width = features.slices.shape[2:]
    found = np.zeros((height, width), np.float32)
    for y0, y1, x0, x1 in rectangles(edges, height, width):
        top, left = max(0, y0 - _HALO), max(0, x0 - _HALO)
        cut = _cut(features, slice(top, min(height, y1 + _HALO)), slice(left, min(width, x1 + _HALO)))
        logits = network.outline(cut)
        assert logits is not None
        wanted = logits[0, y0 - top : y1 - top, x0 - left : x1 - left]
        found[y0:y1, x0:x1] = torch.sigmoid(wanted.float()).numpy()
    return found


def rectangles(edges: npt.NDArray[np.int64], height: int, width: int) -> list[tuple[int, int, int, int]]:
    """Rectangles (y0, y1, x0, x1) without overlap that hold all windows: tiles beside each other in one row of tiles."""
    found = []
    for start in range(0, height, TILE):
        end = min(height, start + TILE)
        met = np.zeros(-(-width // TILE) + 1, bool)
        for x0, y0, x1, y1 in edges:
            if y0 < end and y1 > start:
                met[x0 // TILE : -(-x1 // TILE)] = True
        met[-1] = False
        turns = np.flatnonzero(np.diff(met.astype(np.int8), prepend=0))
        for first, last in zip(turns[::2], turns[1::2], strict=True):
            found.append((start, end, int(first) * TILE, min(width, int(last) * TILE)))
    return found


def _cut(features: Features, rows: slice, columns: slice) -> Features:
    def part(maps: Tensor, stride: int) -> Tensor:
        y = slice(rows.start // stride, -(-rows.stop // stride))
        return maps[:, :, y, columns.start // stride : -(-columns.stop // stride)]

    return Features((part(features.levels[0], 4),), part(features.first, 2), part(features.slices, 1))
