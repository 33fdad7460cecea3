"""Bones of the pelvis, the legs and the arms."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .chest_body import Bone
from .chest_patient import LEFT, RIGHT, Patient, spine_a
from .fields import Float32, Grid, near_ellipsoid, near_polyline

_HIP = (88.0, 2.0, -412.0)
"""Middle of the right femoral head, RAS mm for a patient of size 1."""


def pelvic_bones(grid: Grid, patient: Patient) -> list[Bone]:
    """Sacrum, hip bones and thigh bones."""
    k = patient.size
    hips, shafts = [], []
    for side in (RIGHT, LEFT):
        hip = np.array(_HIP) * (side, 1, 1) * k

        def at(x: float, forward: float, up: float, side: float = side) -> tuple[float, float, float]:
            return side * x * k, (_HIP[1] + forward) * k, up * k

        head = near_ellipsoid(grid, hip, np.full(3, 23.5 * k))
        socket = near_ellipsoid(grid, at(75, 0, -404), np.array((21, 29, 34)) * k)
        socket = np.maximum(socket, 3 - head)
        rami = [
            near_polyline(
                grid, np.array([at(66, 24, -404), at(34, 44, -418), at(8, 50, -428)]), np.array((10.0, 8, 10)) * k
            ),
            near_polyline(
                grid, np.array([at(8, 46, -438), at(34, 8, -474), at(52, -20, -480)]), np.array((7.5, 6.5, 9)) * k
            ),
            near_polyline(
                grid, np.array([at(76, -20, -416), at(66, -38, -452), at(54, -24, -480)]), np.array((15.0, 14, 12)) * k
            ),
        ]
        hips.append(np.minimum.reduce([socket, *rami]))
        neck = near_polyline(grid, np.array([hip, at(118, -6, -436)]), np.array((15.0, 15)) * k)
        knob = near_ellipsoid(grid, at(124, -12, -428), np.array((13, 17, 22)) * k)
        shafts.append(np.minimum.reduce([head, neck, knob]))
        shafts.append(
            near_polyline(
                grid, np.array([at(116, -6, -438), at(110, 0, -500), at(98, 4, -700)]), np.array((17.0, 14.5, 14)) * k
            )
        )
    wings = _wings(grid, patient)
    return [
        Bone(_sacrum(grid, patient), 1.5),
        Bone(np.minimum.reduce([wings, *hips]), 2.0),
        Bone(np.minimum(shafts[0], shafts[2]), 1.8),
        Bone(np.minimum(shafts[1], shafts[3]), 5.0),
    ]


def _sacrum(grid: Grid, patient: Patient) -> Float32:
    r, a, s = grid.coarse
    k = patient.size
    heights = np.array((-460.0, -430, -400, -360, -335, -318)) * k
    wide = np.interp(s, heights, (6, 10, 22, 42, 52, 50)) * k
    deep = np.interp(s, heights, (4, 6, 9, 16, 23, 24)) * k
    x, y = np.abs(r) / wide, (a - spine_a(patient, s) + 0.0018 / k * r**2 * 4) / deep
    level = (np.sqrt(x**2.6 + np.abs(y) ** 2.6) - 1) * deep
    level = np.maximum(level, np.maximum(s + 320 * k, -460 * k - s))
    return np.asarray(level, dtype=np.float32)


def _wings(grid: Grid, patient: Patient) -> Float32:
    """The iliac bones: curved plates from beside the sacrum to the front of the hips, arched at the top."""
    r, a, s = grid.coarse
    k = patient.size
    x = np.abs(r)
    down = np.clip((-268 * k - s) / (130 * k), 0, 1)
    start_x, start_a = (50 + 16 * down) * k, spine_a(patient, -335 * k) - (16 - 34 * down) * k
    end_x, end_a = (122 - 36 * down) * k, (46 - 34 * down) * k
    along_x, along_a = end_x - start_x, end_a - start_a
    length = np.hypot(along_x, along_a)
    t = ((x - start_x) * along_x + (a - start_a) * along_a) / length**2
    bowed = 13 * k * np.sin(np.pi * np.clip(t, 0, 1)) * (1 - down)
    across = ((x - start_x) * along_a - (a - start_a) * along_x) / length - bowed
    half = (3.6 + 5.5 * down**2 + 3.0 * np.clip(1 - 5 * np.clip(t, 0, 1), 0, 1)) * k
    inside = np.clip(t, 0, 1)
    crest = -(326 - 58 * np.sin(np.pi * np.clip(0.1 + 0.9 * inside, 0, 1)) ** 0.7) * k
    plate = np.maximum(np.abs(across) - half, np.abs(t - inside) * length - half)
    plate = np.maximum(plate, np.maximum(s - crest, -400 * k - s))
    return np.asarray(plate, dtype=np.float32)


def arm_bones(grid: Grid, patient: Patient) -> Bone:
    """The upper arms' bones, raised beside the head."""
    k = patient.size
    sides = []
    for side in (RIGHT, LEFT):
        line: npt.NDArray[np.float64] = (
            np.array([(158.0 * side, -21, 118), (172 * side, -24, 160), (192 * side, -28, 260), (192 * side, -22, 480)])
            * k
        )
        sides.append(near_polyline(grid, line, np.array((14.0, 11, 10.5, 11)) * k))
    return Bone(np.minimum(*sides), 4.0)
