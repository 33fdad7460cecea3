"""Analytic phantoms for click-to-measure: a sphere in known surroundings, blurred, with noise; the truth is exact.

Used by the tests of click-to-measure and by the comparison in ``click_to_measure.py``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from LesionDetectionLib.core.image import CT, HU, PET, SUV_BW, Image
from scipy import ndimage

KINDS = ("solid", "vessel", "pleura", "ground-glass", "liver", "mass", "pet", "pet-hot")
FINE, THICK, PET_GRID = (0.7, 0.7, 1.0), (0.8, 0.8, 5.0), (4.0, 4.0, 3.3)


@dataclass(frozen=True, eq=False)
class Phantom:
    """An image with one lesion.

    Attributes:
        image: CT in HU or PET in SUV.
        truth: [k, j, i] bool; voxels whose centre lies in the lesion.
        seed_ras_mm: the lesion's centre.
        diameter_mm: of its sphere.
    """

    image: Image
    truth: np.ndarray
    seed_ras_mm: np.ndarray
    diameter_mm: float


def phantom(kind: str, diameter_mm: float, spacing_mm: tuple[float, float, float] = FINE, seed: int = 0) -> Phantom:
    """A phantom of one of ``KINDS``; PET kinds have their own grid.

    ``solid`` in lung; ``vessel``: two vessels at it; ``pleura``: part of it in the chest wall (which is not lesion);
    ``ground-glass``: 300 HU above lung; ``liver``: 45 HU below liver, noise 18 HU, beside a vessel and fat; ``mass`` in fat
    with muscle at one side; ``pet``: SUV 6 on 0.8; ``pet-hot``: the same 10 mm from a bladder of SUV 25.
    """
    rng = np.random.default_rng(seed)
    is_pet = kind.startswith("pet")
    spacing = PET_GRID if is_pet else spacing_mm
    width = max(120.0, 5 * diameter_mm) if is_pet else max(60.0, 4 * diameter_mm)
    height = width if is_pet else min(width, 3 * diameter_mm + 30)
    count = [max(1, round(length / step)) for length, step in zip((width, width, height), spacing, strict=True)]
    axes = [(np.arange(n) - (n - 1) / 2) * step for n, step in zip(count, spacing, strict=True)]
    z, y, x = np.meshgrid(axes[2], axes[1], axes[0], indexing="ij")
    center = np.array([0.2, -0.3, 0.15])  # off the grid
    x, y, z = x - center[0], y - center[1], z - center[2]
    paint = _CT_SCENES.get(kind, _pet)
    values, outside, blur, noise = paint(kind, diameter_mm / 2, x, y, z, spacing, rng)
    values = ndimage.gaussian_filter(values, blur / np.array(spacing[::-1]))
    grain = rng.standard_normal(x.shape)
    if not is_pet:
        grain = ndimage.gaussian_filter(grain, 0.5 / np.array(spacing[::-1]))
    grain *= noise / grain.std()
    values = values + (grain * np.maximum(values, 0.2) / 2 if is_pet else grain)
    matrix = np.diag([-spacing[0], -spacing[1], spacing[2], 1.0])
    matrix[:3, 3] = [-axes[0][0], -axes[1][0], axes[2][0]]
    voxels = values.astype(np.float32) if is_pet else np.round(values).astype(np.int16)
    image = Image(voxels, matrix, PET if is_pet else CT, SUV_BW if is_pet else HU, kind)
    truth = (x**2 + y**2 + z**2 < (diameter_mm / 2) ** 2) & ~outside
    return Phantom(image, truth, center * [-1, -1, 1], diameter_mm)


def at_an_organ(diameter_mm: float, overlap_mm: float, seed: int = 0) -> Phantom:
    """A ball in lung, a part of which lies in a large convex organ of nearly its density (a heart), which is no lesion."""
    spacing, size, radius, organ_mm = FINE, (120, 120, 70), diameter_mm / 2, 25.0
    axes = [(np.arange(n) - (n - 1) / 2) * step for n, step in zip(size, spacing, strict=True)]
    z, y, x = np.meshgrid(axes[2], axes[1], axes[0], indexing="ij")
    ball = _cover(np.sqrt(x**2 + y**2 + z**2) - radius, spacing)
    organ = _cover(np.sqrt((x - (radius - overlap_mm + organ_mm)) ** 2 + y**2 + (0.4 * z) ** 2) - organ_mm, spacing)
    values = _mix(_mix(np.full(x.shape, -860.0), 30.0, ball), 40.0, organ * (1 - ball))
    values = ndimage.gaussian_filter(values, 0.7 / np.array(spacing[::-1]))
    grain = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal(x.shape), 0.5)
    matrix = np.diag([-spacing[0], -spacing[1], spacing[2], 1.0])
    matrix[:3, 3] = [-axes[0][0], -axes[1][0], axes[2][0]]
    voxels = np.round(values + 20 * grain / grain.std()).astype(np.int16)
    truth = x**2 + y**2 + z**2 < radius**2
    return Phantom(Image(voxels, matrix, CT, HU, "organ"), truth, np.zeros(3), diameter_mm)


def _cover(distance, spacing):
    """Share of a voxel inside, from the signed distance of its centre (negative inside)."""
    return np.clip(0.5 - distance / np.mean(spacing[:2]), 0, 1)


def _mix(values, other, cover):
    return values * (1 - cover) + other * cover


def _texture(rng, shape, sigma):
    texture = ndimage.gaussian_filter(rng.standard_normal(shape), sigma)
    return texture / texture.std()


def _lung(kind, radius, x, y, z, spacing, rng):
    texture = _texture(rng, x.shape, 1.0)
    lesion = _cover(np.sqrt(x**2 + y**2 + z**2) - radius, spacing)
    values = _mix(-860.0 + 25 * texture, -550 + 40 * texture if kind == "ground-glass" else 30.0, lesion)
    outside = np.zeros(x.shape, bool)
    if kind == "vessel":
        thick = min(max(1.0, 0.4 * radius), 3.0)
        vessel = (x > 0) * _cover(np.hypot(y - 0.3 * radius, z) - thick, spacing)
        values = _mix(values, 40.0, vessel * (1 - lesion))
        crossing = _cover(np.hypot(x + 0.95 * radius, 0.6 * y - 0.8 * z) - thick, spacing)
        values = _mix(values, 40.0, crossing * (1 - lesion))
    if kind == "pleura":
        depth = 90.0 - np.sqrt((x - 0.6 * radius + 90.0) ** 2 + y**2 + (0.4 * z) ** 2)  # into the lung
        values = _mix(values, 45.0, _cover(depth, spacing))
        values = _mix(values, -90.0, _cover(np.abs(depth + 9) - 3, spacing))  # fat between the muscles
        outside = depth <= 0
    return values, outside, 0.7, 25.0


def _liver(kind, radius, x, y, z, spacing, rng):
    values = _mix(np.full(x.shape, 110.0), 170.0, _cover(np.hypot(y - radius - 6, z - 3) - 4, spacing))
    values = _mix(values, 65.0, _cover(np.sqrt(x**2 + y**2 + z**2) - radius, spacing))
    return _mix(values, -90.0, _cover(x + radius + 12, spacing)), np.zeros(x.shape, bool), 0.9, 18.0


def _mass(kind, radius, x, y, z, spacing, rng):
    distance = np.sqrt(x**2 + y**2 + z**2)
    lesion = _cover(distance - radius, spacing)
    values = _mix(np.full(x.shape, 55.0), -100.0, _cover(distance - radius - 12, spacing))
    values = _mix(values, 40 + 8 * _texture(rng, x.shape, 2.0), lesion)
    return _mix(values, 60.0, _cover(radius + 2 - x, spacing) * (1 - lesion)), np.zeros(x.shape, bool), 0.7, 12.0


def _pet(kind, radius, x, y, z, spacing, rng):
    values = _mix(np.full(x.shape, 0.8), 6.0, _cover(np.sqrt(x**2 + y**2 + z**2) - radius, spacing))
    if kind == "pet-hot":
        values = _mix(values, 25.0, _cover(np.sqrt((x - radius - 35) ** 2 + y**2 + z**2) - 25, spacing))
    return values, np.zeros(x.shape, bool), 2.8, 0.15


_CT_SCENES = {"solid": _lung, "vessel": _lung, "pleura": _lung, "ground-glass": _lung, "liver": _liver, "mass": _mass}


def dice(a: np.ndarray, b: np.ndarray) -> float:
    total = int(a.sum()) + int(b.sum())
    return 2 * int((a & b).sum()) / total if total else 1.0
