"""The plain way through a slice, patch by patch: what training uses, and what the dense engine is tested against."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..device import full_precision
from .network import CENTER_ZYX, PATCH_ZYX, PatchNetwork, similarity

FloatArray = npt.NDArray[np.float32]
Places = npt.NDArray[np.integer]

PAD = 0.0
"""What a patch sees beyond the slice's edges: air."""


def patches_at(stack: FloatArray, places: Places) -> Tensor:
    """The patches [n, 5, 75, 75] around pixels of the middle slice.

    Args:
        stack: [5, y, x], values in [0, 1].
        places: [n, 2], row and column of each patch's middle, inside the slice; what a patch sees outside is ``PAD``.
    """
    depth, height, width = stack.shape
    if depth != PATCH_ZYX[0]:
        raise ValueError(f"a stack has {PATCH_ZYX[0]} slices, not {depth}")
    if places.ndim != 2 or places.shape[1] != 2:
        raise ValueError(f"places are pairs of row and column, not an array of shape {places.shape}")
    if np.any(places < 0) or np.any(places >= (height, width)):
        raise ValueError(f"there are places outside a slice of {height} x {width} pixels")
    patches = np.full((len(places), *PATCH_ZYX), PAD, dtype=np.float32)
    for patch, (row, column) in zip(patches, places.tolist(), strict=True):
        top, left = row - CENTER_ZYX[1], column - CENTER_ZYX[2]
        y0, y1 = max(0, top), min(height, top + PATCH_ZYX[1])
        x0, x1 = max(0, left), min(width, left + PATCH_ZYX[2])
        patch[:, y0 - top : y1 - top, x0 - left : x1 - left] = stack[:, y0:y1, x0:x1]
    return torch.from_numpy(patches)


def patch_by_patch(
    network: PatchNetwork, stack: FloatArray, places: Places | None = None, batch: int = 256
) -> FloatArray:
    """Lesion similarity [n] at ``places`` [n, 2], or [y, x] at every pixel of the slice; on the device that the network is on.

    Args:
        stack: [5, y, x], values in [0, 1].
        batch: patches that go through the network together.
    """
    shape = stack.shape[1:]
    wanted: Places = np.argwhere(np.ones(shape, dtype=bool)) if places is None else places
    device = network.fc3.weight.device
    found = np.empty(len(wanted), dtype=np.float32)
    was_training = network.training
    network.eval()
    try:
        with torch.inference_mode(), full_precision(device):
            for start in range(0, len(wanted), batch):
                some = patches_at(stack, wanted[start : start + batch]).to(device)
                found[start : start + batch] = similarity(network(some)).cpu().numpy()
    finally:
        network.train(was_training)
    return found.reshape(shape) if places is None else found
