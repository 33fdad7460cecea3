"""Which candidates the second network takes together, and whether its trunk is computed once for all of their patches."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from torch import nn

from ..convolution.route import products
from .network import ReductionResNet
from .trunk import BLOCK_ZYX, Places, union

Group = npt.NDArray[np.intp]
"""Indices of candidates."""

MOST = 24
"""Candidates of a group. The more, the less is computed twice, and the fewer threads can share the work: of 100 candidates of a
chest 24 take 3 % longer than 48 do and keep 7 threads busy (nodule_ct_screening.md)."""
OF_A_PATCH = (22 * 28 * 28, 20 * 24 * 24, 18 * 20 * 20)
"""Places of the layers C1 (pooled) to C3 in a patch of 24 x 60 x 60 voxels."""
MARGINS = 2.4
"""How much longer the streamed trunk takes than its operations for the union say: columns reach beyond it, at chunks' ends
slices do, and all is cut out and put back. Measured at 16, 32 and 64 channels: 1.9 to 2.2 in one thread with AVX-512, up to 3.0
in two whose machine is busy with other programs."""


def groups_of(places: Places) -> list[Group]:
    """All candidates, in groups of at most ``MOST`` that lie together. ``places``: [n, 3], in features (z, y, x)."""
    waiting, done = [np.arange(len(places))], []
    while waiting:
        group = waiting.pop()
        if len(group) > MOST:
            waiting += halves(places, group)
        elif len(group):
            done.append(group)
    return done


def halves(places: Places, group: Group) -> list[Group]:
    """Two parts of two candidates or more: apart along the longest axis, at the widest gap of the middle half."""
    axis = int(np.argmax(np.ptp(places[group], axis=0)))
    order = group[np.argsort(places[group, axis], kind="stable")]
    aside = len(order) // 4
    gaps = np.diff(places[order, axis])[aside : len(order) - 1 - aside]
    middle = aside + int(np.argmax(gaps)) + 1
    return [order[:middle], order[middle:]]


def streaming_pays(network: ReductionResNet, places: Places) -> bool:
    """Whether the trunk has less to do streamed through the union of the patches than through one after the other.

    A rule and no measurement, so that results are the same in every run.

    Args:
        places: [n, 3], where a group's blocks of features begin, (z, y, x) in features.
    """
    first, *others = (layer.weight for layer in network.trunk.modules() if isinstance(layer, nn.Conv3d))
    pooled = 4 * first.numel() * OF_A_PATCH[0]
    patch = pooled + sum(weight.numel() * n for weight, n in zip(others, OF_A_PATCH[1:], strict=True))
    streamed = pooled + sum(products(weight) * n for weight, n in zip(others, OF_A_PATCH[1:], strict=True))
    share = np.count_nonzero(union(places - places.min(axis=0))) / (len(places) * math.prod(BLOCK_ZYX))
    return bool(MARGINS * share * streamed < patch)
