"""One patient's measures, drawn from the seed, and the places that follow from them.

Origin of the RAS frame: the midline, half-way between breastbone and back, about 25 mm below where the windpipe
divides. Heights are for a patient of size 1 and scale with it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .phantom import random_stream

RIGHT, LEFT = 1.0, -1.0
"""Signs of the R coordinate of the patient's sides."""
GUTTER_MM = 33.0
"""How far the lungs reach behind the vertebral bodies' centres."""


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
        half_depth_mm=float(97 * scale * rng.uniform(0.9, 1.1)),
        apex_mm=float(112 * scale),
        dome_mm=(right, right - float(rng.uniform(4, 20))),
        fat_mm=float(rng.gamma(3.0, 4.5) + 5),
        muscle=float(rng.uniform(0.7, 1.35)),
        rib_pitch_mm=float(25.5 * scale * rng.uniform(0.94, 1.06)),
        rib_drop_mm=float(128 * scale * rng.uniform(0.85, 1.15)),
        blood_hu=float(rng.uniform(110, 240) if rng.random() < contrast else rng.uniform(34, 50)),
        lung_hu=float(rng.uniform(-885, -825)),
        stoop=float(rng.uniform(0.7, 1.4)),
        female=bool(rng.random() < 0.45),
    )


def spine_a(patient: Patient, s: npt.ArrayLike) -> npt.NDArray[np.floating]:
    """A in mm of the vertebral bodies' centres at heights S."""
    s = np.asarray(s)
    curve: npt.NDArray[np.floating] = (
        -patient.half_depth_mm + GUTTER_MM * patient.size + patient.stoop * 22 * ((s - 10) / (130 * patient.size)) ** 2
    )
    return curve


def half_depth_mm(patient: Patient, s: npt.ArrayLike) -> npt.NDArray[np.floating]:
    """Half the depth in mm (front to back) of the chest wall's inner surface at heights S."""
    below = np.clip((patient.apex_mm + 12 - np.asarray(s)) / patient.size, -40, 400)
    half: npt.NDArray[np.floating] = patient.half_depth_mm * (
        0.52 + 0.48 * np.sin(np.pi / 2 * np.clip(below / 135, 0, 1))
    )
    return half


def front_a(patient: Patient, s: float) -> float:
    """A in mm of the chest wall's inner surface in front, at height S."""
    return float(spine_a(patient, s) - GUTTER_MM * patient.size + 2 * half_depth_mm(patient, s))


def arm_bone(patient: Patient, side: float) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Head and neck of an arm bone, raised beside the head: points, [2, 3] RAS mm, and radii, [2] mm."""
    points = np.array([(142.0 * side, -22, 96), (160 * side, -20, 122)]) * patient.size
    return points, np.array((22.0, 15.0)) * patient.size
