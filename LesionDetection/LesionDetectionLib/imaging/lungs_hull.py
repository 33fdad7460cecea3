"""The convex hull of the lungs, slice by slice: where lung lesions are looked for that sit on the wall or the mediastinum.

A threshold for lung tissue leaves out what is as dense as the wall it sits on; the convex hull of each axial section takes
it back in ("as tumours may be associated with the lung wall or mediastinum", high-uptake-ct, section 4.2, on LUNGCX). It
takes in more than that: see :func:`lungs_hull`. Where the lungs begin and end: :func:`between_base_and_apex`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from .ball_growth import grown_by_ball
from .lungs import LungMask

BoolArray = npt.NDArray[np.bool_]

_SPLIT_GRID_MM = 5.0
"""Right and left are told apart on every n-th voxel, about this far apart."""
_LEAST_SHARE = 0.12
"""Of both lungs' volume: a smaller part is a piece of one of them."""
_BESIDE = 0.7
"""Centres of right and left lung lie farther apart, left to right, than this share of their mean width (about 1.2 in
patients); the pieces of one lung do not (about 0.2)."""
_NARROWEST_MM = 4.0
_WIDEST_MM = 25.0
"""Where the lungs touch (junction lines, a main bronchus) the bridge is taken to be thinner than twice this."""


@dataclass(frozen=True, eq=False)
class LungSides:
    """Both lungs, each [k, j, i] bool on the grid of the mask they come from. ``left`` is empty where only one part was
    found, whose side is then unknown: ``told_apart`` is false and ``right`` holds all."""

    right: BoolArray
    left: BoolArray
    told_apart: bool


def lung_sides(lungs: LungMask) -> LungSides:
    """Which of the lungs' voxels are the right lung's and which the left's, also where the two touch."""
    voxels = lungs.voxels
    unknown = LungSides(voxels.copy(), np.zeros_like(voxels), False)
    if not voxels.any():
        return unknown
    box = _box_of(voxels, [2 * _SPLIT_GRID_MM / mm for mm in lungs.geometry.spacing_mm[::-1]])
    inside, spacing = voxels[box], lungs.geometry.spacing_mm
    steps = [max(1, int(_SPLIT_GRID_MM / mm)) for mm in spacing[::-1]]
    coarse = inside[tuple(slice(None, None, step) for step in steps)]
    sampling = [step * mm for step, mm in zip(steps, spacing[::-1], strict=True)]
    seeds = _two_seeds(coarse, sampling)
    if seeds is None:
        return unknown
    one, other = (ndimage.distance_transform_edt(~seed, sampling=sampling) for seed in seeds)
    is_right = one <= other
    for axis, step in enumerate(steps):
        is_right = np.repeat(is_right, step, axis=axis)
    is_right = is_right[tuple(slice(0, n) for n in inside.shape)]
    right, left = np.zeros_like(voxels), np.zeros_like(voxels)
    right[box], left[box] = inside & is_right, inside & ~is_right
    return LungSides(right, left, True)


def lungs_hull(lungs: LungMask, together: bool = False, margin_mm: float = 0.0) -> LungMask:
    """In each axial slice the convex hull of the lungs' section; on the lungs' own grid.

    It takes in tumours on the wall, at the hila and at the mediastinum, and with them, unavoidably, most of the heart's
    left side (the left lung goes around it), the domes of liver and spleen, and whatever else lies between the ends of a
    lung's section.

    Args:
        lungs: in axial order, as :func:`~.lungs.find_lungs` gives it.
        together: one hull around both lungs, with the whole mediastinum, instead of one around each.
        margin_mm: grown so much in every direction, as far as the scan goes.
    """
    sides = lung_sides(lungs)
    hull = _slicewise(lungs.voxels) if together else _slicewise(sides.right) | _slicewise(sides.left)
    return LungMask(_grown(hull, lungs.geometry.spacing_mm, margin_mm), lungs.geometry)


def between_lungs(lungs: LungMask) -> LungMask:
    """In each axial slice what lies between the hulls of both lungs: in that of both together, in that of neither alone.

    Empty where only one lung was found.
    """
    sides = lung_sides(lungs)
    if not sides.told_apart:
        return LungMask(np.zeros_like(lungs.voxels), lungs.geometry)
    both = (
        _slicewise(lungs.voxels)
        & sides.right.any(axis=(1, 2), keepdims=True)
        & sides.left.any(axis=(1, 2), keepdims=True)
    )
    return LungMask(both & ~_slicewise(sides.right) & ~_slicewise(sides.left), lungs.geometry)


