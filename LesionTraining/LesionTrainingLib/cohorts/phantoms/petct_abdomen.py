"""Organs of belly and pelvis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from .chest_body import Body, Organ
from .chest_patient import LEFT, RIGHT, Patient, spine_a
from .chest_vessels import Path
from .fields import Float32, Grid, cut, near_ellipsoid, near_polyline
from .phantom import random_stream

Float64 = npt.NDArray[np.float64]


def upper_organs(grid: Grid, seed: int, patient: Patient, body: Body) -> Body:
    """The chest's liver, spleen and stomach, whole: they end within the belly."""
    rng = random_stream(seed, "upper abdomen")
    r, a, s = grid.coarse
    k, dome = patient.size, patient.dome_mm[0]
    depth = float(rng.uniform(0.92, 1.1))
    lower = dome - 150 * k * depth + 0.55 * np.clip(95 * k - r, 0, None) - 0.14 * a
    liver = cut(body.liver, np.asarray(lower - s + 3 * grid.noise(rng, 16), np.float32), 14)
    left = (-28 * k - 1.5 * np.minimum(r, 60 * k)) - a + 0 * s
    liver = cut(liver, np.asarray(left, np.float32), 12)
    # The left lobe tapers towards the front.
    liver = cut(liver, np.asarray(-r + 0.85 * (a - 40 * k) - 16 * k + 0 * s, np.float32), 30)
    liver = cut(liver, np.asarray(body.wall + 3, np.float32), 6)
    side = patient.dome_mm[1]
    spleen = near_ellipsoid(
        grid,
        (-88 * k, -42 * k, side - 58 * k),
        np.array((26, 42, 50)) * k * rng.uniform(0.9, 1.1, 3),
        _turned(np.array((-0.35, -0.3, 0.9)), np.array((0.55, -0.8, 0))),
    )
    spleen = cut(np.asarray(spleen, np.float32), np.asarray(body.wall + 3, np.float32), 4)
    spleen = np.maximum(spleen, 2 - body.lung)
    line = np.array(
        [(-50, 22, side / k - 40), (-62, 28, side / k - 72), (-48, 44, side / k - 108), (-10, 52, -178), (16, 46, -172)]
    )
    line = (line + rng.uniform(-4, 4, line.shape)) * k
    stomach = near_polyline(grid, line, np.array((36.0, 33, 24, 18, 12)) * k * rng.uniform(0.85, 1.1))
    for other, gap in ((body.wall, -4.0), (-liver, -3.0), (-spleen, -2.0), (-body.lung, -4.0)):
        stomach = np.maximum(stomach, np.asarray(other - gap, np.float32))
    level = float(rng.uniform(30, 48)) * k
    gas = np.maximum(stomach + 4, np.asarray(level - a + 0 * r + 0 * s, np.float32))
    return replace(body, liver=liver, spleen=spleen, stomach=stomach, gas=gas)


def _turned(long: Float64, wide: Float64) -> Float64:
    """Unit axes, [3, 3]: the last row along ``long``, the second near ``wide``."""
    long = long / np.linalg.norm(long)
    wide = wide - long * (long @ wide)
    wide = wide / np.linalg.norm(wide)
    return np.stack([np.cross(wide, long), wide, long])


def kidneys(grid: Grid, seed: int, patient: Patient) -> tuple[list[Organ], dict[float, Float64], dict[float, Float64]]:
    """Kidneys with their fat and pelvis; the middle of each, and where its ureter begins, by side."""
    rng = random_stream(seed, "kidneys")
    k = patient.size
    organs: list[Organ] = []
    middles, starts = dict[float, Float64](), dict[float, Float64]()
    bright = 150.0 if patient.blood_hu > 100 else 34.0
    wide = float(rng.uniform(0.8, 1.3))
    for side, s in ((RIGHT, -181.0), (LEFT, -168.0)):
        height = s * k + rng.uniform(-8, 8)
        middle = np.array((61 * side * k + rng.uniform(-3, 3), spine_a(patient, height) - 8 * k, height))
        axes = _turned(np.array((-0.28 * side, -0.2, 0.94)), np.array((0.8 * side, 0.6, 0)))
        inward = np.array((-0.85 * side, 0.5, 0.0))
        radii = np.array((23, 28, 55)) * k * rng.uniform(0.92, 1.08)
        kidney = near_ellipsoid(grid, middle, radii, axes)
        sinus = near_ellipsoid(grid, middle + inward * 12 * k, np.array((9, 15, 26)) * k, axes)
        kidney = cut(
            np.asarray(kidney, np.float32),
            -near_ellipsoid(grid, middle + inward * 27 * k, np.array((9, 13, 15)) * k, axes),
            4,
        )
        pelvis = near_ellipsoid(grid, middle + inward * 15 * k, np.array((6, 9, 12)) * k * wide, axes)
        organs += [
            Organ("kidney", kidney, bright, 5.0),
            Organ("fat", np.maximum(sinus, kidney), -70.0),
            Organ("renal pelvis", pelvis, 8.0),
        ]
        middles[side], starts[side] = middle, middle + inward * 18 * k
    return organs, middles, starts


