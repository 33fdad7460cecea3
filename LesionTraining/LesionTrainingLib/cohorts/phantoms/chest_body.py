"""The chest's big shapes as signed distances on the coarse grid, drawn for one patient.

Origin of the RAS frame: the midline, half-way between breastbone and back, 25 mm below the division of the windpipe's
level in a patient of size 1. Heights below are for size 1 and scale with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .fields import Float32, Grid, cut, ellipsoid, join, polyline
from .phantom import random_stream

RIGHT, LEFT = 1.0, -1.0
"""Signs of the R coordinate of the patient's sides."""


@dataclass(frozen=True)
class Patient:
    """One patient's measures.

    Attributes:
        size: everything scales with it; 1 is a lung of about 240 mm height.
        half_width_mm, half_depth_mm: of the inner chest wall at its widest, R and A.
        apex_mm: S of the lungs' tops.
        dome_mm: S of the right and the left half of the diaphragm.
        fat_mm: thickness of the fat under the skin.
        muscle: thickness of the muscles, as a share of the usual.
        rib_pitch_mm: distance of neighbouring ribs.
        rib_drop_mm: how much lower a rib is in front than at the spine.
        blood_hu, lung_hu: mean values.
        stoop: curvature of the spine.
        female: has breasts.
    """

    size: float
    half_width_mm: float
    half_depth_mm: float
    apex_mm: float
    dome_mm: tuple[float, float]
    fat_mm: float
    muscle: float
    rib_pitch_mm: float
    rib_drop_mm: float
    blood_hu: float
    lung_hu: float
    stoop: float
    female: bool


def draw_patient(seed: int, size: tuple[float, float], contrast: float) -> Patient:
    rng = random_stream(seed, "patient")
    scale = float(rng.uniform(*size))
    right = float(-62 * scale + rng.uniform(-12, 12))
    return Patient(
        size=scale,
        half_width_mm=float(131 * scale * rng.uniform(0.95, 1.05)),
        half_depth_mm=float(88 * scale * rng.uniform(0.92, 1.1)),
        apex_mm=float(112 * scale),
        dome_mm=(right, right - float(rng.uniform(4, 20))),
        fat_mm=float(rng.gamma(3.0, 4.5) + 5),
        muscle=float(rng.uniform(0.7, 1.35)),
        rib_pitch_mm=float(25.5 * scale * rng.uniform(0.94, 1.06)),
        rib_drop_mm=float(105 * scale * rng.uniform(0.85, 1.15)),
        blood_hu=float(rng.uniform(120, 280) if rng.random() < contrast else rng.uniform(34, 50)),
        lung_hu=float(rng.uniform(-885, -825)),
        stoop=float(rng.uniform(0.7, 1.4)),
        female=bool(rng.random() < 0.45),
    )


@dataclass(frozen=True, eq=False)
class Body:
    """Coarse fields, [k, j, i] float32; distances in mm, negative inside.

    Attributes:
        wall: the inner surface of the chest wall (and of the belly, below).
        skin: the body's outline.
        muscle: muscles of the chest wall outside of the ribs.
        shoulder_blade, glands, heart, liver, spleen, stomach, gas: by name.
        lung: both lungs.
        oblique: the oblique fissure's surface in each lung (signed height above it).
        horizontal: the right lung's horizontal fissure (signed height above it).
        around: position along a rib, 0 at the spine to 1 at the breastbone.
        rib_height: S + the rib's drop: constant along a rib.
        density: parenchyma, HU around the patient's mean.
        emphysema: above 0 where the lung is destroyed.
        patchy: noise that breaks up fat and muscle.
    """

    wall: Float32
    skin: Float32
    muscle: Float32
    shoulder_blade: Float32
    glands: Float32
    heart: Float32
    liver: Float32
    spleen: Float32
    stomach: Float32
    gas: Float32
    lung: Float32
    oblique: Float32
    horizontal: Float32
    around: Float32
    rib_height: Float32
    density: Float32
    emphysema: Float32
    patchy: Float32


def spine_a(patient: Patient, s: npt.ArrayLike) -> npt.NDArray[np.floating]:
    """A in mm of the vertebral bodies' centres at heights S."""
    s = np.asarray(s)
    curve: npt.NDArray[np.floating] = (
        -patient.half_depth_mm + 24 + patient.stoop * 22 * ((s - 10) / (130 * patient.size)) ** 2
    )
    return curve


