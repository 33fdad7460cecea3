"""A CT on a coarse grid, with what the search for the liver asks of each place: soft tissue, depth, left or right, lungs.

The whole search works on voxels of about 4 mm: averaging over them takes the noise of thin slices away, and the liver is large.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from LesionDetectionLib.core.image import FloatArray, Geometry, Image

from .geometry import resample

BoolArray = npt.NDArray[np.bool_]
Float32 = npt.NDArray[np.float32]

GRID_MM = 4.0
_BODY_ABOVE_HU = -300.0
SOFT_HU = (0.0, 190.0)
"""Soft tissue lies between these once averaged: fat, gas and lung below, bone and bowel contrast above."""
_BLUR_MM = 3.0
_SKIN_MM = 8.0
"""What lies less deep below the skin is no organ."""
_AIR_HU = -500.0
_LUNG_MEAN_HU = (-930.0, -650.0)
"""Gas in the bowel is darker, stool brighter."""
_LEAST_LUNG_ML = 300.0
_LUNG_BELOW_MM = 30.0
_REACH_MM = 30.0
"""Beyond its first and last slices a scan is taken to go on as it ends, this far, where depths are measured."""
_CROSS = ndimage.generate_binary_structure(2, 1)[None]


@dataclass(frozen=True, eq=False)
class Scene:
    """A coarse CT in axial order; all arrays are [k, j, i], or broadcast to that.

    Attributes:
        geometry: of the coarse grid.
        hu: as averaged.
        smooth_hu: within soft tissue, smoothed over it alone, so that its rim keeps its values.
        body: without the table, its holes (lungs) filled.
        soft: soft tissue, not directly below the skin, that may be an organ of the belly.
        free: what a lesion's or vessel's place may be: no lung, fat, gas or bone.
        right: [k, 1, i] place across the body: 1 on the patient's right, 0 in the middle, -1 on the left.
        back: [k, j, 1] place from front (0) to back (1).
        middle: [k] column of the middle.
        width_mm: [k] of the body.
    """

    geometry: Geometry
    hu: Float32
    smooth_hu: Float32
    body: BoolArray
    soft: BoolArray
    free: BoolArray
    right: Float32
    back: Float32
    middle: FloatArray
    width_mm: FloatArray

    @classmethod
    def of(cls, image: Image) -> Scene | None:
        """The scene of a CT in axial order, cropped to the body; None where there is no body in it."""
        coarse = coarsened(image)
        body = _body(np.asarray(coarse.voxels) > _BODY_ABOVE_HU)
        if body is None:
            return None
        box = ndimage.find_objects(body.astype(np.uint8))[0]
        # All slices stay: the grid then has the image's first and last.
        start, size = (box[2].start, box[1].start, 0), (_length(box[2]), _length(box[1]), len(body))
        coarse, body = coarse.crop(start, size), body[:, box[1], box[2]]
        hu, mm = np.asarray(coarse.voxels, dtype=np.float32), np.array(coarse.spacing_mm[::-1])
        pixel_mm = float(mm[1:].mean())
        deep = np.stack([cv2.distanceTransform(plane, cv2.DIST_L2, 5) for plane in body.astype(np.uint8)]) * pixel_mm
        within = body & (deep > _SKIN_MM) & ~_above_lung(_lungs(hu, body, mm), mm)
        tissue = body & (hu > SOFT_HU[0]) & (hu < SOFT_HU[1])
        right, back, middle, width = _places(body)
        return cls(
            coarse.geometry,
            hu,
            _smooth_within(hu, tissue, mm),
            body,
            tissue & within,
            within & (hu > SOFT_HU[0] - 20) & (hu < SOFT_HU[1] + 30),
            right,
            back,
            middle,
            width * mm[2],
        )

    @property
    def mm(self) -> FloatArray:
        """[3] spacing along k, j, i."""
        return np.array(self.geometry.spacing_mm[::-1])

    def mirrored(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """An array [k, j, i] with the patient's sides exchanged, slice by slice; 0 where nothing lies across."""
        columns = np.rint(2 * self.middle[:, None] - np.arange(array.shape[2])).astype(int)
        inside = (columns >= 0) & (columns < array.shape[2])
        taken = np.take_along_axis(array, np.clip(columns, 0, array.shape[2] - 1)[:, None, :], axis=2)
        return np.asarray(np.where(inside[:, None, :], taken, np.zeros(1, array.dtype)))


