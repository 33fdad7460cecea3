"""The liver with what lies in it: vessels, cysts, metastases and other lesions of other attenuation, also at its rim."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
from scipy import ndimage

from .liver_parts import Found
from .liver_scene import BoolArray, Scene, continued, depth_mm, grown
from .liver_tissue import closed

_CLOSING_MM = 14.0
_ENCLOSED, _TOUCHING = 0.6, 0.3
"""Of the sides of a lesion at the rim, least shares that are the liver's: of those that are the liver's or no soft tissue, and
of all. A kidney, whose other sides are fat, has less."""
_OPENING_MM = 7.0
"""Radius of the ball that must fit into all of the region: into strands along vessels and bowel it does not."""
_FAT_HU = -100.0
_BRIGHTER_HU = 40.0
_CROSS = ndimage.generate_binary_structure(3, 1)


def filled(scene: Scene, found: Found, mode_hu: float) -> BoolArray:
    """[k, j, i] of ``found.box``: the liver with its vessels and lesions, to its surface."""
    free = scene.free[found.box] & ~found.other
    liver = found.liver | (closed(found.liver, scene.mm, _CLOSING_MM) & free)
    liver = np.stack([ndimage.binary_fill_holes(plane) for plane in liver])
    liver = liver | _enclosed(liver, free)
    return _to_surface(scene, found, liver, mode_hu)


def _enclosed(liver: BoolArray, free: BoolArray) -> BoolArray:
    """Soft tissue in the convex hull of the liver's sections that the liver encloses for the most part: lesions at its rim."""
    rest = continued(_hulls(liver) & free & ~liver, 1)
    rest = ndimage.binary_opening(rest, _CROSS)[1:-1]
    labels, count = ndimage.label(rest)
    touching, bare, sides = (np.zeros(count + 1) for _ in range(3))
    for axis in (1, 2):
        for step in (1, -1):
            beside, by_liver, by_free = (np.roll(array, step, axis) for array in (labels, liver, free))
            side = (labels > 0) & (beside != labels)
            sides += np.bincount(labels[side], minlength=count + 1)
            touching += np.bincount(labels[side & by_liver], minlength=count + 1)
            bare += np.bincount(labels[side & ~by_liver & ~by_free], minlength=count + 1)
    lesion = (touching > 0) & (touching >= _ENCLOSED * (touching + bare)) & (touching >= _TOUCHING * sides)
    return np.asarray(lesion[labels])


def _hulls(liver: BoolArray) -> BoolArray:
    hulls: npt.NDArray[np.uint8] = np.zeros(liver.shape, dtype=np.uint8)
    for plane, hull in zip(liver, hulls, strict=True):
        if plane.any():
            points = np.argwhere(plane)[:, ::-1].astype(np.int32)
            cv2.fillConvexPoly(hull, cv2.convexHull(points), 1)
    return hulls > 0


def _to_surface(scene: Scene, found: Found, liver: BoolArray, mode_hu: float) -> BoolArray:
    """To where the values fall half-way to fat: the outer voxels hold both, and are not of the band."""
    hu = scene.hu[found.box]
    rim = ndimage.binary_dilation(liver, _CROSS) & scene.body[found.box] & ~found.other
    rim &= (hu > (mode_hu + _FAT_HU) / 2) & (hu < mode_hu + _BRIGHTER_HU)
    deep = depth_mm(liver | rim, scene.mm) > _OPENING_MM
    return np.asarray(grown(deep, scene.mm, _OPENING_MM) & (liver | rim))