def ureters(seed: int, patient: Patient, starts: dict[float, Float64]) -> list[Path]:
    """From the kidneys' pelvis over the loin muscles to the bladder."""
    rng = random_stream(seed, "ureters")
    k = patient.size
    paths: list[Path] = []
    for side, start in starts.items():
        points = np.array(
            [
                start,
                (40 * side * k, float(spine_a(patient, -225 * k)) + 22 * k, -225 * k),
                (38 * side * k, float(spine_a(patient, -285 * k)) + 26 * k, -290 * k),
                (52 * side * k, -8 * k, -350 * k),
                (40 * side * k, -12 * k, -395 * k),
                (18 * side * k, -4 * k, -412 * k),
            ]
        )
        points[1:-1] += rng.uniform(-4, 4, (4, 3))
        paths.append((points, np.full(len(points), 2.2)))
    return paths


def pelvic_organs(grid: Grid, seed: int, patient: Patient) -> tuple[list[Organ], Float64]:
    """Bladder, rectum, and womb or prostate; and the bladder's middle."""
    rng = random_stream(seed, "pelvis")
    k = patient.size
    full = float(rng.uniform(0.75, 1.2))
    middle = np.array((0.0, 20.0, -408.0 + 10 * (full - 1))) * k + rng.uniform(-3, 3, 3)
    bladder = near_ellipsoid(grid, middle, np.array((40, 30, 27)) * k * full)
    rectum = near_polyline(
        grid,
        np.array([(0, -46, -462), (0, -50, -425), (2, -48, -385), (-14, -34, -352)]) * k,
        np.array((11.0, 16, 15, 13)) * k,
    )
    if patient.female:
        other = near_ellipsoid(grid, np.array((rng.uniform(-8, 8), -14, -382)) * k, np.array((27, 23, 22)) * k)
        other = np.minimum(other, near_ellipsoid(grid, np.array((0, -14, -428)) * k, np.array((20, 14, 26)) * k))
    else:
        other = near_ellipsoid(grid, np.array((0, 14, -444)) * k, np.array((23, 17, 17)) * k)
        other = np.minimum(other, near_ellipsoid(grid, np.array((0, -14, -425)) * k, np.array((28, 8, 9)) * k))
    organs = [
        Organ("pelvic organ", np.asarray(other, np.float32), 48.0),
        Organ("rectum", rectum, 30.0, 8.0),
        Organ("air", np.maximum(rectum + 5, 3 - 4 * grid.noise(rng, 9)), -950.0, 0.0),
        Organ("bladder", bladder, 6.0),
    ]
    return organs, middle


def bowel(grid: Grid, seed: int, patient: Patient, body: Body, others: list[Organ]) -> list[Organ]:
    """Colon and small bowel with contents and gas, within the belly's wall and round the ``others``."""
    rng = random_stream(seed, "bowel")
    k = patient.size
    front = patient.half_depth_mm / k - 22  # before the belly's wall

    def back(s: float) -> float:
        return float(spine_a(patient, s * k)) / k

    colon = np.array(
        [
            (86, back(-330) + 32, -332), (92, back(-290) + 22, -290), (95, back(-240) + 18, -240),
            (92, back(-210) + 38, -208), (62, front - 14, -214), (22, front - 2, -236), (-22, front - 2, -238),
            (-62, front - 14, -206), (-96, 14, -170), (-106, back(-220) + 12, -215), (-104, back(-290) + 24, -290),
            (-92, 16, -334), (-58, 34, -356), (-28, 12, -368), (-12, -30, -352),
        ]
    )  # fmt: skip
    fine = finer((colon + rng.uniform(-4, 4, colon.shape)) * k, 6)
    radii = np.interp(np.linspace(0, 1, len(fine)), (0, 0.25, 0.6, 1), (23, 19, 16, 13)) * k
    radii = radii * (1 + 0.16 * np.sin(np.arange(len(fine)) * 1.9)) * rng.uniform(0.85, 1.15)
    large = near_polyline(grid, fine, radii)
    small = np.full(grid.coarse_shape, 60, np.float32)
    for forward, turns, phase in ((26.0, 5.5, 0.0), (52.0, 6.5, 1.2)):
        t = np.linspace(0, 1, 120)
        shift = rng.uniform(0, 2 * np.pi, 3)
        wide = 76 - 62 * np.abs(t - 0.42) ** 1.3
        line = np.stack(
            [
                wide * np.sin(2 * np.pi * turns * t + shift[0]) + 8 * np.sin(2 * np.pi * 13 * t + shift[1]),
                np.array([back(-215 - 150 * n) for n in t]) * (1 - 0.6 * t)
                + forward
                + 12 * np.sin(2 * np.pi * 9 * t + phase),
                -212 - 152 * t + 9 * np.sin(2 * np.pi * 11 * t + shift[2]),
            ],
            axis=1,
        )
        small = np.minimum(small, near_polyline(grid, line * k, np.full(len(t), 9.5 * k)))
    inside = np.maximum(body.wall + 3, 2 - body.liver)
    for field in (body.stomach, body.spleen, *(organ.field for organ in others)):
        inside = np.maximum(inside, 2.5 - field)
    large, small = (np.asarray(np.maximum(tube, inside), np.float32) for tube in (large, small))
    small = np.maximum(small, 3 - large)
    gas, mixed = grid.noise(rng, 13), grid.noise(rng, 8)
    return [
        Organ("small bowel", small, 42.0, 6.0),
        Organ("", np.asarray(np.maximum(small + 3.5, -mixed * 6), np.float32), 14.0),
        Organ("", np.asarray(np.maximum(small + 3.5, 9 - gas * 6), np.float32), -900.0, 0.0),
        Organ("bowel", large, 40.0, 6.0),
        Organ("", np.asarray(large + 3, np.float32), -20.0, 60.0),
        Organ("", np.asarray(np.maximum(large + 3, 4 - gas * 6), np.float32), -950.0, 0.0),
    ]


