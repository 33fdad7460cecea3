"""SUVpeak: the highest mean in a sphere of 1 mL, which noise moves less than the highest voxel."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

SPHERE_MM3 = 1000.0
"""Wahl et al. 2009 (PERCIST 1.0): a sphere of about 1.2 cm, 1 mL."""
_PARTS = 5
"""A voxel on the sphere's border counts by how many of 5 x 5 x 5 points in it lie inside."""


def suv_peak(
    suv: npt.NDArray[Any], voxels: npt.NDArray[np.bool_], start_kji: Sequence[int], spacing_mm: Sequence[float]
) -> float:
    """The highest mean of spheres of 1 mL around each voxel of a lesion.

    A sphere may reach out of the lesion, as it does where that is smaller; beyond the image's edge its outermost voxels go
    on.

    Args:
        suv: [k, j, i], the whole image.
        voxels: [k, j, i] bool, a box of it.
        start_kji: where the box begins.
        spacing_mm: (i, j, k), of orthogonal axes.
    """
    places = np.argwhere(voxels) + np.asarray(start_kji)
    last = np.array(suv.shape) - 1
    sums = np.zeros(len(places))
    for step, weight in sphere_weights(tuple(spacing_mm)):
        k, j, i = np.clip(places + step, 0, last).T
        sums += weight * suv[k, j, i]
    return float(sums.max())


@lru_cache(maxsize=8)
def sphere_weights(spacing_mm: tuple[float, ...]) -> tuple[tuple[tuple[int, int, int], float], ...]:
    """The voxels of a sphere of 1 mL around a voxel's centre, as steps (k, j, i), each with its weight; these sum to 1."""
    radius = (3 * SPHERE_MM3 / (4 * math.pi)) ** (1 / 3)
    sides = np.array(spacing_mm[::-1], dtype=float)
    reach = [int(radius / side + 0.5) for side in sides]
    within = (np.arange(_PARTS) + 0.5) / _PARTS - 0.5
    points = np.array(list(product(within, repeat=3)))
    weights = []
    for step in product(*(range(-n, n + 1) for n in reach)):
        share = float((np.linalg.norm((points + step) * sides, axis=1) <= radius).mean())
        if share:
            weights.append((step, share))
    total = sum(share for _, share in weights)
    return tuple(((k, j, i), share / total) for (k, j, i), share in weights)