def build_body(
    grid: Grid,
    seed: int,
    patient: Patient,
    vessels: list[tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]],
    emphysema: float,
) -> Body:
    """All fields; ``vessels`` are the centrelines and radii in mm of the great vessels, which the lungs go round."""
    rng = random_stream(seed, "body")
    r, a, s = grid.coarse
    wall, angle = _wall(grid, patient)
    wall = wall + 1.2 * grid.noise(rng, 22)
    around = np.asarray(np.abs(angle) / np.pi, np.float32)
    heart = _heart(grid, patient, rng)
    domes = _domes(grid, patient) + 2.0 * grid.noise(rng, 30)
    lung = _lungs(grid, patient, wall, heart, domes, vessels, rng)
    skin, muscle = _outer(grid, patient, wall, around, rng)
    belly = cut(np.asarray(wall + 3, dtype=np.float32), grid.distance(np.asarray(s - domes + 4, np.float32)), 6)
    spine = np.hypot(r, a - spine_a(patient, s)) - 30
    belly = cut(belly, np.asarray(-spine, np.float32), 10)
    liver = cut(belly, np.asarray(-(r + 35 + 0.3 * (s - patient.dome_mm[0])) + 0 * a, np.float32), 12)
    spleen = ellipsoid(grid, (-82 * patient.size, -45, patient.dome_mm[1] - 52), (34, 45, 52), 20)
    stomach = ellipsoid(grid, (-55 * patient.size, 20, patient.dome_mm[1] - 48), (42, 50, 42), -15)
    stomach = cut(cut(stomach, belly, 5), -liver + 4, 5)
    gas = cut(stomach + 4, np.asarray(-(a - 28) + 0 * r + 0 * s, np.float32), 1)
    drop = patient.rib_drop_mm * (around**1.25) + 2.5 * grid.noise(rng, 40)
    bulge = grid.noise(rng, 14)
    left = r < 0
    oblique = (
        s + np.where(left, 0.95, 0.85) * a - np.where(left, 12.0, -4.0) + 0.05 * np.abs(r) + 5 * grid.noise(rng, 35)
    )
    horizontal = s - 12 * patient.size - 0.10 * r + 0.15 * a + 4 * grid.noise(rng, 35)
    sick = grid.noise(rng, 4.5) + 0.7 * grid.noise(rng, 40) + 0.004 * s
    return Body(
        wall=wall,
        skin=skin,
        muscle=muscle,
        shoulder_blade=_shoulder_blade(grid, patient, wall, around),
        glands=_glands(grid, patient, skin, rng),
        heart=heart,
        liver=liver,
        spleen=cut(spleen, belly, 5),
        stomach=stomach,
        gas=gas,
        lung=lung,
        oblique=grid.distance(np.asarray(oblique, np.float32)),
        horizontal=grid.distance(np.asarray(horizontal, np.float32)),
        around=around,
        rib_height=np.asarray(s + drop, np.float32),
        density=np.asarray(-0.14 * a + 12 * grid.noise(rng, 12) + 8 * bulge, np.float32),
        emphysema=np.asarray(sick - np.quantile(sick, 1 - emphysema * rng.random() ** 2), np.float32),
        patchy=grid.noise(rng, 5),
    )


def _wall(grid: Grid, patient: Patient) -> tuple[Float32, Float32]:
    """Signed distance of the inner chest wall, and the angle round it: 0 behind, pi in front."""
    r, a, s = grid.coarse
    below = np.clip((patient.apex_mm + 12 - s) / patient.size, -40, 400)  # mm under the top
    width = patient.half_width_mm * (0.52 + 0.48 * np.sin(np.pi / 2 * np.clip(below / 150, 0, 1)) ** 0.9)
    depth = patient.half_depth_mm * (0.52 + 0.48 * np.sin(np.pi / 2 * np.clip(below / 135, 0, 1)))
    behind = spine_a(patient, s) - 24
    center = behind + depth
    x, y = np.abs(r) / width, (a - center) / depth
    # Rounder behind than in front.
    power = np.float32(2.35)
    level = (x**power + np.abs(y) ** power) ** (1 / power) - 1
    angle = np.arctan2(np.abs(r) / width, -y)
    return grid.distance(np.asarray(level, np.float32)), np.asarray(angle, np.float32)


def _heart(grid: Grid, patient: Patient, rng: np.random.Generator) -> Float32:
    k = patient.size
    base = patient.dome_mm[0]
    ventricles = ellipsoid(grid, (-30 * k, 22 * k, base + 26 * k), (54 * k * rng.uniform(0.9, 1.1), 39 * k, 41 * k), 38)
    right_atrium = ellipsoid(grid, (24 * k, 18 * k, base + 40 * k), (26 * k, 30 * k, 36 * k))
    left_atrium = ellipsoid(grid, (-4 * k, -14 * k, base + 58 * k), (36 * k, 22 * k, 24 * k))
    outflow = ellipsoid(grid, (-14 * k, 36 * k, base + 66 * k), (24 * k, 22 * k, 26 * k))
    heart = join(join(ventricles, right_atrium, 10), join(left_atrium, outflow, 10), 12)
    return heart + np.float32(1.0) * grid.noise(rng, 16)


def _domes(grid: Grid, patient: Patient) -> Float32:
    """S in mm of the diaphragm over each point."""
    r, a, _ = grid.coarse
    heights = []
    for side, top in ((RIGHT, patient.dome_mm[0]), (LEFT, patient.dome_mm[1])):
        x = (r * side - 62 * patient.size) / (66 * patient.size)
        x = np.where(x < 0, 0.45 * x, x)
        y = (a - 18) / np.where(a < 18, 88 * patient.size, 120 * patient.size)
        heights.append(top - 58 * patient.size * (x**2 + y**2) ** 1.25)
    height = np.where(r * RIGHT > 0, heights[0], heights[1])
    blend = np.clip(0.5 + r / 30, 0, 1)
    height = np.where(np.abs(r) < 15, blend * heights[0] + (1 - blend) * heights[1], height)
    return np.broadcast_to(height, grid.coarse_shape).astype(np.float32)


