"""The outer shape of a whole body: belly, hips and legs below the chest, neck, head and raised arms above it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from .chest_body import Body
from .chest_patient import LEFT, RIGHT, Patient, spine_a
from .fields import Float32, Grid, cut, join, near_polyline
from .phantom import random_stream

Float64 = npt.NDArray[np.float64]

_BELLY_FROM, _BELLY_ALL = -105.0, -165.0
"""Between these heights (S in mm, size 1) the chest's wall passes into the belly's."""
_CROTCH = -462.0
_BLEND_MM = 32.0
"""Greatest width of the fillets between trunk and limbs."""
_HEIGHTS = (-60.0, -110.0, -170.0, -230.0, -280.0, -330.0, -380.0, -420.0, -460.0)
"""Where the profiles below are given, S in mm for a patient of size 1."""
_WIDTH = (1.0, 0.99, 0.95, 0.9, 0.9, 0.93, 0.9, 0.8, 0.66)
"""Half-width of the inner wall, as a share of the chest's."""
_BACK = (9.0, 10.0, 12.0, 12.0, 8.0, -2.0, -8.0, -6.0, 0.0)
_FRONT = (9.0, 10.0, 6.0, 0.0, -4.0, -8.0, -16.0, -28.0, -42.0)
"""Inner wall behind and in front, mm in front of the chest's."""
_SIDE_MUSCLE = (13.0, 13.0, 15.0, 19.0, 24.0, 30.0, 36.0, 32.0, 22.0)
_BACK_MUSCLE = (20.0, 26.0, 34.0, 40.0, 44.0, 38.0, 26.0, 18.0, 10.0)
_FRONT_MUSCLE = (11.0, 11.0, 11.0, 11.0, 11.0, 12.0, 14.0, 18.0, 22.0)
_BUTTOCK = (0.0, 0.0, 0.0, 0.0, 8.0, 24.0, 36.0, 38.0, 26.0)
"""Thickness of the flesh outside of the inner wall, mm for a patient of size 1."""


@dataclass(frozen=True, eq=False)
class Head:
    """Measures of the head.

    Attributes:
        size: as a share of the usual; heads differ less than bodies.
        a_mm, s_mm: middle of the brain.
    """

    size: float
    a_mm: float
    s_mm: float


def head_of(patient: Patient) -> Head:
    size = float(patient.size**0.5)
    return Head(size, float(spine_a(patient, 205 * patient.size)) + 17, 303 * patient.size)


def whole_outline(grid: Grid, seed: int, patient: Patient, body: Body) -> Body:
    """The body with wall, skin and muscles from head to thigh, and with ribs that end at the costal margin."""
    rng = random_stream(seed, "outline")
    r, a, s = grid.coarse
    k = patient.size
    belly, turn = _belly(grid, patient)
    below = np.clip((_BELLY_FROM * k - s) / ((_BELLY_FROM - _BELLY_ALL) * k), 0, 1)
    below = (below * below * (3 - 2 * below)).astype(np.float32)
    wall = np.asarray(body.wall + below * (belly - body.wall), dtype=np.float32)
    around = np.asarray(np.where(below > 0.5, turn, body.around), dtype=np.float32)
    flesh = _flesh(patient, around, s, r)
    side = np.sin(np.pi * around)
    fat = (
        patient.fat_mm
        * (0.7 + 0.5 * side)
        * np.interp(s, (-460 * k, -380 * k, -300 * k, -200 * k), (0.85, 1.1, 1.2, 1.05))
    )
    belly_skin = np.asarray(belly - flesh - fat + grid.noise(rng, 25), dtype=np.float32)
    skin = np.asarray(body.skin + below * (belly_skin - body.skin), dtype=np.float32)
    planes = np.asarray(np.abs(grid.noise(rng, 13)) * 6 - 0.8, dtype=np.float32)
    belly_muscle = np.maximum(np.maximum(10.5 - belly, belly - flesh), -planes)
    muscle = np.where(below < 0.5, body.muscle, belly_muscle)
    skin, muscle = _with_legs(grid, patient, skin, muscle, planes)
    skin, muscle = _with_neck(grid, patient, skin, muscle, planes)
    muscle = np.minimum(muscle, np.maximum(_psoas(grid, patient), -planes))
    # Nothing of the chest's wall above the shoulders, nor of the belly's below the pelvic floor.
    wall = cut(wall, np.asarray(s - 124 * k + 0 * r + 0 * a, dtype=np.float32), 8)
    wall = cut(wall, np.asarray(_CROTCH * k + 14 - s + 0 * r + 0 * a, dtype=np.float32), 70)
    margin = np.interp(
        around, (0.0, 0.2, 0.3, 0.42, 0.6, 0.8, 0.94, 1.0), (-260, -235, -205, -190, -172, -125, -72, -62)
    )
    ribs = np.where(s < margin * k, np.float32(1.0), body.around)
    return replace(
        body,
        wall=wall,
        skin=skin,
        muscle=np.asarray(muscle, dtype=np.float32),
        around=np.asarray(ribs, dtype=np.float32),
    )


def _profile(patient: Patient, s: npt.NDArray[np.floating], values: tuple[float, ...]) -> Float64:
    """A profile of the belly at heights S."""
    return np.asarray(np.interp(s, np.array(_HEIGHTS[::-1]) * patient.size, values[::-1]))


