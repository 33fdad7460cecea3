"""Skull, brain, air ways and glands of the head and the neck."""

from __future__ import annotations

import numpy as np

from .chest_body import Bone, Organ
from .chest_patient import LEFT, RIGHT, Patient
from .chest_vessels import Path
from .fields import Float32, Grid, cut, ellipsoid, join, near_ellipsoid, near_polyline
from .petct_trunk import Head
from .phantom import random_stream

_BRAIN_MM = (66.0, 83.0, 58.0)
"""Half-lengths of the brain along R, A, S."""


def head_skin(grid: Grid, head: Head, skin: Float32, fat_mm: float) -> Float32:
    """The body's outline with the head on it."""
    n, a, s = head.size, head.a_mm, head.s_mm
    scalp = 14 + 0.15 * fat_mm
    skull = ellipsoid(grid, (0, a, s), (_BRAIN_MM[0] * n + scalp, _BRAIN_MM[1] * n + scalp, _BRAIN_MM[2] * n + scalp))
    face = ellipsoid(grid, (0, a + 42 * n, s - 72 * n), (57 * n, 56 * n, 66 * n))
    nose = ellipsoid(grid, (0, a + 94 * n, s - 60 * n), (12 * n, 17 * n, 21 * n))
    return join(skin, join(join(skull, face, 22), nose, 10), 18)


def head_organs(grid: Grid, seed: int, head: Head) -> tuple[list[Organ], list[Bone], Float32]:
    """Organs in the order of painting, bones, and the muscles of face and tongue (signed distance)."""
    rng = random_stream(seed, "head")
    n, a, s = head.size, head.a_mm, head.s_mm

    def at(r: float, forward: float, up: float, radii: tuple[float, float, float]) -> Float32:
        return near_ellipsoid(grid, (r * n, a + forward * n, s + up * n), np.array(radii) * n)

    def both(r: float, forward: float, up: float, radii: tuple[float, float, float]) -> Float32:
        return np.minimum(at(r, forward, up, radii), at(-r, forward, up, radii))

    brain = at(0, 0, 0, _BRAIN_MM)
    # The fissure between the halves, and folds at the surface.
    fold = 2.2 * grid.noise(rng, 5)
    half = np.asarray(1.5 - np.abs(grid.coarse[0]) - 30 * (grid.coarse[2] < s), dtype=np.float32)
    cerebrum = np.maximum(np.maximum(brain + 1, half + 0 * brain), at(0, 5, 10, (68, 86, 55)))
    cerebellum = both(20, -38, -38, (29, 30, 20))
    stem = near_polyline(grid, np.array([(0, a - 8 * n, s - 20), (0, a - 17 * n, s - 72 * n)]), np.array((14.0, 8)) * n)
    white = np.maximum(cerebrum + 9 + fold, -both(19, 2, -4, (11, 20, 13)))
    ventricles = np.minimum(both(13, 8, 12, (5, 26, 8)), both(20, -28, 4, (5, 14, 7)))
    inner = at(0, 0, -2, (_BRAIN_MM[0] + 2, _BRAIN_MM[1] + 2, _BRAIN_MM[2] + 4))
    orbits = both(32, 72, -32, (18, 21, 16))
    eyes = both(32, 77, -32, (12, 12, 12))
    sinuses = both(25, 68, -64, (13, 15, 16))
    sinuses = np.minimum(sinuses, both(9, 80, -2, (11, 7, 9)))
    nose = at(0, 72, -62, (11, 30, 20))
    septum = np.asarray(2.0 - np.abs(grid.coarse[0]) + 0 * brain, dtype=np.float32)
    turbinates = np.maximum(both(6, 68, -66, (4, 22, 5)), -septum)
    air = np.minimum(sinuses, np.maximum(np.maximum(nose, septum), -turbinates))
    organs = [
        Organ("fluid", inner, 10.0),
        Organ("white matter", stem, 34.0, 2.0),
        Organ("brain", np.minimum(cerebrum, cerebellum), 38.0, 2.0),
        Organ("white matter", np.asarray(white, np.float32), 28.0, 2.0),
        Organ("fluid", ventricles, 8.0),
        Organ("fat", orbits, -80.0),
        Organ("eye", eyes, 12.0),
        Organ("salivary glands", both(55, 10, -78, (9, 15, 19)), 12.0, 8.0),
        Organ("salivary glands", both(30, 46, -112, (9, 14, 9)), 35.0, 6.0),
        Organ("tonsils", both(17, 33, -84, (7, 8, 11)), 50.0),
        Organ("air", air, -980.0, 0.0),
    ]
    outer = at(0, 0, 0, tuple(x + 7.0 for x in _BRAIN_MM))  # type: ignore[arg-type]
    vault = np.maximum(outer, -inner)
    face = np.maximum(
        join(at(0, 62, -56, (42, 30, 36)), both(46, 58, -48, (14, 22, 9)), 8), -np.minimum(orbits + 1, air)
    )
    base = np.maximum(at(0, 22, -50, (46, 50, 9)), 2 - inner)
    holes = near_polyline(grid, np.array([(0, a - 14 * n, s - 50 * n), (0, a - 22 * n, s - 95 * n)]), np.full(2, 14.0))
    skull = cut(np.minimum(np.minimum(vault, face), base), -holes, 2)
    skull = np.maximum(skull, -np.minimum(orbits + 1, air))
    jaws, teeth = [], []
    for side in (RIGHT, LEFT):
        jaw = [(51, 10, -52), (48, 14, -90), (32, 58, -106), (14, 80, -110), (0, 84, -110)]
        line = np.array(jaw) * n * (side, 1, 1) + (0, a, s)
        jaws.append(near_polyline(grid, line, np.array((5.0, 8, 7.5, 8, 9)) * n))
        arch = np.array([(25, 52, -92), (22, 72, -92), (11, 84, -92), (0, 88, -92)]) * n * (side, 1, 1) + (0, a, s)
        teeth.append(near_polyline(grid, arch, np.full(4, 5.0) * n))
    bones = [
        Bone(np.asarray(skull, np.float32), 2.4),
        Bone(np.minimum(*jaws), 2.5),
        Bone(np.minimum(*teeth), 9.0),
    ]
    muscles = np.minimum(at(0, 40, -74, (50, 46, 56)), at(0, 56, -98, (26, 30, 18)))
    return organs, bones, np.asarray(np.maximum(muscles, 2 - grid.noise(rng, 9) * 4), np.float32)


