"""Findings as voxel masks on one lattice, and the groups of them that can touch."""

from __future__ import annotations

import numpy as np
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.core.lesion import Mask

from .findings import Findings, FloatArray
from .overlap import known_diameters, voxel_boxes

LATTICE = Geometry((1, 1, 1), np.eye(4))
"""Where no image is known: voxels of 1 mm."""


def drawn(findings: Findings, geometry: Geometry | None) -> tuple[Mask, ...]:
    """A mask for each finding: its own, else the voxels whose centres lie in the sphere about its centre, at least one.

    Spheres are not cut at the image's border.
    """
    grid = geometry or LATTICE
    radii = known_diameters(findings) / 2
    masks = findings.masks or (None,) * len(findings)
    return tuple(
        mask if mask is not None else sphere_mask(center, float(radius), grid)
        for mask, center, radius in zip(masks, findings.centers_ras_mm, radii, strict=True)
    )


def sphere_mask(center_ras_mm: FloatArray, radius_mm: float, geometry: Geometry) -> Mask:
    """The voxels of the lattice of ``geometry`` whose centres lie in the sphere; the nearest one where there is none."""
    middle = geometry.ijk_from_ras(center_ras_mm)
    # A sphere of radius r reaches r times the length of a row of ras_to_ijk along that index.
    reach = radius_mm * np.linalg.norm(geometry.ras_to_ijk[:3, :3], axis=1)
    first, last = np.ceil(middle - reach).astype(int), np.floor(middle + reach).astype(int)
    nearest = np.rint(middle).astype(int)
    first, last = np.minimum(first, nearest), np.maximum(last, nearest)
    k, j, i = np.meshgrid(*(np.arange(first[axis], last[axis] + 1) for axis in (2, 1, 0)), indexing="ij")
    apart = geometry.ras_from_ijk(np.stack([i, j, k], axis=-1)) - center_ras_mm
    inside = (apart**2).sum(axis=-1) <= radius_mm**2
    if not inside.any():
        return Mask(np.ones((1, 1, 1), dtype=bool), (int(nearest[0]), int(nearest[1]), int(nearest[2])))
    return Mask(inside, (int(first[0]), int(first[1]), int(first[2])))


def groups_that_touch(masks: tuple[Mask, ...]) -> list[list[int]]:
    """Indices of the masks in groups, such that voxels of two groups are never neighbours, not even by a corner.

    What is asked of connected components can then be asked group by group, in a small array each.
    """
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components

    if not masks:
        return []
    boxes = voxel_boxes(masks)
    low = np.maximum(boxes[:, None, 0], boxes[None, :, 0])
    high = np.minimum(boxes[:, None, 1], boxes[None, :, 1])
    near = (low - high <= 1).all(axis=2)
    count, labels = connected_components(csr_matrix(near), directed=False)
    return [np.flatnonzero(labels == label).tolist() for label in range(count)]


def crop_of(masks: list[Mask]) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """The smallest box around the crops of several masks: its shape (k, j, i) and the index (i, j, k) of its first voxel."""
    boxes = voxel_boxes(tuple(masks)).astype(int)
    first, last = boxes[:, 0].min(axis=0), boxes[:, 1].max(axis=0)
    k, j, i = (int(n) for n in (last - first + 1)[::-1])
    return (k, j, i), (int(first[0]), int(first[1]), int(first[2]))


def moved(mask: Mask, start_ijk: tuple[int, int, int]) -> Mask:
    """The mask as seen from an array that begins at voxel ``start_ijk``."""
    i, j, k = (a - b for a, b in zip(mask.start_ijk, start_ijk, strict=True))
    return Mask(mask.voxels, (i, j, k))
