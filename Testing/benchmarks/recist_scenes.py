"""Slices with one irregular lesion, known exactly: for what two diameters make of it, over contrast, noise and size.

The outline is an ellipse with bumps, as large as makes a plain ellipse reach about .82 to .9, as on real key slices. The
diameters are those of the outline with ends as inexact as a reader's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.core.lesion import Mask
from LesionDetectionLib.imaging.recist import recist_of_mask
from LesionDetectionLib.imaging.recist_mask import Diameters
from scipy import ndimage

SURROUNDINGS = {"lung": -850.0, "liver": 100.0, "fat": -100.0}
BUMPS = (0.0, 0.12, 0.06, 0.05)
"""Mean size of the waves of 1, 2, 3, 4 periods around the outline, of the radius."""
FINE = 2
"""Sub-pixels a pixel, along each axis."""


@dataclass(frozen=True, eq=False)
class Scene:
    """Attributes:
    plane: [y, x] HU.
    truth: [y, x] bool; pixels more than half of which are lesion.
    diameters: as a reader would draw them.
    contrast, noise: HU.
    surroundings: one of ``SURROUNDINGS``.
    """

    plane: np.ndarray
    truth: np.ndarray
    diameters: Diameters
    contrast: float
    noise: float
    surroundings: str


def diameters_of(truth: np.ndarray) -> Diameters:
    """Of a mask [y, x], in pixels."""
    grid = Geometry((1, *truth.shape), np.diag([-1.0, -1.0, 1.0, 1.0]))
    found = recist_of_mask(Mask.from_full(truth[None]), grid)
    ends = grid.ijk_from_ras([*found.long_axis_ras_mm, *found.short_axis_ras_mm])[:, :2].tolist()
    a, b, c, d = (tuple(end) for end in ends)
    return Diameters((a, b), (c, d))


def drawn(diameters: Diameters, rng: np.random.Generator, share: float = 0.02, pixels: float = 0.5) -> Diameters:
    """With ends off by a normal deviate of ``pixels`` and ``share`` of the long diameter, in each direction."""
    ends = diameters.ends + rng.normal(0, pixels + share * diameters.long_px, (4, 2))
    a, b, c, d = (tuple(end) for end in ends.tolist())
    return Diameters((a, b), (c, d))


def scene(surroundings: str, long_px: float, contrast: float, noise: float, seed: int) -> Scene:
    """A lesion of about ``long_px``, ``contrast`` HU above (below, where negative) its surroundings."""
    rng = np.random.default_rng(seed)
    size = int(2 * long_px) + 60
    y, x = (np.mgrid[: size * FINE, : size * FINE] + 0.5) / FINE - 0.5
    x, y = x - size / 2 - rng.uniform(-0.5, 0.5), y - size / 2 - rng.uniform(-0.5, 0.5)
    turn, ratio = rng.uniform(0, np.pi), rng.uniform(0.55, 0.95)
    u, v = x * np.cos(turn) + y * np.sin(turn), (y * np.cos(turn) - x * np.sin(turn)) / ratio
    angle, radius = np.arctan2(v, u), np.hypot(u, v)
    border = np.ones_like(angle)
    for n, bump in enumerate(BUMPS, start=1):
        border += rng.normal(0, bump) * np.cos(n * angle + rng.uniform(0, 2 * np.pi))
    share = (radius < long_px / 2 * np.clip(border, 0.3, 2)).reshape(size, FINE, size, FINE).mean(axis=(1, 3))
    labels, _ = ndimage.label(share > 0.5)
    truth = labels == np.bincount(labels.ravel())[1:].argmax() + 1
    around = np.full((size, size), SURROUNDINGS[surroundings])
    rows, columns = np.mgrid[:size, :size]
    for _ in range(4):  # vessels, 45 to 150 HU, anywhere but in the lesion
        at, way, thick = rng.uniform(0, size, 2), rng.uniform(0, np.pi), rng.uniform(1, 4)
        around[np.abs((rows - at[0]) * np.cos(way) - (columns - at[1]) * np.sin(way)) < thick] = rng.uniform(45, 150)
    inside = SURROUNDINGS[surroundings] + contrast
    plane = ndimage.gaussian_filter(share * inside + (1 - share) * around, 0.7)
    grain = ndimage.gaussian_filter(rng.standard_normal(plane.shape), 0.6)
    plane += grain * noise / grain.std()
    return Scene(plane, truth, drawn(diameters_of(truth), rng), contrast, noise, surroundings)


def scenes(seeds: range) -> list[Scene]:
    """Sizes of 5 to 80 pixels, in lung (solid, ground glass), liver and fat, at contrasts of .5 to 10 times the noise."""
    out = []
    for seed in seeds:
        rng = np.random.default_rng(seed + 10_000)
        surroundings = ("lung", "liver", "fat", "liver")[seed % 4]
        long_px = float(np.exp(rng.uniform(np.log(5), np.log(80))))
        noise = float(rng.uniform(8, 30))
        if surroundings == "lung":
            contrast = float(rng.uniform(150, 900))
        elif surroundings == "fat":
            contrast = float(rng.uniform(60, 160))
        else:
            contrast = float(rng.choice((-1, 1)) * rng.uniform(5, 100))
        out.append(scene(surroundings, long_px, contrast, noise, seed))
    return out