def finer(points: Float64, pieces: int) -> Float64:
    """Points of a smooth curve through ``points``."""
    from scipy.interpolate import PchipInterpolator

    at = np.arange(len(points))
    return np.asarray(PchipInterpolator(at, points)(np.linspace(0, len(points) - 1, (len(points) - 1) * pieces + 1)))


def glands(grid: Grid, seed: int, patient: Patient, liver: Float32) -> list[Organ]:
    """Pancreas, gall bladder and thyroid."""
    rng = random_stream(seed, "glands")
    k = patient.size

    def back(s: float) -> float:
        return float(spine_a(patient, s * k)) / k

    line = np.array(
        [
            (30, back(-182) + 40, -184),
            (14, back(-168) + 50, -168),
            (-18, back(-155) + 46, -156),
            (-60, back(-145) + 26, -146),
        ]
    )
    pancreas = near_polyline(grid, (line + rng.uniform(-3, 3, line.shape)) * k, np.array((13.0, 9, 9, 8)) * k)
    bag = near_ellipsoid(grid, np.array((44, 44, patient.dome_mm[0] / k - 118)) * k, np.array((13, 14, 25)) * k)
    lobes = [near_ellipsoid(grid, np.array((x, 2, 126)) * k, np.array((9, 9, 20)) * k) for x in (-18, 21)]
    return [
        Organ("pancreas", pancreas, 38.0, 9.0),
        Organ("gall bladder", bag, 8.0),
        Organ("thyroid", np.minimum(*lobes), 105.0),
    ]


def lower_vessels(seed: int, patient: Patient) -> list[Path]:
    """The aorta and the lower great vein below the chest's, with their branches to the legs."""
    rng = random_stream(seed, "lower vessels")
    k = patient.size

    def back(s: float) -> float:
        return float(spine_a(patient, s * k)) / k

    def path(points: Sequence[tuple[float, float, float]], radii: list[float]) -> Path:
        return finer((np.array(points) + rng.uniform(-1.5, 1.5, (len(points), 3))) * k, 4), np.repeat(
            np.array(radii) * k, 4
        )[: (len(points) - 1) * 4 + 1]

    paths = [
        path([(-6, back(-168) + 31, -168), (-5, back(-215) + 31, -215), (-2, back(-262) + 31, -264)], [10, 9.5, 9]),
        path([(20, back(-148) + 35, -148), (21, back(-210) + 26, -210), (18, back(-275) + 26, -278)], [11, 11, 10.5]),
    ]
    for side in (RIGHT, LEFT):
        artery = [
            (side * 4, back(-262) + 31, -262),
            (side * 22, back(-300) + 34, -300),
            (side * 48, 4, -345),
            (side * 66, 38, -395),
            (side * 70, 42, -440),
            (side * 74, 38, -560),
        ]
        vein = [
            (16 if side > 0 else 12, back(-276) + 26, -276),
            (side * 26, back(-310) + 24, -310),
            (side * 44, -8, -350),
            (side * 58, 30, -398),
            (side * 62, 34, -440),
            (side * 70, 26, -560),
        ]
        paths += [path(artery, [7, 6.5, 6, 5, 4.5, 4]), path(vein, [8, 8, 7, 6, 5.5, 5])]
    return paths
