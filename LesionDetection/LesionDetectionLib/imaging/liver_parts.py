"""Which of the tissue with the liver's attenuation is the liver: parts divided at their necks, and those that belong.

Without contrast medium muscle, spleen, heart and stomach have nearly the liver's attenuation and touch it. A watershed on the
depth below the tissue's surface divides them where they are narrow; the part of the right that has no like on the left is the
liver, and parts that are broadly joined to it, lie where a liver may, and have its attenuation are its lobes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from LesionDetectionLib.core.errors import DependencyError
from LesionDetectionLib.core.image import FloatArray

from .liver_scene import BoolArray, Float32, Scene, grown
from .liver_tissue import Tissue

_LINKED_MM = 6.0
"""Tissue less deep than this joins nothing."""
_DEEPEST_MM = 40.0
"""Deeper is no more of a maximum."""
_DIVIDED_MM = 1.5
"""By how much two maxima must rise above the neck between them to be two parts."""
_BLUR_MM = 2.0
_RIGHT, _FRONT = 0.15, 0.36
"""Places, across and from front to back: right of the one the liver's right lobe lies, in front of the other its left one."""
_LEFT = (-0.2, 0.42)
"""Left of and behind these lie stomach and spleen."""
_KIDNEY = (0.45, 0.6)
"""Left of and behind these lies the right kidney."""
_NECK_RIGHT, _NECK_ELSEWHERE, _NECK_KIDNEY = 0.35, 0.55, 0.85
"""Least depth of a neck, as a share of the smaller part's, across which a part belongs, by where it lies."""
_NECK_MM = 9.0
"""Least depth of a neck to a part that does not lie on the right."""
_ALIKE_HU, _ALIKE_ELSEWHERE_HU = 8.0, 5.0
"""By how much the attenuation of a part may differ, on the right or in front and elsewhere; scatter alone makes the left lobe
6 HU brighter or darker."""
_OPENING_MM = 9.0
"""Radius of the ball that must fit into the liver: in vessels, diaphragm, and muscles between ribs it does not."""


@dataclass(frozen=True, eq=False)
class Parts:
    """Parts of a box of the scene.

    Attributes:
        box: where it lies in the scene.
        labels: [k, j, i] of the box; 0 outside, n + 1 for part n.
        depth_mm: [n] greatest.
        right, back: [n] where its middle is; see :class:`~.liver_scene.Scene`.
        hu: [n] median.
        necks: for two parts that touch, n < m, the greatest depth at which they do.
    """

    box: tuple[slice, slice, slice]
    labels: npt.NDArray[np.int32]
    depth_mm: FloatArray
    right: FloatArray
    back: FloatArray
    hu: FloatArray
    necks: dict[tuple[int, int], float]
    weight: FloatArray

    @property
    def main(self) -> int:
        return int(self.weight.argmax())


@dataclass(frozen=True, eq=False)
class Found:
    """The liver's own tissue, not yet rounded.

    Attributes:
        box: of the scene; arrays are [k, j, i] of it.
        liver: its tissue.
        other: tissue of other parts.
        depth_mm: the greatest depth in it.
    """

    box: tuple[slice, slice, slice]
    liver: BoolArray
    other: BoolArray
    depth_mm: float


def liver_parts(scene: Scene, tissue: Tissue) -> Found | None:
    """The liver's tissue; None where nothing is thick enough."""
    parts = _divided(scene, tissue)
    if parts is None:
        return None
    own = np.isin(parts.labels, [n + 1 for n in _belonging(parts)])
    other = (parts.labels > 0) & ~own
    deep = _largest(own & (tissue.depth_mm[parts.box] > _OPENING_MM))
    if deep is None:
        return None
    near = grown(deep, scene.mm, _OPENING_MM + 2.0)
    liver = near & tissue.band[parts.box] & ~other
    return Found(parts.box, liver, other, float(tissue.depth_mm[parts.box][deep].max()))