def between_base_and_apex(lungs: LungMask, least_share: float) -> LungMask:
    """The lungs without the slices below their base and above their apex; on the same grid.

    Base and apex are where the histogram of a slice has too few voxels of the lungs' Hounsfield units: base and apex are
    the outermost slices, going out from the one with most of them, with at least ``least_share`` of its count. (``lungs``
    holds the voxels with such values, without bowel, airways and outside air, which have them too.) It drops the thin
    sickles of the costophrenic recesses, whose hull is full of liver, spleen and kidneys.
    """
    counts = lungs.voxels.sum(axis=(1, 2))
    kept = np.zeros(len(counts), dtype=bool)
    if counts.any():
        enough = counts >= max(1.0, least_share * float(counts.max()))
        most = int(counts.argmax())
        few_below, few_above = np.flatnonzero(~enough[:most]), np.flatnonzero(~enough[most:])
        first = int(few_below[-1]) + 1 if len(few_below) else 0
        last = most + int(few_above[0]) if len(few_above) else len(counts)
        kept[first:last] = True
    return LungMask(lungs.voxels & kept[:, None, None], lungs.geometry)


def _slicewise(mask: BoolArray) -> BoolArray:
    """The convex hull of each slice's voxels, those on its edge included."""
    out = np.zeros(mask.shape, dtype=np.uint8)
    for plane, hull in zip(mask, out, strict=True):
        rows = np.flatnonzero(plane.any(axis=1))
        if len(rows):
            # The first and last voxel of each row have the hull of all.
            first, last = plane[rows].argmax(axis=1), plane.shape[1] - 1 - plane[rows, ::-1].argmax(axis=1)
            points = np.column_stack([np.concatenate([first, last]), np.concatenate([rows, rows])])
            cv2.fillConvexPoly(hull, cv2.convexHull(points.astype(np.int32)), 1)
    return out.view(bool)


def _grown(mask: BoolArray, spacing_mm: tuple[float, float, float], margin_mm: float) -> BoolArray:
    if margin_mm <= 0 or not mask.any():
        return mask
    box = _box_of(mask, [margin_mm / mm for mm in spacing_mm[::-1]])
    out = np.zeros_like(mask)
    out[box] = grown_by_ball(mask[box], spacing_mm, margin_mm)
    return out


def _box_of(mask: BoolArray, around: Sequence[float]) -> tuple[slice, ...]:
    """The part (k, j, i) that holds the mask and so many voxels around it: the rest of a whole body is not looked at."""
    found = ndimage.find_objects(mask.view(np.uint8))[0]
    return tuple(
        slice(max(0, part.start - int(n) - 1), part.stop + int(n) + 1) for part, n in zip(found, around, strict=True)
    )


def _two_seeds(coarse: BoolArray, sampling: list[float]) -> tuple[BoolArray, BoolArray] | None:
    """A large part of the right and one of the left lung; None where there are no two beside each other."""
    for whole in _eroded(coarse, sampling):
        labels: npt.NDArray[Any]
        labels, count = ndimage.label(whole)
        sizes = np.bincount(labels.ravel(), minlength=count + 1)
        # Of what erosion leaves of both, not of what they were.
        large = [int(n) for n in np.argsort(-sizes[1:]) + 1 if sizes[n] >= _LEAST_SHARE * sizes[1:].sum()]
        for n in large[1:]:
            first, second = labels == large[0], labels == n
            if _beside(first, second):
                return (first, second) if _middle(first) < _middle(second) else (second, first)
    return None


def _eroded(mask: BoolArray, sampling: list[float]) -> Iterator[BoolArray]:
    """The mask, and what is left of it deeper and deeper inside."""
    yield mask
    # What a scan cuts off goes on beyond it.
    padded = np.pad(mask, 1, mode="edge")
    inside = ndimage.distance_transform_edt(padded, sampling=sampling)[1:-1, 1:-1, 1:-1]
    for depth in np.arange(_NARROWEST_MM, _WIDEST_MM, 3.0):
        yield inside > depth


def _beside(one: BoolArray, other: BoolArray) -> bool:
    widths = [float(np.ptp(np.flatnonzero(part.any(axis=(0, 1)))) + 1) for part in (one, other)]
    return abs(_middle(one) - _middle(other)) > _BESIDE * sum(widths) / 2


def _middle(mask: BoolArray) -> float:
    """Mean index along i, which runs to the patient's left."""
    counts = mask.sum(axis=(0, 1))
    return float(np.average(np.arange(len(counts)), weights=counts))
