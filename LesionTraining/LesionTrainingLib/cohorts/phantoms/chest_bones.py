"""Bones of the chest, painted into one axial slice at a time at the scan's own resolution."""

from __future__ import annotations

import numpy as np

from .chest_patient import Patient, spine_a, vertebra
from .fields import Float32, cover

CORTEX_HU, MARROW_HU, _CARTILAGE_HU, _DISC_HU = 820.0, 190.0, 95.0, 85.0
_CARTILAGE_FROM = 0.83
"""Position along a rib where bone ends and cartilage begins (0 spine, 1 breastbone)."""


def paint_ribs(
    plane: Float32, wall: Float32, around: Float32, rib_height: Float32, texture: Float32, patient: Patient, mm: float
) -> None:
    """All ribs of a slice at once: in (depth in the wall, height along the wall) every rib is the same ellipse.

    Args:
        plane: HU, [j, i]; changed in place.
        wall, around, rib_height, texture: of this slice, see :class:`~.chest_body.Body`.
        mm: pixel size.
    """
    where = np.flatnonzero((wall > -0.5) & (wall < 11))
    if not where.size:
        return
    t, turn, height = wall.reshape(-1)[where], around.reshape(-1)[where], rib_height.reshape(-1)[where]
    pitch = np.float32(patient.rib_pitch_mm)
    first = np.floor(patient.apex_mm / pitch)  # the first rib goes round the lung's top
    number = np.clip(np.rint(height / pitch), first - 11, first)
    beside = (height - pitch * number) * np.float32(0.93)
    tall = (6.2 + 1.3 * turn) * patient.size
    flat = np.full_like(t, 3.5 * patient.size)
    depth = (t - 5.0) / flat
    level = np.sqrt(depth**2 + (beside / tall) ** 2)
    # Distance across the thin direction, where the cortex is seen best.
    distance = (level - 1) * np.minimum(flat, tall)
    cartilage = np.clip((turn - _CARTILAGE_FROM) * 40, 0, 1)
    inside = cover(distance, mm)
    marrow = cover(distance + np.float32(1.15), mm)
    bone = CORTEX_HU + (MARROW_HU + 30 * texture.reshape(-1)[where] - CORTEX_HU) * marrow
    value = bone + (_CARTILAGE_HU - bone) * cartilage
    # No ribs where the breastbone and the spine are.
    inside *= np.clip((turn - 0.04) * 60, 0, 1) * np.clip((0.965 - turn) * 60, 0, 1)
    flat_plane = plane.reshape(-1)
    flat_plane[where] += inside * (value - flat_plane[where])


