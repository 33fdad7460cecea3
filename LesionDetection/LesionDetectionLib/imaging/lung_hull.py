"""Keeping the chest wall out of a lung nodule: the convex hull of the aerated lung nearby.

Seen from the lung, the chest wall is concave: within a few centimetres the lung *with* a nodule that sits on the wall is
convex, so that the hull of its air takes in the nodule and leaves out the wall (Kuhnigk et al., IEEE TMI 25 (2006)
417-434, section III-D). At the mediastinum and the diaphragm the hull takes in too much, and the surface alone decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from scipy import ndimage

FloatArray = npt.NDArray[np.floating[Any]]

_LARGEST_PITCH_MM, _PITCH_SHARE = 1.6, 0.2
"""The hull is taken on every n-th voxel, at most this far apart and at most this share of the nodule's radius."""


@dataclass(frozen=True, eq=False)
class LungHull:
    """Slice-wise convex hull of air on a thinned grid.

    Attributes:
        voxels: [k, j, i] uint8; 1 inside.
        start_ijk: image index of its first voxel.
        stride_ijk: image voxels a step.
    """

    voxels: npt.NDArray[np.uint8]
    start_ijk: npt.NDArray[np.int_]
    stride_ijk: npt.NDArray[np.int_]

    @classmethod
    def of(
        cls,
        voxels: npt.NDArray[Any],
        box: tuple[slice, slice, slice],
        spacing_mm: FloatArray,
        air_below: float,
        radius_mm: float,
        seed_ijk: FloatArray,
    ) -> LungHull | None:
        """The hull of the largest connected air in ``box`` of an axial-order image; None where it leaves out the seed."""
        pitch_mm = min(_LARGEST_PITCH_MM, _PITCH_SHARE * radius_mm)
        stride = np.maximum(1, np.floor(pitch_mm / spacing_mm).astype(int))
        air = voxels[box][:: stride[2], :: stride[1], :: stride[0]] < air_below
        labels, count = ndimage.label(air)
        if count == 0:
            return None
        # The largest part only: air outside the body is beyond the wall that is to be kept out.
        air = labels == np.bincount(labels.ravel())[1:].argmax() + 1
        out = np.zeros(air.shape, np.uint8)
        for plane, hull in zip(air, out, strict=True):
            rows = np.flatnonzero(plane.any(axis=1))
            if len(rows) > 1:
                # The first and last air voxel of each row have the hull of all, fifty times sooner.
                first, last = plane[rows].argmax(axis=1), plane.shape[1] - 1 - plane[rows, ::-1].argmax(axis=1)
                points = np.column_stack([np.concatenate([first, last]), np.concatenate([rows, rows])])
                cv2.fillConvexPoly(hull, cv2.convexHull(points.astype(np.int32)), 1)
        found = cls(out, np.array([part.start for part in box[::-1]]), stride)
        return found if found.contains(seed_ijk[None])[0] else None

    def contains(self, ijk: FloatArray) -> npt.NDArray[np.bool_]:
        """Whether continuous image indices (i, j, k), [..., 3], lie in the hull: [...]."""
        coordinates = np.moveaxis(((ijk - self.start_ijk) / self.stride_ijk)[..., ::-1], -1, 0)
        inside = ndimage.map_coordinates(self.voxels, coordinates, output=np.float32, order=1, mode="nearest")
        return np.asarray(inside > 0.5)
