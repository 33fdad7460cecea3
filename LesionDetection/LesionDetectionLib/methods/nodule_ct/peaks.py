"""Places of a score volume that are no lower than their 26 neighbours."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
Logits = npt.NDArray[np.float32]


def neighbourhood_maximum(logits: Logits) -> Logits:
    """The largest of each place and its neighbours, those that there are; three slides of one axis each."""
    for axis in range(3):
        values = np.moveaxis(logits, axis, 0)
        logits = np.empty_like(logits)
        largest = np.moveaxis(logits, axis, 0)
        largest[...] = values
        np.maximum(largest[1:], values[:-1], out=largest[1:])
        np.maximum(largest[:-1], values[1:], out=largest[:-1])
    return logits


def grown(mask: Mask) -> Mask:
    """``mask`` and all 26 neighbours of each of its places."""
    for axis in range(3):
        places = np.moveaxis(mask, axis, 0)
        mask = mask.copy()
        more = np.moveaxis(mask, axis, 0)
        more[1:] |= places[:-1]
        more[:-1] |= places[1:]
    return mask


def peaks(logits: Logits, wanted: Mask, threshold: float, tolerance: float = 0.0) -> Mask:
    """Wanted places that pass the threshold and their neighbours, or could if each logit were wrong by ``tolerance``."""
    lowest = np.maximum(neighbourhood_maximum(logits) - np.float32(2 * tolerance), np.float32(threshold - tolerance))
    result: Mask = wanted & (logits >= lowest)
    return result