def _divided(scene: Scene, tissue: Tissue) -> Parts | None:
    labels, count = ndimage.label(tissue.depth_mm > _LINKED_MM)
    if count == 0:
        return None
    weight = np.where(tissue.alone, tissue.depth_mm, np.float32(0)) ** 2
    main = 1 + int(ndimage.sum(weight, labels, np.arange(1, count + 1)).argmax())
    box = _box(labels == main, scene.mm)
    depth = np.where(labels[box] == main, tissue.depth_mm[box], np.float32(0))
    parts, count = _watershed(depth, scene.mm)
    if count == 0:
        return None
    index = np.arange(1, count + 1)
    shape = tissue.band.shape

    def mean(values: Float32) -> FloatArray:
        return np.asarray(ndimage.mean(np.broadcast_to(values, shape)[box], parts, index), dtype=np.float64)

    return Parts(
        box,
        parts,
        np.asarray(ndimage.maximum(depth, parts, index), dtype=np.float64),
        mean(scene.right),
        mean(scene.back),
        np.asarray(ndimage.median(scene.smooth_hu[box], parts, index), dtype=np.float64),
        _necks(parts, depth),
        np.asarray(ndimage.sum(weight[box], parts, index), dtype=np.float64),
    )


def _watershed(depth: Float32, mm: FloatArray) -> tuple[npt.NDArray[np.int32], int]:
    morphology: Any
    segmentation: Any
    try:
        from skimage import morphology, segmentation  # late: Slicer may not have it yet when a panel is opened
    except ImportError as error:
        raise DependencyError("Finding the liver needs scikit-image: pip install scikit-image.") from error
    smooth = np.where(depth > 0, ndimage.gaussian_filter(depth, _BLUR_MM / mm), np.float32(0))
    # In whole tenths: neighbours that differ by rounding are one maximum.
    smooth = np.minimum(smooth, _DEEPEST_MM).round(1)
    tops, count = ndimage.label(morphology.h_maxima(smooth, _DIVIDED_MM), np.ones((3, 3, 3)))
    return np.asarray(segmentation.watershed(-smooth, tops, mask=depth > 0), dtype=np.int32), int(count)


def _necks(labels: npt.NDArray[np.int32], depth: Float32) -> dict[tuple[int, int], float]:
    necks: dict[tuple[int, int], float] = {}
    for axis in range(3):
        low: Any = [slice(None)] * 3
        high: Any = [slice(None)] * 3
        low[axis], high[axis] = slice(None, -1), slice(1, None)
        first, second = labels[tuple(low)], labels[tuple(high)]
        meet = (first != second) & (first > 0) & (second > 0)
        between = np.minimum(depth[tuple(low)][meet], depth[tuple(high)][meet])
        for a, b, deep in zip(first[meet] - 1, second[meet] - 1, between, strict=True):
            pair = (int(min(a, b)), int(max(a, b)))
            necks[pair] = max(necks.get(pair, 0.0), float(deep))
    return necks


def _belonging(parts: Parts) -> set[int]:
    """The main part and all that are joined to it, one by one."""
    belonging, waiting = {parts.main}, [parts.main]
    while waiting:
        one = waiting.pop()
        for pair, neck in parts.necks.items():
            if one not in pair:
                continue
            other = pair[1] if one == pair[0] else pair[0]
            if other not in belonging and _belongs(parts, one, other, neck):
                belonging.add(other)
                waiting.append(other)
    return belonging


def _belongs(parts: Parts, one: int, other: int, neck: float) -> bool:
    right, back = parts.right[other], parts.back[other]
    if right < _LEFT[0] and back > _LEFT[1]:
        return False
    in_the_right = right > _RIGHT and back < 0.75
    joined = neck / min(parts.depth_mm[one], parts.depth_mm[other], _DEEPEST_MM)
    if right < _KIDNEY[0] and back > _KIDNEY[1]:
        least = _NECK_KIDNEY
    else:
        least = _NECK_RIGHT if in_the_right else _NECK_ELSEWHERE
    alike = _ALIKE_HU if in_the_right or back < _FRONT else _ALIKE_ELSEWHERE_HU
    return bool(
        joined >= least and (in_the_right or neck >= _NECK_MM) and abs(parts.hu[other] - parts.hu[parts.main]) < alike
    )


def _largest(mask: BoolArray) -> BoolArray | None:
    labels, count = ndimage.label(mask)
    return None if count == 0 else np.asarray(labels == np.bincount(labels.ravel())[1:].argmax() + 1)


def _box(mask: BoolArray, mm: FloatArray) -> tuple[slice, slice, slice]:
    """About a mask, with room for what opening and closing add."""
    found = ndimage.find_objects(mask.astype(np.uint8))[0]
    room = [int(np.ceil(14.0 / n)) + 1 for n in mm]
    k, j, i = (
        slice(max(0, part.start - n), min(size, part.stop + n))
        for part, n, size in zip(found, room, mask.shape, strict=True)
    )
    return k, j, i
