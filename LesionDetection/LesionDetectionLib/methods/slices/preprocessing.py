"""From a scan to what the network sees: three slices in one window, resized; and back to the slice's pixels.

Detection and training both go this way, so that a model sees in a scan what it learned from.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from LesionDetectionLib.core.image import Image

from ..intensities import scaled
from .settings import Seen

FloatArray = npt.NDArray[np.float64]
Planes = npt.NDArray[np.float32]

OUTSIDE = -1.0
"""Of the input, where there is no slice: air."""
_ON_SLICE = 1e-3
"""Shares of a slice that are nothing: 2 mm are two slices of 0.9999 mm."""


@dataclass(frozen=True)
class Placing:
    """Where a slice lies in the input: at its upper left corner.

    Attributes:
        slice_yx: rows and columns of the slice.
        input_yx: those of the input that it fills.
    """

    slice_yx: tuple[int, int]
    input_yx: tuple[int, int]

    @classmethod
    def of(cls, slice_yx: tuple[int, int], size_px: int) -> Placing:
        """The longer side is brought to ``size_px``, the other one by the same factor."""
        factor = size_px / max(slice_yx)
        y, x = (max(1, round(n * factor)) for n in slice_yx)
        return cls(slice_yx, (y, x))

    @property
    def scale_xy(self) -> tuple[float, float]:
        """Pixels of the input to one of the slice, along x and y: the same but for rounding to whole pixels."""
        return self.input_yx[1] / self.slice_yx[1], self.input_yx[0] / self.slice_yx[0]

    def to_input(self, boxes: npt.ArrayLike) -> FloatArray:
        """[n, 4] edges in pixels of the slice -> pixels of the input."""
        return np.asarray(boxes, dtype=np.float64).reshape(-1, 4) * (self.scale_xy * 2)

    def to_slice(self, boxes: npt.ArrayLike) -> FloatArray:
        """[n, 4] edges in pixels of the input -> pixels of the slice."""
        return np.asarray(boxes, dtype=np.float64).reshape(-1, 4) / (self.scale_xy * 2)

    def resized(self, plane: npt.NDArray[Any]) -> Planes:
        """A plane of the slice, [y, x], with the pixels of the input; means where it shrinks, linear where it grows.

        A mask becomes shares of pixels: those of one half and more belong to it.
        """
        plane = np.ascontiguousarray(plane, dtype=np.float32)
        if plane.shape == self.input_yx:
            return plane
        import cv2  # late: Slicer may not have it yet when a panel is opened

        way = cv2.INTER_AREA if max(self.input_yx) < max(self.slice_yx) else cv2.INTER_LINEAR
        return np.asarray(cv2.resize(plane, self.input_yx[::-1], interpolation=way), dtype=np.float32)


def planes_at(axial: Image, k: int, distance_mm: float) -> Planes:
    """Slice ``k`` and what lies ``distance_mm`` below and above it.

    Interpolated between two slices where it lies between them; where one of these is not there, slice ``k`` once more
    (section 3.1).

    Args:
        axial: in axial order, as :func:`~LesionDetectionLib.imaging.geometry.to_axial` gives it.

    Returns:
        [3, y, x] in Hounsfield units: the one to the patient's feet, slice ``k``, the one to the head.
    """
    step = distance_mm / axial.spacing_mm[2]
    return np.stack([_plane(axial.voxels, k, k + offset) for offset in (-step, 0.0, step)])


def _plane(voxels: npt.NDArray[Any], key: int, position: float) -> Planes:
    low = math.floor(position + _ON_SLICE)
    share = position - low
    if abs(share) <= _ON_SLICE:
        index = low if 0 <= low < len(voxels) else key
        return np.asarray(voxels[index], dtype=np.float32)
    if low < 0 or low + 1 >= len(voxels):
        return np.asarray(voxels[key], dtype=np.float32)
    below, above = (np.asarray(voxels[n], dtype=np.float32) for n in (low, low + 1))
    return below + np.float32(share) * (above - below)


def network_input(planes_hu: npt.NDArray[Any], seen: Seen) -> tuple[Planes, Placing]:
    """What the network sees of three planes, and where in it they lie.

    Args:
        planes_hu: [3, y, x] in Hounsfield units, any size.

    Returns:
        [3, size_px, size_px] in [-1, 1].
    """
    placing = Placing.of((planes_hu.shape[1], planes_hu.shape[2]), seen.size_px)
    out = np.full((len(planes_hu), seen.size_px, seen.size_px), OUTSIDE, dtype=np.float32)
    y, x = placing.input_yx
    for plane, target in zip(planes_hu, out, strict=True):
        # Clipped first: metal of 20,000 HU would shine into its neighbours.
        target[:y, :x] = 2 * placing.resized(scaled(plane, seen.window_hu)) - 1
    return out, placing
