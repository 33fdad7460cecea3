"""Plain ways to run the screening network on a whole scan, which ``nodule_ct_screening.py`` compares with.

Each takes a :class:`PreparedScan` and gives the logits of all scores of the box that is searched, in the scan's own order.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from LesionDetectionLib.methods.nodule_ct.preprocessing import PreparedScan

TILE_ZYX = (31, 64, 64)
"""Scores of one tile of the plain loop."""
ROI_ZYX = (40, 112, 112)
"""MONAI's window: at the default overlap of a quarter, the valid scores of neighbours (31 x 42 x 42) just meet."""
STRIDE_ZYX = (30, 84, 84)
BEFORE, AFTER = (4, 14, 14), (5, 15, 15)
"""Voxels that the first score sees before its own, and the last one after."""


def searched_box(prepared: PreparedScan) -> tuple[slice, slice, slice]:
    """Of scores: the box around all that are searched."""
    found = np.argwhere(prepared.search[:, ::2, ::2])
    (z0, y0, x0), (z1, y1, x1) = found.min(axis=0), found.max(axis=0) + 1
    return slice(z0, z1), slice(y0, y1), slice(x0, x1)


def plain_tiles(prepared: PreparedScan, network: torch.nn.Module, device: torch.device) -> np.ndarray:
    """Tiles with their margins, one after the other, float32, the network as it was trained."""
    box = searched_box(prepared)
    network = network.to(device)
    scores = np.full(prepared.search[:, ::2, ::2].shape, -np.inf, dtype=np.float32)
    starts = [range(part.start, part.stop, size) for part, size in zip(box, TILE_ZYX, strict=True)]
    with torch.inference_mode():
        for z in starts[0]:
            for y in starts[1]:
                for x in starts[2]:
                    size = [min(n, part.stop - a) for n, part, a in zip(TILE_ZYX, box, (z, y, x), strict=True)]
                    voxels = prepared.box(
                        (z - 4, 2 * y - 14, 2 * x - 14), (size[0] + 9, 2 * size[1] + 28, 2 * size[2] + 28)
                    )
                    logits = network(torch.from_numpy(voxels)[None, None].to(device))[0]
                    tile = (logits[1] - logits[0]).cpu().numpy()
                    scores[z : z + size[0], y : y + size[1], x : x + size[2]] = tile
    return scores


def share_of_tiles_with_lungs(prepared: PreparedScan) -> float:
    """Of the plain loop's tiles: what it could have left out."""
    search = prepared.search[:, ::2, ::2]
    box = searched_box(prepared)
    starts = [range(part.start, part.stop, size) for part, size in zip(box, TILE_ZYX, strict=True)]
    hits = [
        search[z : z + TILE_ZYX[0], y : y + TILE_ZYX[1], x : x + TILE_ZYX[2]].any()
        for z in starts[0]
        for y in starts[1]
        for x in starts[2]
    ]
    return sum(hits) / len(hits)


def monai_inferer() -> Callable | None:
    """MONAI's sliding-window inferer at its default overlap; None where MONAI is not installed."""
    try:
        from monai.inferers import SlidingWindowInferer
    except ImportError:
        return None
    return SlidingWindowInferer(roi_size=ROI_ZYX, sw_batch_size=1)


def monai_scores(
    prepared: PreparedScan, network: torch.nn.Module, device: torch.device, inferer: Callable
) -> np.ndarray:
    """By MONAI. A window's scores are put where they belong on its grid of (40, 56, 56), with weight 1; the rest has weight
    0. MONAI averages both over all windows; their ratio is the score."""
    box = searched_box(prepared)
    network = network.to(device)
    start = (box[0].start - 4, 2 * box[1].start - 14, 2 * box[2].start - 14)
    sizes = [part.stop - part.start for part in box]
    size = (sizes[0] + 9, 2 * sizes[1] + 28, 2 * sizes[2] + 28)
    size = tuple(max(n, roi) for n, roi in zip(size, ROI_ZYX, strict=True))

    def predict(window: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        logits = network(window)
        placed = window.new_zeros((len(window), 1, ROI_ZYX[0], ROI_ZYX[1] // 2, ROI_ZYX[2] // 2))
        weight = torch.zeros_like(placed)
        inner = (..., slice(4, 35), slice(7, 49), slice(7, 49))
        placed[inner] = logits[:, 1:] - logits[:, :1]
        weight[inner] = 1
        return placed, weight

    with torch.inference_mode():
        voxels = torch.from_numpy(prepared.box(start, size))[None, None].to(device)
        placed, weight = inferer(voxels, predict)
        ratio = (placed / weight)[0, 0, 4:, 7:, 7:].cpu().numpy()
    scores = np.full(prepared.search[:, ::2, ::2].shape, -np.inf, dtype=np.float32)
    scores[box] = ratio[: sizes[0], : sizes[1], : sizes[2]]
    return scores


def windows(size_zyx: tuple[int, ...]) -> int:
    """How many MONAI runs for so many voxels."""
    return math.prod(
        max(0, math.ceil((n - roi) / stride)) + 1 for n, roi, stride in zip(size_zyx, ROI_ZYX, STRIDE_ZYX, strict=True)
    )


def box_windows(prepared: PreparedScan) -> int:
    z, y, x = (part.stop - part.start for part in searched_box(prepared))
    return windows((z + 9, 2 * y + 28, 2 * x + 28))
