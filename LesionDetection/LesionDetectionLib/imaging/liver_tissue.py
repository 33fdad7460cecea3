"""The attenuation of the liver, and the tissue that has it.

The liver is the thickest soft tissue of the patient's right that has no like on the left: muscles, kidneys and brain have
their mirror image, what lies across from the liver (spleen, stomach, bowel, lung) differs. Attenuation alone tells little: a
liver has 20 HU (fatty) to 125 HU (portal venous phase).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from LesionDetectionLib.core.image import FloatArray

from .liver_scene import BoolArray, Float32, Scene, continued, depth_mm, grown

LIVER_HU = (18.0, 160.0)
"""Range of the mode looked for: fluid (effusions, ascites) lies below."""
_THICK_MM = 10.0
"""Depth from which tissue counts for the mode."""
_LIKE_HU = 8.0
"""Tissue whose mirror image differs by less has a like on the other side."""
_SMOOTHING_HU = 3.0
_LEAST_PEAK = 0.25
"""Of the greatest peak of the histogram."""
_BELOW_HU, _ABOVE_HU = (12.0, 20.0), 25.0
"""Least and greatest distance of the band's lower limit from the mode, and that of its upper: vessels are above."""
_CLOSING_MM = 5.0


@dataclass(frozen=True, eq=False)
class Tissue:
    """Where the values are the liver's.

    Attributes:
        mode_hu: the attenuation.
        band: [k, j, i] soft tissue of about that, thin vessels in it closed.
        depth_mm: [k, j, i] distance from the band's outside.
        alone: [k, j, i] thick tissue of the right half without a like on the left.
    """

    mode_hu: float
    band: BoolArray
    depth_mm: Float32
    alone: BoolArray


def modes(scene: Scene) -> tuple[list[float], BoolArray]:
    """HU of the attenuations that may be the liver's, the likeliest first, and the tissue that they were read from."""
    deep = depth_mm(scene.soft, scene.mm)
    thick = deep > _THICK_MM
    across = scene.mirrored(thick) & (np.abs(scene.mirrored(scene.smooth_hu) - scene.smooth_hu) < _LIKE_HU)
    alone = thick & ~across & (scene.right > 0.05) & (scene.back < 0.8)
    bins = np.arange(-10.0, 191.0)
    counts, _ = np.histogram(scene.smooth_hu[alone], bins, weights=deep[alone])
    smooth = ndimage.gaussian_filter1d(counts.astype(np.float64), _SMOOTHING_HU, mode="constant")
    return _peaks(smooth, bins[:-1] + 0.5), alone


def tissue_of(scene: Scene, mode_hu: float, alone: BoolArray) -> Tissue:
    """The tissue of about ``mode_hu``, as wide a band as the values about it spread."""
    values = scene.smooth_hu[alone]
    values = values[np.abs(values - mode_hu) < 20]
    spread = 1.4826 * float(np.median(np.abs(values - np.median(values)))) if values.size else 0.0
    low = mode_hu - float(np.clip(3 * spread, *_BELOW_HU))
    band = scene.soft & (scene.smooth_hu > low) & (scene.smooth_hu < mode_hu + _ABOVE_HU)
    band = closed(band, scene.mm, _CLOSING_MM) & scene.soft
    return Tissue(mode_hu, band, depth_mm(band, scene.mm), alone)


def closed(mask: BoolArray, mm: FloatArray, radius_mm: float) -> BoolArray:
    """A mask without gaps that a ball cannot get into; the ends of the scan are none."""
    counts = [int(np.ceil(radius_mm / n)) + 1 for n in mm]
    padded = np.pad(continued(mask, counts[0]), ((0, 0), (counts[1],) * 2, (counts[2],) * 2))
    shrunk = ~grown(~grown(padded, mm, radius_mm), mm, radius_mm)
    inner = tuple(slice(n, size - n) for n, size in zip(counts, shrunk.shape, strict=True))
    return np.asarray(shrunk[inner])


def _peaks(counts: FloatArray, hu: FloatArray) -> list[float]:
    rises = np.r_[True, counts[1:] > counts[:-1]] & np.r_[counts[:-1] >= counts[1:], True]
    peaks = rises & (hu >= LIVER_HU[0]) & (hu <= LIVER_HU[1]) & (counts > 0)
    if not peaks.any():
        return []
    peaks &= counts >= _LEAST_PEAK * counts[peaks].max()
    return [float(hu[n]) for n in sorted(np.flatnonzero(peaks), key=lambda n: -counts[n])]
