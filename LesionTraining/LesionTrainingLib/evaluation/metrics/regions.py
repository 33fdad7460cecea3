"""The part of a grid that masks fill: metrics look at it alone, since lesions are small and scans are large."""

from __future__ import annotations

import numpy as np

from .checks import BoolArray

Region = tuple[slice, ...]
"""One slice an array axis."""


def bounding_region(mask: BoolArray) -> Region | None:
    """The smallest region that holds the mask, any number of dimensions; None where the mask is empty."""
    region = list[slice]()
    part = mask
    for axis in range(mask.ndim):
        # Cut axis by axis: after the first one the rest of a large scan is no longer looked at.
        others = tuple(other for other in range(mask.ndim) if other != axis)
        filled = np.flatnonzero(part.any(axis=others))
        if not filled.size:
            return None
        region.append(slice(int(filled[0]), int(filled[-1]) + 1))
        part = part[(slice(None),) * axis + (region[-1],)]
    return tuple(region)


def joint_region(first: BoolArray, second: BoolArray) -> Region | None:
    """The smallest region that holds both masks; None where both are empty."""
    regions = [region for region in (bounding_region(first), bounding_region(second)) if region is not None]
    if not regions:
        return None
    pairs = zip(*regions, strict=True)
    return tuple(slice(min(s.start for s in pair), max(s.stop for s in pair)) for pair in pairs)
