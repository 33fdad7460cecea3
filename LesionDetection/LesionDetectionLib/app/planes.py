"""Slices of an image as a radiologist hangs them, with the way from a place in the patient to a pixel.

The patient's right is on the left, anterior is up in axial slices, superior is up in the others, and sagittal slices
look from the patient's left (anterior on the left). An oblique image is cut along its own axes; the letters at the edges
then name two directions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from LesionDetectionLib.core.image import FloatArray, Geometry
from LesionDetectionLib.io.display import Window

Pixels = npt.NDArray[np.uint8]
"""[height, width, 3] red, green, blue."""

AXIAL, CORONAL, SAGITTAL = "axial", "coronal", "sagittal"
_AXES = {AXIAL: (0, 1, 2), CORONAL: (0, 2, 1), SAGITTAL: (1, 2, 0)}
"""For each plane the ijk axis that runs to the right, the one that runs down (or up), and the one across."""
_LETTERS = (("R", "L"), ("A", "P"), ("S", "I"))
_SECOND_LETTER = 0.34
"""A second letter names a direction that an edge also has if its cosine passes this (20 degrees)."""


@dataclass(frozen=True)
class View:
    """A plane of an image in axial order, drawn into a square or rectangle.

    Attributes:
        plane: ``AXIAL``, ``CORONAL`` or ``SAGITTAL``.
        geometry: of the image in axial order.
        center_ijk: voxel position (continuous) that the middle of the picture shows; its part across the plane, rounded,
            is the slice.
        size: width and height in pixels.
        pixels_per_mm: scale, the same in both directions.
    """

    plane: str
    geometry: Geometry
    center_ijk: tuple[float, float, float]
    size: tuple[int, int]
    pixels_per_mm: float

    @property
    def slice_index(self) -> int:
        across = _AXES[self.plane][2]
        last = self.geometry.shape_kji[2 - across] - 1
        return int(min(max(round(self.center_ijk[across]), 0), last))

    def slice_of(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The slice, [down or up, right], of an array in axial order, [k, j, i]."""
        across = _AXES[self.plane][2]
        return np.asarray(np.take(array, self.slice_index, axis=2 - across))

    def matrix(self) -> FloatArray:
        """[2, 3] (column, row, 1) of the slice -> (x, y) of the picture, pixel centres at whole numbers."""
        right, vertical, _ = _AXES[self.plane]
        scale_x = self.geometry.spacing_mm[right] * self.pixels_per_mm
        scale_y = self.geometry.spacing_mm[vertical] * self.pixels_per_mm
        if vertical == 2:  # k runs to superior, which is up, and rows run down
            scale_y = -scale_y
        x0 = (self.size[0] - 1) / 2 - scale_x * self.center_ijk[right]
        y0 = (self.size[1] - 1) / 2 - scale_y * self.center_ijk[vertical]
        return np.array([[scale_x, 0, x0], [0, scale_y, y0]])

    def gray(self, values: npt.NDArray[Any], window: Window) -> Pixels:
        """A slice, [down or up, right], as grey pixels; black where it has no voxels."""
        finite = np.nan_to_num(
            np.asarray(values, dtype=np.float32), nan=window.low, posinf=window.high, neginf=window.low
        )
        shown = (np.clip(finite, window.low, window.high) - window.low) * (255 / (window.high - window.low))
        if window.inverted:
            shown = 255 - shown
        matrix = self.matrix()
        flat = cv2.warpAffine(shown, matrix, self.size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        # The image ends at its outer voxels' edges, half a voxel beyond their centres; nothing is blended into the black.
        for axis, (length, count) in enumerate(zip(self.size, shown.shape[::-1], strict=True)):
            index = (np.arange(length) - matrix[axis, 2]) / matrix[axis, axis]
            outside = (index < -0.5) | (index >= count - 0.5)
            flat[(slice(None), outside) if axis == 0 else (outside, slice(None))] = 0
        return np.repeat(np.clip(flat, 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)

    def outlines(self, mask: npt.NDArray[np.bool_]) -> list[npt.NDArray[np.int32]]:
        """Outlines, each [N, 1, 2] pixels (x, y), of a mask's slice: half way between its voxels and the others."""
        padded = np.pad(np.asarray(mask, dtype=np.float32), 1)
        shift = self.matrix()
        shift[:, 2] -= shift[:, :2].sum(axis=1)  # the padding moved every voxel by one
        smooth = cv2.warpAffine(padded, shift, self.size, flags=cv2.INTER_LINEAR)
        contours, _ = cv2.findContours((smooth > 0.5).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        return [np.asarray(contour, dtype=np.int32) for contour in contours]

    def pixels_of_ras(self, ras_mm: npt.ArrayLike) -> FloatArray:
        """Pixels (x, y), [..., 2], of positions in RAS mm, [..., 3], seen along the axis across the plane."""
        right, vertical, _ = _AXES[self.plane]
        ijk = self.geometry.ijk_from_ras(ras_mm)
        matrix = self.matrix()
        return np.asarray(ijk[..., [right, vertical]] @ matrix[:, :2].T + matrix[:, 2])

    def distance_mm(self, ras_mm: npt.ArrayLike) -> float:
        """How far a position in RAS mm, [3], lies before or behind the slice."""
        across = _AXES[self.plane][2]
        steps = self.geometry.ijk_from_ras(ras_mm)[across] - self.slice_index
        return abs(float(steps)) * self.geometry.spacing_mm[across]

    def edge_letters(self) -> tuple[str, str, str, str]:
        """Where the patient lies beyond the left, right, top and bottom edge: ``("R", "L", "A", "P")``."""
        right, vertical, _ = _AXES[self.plane]
        directions = self.geometry.ijk_to_ras[:3, :3] / np.array(self.geometry.spacing_mm)
        to_right, down = directions[:, right], directions[:, vertical] * (-1 if vertical == 2 else 1)
        return (
            direction_letters(-to_right),
            direction_letters(to_right),
            direction_letters(-down),
            direction_letters(down),
        )


def direction_letters(direction: FloatArray) -> str:
    """One or two letters for a unit vector in RAS, the stronger part first: ``R``, ``AS``."""
    order = np.argsort(-np.abs(direction))
    named = [axis for rank, axis in enumerate(order) if rank == 0 or abs(direction[axis]) > _SECOND_LETTER][:2]
    return "".join(_LETTERS[axis][0 if direction[axis] > 0 else 1] for axis in named)