def _lungs(
    grid: Grid,
    patient: Patient,
    wall: Float32,
    heart: Float32,
    domes: Float32,
    vessels: list[tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]],
    rng: np.random.Generator,
) -> Float32:
    r, a, s = grid.coarse
    half = 9 + 11 * np.clip((30 - a) / 50, 0, 1) + 6 * np.clip((s - 40) / 60, 0, 1)
    middle: Float32 = np.asarray(np.abs(r + 3) - half, np.float32)
    spine = np.asarray(np.hypot(r, a - spine_a(patient, s)) - 22 * patient.size, np.float32)
    between = join(join(middle, spine, 14), np.asarray(heart - 4, np.float32), 10)
    for points, radii in vessels:
        between = join(between, polyline(grid, points, radii + 3.0), 8)
    lungs = cut(wall, -(between + 1.5 * grid.noise(rng, 14)), 5)
    lungs = cut(lungs, grid.distance(np.asarray(domes - s, np.float32)), 3)
    away = np.hypot(np.abs(r) - 52 * patient.size, a + 34 * patient.size) / (45 * patient.size)
    tops = s - patient.apex_mm + 30 * patient.size * away**1.35
    return cut(lungs, grid.distance(np.asarray(tops, np.float32)), 6)


def _outer(
    grid: Grid, patient: Patient, wall: Float32, around: Float32, rng: np.random.Generator
) -> tuple[Float32, Float32]:
    """Signed distances of the skin and of the muscles outside of the ribs."""
    r, _, s = grid.coarse
    side = np.sin(np.pi * around)
    high = np.clip((s + 20) / (90 * patient.size), 0, 1.3)
    thick = patient.muscle * (
        3
        + 15 * high * np.exp(-(((around - 0.72) / 0.13) ** 2))  # pectoral muscles
        + 13 * np.exp(-(((around - 0.42) / 0.16) ** 2)) * (0.5 + 0.9 * high)  # broadest muscle of the back, serratus
        + 17 * np.exp(-(((np.abs(r) - 28) / 26) ** 2)) * np.exp(-((around / 0.25) ** 4))  # beside the spine
        + 16 * high * np.exp(-(((around - 0.25) / 0.12) ** 2))  # over the shoulder blade
    )
    shoulder = 95 * np.clip((s - 55 * patient.size) / (75 * patient.size), 0, 1.2) ** 1.5 * side**2
    thick = thick + shoulder * 0.75
    muscle = np.maximum(11.5 - wall, wall - 12 - thick + 2.5 * grid.noise(rng, 9))
    planes = np.abs(grid.noise(rng, 13)) * 6 - 0.8  # fat between the muscles
    muscle = np.maximum(muscle, -planes)
    fat = patient.fat_mm * (0.65 + 0.45 * side)
    breast: Any = 0.0
    if patient.female:
        breast = (10 + 1.3 * patient.fat_mm) * np.exp(
            -(((around - 0.72) / 0.14) ** 2) - ((s + 25 * patient.size) / (48 * patient.size)) ** 2
        )
    skin = wall - (13 + thick + fat + breast) + 1.0 * grid.noise(rng, 25)
    return grid.distance(np.asarray(skin, np.float32)), np.asarray(muscle, np.float32)


def _shoulder_blade(grid: Grid, patient: Patient, wall: Float32, around: Float32) -> Float32:
    _, _, s = grid.coarse
    top, tip = 88 * patient.size, -30 * patient.size
    half = 0.012 + 0.085 * np.clip((s - tip) / (top - tip), 0, 1)
    across = (np.abs(around - (0.30 + 0.06 * np.clip((s - tip) / (top - tip), 0, 1))) - half) * 300
    blade = np.maximum(np.abs(wall - 21 - 6 * np.clip((s - tip) / (top - tip), 0, 1)) - 1.7, across)
    return np.asarray(np.maximum(np.maximum(blade, s - top), tip - s), np.float32)


def _glands(grid: Grid, patient: Patient, skin: Float32, rng: np.random.Generator) -> Float32:
    """Gland tissue of the breasts: a patchy cone under the skin."""
    if not patient.female:
        return np.full(grid.coarse_shape, 50, np.float32)
    r = grid.coarse[0]
    cone = ellipsoid(grid, (0, patient.half_depth_mm + 12, -25 * patient.size), (400, 32, 42))
    sides = np.abs(np.abs(r) - 78 * patient.size) - 38
    patchy = np.maximum(skin + 9, 4 * grid.noise(rng, 7))
    return np.asarray(np.maximum(np.maximum(cone, sides), patchy), np.float32)
