"""How every method is tried: on a scan that is stored otherwise, and cancelled in each of its stages."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
from LesionDetectionLib.core.progress import Progress

WAYS = list(itertools.product(itertools.permutations(range(3)), itertools.product((False, True), repeat=3)))
"""(order of the axes, which of them run the other way): all 48. Of ``WAYS[5::7]`` and ``WAYS[5::9]`` each order and each
flip is among them."""


def stored_otherwise(image, axes, flips):
    """The same scan with its axes in another order and direction."""
    voxels = image.voxels.transpose(axes)[tuple(slice(None, None, -1 if flip else 1) for flip in flips)]
    matrix, start = np.eye(4), np.zeros(3)
    for new_axis, (old_axis, flip) in enumerate(zip(axes, flips, strict=True)):
        column = image.ijk_to_ras[:3, 2 - old_axis]
        matrix[:3, 2 - new_axis] = -column if flip else column
        if flip:
            start[2 - old_axis] = image.voxels.shape[old_axis] - 1
    matrix[:3, 3] = image.geometry.ras_from_ijk(start)
    return dataclasses.replace(image, voxels=voxels, ijk_to_ras=matrix)


class CancelledAt(Progress):
    """Cancels itself when a stage is first reported; never for None. How often each reports depends on its threads."""

    def __init__(self, stage):
        self.texts, self.fractions = [], []
        super().__init__(lambda fraction, text: self.seen(fraction, text, stage))

    def seen(self, fraction, text, stage):
        self.texts.append(text)
        self.fractions.append(fraction)
        if text == stage:
            self.cancel()