def _belly(grid: Grid, patient: Patient) -> tuple[Float32, Float32]:
    """Signed distance of the belly's inner wall, and the place round it: 0 behind, 1 in front."""
    r, a, s = grid.coarse
    k = patient.size
    width = patient.half_width_mm * _profile(patient, s, _WIDTH) * (1.04 if patient.female else 1.0)
    back = -patient.half_depth_mm + k * _profile(patient, s, _BACK)
    front = patient.half_depth_mm + k * _profile(patient, s, _FRONT) + 0.5 * (patient.fat_mm - 15)
    depth, center = (front - back) / 2, (front + back) / 2
    x, y = np.abs(r) / width, (a - center) / depth
    power = np.float32(2.35)
    level = (x**power + np.abs(y) ** power) ** (1 / power) - 1
    turn = np.arctan2(x, -y) / np.pi
    return grid.distance(np.asarray(level, np.float32)), np.asarray(turn, np.float32)


def _flesh(
    patient: Patient, around: Float32, s: npt.NDArray[np.floating], r: npt.NDArray[np.floating]
) -> npt.NDArray[np.floating]:
    """Thickness in mm of the muscles outside of the belly's inner wall."""
    sideways = np.exp(-(((around - 0.48) / 0.2) ** 2))
    front = np.clip((around - 0.55) / 0.25, 0, 1)
    spinal = np.exp(-((r / (58 * patient.size)) ** 4)) * (around < 0.5)
    behind = np.exp(-(((around - 0.27) / 0.13) ** 2))
    thick = (
        12
        + (_profile(patient, s, _SIDE_MUSCLE) - 12) * sideways
        + (_profile(patient, s, _FRONT_MUSCLE) - 12) * front
        + (_profile(patient, s, _BACK_MUSCLE) - 12) * spinal
        + _profile(patient, s, _BUTTOCK) * behind
    )
    return np.asarray(thick * patient.size * (0.8 + 0.2 * patient.muscle))


def _with_legs(
    grid: Grid, patient: Patient, skin: Float32, muscle: npt.NDArray[np.floating], planes: Float32
) -> tuple[Float32, npt.NDArray[np.floating]]:
    _, _, s = grid.coarse
    k = patient.size
    if float(s.min()) > -380 * k:
        return skin, muscle
    skin = cut(skin, np.asarray((_CROTCH - 12) * k - s + 0 * skin, dtype=np.float32), 50)
    fat = 0.9 * patient.fat_mm
    for side in (RIGHT, LEFT):
        line = np.array([(92.0 * side, -8, -400), (92 * side, 0, -480), (88 * side, 6, -760)]) * k
        leg = near_polyline(grid, line, np.array((72.0, 72, 52)) * k, _BLEND_MM + fat)
        skin = join(skin, np.asarray(leg - fat, dtype=np.float32), 30)
        # The thigh's muscles begin slanting within the hip's.
        own = np.maximum(np.maximum(leg + 2, -planes), s + 415 * k + 0.35 * (grid.coarse[1] + np.abs(grid.coarse[0])))
        muscle = np.minimum(muscle, own)
    return skin, muscle


def _with_neck(
    grid: Grid, patient: Patient, skin: Float32, muscle: npt.NDArray[np.floating], planes: Float32
) -> tuple[Float32, npt.NDArray[np.floating]]:
    r, a, s = grid.coarse
    k = patient.size
    if float(s.max()) < 100 * k:
        return skin, muscle
    # The shoulders slope from the neck to the sides, to the front and to the back.
    middle = float(spine_a(patient, 110 * k)) + 20 * k
    top = np.asarray(s - 162 * k + 0.4 * np.abs(r) + 0.0042 / k * (a - middle) ** 2, dtype=np.float32)
    skin = cut(skin, top, 40)
    muscle = np.maximum(muscle, top + 5)
    head = head_of(patient)
    neck = near_polyline(
        grid,
        np.array(
            [
                (0, float(spine_a(patient, 110 * k)) + 16 * k, 100 * k),
                (0, float(spine_a(patient, 150 * k)) + 12 * k, 160 * k),
                (0, head.a_mm + 12, 250 * k),
            ]
        ),
        np.array((56.0, 50, 50)) * k,
        _BLEND_MM + 3 + 0.35 * patient.fat_mm,
    )
    muscle = np.minimum(muscle, np.maximum(np.maximum(neck + 2, -planes), s - 262 * k))
    skin = join(skin, np.asarray(neck - 3 - 0.35 * patient.fat_mm, dtype=np.float32), 32)
    for side in (RIGHT, LEFT):
        line = (
            np.array([(142.0 * side, -22, 78), (170 * side, -24, 150), (192 * side, -28, 260), (192 * side, -22, 480)])
            * k
        )
        arm = near_polyline(grid, line, np.array((46.0, 44, 36, 32)) * k, _BLEND_MM + 0.4 * patient.fat_mm)
        skin = join(skin, np.asarray(arm - 0.4 * patient.fat_mm, dtype=np.float32), 30)
        # The arm's muscles begin slanting within the shoulder's.
        muscle = np.minimum(muscle, np.maximum(np.maximum(arm + 2, -planes), 85 * k - s + 0.5 * (150 * k - np.abs(r))))
    return skin, muscle


def _psoas(grid: Grid, patient: Patient) -> Float32:
    """The loin muscles beside the spine, down to the hips."""
    k = patient.size
    sides = []
    for side in (RIGHT, LEFT):
        line = np.array(
            [
                (30.0 * side * k, spine_a(patient, -150 * k) - 2, -150 * k),
                (44.0 * side * k, spine_a(patient, -220 * k) + 2, -225 * k),
                (54.0 * side * k, spine_a(patient, -280 * k) + 8, -290 * k),
                (76.0 * side * k, 26.0 * k, -375 * k),
                (84.0 * side * k, 24.0 * k, -420 * k),
            ]
        )
        sides.append(near_polyline(grid, line, np.array((8.0, 17, 21, 17, 12)) * k))
    return np.minimum(*sides)
