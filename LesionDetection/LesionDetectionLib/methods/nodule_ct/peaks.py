"""Places of a score volume that are no lower than their 26 neighbours."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
Logits = npt.NDArray[np.float32]
Places = npt.NDArray[np.intp]


def grown(mask: Mask) -> Mask:
    """``mask`` and all 26 neighbours of each of its places."""
    for axis in range(3):
        places = np.moveaxis(mask, axis, 0)
        mask = mask.copy()
        more = np.moveaxis(mask, axis, 0)
        more[1:] |= places[:-1]
        more[:-1] |= places[1:]
    return mask


def peaks(logits: Logits, wanted: Mask, threshold: float, tolerance: float = 0.0) -> Places:
    """Wanted places, [n, 3], that pass the threshold and are no lower than their neighbours, or could be if each logit
    were wrong by ``tolerance``."""
    places = np.argwhere(wanted & (logits >= np.float32(threshold - tolerance)))
    last = np.array(logits.shape) - 1
    for step in itertools.product((-1, 0, 1), repeat=3):
        # At a border the neighbour outside is replaced by one inside, or by the place itself.
        beside = np.clip(places + step, 0, last)
        lowest = logits[tuple(beside.T)] - np.float32(2 * tolerance)
        places = places[logits[tuple(places.T)] >= lowest]
    return places
