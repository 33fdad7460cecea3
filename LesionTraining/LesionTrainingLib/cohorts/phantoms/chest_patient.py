"""One patient's measures, drawn from the seed, and the places that follow from them.

Origin of the RAS frame: the midline, half-way between breastbone and back, about 25 mm below where the windpipe
divides. Heights are for a patient of size 1 and scale with it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from .phantom import random_stream

RIGHT, LEFT = 1.0, -1.0
"""Signs of the R coordinate of the patient's sides."""
GUTTER_MM = 33.0
"""How far the lungs reach behind the vertebral bodies' centres."""


@dataclass(frozen=True, eq=False)
class Spine:
    """A spine from the skull to the sacrum, in place of the chest's alone; everything by height, evenly spaced.

    Attributes:
        heights: [n] S in mm, rising.
        forward: [n] A of the vertebral bodies' centres, in mm.
        scale: [n] size of the vertebrae, as a share of a chest's.
        phase: [n] number of vertebrae (with the disc below each) up to this height.
        ends: S in mm of the lowest vertebra's lower end (the sacrum follows) and the highest one's upper end.
    """

    heights: npt.NDArray[np.float64]
    forward: npt.NDArray[np.float64]
    scale: npt.NDArray[np.float64]
    phase: npt.NDArray[np.float64]
    ends: tuple[float, float]


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
        spine: of the whole body; None for the chest's.
        liver_hu, spleen_hu: mean values.
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
    spine: Spine | None = None
    liver_hu: float = 56.0
    spleen_hu: float = 48.0


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
    if patient.spine is not None:
        return np.asarray(np.interp(s, patient.spine.heights, patient.spine.forward))
    curve: npt.NDArray[np.floating] = (
        -patient.half_depth_mm + GUTTER_MM * patient.size + patient.stoop * 22 * ((s - 10) / (130 * patient.size)) ** 2
    )
    return curve


_VERTEBRA_MM = 23.0
"""Height of a vertebra of the middle of the chest, with its disc."""


def vertebra(patient: Patient, s: float) -> tuple[float, float] | None:
    """Size of the vertebra at height S, and where in it that is: 0 to 0.2 its lower disc, then itself; None: there is none.

    The size is that of a vertebra in the middle of the chest of a patient of size 1.
    """
    spine = patient.spine
    if spine is None:
        return patient.size, (s / (_VERTEBRA_MM * patient.size)) % 1.0
    if not spine.ends[0] < s < spine.ends[1]:
        return None
    scale = float(np.interp(s, spine.heights, spine.scale)) * patient.size
    return scale, float(np.interp(s, spine.heights, spine.phase)) % 1.0


def with_whole_spine(patient: Patient) -> Patient:
    """The same patient with a spine from skull to sacrum: hollow at the neck and the loins, large vertebrae below.

    The knots are (height, forward of the middle of the chest, size of the vertebra): the chest's hollow and the loins'
    grow with the patient's stoop.
    """
    knots = np.array(
        [
            (-452, -12, 1.3), (-430, -20, 1.3), (-400, -20, 1.35), (-360, 0, 1.4), (-322, 25, 1.42), (-290, 33, 1.42),
            (-250, 34, 1.38), (-205, 28, 1.32), (-150, 17, 1.2), (-90, 7, 1.1), (-40, 1.5, 1.03), (10, 0, 1.0),
            (60, 3, 0.9), (100, 11, 0.8), (130, 20, 0.72), (170, 32, 0.64), (205, 36, 0.62), (235, 38, 0.6),
        ]
    )  # fmt: skip
    heights = np.linspace(knots[0, 0], knots[-1, 0], 301)
    forward, scale = (_curved(heights, knots[:, 0], knots[:, n]) for n in (1, 2))
    forward *= 0.8 + 0.2 * patient.stoop
    steps = np.diff(heights) / (_VERTEBRA_MM * (scale[1:] + scale[:-1]) / 2)
    count = np.concatenate([[0.0], np.cumsum(steps)])
    middle = -patient.half_depth_mm + GUTTER_MM * patient.size
    k = patient.size
    ends = (-322.0 * k, 222.0 * k)
    return replace(patient, spine=Spine(heights * k, middle + forward * k, scale, count, ends))


def _curved(
    at: npt.NDArray[np.float64], x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Values of a smooth curve through the points (x, y), without overshoot."""
    from scipy.interpolate import PchipInterpolator

    return np.asarray(PchipInterpolator(x, y)(at), dtype=np.float64)


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
