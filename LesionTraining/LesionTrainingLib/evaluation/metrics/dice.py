"""Overlap of two masks of one grid: Dice and Jaccard."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .checks import Mask, masks


@dataclass(frozen=True)
class Overlap:
    """How many voxels two masks have, and how many in common.

    Two empty masks agree fully (1, the rule of BraTS); an empty one and one that is not do not agree at all (0).

    Attributes:
        both: voxels in both masks.
        first: voxels in the first one.
        second: voxels in the second one.
    """

    both: int
    first: int
    second: int

    @property
    def dice(self) -> float:
        """2 |A and B| / (|A| + |B|), between 0 and 1. Source: L. R. Dice, Ecology 26 (1945) 297-302."""
        size = self.first + self.second
        return 2 * self.both / size if size else 1.0

    @property
    def jaccard(self) -> float:
        """|A and B| / |A or B|, between 0 and 1: the intersection over union. Source: P. Jaccard, New Phytologist 11
        (1912) 37-50."""
        union = self.first + self.second - self.both
        return self.both / union if union else 1.0


def overlap(first: Mask, second: Mask) -> Overlap:
    """Count the voxels of two masks, [...] each of one shape; everything but 0 is inside.

    Raises:
        InputError: they differ in shape.
    """
    a, b = masks(first, second)
    return Overlap(int(np.count_nonzero(a & b)), int(np.count_nonzero(a)), int(np.count_nonzero(b)))


def dice(first: Mask, second: Mask) -> float:
    """Dice coefficient of two masks; see :class:`Overlap`.

    Raises:
        InputError: they differ in shape.
    """
    return overlap(first, second).dice


def jaccard(first: Mask, second: Mask) -> float:
    """Intersection over union of two masks; see :class:`Overlap`.

    Raises:
        InputError: they differ in shape.
    """
    return overlap(first, second).jaccard