def paint_breastbone(
    plane: Float32, wall: Float32, r: Float32, s: float, patient: Patient, texture: Float32, mm: float
) -> None:
    top, bottom = 72 * patient.size, -62 * patient.size
    if not bottom < s < top:
        return
    half = (24 if s > top - 42 * patient.size else 15) * patient.size
    half = half - 4 * np.exp(-(((s - top + 42 * patient.size) / 8) ** 2))
    where = np.flatnonzero((np.abs(r)[None, :] < half + 3) & (wall > -4) & (wall < 16))
    where = where[(where // plane.shape[1]) < plane.shape[0] / 2]  # in front
    if not where.size:
        return
    x, t = np.abs(r)[where % plane.shape[1]], wall.reshape(-1)[where]
    across, deep = (x / half) ** 3, (np.abs(t - 5) / 5.4) ** 3
    distance = ((across + deep) ** (1 / 3) - 1) * 5.4
    paint_bone(plane, where, np.asarray(distance, np.float32), 1.0, texture, mm)


def paint_spine(
    plane: Float32, r: Float32, a: Float32, s: float, patient: Patient, texture: Float32, mm: float
) -> None:
    """A vertebra or a disc with canal, arch, spinous and transverse processes."""
    here = vertebra(patient, s)
    if here is None:
        return
    k, phase = here
    center = float(spine_a(patient, s))
    columns = np.flatnonzero(np.abs(r) < 48 * k)
    rows = np.flatnonzero((a < center + 24 * k) & (a > center - 62 * k))
    if not columns.size or not rows.size:
        return
    x, y = np.abs(r[columns])[None, :], a[rows][:, None] - center
    pitch = 23.0 * k
    where = (rows[:, None] * plane.shape[1] + columns[None, :]).ravel()

    waist = 1 - 0.09 * np.sin(np.pi * np.clip((phase - 0.2) / 0.8, 0, 1))
    body = (((x / (16.5 * k * waist)) ** 2.4 + (np.abs(y) / (14.5 * k * waist)) ** 2.4) ** (1 / 2.4) - 1) * 14.5 * k
    body = np.maximum(body, -(np.hypot(x, y + 22 * k) - 10.5 * k))
    canal = np.hypot(x / 1.1, y + 21.5 * k) - 8.2 * k
    lamina = np.abs(np.hypot(x / 1.15, y + 21 * k) - 11.8 * k) - (3.0 + 1.2 * np.sin(np.pi * phase)) * k
    if phase < 0.35:  # between two arches there is a gap beside the disc: the nerve's way out
        lamina = np.maximum(lamina, y + 27 * k)
    spinous = np.maximum(x - (2.6 + 0.03 * np.maximum(-y - 34 * k, 0)) * k, np.maximum(y + 30 * k, -(y + 54 * k)))
    # The chest's spinous processes overlap; a whole spine's have gaps below the loins' vertebrae.
    arch = lamina if patient.spine is not None and phase > 0.72 else np.minimum(lamina, spinous)
    if 0.45 < phase < 0.95:
        beside = np.abs(y + 24 * k + 0.42 * (x - 14 * k)) - 4.2 * k
        arch = np.minimum(arch, np.maximum(beside, np.maximum(10 * k - x, x - 33 * k)))
    arch = np.maximum(arch, -canal)
    flat = plane.reshape(-1)
    filled = cover(canal, mm).ravel().astype(np.float32)
    flat[where] += filled * (25 - flat[where])
    paint_bone(plane, where, np.asarray(arch.ravel(), np.float32), 1.3, texture, mm)
    if phase < 0.2:
        inside = cover(body, mm).ravel().astype(np.float32)
        flat[where] += inside * (_DISC_HU - flat[where])
    else:
        endplate = 0.25 * (1 - min(1.0, min(phase - 0.2, 1 - phase) * pitch / 1.6))
        paint_bone(plane, where, np.asarray(body.ravel(), np.float32), 0.8, texture, mm, endplate)


def paint_shoulder_blades(
    plane: Float32, wall: Float32, around: Float32, s: float, patient: Patient, texture: Float32, mm: float
) -> None:
    """A thin plate behind the ribs, a triangle on its tip, with thick edges and a ridge across its back."""
    top, tip = 92 * patient.size, -34 * patient.size
    if not tip < s < top:
        return
    up = (s - tip) / (top - tip)
    where = np.flatnonzero((wall > 14) & (wall < 48) & (around < 0.55))
    if not where.size:
        return
    t, turn = wall.reshape(-1)[where], around.reshape(-1)[where]
    half = 0.012 + 0.085 * min(1.0, up * 1.25) * (1 if up < 0.85 else (1 - up) / 0.15)
    across = (turn - (0.285 + 0.07 * up)) / half
    # The plate stands off the ribs towards the shoulder; 3 mm thick in the middle, 7 mm at the side edge.
    away = t - 18 - 7 * up - 4 * np.clip(across, -1, 1) * up
    thick = 1.4 + 2.2 * np.clip(across - 0.55, 0, 0.45) / 0.45
    distance = np.maximum(np.abs(away) - thick, (np.abs(across) - 1) * half * 350)
    if up > 0.6:
        ridge = np.maximum(np.abs(across - (up - 0.78) * 4) * half * 350 - 2.2, np.abs(away - 9) - 9)
        distance = np.minimum(distance, ridge)
    paint_bone(plane, where, np.asarray(distance, np.float32), 1.1, texture, mm)


def paint_bone(
    plane: Float32,
    where: np.ndarray[tuple[int, ...], np.dtype[np.int64]],
    distance: Float32,
    cortex_mm: float,
    texture: Float32,
    mm: float,
    dense: float = 0.0,
) -> None:
    """Cortex round marrow at the flat positions ``where``; ``dense`` mixes cortex into the marrow."""
    flat = plane.reshape(-1)
    inside, core = cover(distance, mm), cover(distance + np.float32(cortex_mm), mm) * np.float32(1 - dense)
    marrow = MARROW_HU + 55 * texture.reshape(-1)[where]
    value = CORTEX_HU * np.float32(0.85) + (marrow - CORTEX_HU * np.float32(0.85)) * core
    flat[where] += (inside * (value - flat[where])).astype(np.float32)
