"""The chest's big shapes as signed distances on the coarse grid, for one patient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .chest_patient import GUTTER_MM, LEFT, RIGHT, Patient, arm_bone, half_depth_mm, spine_a
from .fields import Float32, Grid, cut, ellipsoid, join, polyline
from .phantom import random_stream

_ROUGH = 4
"""Of a great vessel's centreline every so many points do for the shape of the lung round it."""


@dataclass(frozen=True, eq=False)
class Organ:
    """One more organ, painted over what lies there.

    Attributes:
        name: what it is.
        field: coarse signed distance in mm.
        hu: its mean attenuation.
        grain_hu: of the fine texture within.
    """

    name: str
    field: Float32
    hu: float
    grain_hu: float = 4.0


@dataclass(frozen=True, eq=False)
class Bone:
    """One more bone: cortex round marrow.

    Attributes:
        field: coarse signed distance in mm.
        cortex_mm: thickness of the cortex.
    """

    field: Float32
    cortex_mm: float = 1.5


@dataclass(frozen=True, eq=False)
class Body:
    """Coarse fields, [k, j, i] float32; distances in mm, negative inside.

    Attributes:
        wall: the inner surface of the chest wall (and of the belly, below).
        skin: the body's outline.
        muscle: muscles of the chest wall outside of the ribs.
        glands, heart, chambers (the blood in it), liver, spleen, stomach, gas: by name.
        lung: both lungs.
        oblique: the oblique fissure's surface in each lung (signed height above it).
        horizontal: the right lung's horizontal fissure (signed height above it).
        around: position along a rib, 0 at the spine to 1 at the breastbone.
        rib_height: S + the rib's drop: constant along a rib.
        density: parenchyma, HU around the patient's mean.
        emphysema: above 0 where the lung is destroyed.
        patchy: noise that breaks up fat and muscle.
        organs, bones: whatever else there is, in the order of painting.
    """

    wall: Float32
    skin: Float32
    muscle: Float32
    glands: Float32
    heart: Float32
    chambers: Float32
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
    organs: tuple[Organ, ...] = ()
    bones: tuple[Bone, ...] = ()


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
    belly = cut(np.asarray(wall + 1.5, dtype=np.float32), grid.distance(np.asarray(s - domes + 1.5, np.float32)), 3)
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
    horizontal = s - 12 * patient.size - 0.10 * r + 0.24 * a + 4 * grid.noise(rng, 35)
    sick = grid.noise(rng, 4.5) + 0.7 * grid.noise(rng, 40) + 0.004 * s
    return Body(
        wall=wall,
        skin=skin,
        muscle=muscle,
        glands=_glands(grid, patient, skin, rng),
        heart=heart,
        chambers=_chambers(grid, patient, heart, rng),
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
    depth = half_depth_mm(patient, s)
    center = spine_a(patient, s) - GUTTER_MM * patient.size + depth
    # The spine behind and the breastbone in front dent the ring between the two lungs.
    dent = np.where(a < center, 15 * np.exp(-((r / 36) ** 2)), -6 * np.exp(-((r / 30) ** 2))) * patient.size
    x, y = np.abs(r) / width, (a - center - dent) / depth
    power = np.float32(2.3)
    level = (x**power + np.abs(y) ** power) ** (1 / power) - 1
    angle = np.arctan2(np.abs(r) / width, -y)
    return grid.distance(np.asarray(level, np.float32)), np.asarray(angle, np.float32)


def _heart(grid: Grid, patient: Patient, rng: np.random.Generator) -> Float32:
    k = patient.size
    base = patient.dome_mm[0]
    ventricles = ellipsoid(grid, (-30 * k, 22 * k, base + 26 * k), (54 * k * rng.uniform(0.9, 1.1), 39 * k, 41 * k), 38)
    right_atrium = ellipsoid(grid, (24 * k, 18 * k, base + 32 * k), (25 * k, 29 * k, 34 * k))
    left_atrium = ellipsoid(grid, (-4 * k, -14 * k, base + 42 * k), (36 * k, 21 * k, 21 * k))
    outflow = ellipsoid(grid, (-14 * k, 38 * k, base + 58 * k), (22 * k, 20 * k, 24 * k))
    heart = join(join(ventricles, right_atrium, 10), join(left_atrium, outflow, 10), 12)
    return heart + np.float32(1.0) * grid.noise(rng, 16)


def _chambers(grid: Grid, patient: Patient, heart: Float32, rng: np.random.Generator) -> Float32:
    """The blood in the heart: within its wall, parted by a septum."""
    r, a, s = grid.coarse
    k = patient.size
    septum = (0.75 * (r + 22 * k) + 0.6 * (a - 28 * k) + 0.25 * (s - patient.dome_mm[0] - 26 * k)) + 2 * grid.noise(
        rng, 12
    )
    # The right side's wall is thin (3 mm), the left ventricle's thick (10 mm).
    wall = heart + np.clip(5.5 - 0.25 * septum, 3, 10) + 1.5 * grid.noise(rng, 6)
    return np.asarray(np.maximum(wall, 4.5 - np.abs(septum)), np.float32)


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
    between = join(join(middle, spine, 14), np.asarray(heart - 2, np.float32), 7)
    for points, radii in vessels:
        rough = slice(None, None, _ROUGH)
        between = join(between, polyline(grid, points[rough], radii[rough] + 2.0), 6)
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
        + 17 * np.exp(-((r / 62) ** 4)) * np.exp(-((around / 0.25) ** 4))  # beside the spine
        + 16 * high * np.exp(-(((around - 0.25) / 0.12) ** 2))  # over the shoulder blade
    )
    shoulder = 95 * np.clip((s - 55 * patient.size) / (75 * patient.size), 0, 1.2) ** 1.5 * side**2
    thick = thick + shoulder * 0.75
    muscle = np.maximum(11.5 - wall, wall - 12 - thick + 2.5 * grid.noise(rng, 9))
    planes = np.abs(grid.noise(rng, 13)) * 6 - 0.8  # fat between the muscles
    muscle = np.maximum(muscle, -planes)
    arms = np.minimum(*[_arm(grid, patient, sign) for sign in (RIGHT, LEFT)])
    muscle = np.minimum(muscle, np.maximum(arms - 11, -planes))
    fat = patient.fat_mm * (0.65 + 0.45 * side)
    breast: Any = 0.0
    if patient.female:
        breast = (10 + 1.3 * patient.fat_mm) * np.exp(
            -(((around - 0.72) / 0.14) ** 2) - ((s + 25 * patient.size) / (48 * patient.size)) ** 2
        )
    skin = wall - (13 + thick + fat + breast) + 1.0 * grid.noise(rng, 25)
    skin = join(np.asarray(skin, np.float32), np.asarray(arms - 15 - 0.7 * patient.fat_mm, np.float32), 25)
    return grid.distance(skin), np.asarray(muscle, np.float32)


def _arm(grid: Grid, patient: Patient, side: float) -> Float32:
    return polyline(grid, *arm_bone(patient, side))


def _glands(grid: Grid, patient: Patient, skin: Float32, rng: np.random.Generator) -> Float32:
    """Gland tissue of the breasts: patchy, under the skin."""
    if not patient.female:
        return np.full(grid.coarse_shape, 50, np.float32)
    k = patient.size
    front = patient.half_depth_mm + 10
    sides = [ellipsoid(grid, (side * 80 * k, front - 8, -25 * k), (42, 34, 40), -20 * side) for side in (RIGHT, LEFT)]
    patchy = np.maximum(skin + 9, 5 * grid.noise(rng, 5) - 1)
    return np.asarray(np.maximum(np.minimum(*sides), patchy), np.float32)
