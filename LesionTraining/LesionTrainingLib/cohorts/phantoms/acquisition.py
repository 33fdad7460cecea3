"""The scanner: from a noise-free scene in HU to a scan, with slice profile, point spread and structured noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.core.progress import Progress

from .fields import Float32

_FWHM = 2.3548
"""Full width at half maximum of a Gaussian in standard deviations."""
_REFERENCE_MAS, _REFERENCE_THICKNESS_MM, _REFERENCE_PATH_MM = 100.0, 1.0, 200.0
"""Where the noise has its stated size: tube current, slice, and water that the rays pass (a chest has about 200 mm)."""
_WATER_PER_MM = 0.0195
"""Linear attenuation of water at about 70 keV, the mean energy of a 120 kV beam."""
_STREAKS = 0.6
"""Share of the excess noise of the shoulders that is left as streaks; scanners filter the rest."""
_MODULATION = 0.55
"""Exponent left on the attenuation: automatic tube current evens out the rest."""


@dataclass(frozen=True)
class Scanner:
    """How a scene is scanned.

    Attributes:
        spacing_mm: of the voxels (i, j, k); the scene is already averaged over them.
        slice_thickness_mm: width of the slice profile; what exceeds the slice spacing blurs along k.
        psf_mm: full width at half maximum of the in-plane point spread.
        tube_current_mas: the noise goes with one over its root.
        noise_hu: standard deviation at 100 mAs, 1 mm, behind 200 mm of water, for a kernel of grain 0.5.
        grain: where the noise spectrum ends, 0 (smooth kernel) to 1 (sharp kernel).
    """

    spacing_mm: tuple[float, float, float]
    slice_thickness_mm: float
    psf_mm: float
    tube_current_mas: float
    noise_hu: float
    grain: float = 0.5

    def __post_init__(self) -> None:
        if min(*self.spacing_mm, self.slice_thickness_mm, self.tube_current_mas) <= 0 or self.psf_mm < 0:
            raise UsageError("A scanner's spacing, slice thickness and tube current must be greater than zero.")


def scan(scene: Float32, scanner: Scanner, rng: np.random.Generator, progress: Progress) -> npt.NDArray[np.int16]:
    """Scan a scene, [k, j, i] HU: whole HU, [k, j, i] int16 within -1024 to 3071.

    Raises:
        Cancelled: see ``progress``.
    """
    profile = _slice_profile(scanner)
    half = len(profile) // 2
    out = np.empty(scene.shape, dtype=np.int16)
    last = scene.shape[0] - 1
    noise = _NoiseSlices(scene.shape[1:], profile, scanner, rng)
    sigma = scanner.psf_mm / _FWHM / scanner.spacing_mm[0]
    for k in range(scene.shape[0]):
        if k % 16 == 0:
            progress(k / scene.shape[0], "Scanning the phantom")
        plane = sum(
            (weight * scene[min(max(k + n - half, 0), last)] for n, weight in enumerate(profile)),
            start=np.zeros(scene.shape[1:], dtype=np.float32),
        )
        if sigma > 0.1:
            plane = cv2.GaussianBlur(plane, (0, 0), sigma)
        plane += noise(plane)
        out[k] = np.clip(np.rint(plane), -1024, 3071)
    return out


def _slice_profile(scanner: Scanner) -> Float32:
    """Weights of neighbouring slices, odd in number, sum 1, with the variance that the thickness adds to the spacing."""
    spacing = scanner.spacing_mm[2]
    variance = max(scanner.slice_thickness_mm**2 - spacing**2, 0) / 12 / spacing**2
    half = int(np.ceil(2.5 * np.sqrt(variance)))
    if half == 0:
        return np.ones(1, dtype=np.float32)
    offsets = np.arange(-half, half + 1)
    weights = np.exp(-0.5 * offsets**2 / variance)
    return np.asarray(weights / weights.sum(), dtype=np.float32)


class _NoiseSlices:
    """Noise of successive slices: correlated in plane by the kernel and along k by the slice profile."""

    def __init__(self, shape: tuple[int, ...], profile: Float32, scanner: Scanner, rng: np.random.Generator) -> None:
        self._shape, self._rng, self._scanner = (shape[0], shape[1]), rng, scanner
        self._weights = profile / np.sqrt((profile**2).sum())
        mm = scanner.spacing_mm[0]
        # Ramp filter times a smooth roll-off: a band-pass; as the difference of two Gaussians, in pixels.
        # A lung kernel's noise has correlation 0.2 at one pixel and -0.1 at two of 0.78 mm, as measured in a real scan.
        self._fine, self._broad = (0.75 - 0.3 * scanner.grain) / mm, (1.5 - 0.5 * scanner.grain) / mm
        self._gain = 1 / _spread(self._grain)
        self._streak_gain = 1 / _spread(self._streak)
        self._scale = (
            scanner.noise_hu
            * (0.7 + 0.6 * scanner.grain)
            * np.sqrt(_REFERENCE_MAS / scanner.tube_current_mas)
            * np.sqrt(_REFERENCE_THICKNESS_MM / max(scanner.slice_thickness_mm, scanner.spacing_mm[2]))
        )
        self._slices = [self._white() for _ in profile]

    def __call__(self, plane: Float32) -> Float32:
        """Noise to be added to this slice, in HU; larger where the rays pass more tissue."""
        white = sum(
            (weight * own for weight, own in zip(self._weights, self._slices, strict=True)),
            start=np.zeros(self._shape, dtype=np.float32),
        )
        self._slices = [*self._slices[1:], self._white()]
        front, side = self._variances(plane)
        even = np.sqrt(front + np.minimum(side, 3 * front.mean()))
        result = self._grain(white) * (even * np.float32(self._gain * self._scale))
        streaks = np.sqrt(np.maximum(side - 3 * front.mean(), 0))
        if streaks.max() > 0.05:  # rays along the shoulders starve: streaks from side to side
            result += self._streak(white) * (streaks * np.float32(_STREAKS * self._streak_gain * self._scale))
        return np.asarray(result, dtype=np.float32)

    def _white(self) -> Float32:
        return self._rng.standard_normal(self._shape, dtype=np.float32)

    def _grain(self, white: Float32) -> Float32:
        return np.asarray(_blur(white, self._fine) - np.float32(0.9) * _blur(white, self._broad))

    def _streak(self, white: Float32) -> Float32:
        return np.asarray(cv2.GaussianBlur(white, (0, 0), sigmaX=9.0, sigmaY=0.7))

    def _variances(self, plane: Float32) -> tuple[Float32, Float32]:
        """Relative variance of rays from the front, [1, i], and from the side, [j, 1]; both 0.5 at the reference."""
        small = cv2.resize(plane, (64, 64), interpolation=cv2.INTER_AREA)
        water = np.clip(1 + small * np.float32(1e-3), 0, 2)
        rows, columns = self._shape
        mm = self._scanner.spacing_mm
        from_front = water.sum(axis=0) * (rows / 64 * mm[1])
        from_side = water.sum(axis=1) * (columns / 64 * mm[0])
        powers = []
        for path, size in ((from_front, columns), (from_side, rows)):
            strength = 0.5 * np.exp(_MODULATION * _WATER_PER_MM * (path - _REFERENCE_PATH_MM))
            line = cv2.resize(strength.astype(np.float32)[None], (size, 1), interpolation=cv2.INTER_LINEAR)
            powers.append(np.asarray(line, dtype=np.float32))
        return powers[0], powers[1].T


def _blur(plane: Float32, sigma: float) -> Float32:
    return plane if sigma < 0.2 else np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma))


def _spread(filtered: Callable[[Float32], Float32]) -> float:
    """Standard deviation that a linear filter leaves of white noise: the root of its squared weights' sum."""
    point = np.zeros((129, 129), dtype=np.float32)
    point[64, 64] = 1
    return float(np.sqrt((filtered(point) ** 2).sum()))
