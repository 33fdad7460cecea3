"""Overlap of every pair of two lists: boxes in 2D and 3D, voxel masks, spheres; intersection over union (IoU)."""

from __future__ import annotations

import numpy as np
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.core.lesion import Mask

from .findings import BoolArray, Findings, FloatArray, IntArray

UNKNOWN_DIAMETER_MM = 10.0
"""Taken where no size is known (LUNA16's evaluation script)."""
SPHERE, BOX, MASK = 0, 1, 2
"""How a finding is described, from the least to the most."""


def box_iou(first: FloatArray, second: FloatArray, border: float = 0.0) -> FloatArray:
    """[A, B] intersection over union of boxes, [A, 2, d] and [B, 2, d] lowest and highest corners; NaN boxes overlap none.

    Args:
        border: added to every side's length: 1 where corners are the first and last pixel, as in DeepLesion's script.
    """
    low = np.maximum(first[:, None, 0], second[None, :, 0])
    high = np.minimum(first[:, None, 1], second[None, :, 1])
    shared = np.clip(high - low + border, 0, None).prod(axis=2)
    volumes = [(boxes[:, 1] - boxes[:, 0] + border).prod(axis=1) for boxes in (first, second)]
    return _ratio(shared, volumes[0][:, None] + volumes[1][None] - shared)


def sphere_iou(first: Findings, second: Findings) -> FloatArray:
    """[A, B] intersection over union of spheres about the centres; unknown diameters are ``UNKNOWN_DIAMETER_MM``."""
    a, b = known_diameters(first)[:, None] / 2, known_diameters(second)[None] / 2
    apart = np.linalg.norm(first.centers_ras_mm[:, None] - second.centers_ras_mm[None], axis=2)
    smaller = np.minimum(a, b)
    # The lens of two spheres that cut each other (Weisstein, "Sphere-Sphere Intersection", eq. 16).
    distance = np.where(apart > 0, apart, 1.0)
    lens = np.pi * (a + b - apart) ** 2 * (apart**2 + 2 * apart * (a + b) - 3 * (a - b) ** 2) / (12 * distance)
    shared = np.where(apart >= a + b, 0.0, np.where(apart <= np.abs(a - b), 4 / 3 * np.pi * smaller**3, lens))
    return _ratio(shared, 4 / 3 * np.pi * (a**3 + b**3) - shared)


def mask_iou(first: tuple[Mask | None, ...], second: tuple[Mask | None, ...]) -> FloatArray:
    """[A, B] intersection over union of voxel masks on one grid; 0 where one is None."""
    values = np.zeros((len(first), len(second)))
    counts = [mask.count if mask is not None else 0 for mask in second]
    for a, b in np.argwhere(_near(voxel_boxes(first), voxel_boxes(second))):
        one, other = first[a], second[b]
        if one is not None and other is not None:
            shared = shared_voxels(one, other)
            values[a, b] = shared / (one.count + counts[b] - shared)
    return values


def shared_voxels(first: Mask, second: Mask) -> int:
    """How many voxels both masks, which lie on one grid, have."""
    starts = np.array([first.start_ijk[::-1], second.start_ijk[::-1]])
    stops = starts + np.array([first.voxels.shape, second.voxels.shape])
    low, high = starts.max(axis=0), stops.min(axis=0)
    if (high <= low).any():
        return 0
    parts = [
        mask.voxels[tuple(slice(a, b) for a, b in zip(low - start, high - start, strict=True))]
        for mask, start in zip((first, second), starts, strict=True)
    ]
    return int(np.count_nonzero(parts[0] & parts[1]))


def overlaps(first: Findings, second: Findings, geometry: Geometry | None, most: int) -> tuple[FloatArray, IntArray]:
    """[A, B] intersection over union, each pair by the best description that both have, and which that is.

    Masks, else boxes (a mask has one too), else spheres about the centres.

    Args:
        geometry: the masks' grid; needed where there are masks.
        most: ``MASK``, or ``BOX`` for policies that know boxes only.

    Returns:
        [A, B] values; [A, B] ``SPHERE``, ``BOX`` or ``MASK``.
    """
    kinds = [_described(findings, most) for findings in (first, second)]
    pairs = np.minimum(kinds[0][:, None], kinds[1][None])
    values = np.zeros(pairs.shape)
    if (pairs == SPHERE).any():
        values = np.where(pairs == SPHERE, sphere_iou(first, second), values)
    if (pairs == BOX).any():
        boxes = [boxes_of(findings, geometry) for findings in (first, second)]
        values = np.where(pairs == BOX, box_iou(boxes[0], boxes[1]), values)
    if (pairs == MASK).any():
        values = np.where(pairs == MASK, mask_iou(first.masks, second.masks), values)
    return values, pairs


def known_diameters(findings: Findings) -> FloatArray:
    """[n] diameters in mm, ``UNKNOWN_DIAMETER_MM`` where unknown."""
    return np.where(np.isnan(findings.diameters_mm), UNKNOWN_DIAMETER_MM, findings.diameters_mm)


def boxes_of(findings: Findings, geometry: Geometry | None) -> FloatArray:
    """[n, 2, 3] boxes in RAS mm, outer edges: the finding's own, else its mask's, else the cube around its sphere."""
    radii = known_diameters(findings)[:, None] / 2
    boxes = np.stack([findings.centers_ras_mm - radii, findings.centers_ras_mm + radii], axis=1)
    if findings.masks and geometry is not None:
        edges = voxel_boxes(findings.masks)
        for index, mask in enumerate(findings.masks):
            if mask is not None:
                low, high = edges[index] + np.array([[-0.5], [0.5]])
                corners = np.stack(np.meshgrid(*zip(low, high, strict=True), indexing="ij"), axis=-1).reshape(-1, 3)
                places = geometry.ras_from_ijk(corners)
                boxes[index] = places.min(axis=0), places.max(axis=0)
    if findings.boxes_ras_mm is not None:
        boxes = np.where(np.isnan(findings.boxes_ras_mm), boxes, findings.boxes_ras_mm)
    return boxes


def voxel_boxes(masks: tuple[Mask | None, ...]) -> FloatArray:
    """[n, 2, 3] first and last voxel (i, j, k) of each mask's crop; NaN where there is none."""
    boxes = np.full((len(masks), 2, 3), np.nan)
    for index, mask in enumerate(masks):
        if mask is not None:
            start = np.array(mask.start_ijk)
            boxes[index] = start, start + mask.voxels.shape[::-1] - 1
    return boxes


def _described(findings: Findings, most: int) -> IntArray:
    """[n] the best description of each."""
    kinds = np.full(len(findings), SPHERE, dtype=np.intp)
    if findings.boxes_ras_mm is not None:
        kinds[np.isfinite(findings.boxes_ras_mm).all(axis=(1, 2))] = BOX
    if findings.masks:
        kinds[[mask is not None for mask in findings.masks]] = min(MASK, most)
    return kinds


def _near(first: FloatArray, second: FloatArray) -> BoolArray:
    """[A, B] voxel boxes share a voxel; NaN boxes are near to none."""
    low = np.maximum(first[:, None, 0], second[None, :, 0])
    return np.asarray((low <= np.minimum(first[:, None, 1], second[None, :, 1])).all(axis=2), dtype=bool)


def _ratio(shared: FloatArray, union: FloatArray) -> FloatArray:
    """Shared over union, 0 where that is not a number (no box, or nothing in either)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = shared / union
    return np.nan_to_num(ratio, nan=0.0, posinf=0.0)
