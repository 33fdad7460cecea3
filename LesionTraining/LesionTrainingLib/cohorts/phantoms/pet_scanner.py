"""The PET scanner: from a noise-free scene in SUVbw to a scan, with point spread, breathing and noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.core.progress import Progress
from scipy import ndimage

from .fields import Float32

_FWHM = 2.3548
"""Full width at half maximum of a Gaussian in standard deviations."""
_BREATH = ((-0.5, 0.2), (-0.25, 0.15), (0.0, 0.15), (0.25, 0.2), (0.5, 0.3))
"""(Place as a share of the whole movement, share of the time): longest near the end of breathing out."""


@dataclass(frozen=True)
class PetScanner:
    """How a scene is scanned.

    Attributes:
        fwhm_mm: full width at half maximum of the point spread, the same along all axes.
        noise: standard deviation at SUVbw 1; it goes with the root of the uptake, as counts have it.
        noise_fwhm_mm: full width at half maximum of what white noise is smoothed with.
    """

    fwhm_mm: float
    noise: float
    noise_fwhm_mm: float

    def __post_init__(self) -> None:
        if min(self.fwhm_mm, self.noise, self.noise_fwhm_mm) < 0:
            raise UsageError("A PET scanner's point spread, noise and its width are zero or more.")


def breathe(scene: Float32, moved_mm: Float32, spacing_k_mm: float, moving: Float32) -> Float32:
    """The scene averaged over breathing, about its place in the middle of it.

    Args:
        scene: [k, j, i].
        moved_mm: [k] whole movement along the body at each height.
        spacing_k_mm: of the scene.
        moving: [k, j, i] share of each voxel that moves with the breath, 0 to 1.
    """
    count = scene.shape[0]
    mean = sum(at * share for at, share in _BREATH)
    average = np.zeros_like(scene)
    for at, share in _BREATH:
        source = np.clip(np.arange(count) + (at - mean) * moved_mm / spacing_k_mm, 0, count - 1)
        low = np.minimum(source.astype(int), count - 2)
        part = (source - low).astype(np.float32)[:, None, None]
        average += np.float32(share) * (scene[low] * (1 - part) + scene[low + 1] * part)
    return np.asarray(scene + moving * (average - scene), dtype=np.float32)


def scan_pet(
    scene: Float32,
    source: Geometry,
    target: Geometry,
    scanner: PetScanner,
    rng: np.random.Generator,
    progress: Progress,
) -> npt.NDArray[np.float32]:
    """Scan a scene, [k, j, i] SUVbw on the grid ``source``: [k, j, i] float32 SUVbw on the grid ``target``, 0 or more.

    The axes of both grids are parallel; outside of the scene there is no activity.

    Raises:
        Cancelled: see ``progress``.
    """
    progress(0.0, "Scanning the uptake")
    sigmas = [scanner.fwhm_mm / _FWHM / mm for mm in source.spacing_mm[::-1]]
    blurred = ndimage.gaussian_filter(scene, sigmas, mode="nearest", truncate=3.0)
    progress(0.4, "Scanning the uptake")
    to_source = source.ras_to_ijk @ target.ijk_to_ras
    scale, start = np.diag(to_source)[2::-1], to_source[2::-1, 3]
    image = ndimage.affine_transform(blurred, scale, start, target.shape_kji, order=1, mode="constant", prefilter=False)
    progress(0.6, "Scanning the uptake")
    white = rng.standard_normal(target.shape_kji, dtype=np.float32)
    widths = [scanner.noise_fwhm_mm / _FWHM / mm for mm in target.spacing_mm[::-1]]
    grain = ndimage.gaussian_filter(white, widths, mode="wrap", truncate=3.0)
    grain *= np.float32(scanner.noise / max(float(grain.std()), 1e-6))
    image = image + grain * np.sqrt(np.maximum(image, 0) + np.float32(1e-3))
    progress(1.0, "Scanning the uptake")
    return np.asarray(np.maximum(image, 0), dtype=np.float32)