def throat(patient: Patient, head: Head) -> Path:
    """The air way from the windpipe's upper end to the nose: points in RAS mm and radii."""
    k, n, a, s = patient.size, head.size, head.a_mm, head.s_mm
    points = np.array(
        [
            (2 * k, 4 * k, 158 * k),
            (0, a + 30 * n, s - 118 * n),
            (0, a + 28 * n, s - 92 * n),
            (0, a + 40 * n, s - 64 * n),
        ]
    )
    return points, np.array((8.0, 7.0, 7.5, 8.0))


def neck_vessels(patient: Patient, head: Head) -> list[Path]:
    """Carotid arteries and jugular veins from the chest's upper end to the skull."""
    k, n, a, s = patient.size, head.size, head.a_mm, head.s_mm
    paths: list[Path] = []
    for side in (RIGHT, LEFT):
        start = np.array((28.0 * side * k, -2 * k, 148 * k))
        up = np.array((30.0 * side * n, a + 18 * n, s - 105 * n))
        end = np.array((24.0 * side * n, a + 16 * n, s - 62 * n))
        paths.append((np.stack([start, up, end]), np.array((3.8, 3.4, 2.8))))
        aside = np.array((8.0 * side, -3.0, 0.0))
        low = np.array((40.0 * side, 4.0, 110.0)) * k
        paths.append((np.stack([low, start + aside, up + aside, end + aside]), np.array((5.5, 5.5, 5.0, 4.0))))
    return paths
