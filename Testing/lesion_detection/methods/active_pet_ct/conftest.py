"""A patient of ellipsoids in whom everything takes up tracer that does so in patients, on any grids."""

from __future__ import annotations

import numpy as np
from LesionDetectionLib.core.image import CT, HU, PET, SUV_BW, Geometry, Image
from scipy import ndimage

FRAME = {"FrameOfReferenceUID": "1.2.3"}


def grid(spacing_mm, low, high, turn=None):
    """The grid over a box in RAS mm, in axial order; turned about its middle by a rotation matrix."""
    low, high, spacing = (np.array(n, dtype=float) for n in (low, high, spacing_mm))
    size = np.maximum(1, np.round((high - low) / spacing)).astype(int)
    directions = np.diag([-1.0, -1.0, 1.0])
    if turn is not None:
        directions = turn @ directions
    matrix = np.eye(4)
    matrix[:3, :3] = directions * spacing
    matrix[:3, 3] = (low + high) / 2 - matrix[:3, :3] @ ((size - 1) / 2)
    return Geometry(tuple(int(n) for n in size[::-1]), matrix)


class Patient:
    """Ellipsoids (centre and diameters in RAS mm) of Hounsfield units and SUV, painted over one another.

    The left lung goes around the heart, whose muscle takes up tracer; liver and spleen bulge into the lungs' bases, with the
    kidneys behind them as high as the recesses; brain and bladder are the hottest of all.
    """

    def __init__(self):
        self.parts = [
            ((0, 0, 0), (360, 250, 1e4), 20, 0.7),  # body
            ((0, 20, 90), (80, 130, 230), 40, 1.6),  # mediastinum
            ((0, -5, 150), (18, 18, 120), -1000, 0.3),  # windpipe
            ((78, 0, 50), (125, 180, 270), -850, 0.5),  # right lung
            ((-78, 0, 50), (125, 180, 270), -850, 0.5),
            ((-25, 35, 25), (130, 110, 110), 40, 1.6),  # heart
            ((-52, 32, 20), (76, 76, 80), 40, 9.0),  # muscle of its left chamber
            ((-52, 32, 20), (48, 48, 52), 40, 1.6),
            ((-82, 36, 22), (20, 30, 30), 40, 11.0),
            ((75, 5, -75), (200, 190, 190), 55, 2.2),  # liver
            ((-30, 40, -70), (160, 110, 110), 55, 2.2),  # its left lobe
            ((-95, -25, -75), (110, 130, 150), 50, 1.8),  # spleen
            ((50, -62, -85), (55, 50, 110), 30, 14.0),  # kidneys
            ((-50, -62, -80), (55, 50, 110), 30, 14.0),
            ((0, 20, -270), (90, 70, 60), 10, 40.0),  # bladder
            ((0, 0, 270), (130, 160, 60), 35, 11.0),  # brain
        ]

    def with_lesion(self, center, diameter, suv, hu=40):
        self.parts.append((center, (diameter,) * 3, hu, suv))
        return self

    def _painted(self, geometry, column, outside):
        k, j, i = (np.arange(n, dtype=np.float32) for n in geometry.shape_kji)
        matrix = geometry.ijk_to_ras.astype(np.float32)
        ras = [m[0] * i + m[1] * j[:, None] + m[2] * k[:, None, None] + m[3] for m in matrix[:3]]
        out = np.full(geometry.shape_kji, outside, dtype=np.float32)
        for center, diameters, *values in self.parts:
            terms = [(2 * (n - c) / d) ** 2 for n, c, d in zip(ras, center, diameters, strict=True) if d < 1e4]
            out[np.broadcast_to(sum(terms) < 1, out.shape)] = values[column]
        return out

    def ct(self, geometry=None, **facts):
        geometry = geometry or grid((5, 5, 4), (-200, -140, -120), (200, 140, 200))
        hu = self._painted(geometry, 0, -1000) + np.random.default_rng(1).normal(0, 25, geometry.shape_kji)
        facts = {"name": "CT", "identifiers": FRAME, **facts}
        return Image(hu.astype(np.int16), geometry.ijk_to_ras, CT, HU, **facts)

    def pet(self, geometry=None, fwhm_mm=7.0, noise=0.05, **facts):
        geometry = geometry or grid((5, 5, 4), (-200, -140, -310), (200, 140, 310))
        sigma = fwhm_mm / 2.355 / np.array(geometry.spacing_mm[::-1])
        suv = ndimage.gaussian_filter(self._painted(geometry, 1, 0.0), sigma)
        suv *= 1 + ndimage.gaussian_filter(np.random.default_rng(2).normal(0, 1, suv.shape), 0.7) * 4 * noise
        facts = {"name": "PET", "identifiers": FRAME, **facts}
        return Image(np.maximum(suv, 0).astype(np.float32), geometry.ijk_to_ras, PET, SUV_BW, **facts)
