"""From the scene of a PET phantom to its scan: breathing, point spread and noise, and the slices of the PET.

All is done in the scene's voxels, in which blur and noise take half the time or less that they would take in the PET's.
"""

from __future__ import annotations

import cv2
import numpy as np
from LesionDetectionLib.core.progress import Progress

from .fields import Float32, Grid, cover
from .pet_anatomy import Anatomy
from .pet_scanner import breathe
from .pet_scene import moving
from .pet_settings import PetPhantomSettings
from .phantom import random_stream

_FWHM = 2.3548
"""Full width at half maximum of a Gaussian in standard deviations."""
_WATER_PER_MM = 0.0096
"""Linear attenuation of water at 511 keV."""
_USUAL_MM = 280.0
"""Thickness of a body in whose middle the noise is that of the settings."""
_FLOOR_SUV = 0.004
"""Noise is never less than at this uptake: air shows a little."""


def scan_scene(
    seed: int, anatomy: Anatomy, settings: PetPhantomSettings, scene: Float32, progress: Progress
) -> Float32:
    """Scan a scene, [k, j, i] SUVbw: [k, j, i] float32 SUVbw in the PET's slices and the scene's rows, 0 or more.

    Raises:
        Cancelled: see ``progress``.
    """
    rng = random_stream(seed, "pet scanner")
    fwhm, noise, breath = (
        float(rng.uniform(*own)) for own in (settings.fwhm_mm, settings.noise, settings.breathing_mm)
    )
    _breathe(anatomy, scene, breath)
    progress(0.3, "Scanning the uptake")
    mm = np.array(anatomy.grid.geometry.spacing_mm)
    # What voxels, and slices between them, blur already is no part of the point spread.
    own = mm**2 / 12
    own[2] += 0.1875 * mm[2] ** 2 * (settings.layers > 1)
    _smooth(scene, np.sqrt(np.maximum((fwhm / _FWHM) ** 2 - own, 0.05)) / mm)
    progress(0.6, "Scanning the uptake")
    grain = random_stream(seed, "pet noise").standard_normal(scene.shape, dtype=np.float32)
    _smooth(grain, np.maximum(settings.noise_fwhm_mm / _FWHM / mm, 0.1))
    grain *= np.float32(noise / max(float(grain.std()), 1e-6))
    grain *= _thickness(anatomy.grid, anatomy.body.skin)[:, None, None]
    scene += grain * np.sqrt(np.maximum(scene, np.float32(_FLOOR_SUV)))
    np.maximum(scene, 0, out=scene)
    progress(0.8, "Scanning the uptake")
    return _sliced(scene, settings.layers)


def _breathe(anatomy: Anatomy, scene: Float32, amplitude_mm: float) -> None:
    """What lies within the chest's and the belly's wall moves, in place."""
    moved, which = moving(anatomy, amplitude_mm)
    slices = np.flatnonzero(which)
    if not slices.size:
        return
    part = slice(max(int(slices[0]) - 2, 0), int(slices[-1]) + 3)
    grid = anatomy.grid
    share = np.stack([cover(grid.plane(anatomy.body.wall, k) + 6, 8.0) for k in range(len(scene))[part]])
    scene[part] = breathe(scene[part], moved[part], grid.geometry.spacing_mm[2], share.astype(np.float32))


def _smooth(volume: Float32, sigmas_ijk: np.ndarray) -> None:
    """Gaussian smoothing in place."""
    i, j, k = (float(sigma) for sigma in sigmas_ijk)
    for plane in volume:
        cv2.GaussianBlur(plane, (0, 0), sigmaX=i, sigmaY=j, dst=plane)
    half = max(1, int(np.ceil(3 * k)))
    kernel = np.exp(-0.5 * (np.arange(-half, half + 1) / k) ** 2)
    kernel = (kernel / kernel.sum()).astype(np.float32)
    rows = volume.reshape(len(volume), -1)
    rows[...] = cv2.sepFilter2D(rows, -1, np.ones(1, np.float32), kernel, borderType=cv2.BORDER_REPLICATE)


def _thickness(grid: Grid, skin: Float32) -> Float32:
    """[k] noise of a slice against that in a body of usual thickness: fewer rays leave a thick one."""
    heights = grid.coarse[2].ravel()
    pixel = grid.coarse_spacing_kji[1] * grid.coarse_spacing_kji[2]
    round_mm = np.sqrt((skin < 0).sum(axis=(1, 2)) * pixel * 4 / np.pi)
    own = np.interp(grid.axes[2], heights, round_mm)
    return np.asarray(np.exp(_WATER_PER_MM / 2 * (own - _USUAL_MM)), dtype=np.float32)


def _sliced(scene: Float32, layers: int) -> Float32:
    """The PET's slices, ``layers`` a slice of the scene, linear between them."""
    if layers == 1:
        return scene
    out = np.empty((len(scene) * layers, *scene.shape[1:]), dtype=np.float32)
    padded = np.concatenate([scene[:1], scene, scene[-1:]])
    for n in range(layers):
        at = (n + 0.5) / layers + 0.5  # from the slice before
        low, part = int(at), np.float32(at % 1)
        np.multiply(padded[low : low + len(scene)], 1 - part, out=out[n::layers])
        out[n::layers] += part * padded[low + 1 : low + 1 + len(scene)]
    return out