def coarsened(image: Image) -> Image:
    """The image on voxels of about :data:`GRID_MM`, averaged; slices that are farther apart stay."""
    i, j, k = image.spacing_mm
    # In plane first: then there is little left to average along k.
    flat = resample(image, (max(GRID_MM, i), max(GRID_MM, j), k))
    return flat if k >= GRID_MM else resample(flat, (*flat.spacing_mm[:2], GRID_MM))


def continued(mask: npt.NDArray[Any], count: int) -> npt.NDArray[Any]:
    """With its first and last slices repeated ``count`` times."""
    return np.pad(mask, ((count, count), (0, 0), (0, 0)), mode="edge")


def depth_mm(mask: BoolArray, mm: FloatArray) -> Float32:
    """Distance to what is outside of a mask; the ends of a scan are no outside, its sides are."""
    count = int(np.ceil(_REACH_MM / mm[0]))
    padded = np.pad(continued(mask, count), ((0, 0), (1, 1), (1, 1)))
    deep = ndimage.distance_transform_edt(padded, sampling=mm)
    return np.asarray(deep[count : len(deep) - count, 1:-1, 1:-1], dtype=np.float32)


def grown(mask: BoolArray, mm: FloatArray, radius_mm: float) -> BoolArray:
    """A mask with all that lies within ``radius_mm`` of it."""
    if not mask.any():
        return mask
    return np.asarray(ndimage.distance_transform_edt(~mask, sampling=mm) <= radius_mm)


def _length(part: slice) -> int:
    return int(part.stop - part.start)


def _body(above: BoolArray) -> BoolArray | None:
    labels, count = ndimage.label(ndimage.binary_opening(above, _CROSS))
    if count == 0:
        return None
    body = labels == np.bincount(labels.ravel())[1:].argmax() + 1
    return np.stack([ndimage.binary_fill_holes(plane) for plane in body])


def _smooth_within(hu: Float32, tissue: BoolArray, mm: FloatArray) -> Float32:
    share = ndimage.gaussian_filter(tissue.astype(np.float32), _BLUR_MM / mm)
    values = ndimage.gaussian_filter(np.where(tissue, hu, np.float32(0)), _BLUR_MM / mm)
    return np.where(tissue, values / np.maximum(share, np.float32(1e-3)), hu).astype(np.float32)


def _lungs(hu: Float32, body: BoolArray, mm: FloatArray) -> BoolArray:
    """Large regions of aerated lung; crude, as it only serves to say what has lung below it."""
    labels, count = ndimage.label(body & (hu < _AIR_HU))
    if count == 0:
        return np.zeros(body.shape, dtype=bool)
    voxels = np.bincount(labels.ravel(), minlength=count + 1)
    mean = np.bincount(labels.ravel(), weights=hu.ravel(), minlength=count + 1) / np.maximum(voxels, 1)
    lung = (voxels * mm.prod() / 1000 >= _LEAST_LUNG_ML) & (mean > _LUNG_MEAN_HU[0]) & (mean < _LUNG_MEAN_HU[1])
    lung[0] = False
    return np.asarray(lung[labels])


def _above_lung(lung: BoolArray, mm: FloatArray) -> BoolArray:
    """What has lung below it: heart and consolidated lung may, the liver does not."""
    below = np.zeros(lung.shape, dtype=bool)
    below[1:] = np.cumsum(lung, axis=0)[:-1] * mm[0] > _LUNG_BELOW_MM
    return below


def _places(body: BoolArray) -> tuple[Float32, Float32, FloatArray, FloatArray]:
    """``right``, ``back``, ``middle`` and the width in voxels of :class:`Scene`."""
    first_i, last_i = _ends(np.asarray(body.any(axis=1)))
    first_j, last_j = _ends(np.asarray(body.any(axis=2)))
    middle, width = (first_i + last_i) / 2, last_i - first_i + 1.0
    columns, rows = np.arange(body.shape[2]), np.arange(body.shape[1])
    right = (middle[:, None] - columns) / (width[:, None] / 2)
    back = (rows - first_j[:, None]) / np.maximum(last_j - first_j, 1)[:, None]
    return right[:, None, :].astype(np.float32), back[:, :, None].astype(np.float32), middle, width


def _ends(lines: BoolArray) -> tuple[FloatArray, FloatArray]:
    """First and last filled place of each line, [k, n]; those of the whole line where it is empty."""
    filled = lines | ~lines.any(axis=1, keepdims=True)
    first = filled.argmax(axis=1)
    last = lines.shape[1] - 1 - filled[:, ::-1].argmax(axis=1)
    return first.astype(np.float64), last.astype(np.float64)
