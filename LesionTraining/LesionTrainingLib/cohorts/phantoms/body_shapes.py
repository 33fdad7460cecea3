"""Sizes and outlines of a body phantom's lesions."""

from __future__ import annotations

import numpy as np

from .body_kinds import Kind
from .body_settings import BodySettings
from .nodules import Float64
from .petct_shapes import Outline


def draw_diameter(settings: BodySettings, kind: Kind, rng: np.random.Generator) -> float:
    """In mm, of the sphere of the lesion's volume; log-normal within the type's range."""
    low, high = max(settings.diameter_mm[0], kind.least_mm), min(settings.diameter_mm[1], kind.most_mm)
    for _ in range(50):
        value = (
            settings.typical_diameter_mm * kind.size * float(np.exp(settings.diameter_spread * rng.standard_normal()))
        )
        if low <= value <= high:
            return value
    return float(min(low * 1.2, max(low, high)))


def draw_shape(kind: Kind, diameter_mm: float, rng: np.random.Generator) -> Outline:
    """An outline of no particular size, for a lesion of about ``diameter_mm``."""
    turn, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    long = float(rng.uniform(*kind.long))
    halves = np.array((1.0, long ** float(rng.uniform(-1.0, -0.3)), 1 / long))
    lobes = int(rng.integers(3, 8) if kind.rough < 0.18 else rng.integers(6, 13))
    knobs = int(rng.integers(2, 9)) if diameter_mm > 7 else 0
    spikes = int(rng.integers(8, 20)) if rng.random() < kind.spiculated and diameter_mm > 6 else 0
    radius = diameter_mm / 2
    heights = np.concatenate(
        [
            rng.uniform(-1.3, 1.8, lobes) * kind.rough,
            np.minimum(rng.uniform(-0.8, 1.6, knobs) / radius, 0.3) * min(1.0, kind.rough / 0.1),
            np.minimum(rng.uniform(1.5, 7.0, spikes) * min(1.0, radius / 8) ** 0.5 / radius, 0.8),
        ]
    )
    sharp = np.concatenate(
        [
            rng.uniform(2.5, 9 if kind.rough < 0.18 else 18, lobes),
            np.full(knobs, max(8.0, (radius / 3.0) ** 2)),
            np.full(spikes, max(25.0, (radius / 1.3) ** 2)),
        ]
    )
    bumps = rng.standard_normal((len(sharp), 3))
    bumps /= np.linalg.norm(bumps, axis=1)[:, None]
    return Outline(np.zeros(3), turn.T / halves[:, None], bumps, heights, sharp)


def draw_lens(kind: Kind, normal: Float64, rng: np.random.Generator) -> Outline:
    """A flat outline of no particular size across ``normal``, [3] a unit vector: what lies under an organ's capsule."""
    across = np.cross(normal, np.eye(3)[int(np.abs(normal).argmin())])
    across /= np.linalg.norm(across)
    turn = rng.uniform(0, 2 * np.pi)
    wide = np.cos(turn) * across + np.sin(turn) * np.cross(normal, across)
    halves = np.array((1.0, float(rng.uniform(0.6, 1.0)), 1 / float(rng.uniform(*kind.flat))))
    bumps = rng.standard_normal((5, 3))
    bumps /= np.linalg.norm(bumps, axis=1)[:, None]
    heights = rng.uniform(-1.3, 1.8, 5) * kind.rough
    axes = np.stack([wide, np.cross(normal, wide), normal])
    return Outline(np.zeros(3), axes / halves[:, None], bumps, heights, rng.uniform(2.5, 9, 5))
