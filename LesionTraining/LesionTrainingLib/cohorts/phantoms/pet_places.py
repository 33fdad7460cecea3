"""Where the tumours of a PET phantom lie, and how large and how active they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.lesion import Lesion

from .chest_patient import LEFT, RIGHT, spine_a
from .pet_anatomy import Anatomy
from .pet_settings import LUNG, METASTASIS, OESOPHAGUS, TumourSettings

Float64 = npt.NDArray[np.float64]

_SIDEWAYS = 0.35
"""A tumour of the oesophagus grows to one side: its middle lies up to this share of its half-width from the gullet's."""
_NECK_MM, _CARDIA = 20.0, 2
"""Tumours begin at least so far below the gullet's beginning, and may reach its last points."""


@dataclass(frozen=True, eq=False)
class Planned:
    """A tumour before it is painted.

    Attributes:
        kind: ``lung``, ``oesophagus`` or ``metastasis``.
        place: in words.
        line: [n, 3] RAS mm, the middle; one point for a round one.
        radii: [n] mm.
        diameter_mm: that of the sphere of its volume.
        suv: SUVbw of its hottest part.
        irregular: how rough its outline is, as a share of its radius.
    """

    kind: str
    place: str
    line: Float64
    radii: Float64
    diameter_mm: float
    suv: float
    irregular: float

    @property
    def center(self) -> Float64:
        return np.asarray(self.line.mean(axis=0))

    @property
    def reach_mm(self) -> float:
        return float(self.radii.max())


def plan_primary(anatomy: Anatomy, kind: str, settings: TumourSettings, rng: np.random.Generator) -> Planned:
    """The primary of a patient: ``lung`` or ``oesophagus``."""
    suv = _log_normal(rng, settings.typical_suv, settings.suv_spread, settings.suv)
    return (_oesophagus if kind == OESOPHAGUS else _lung)(anatomy, settings, suv, rng)


def _log_normal(rng: np.random.Generator, typical: float, spread: float, limits: tuple[float, float]) -> float:
    """One within its limits."""
    for _ in range(100):
        value = float(typical * np.exp(spread * rng.standard_normal()))
        if limits[0] <= value <= limits[1]:
            return value
    return float(rng.uniform(*limits))


def _lung(anatomy: Anatomy, settings: TumourSettings, suv: float, rng: np.random.Generator) -> Planned:
    diameter = _log_normal(rng, settings.typical_lung_mm, settings.lung_spread, settings.lung_mm)
    names, weights = [name for name, _ in settings.lung_places], np.array([w for _, w in settings.lung_places])
    place = names[int(rng.choice(len(names), p=weights / weights.sum()))]
    center = _in_lung(anatomy, place, diameter / 2, rng)
    radii = np.array([diameter / 2])
    return Planned(LUNG, place, center[None], radii, diameter, suv, float(rng.uniform(0.1, 0.3)))


def _in_lung(anatomy: Anatomy, place: str, radius: float, rng: np.random.Generator) -> Float64:
    """A centre in RAS mm; as deep in the lung as the tumour is thick, if there is such a place."""
    grid, body, k = anatomy.grid, anatomy.body, anatomy.patient.size
    lung, wall = body.lung, body.wall
    deep = -float(lung.min())
    if place == "hilum":
        side = RIGHT if rng.random() < 0.5 else LEFT
        start = anatomy.whole.great.hilum[side]
        return np.asarray(start + np.array((side * (4 + 0.4 * radius), 0.0, 0.0)) + rng.uniform(-10, 10, 3) * k)
    if place == "wall":
        fit = (lung > -0.8 * radius) & (lung < -0.3 * radius) & (wall > -1.1 * radius)
    else:
        fit = lung < -min(radius + 2, 0.75 * deep)
    inside = np.flatnonzero(fit & (lung < 0))
    if not inside.size:
        inside = np.flatnonzero(lung < -0.6 * deep)
    at = np.unravel_index(int(rng.choice(inside)), lung.shape)
    r, a, s = (axis.ravel() for axis in grid.coarse)
    jitter = rng.uniform(-0.5, 0.5, 3) * np.array(grid.coarse_spacing_kji[::-1])
    return np.asarray(np.array((r[at[2]], a[at[1]], s[at[0]]), dtype=np.float64) + jitter)


def _oesophagus(anatomy: Anatomy, settings: TumourSettings, suv: float, rng: np.random.Generator) -> Planned:
    points, _ = anatomy.gullet
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    length = float(rng.uniform(*settings.length_mm))
    width = float(np.clip(rng.uniform(*settings.width_mm), settings.width_mm[0], max(0.9 * length, 15.0)))
    # Most lie in the middle and lower third.
    share = float(rng.beta(1.6, 1.1))
    first = _NECK_MM + share * max(along[-1] - length - _NECK_MM, 0.0)
    at = np.linspace(first, first + length, max(4, int(length / 5)))
    line = np.stack([np.interp(at, along, axis) for axis in points.T], axis=1)
    turn = float(rng.uniform(0, 2 * np.pi))
    aside = rng.random() * _SIDEWAYS * width / 2
    line += aside * np.array((np.cos(turn), np.sin(turn), 0.0))
    # The middle of the line; its ends are rounded by the radii there.
    inner = np.linspace(-1, 1, len(at))
    radii = width / 2 * np.clip(1 - np.abs(inner) ** 2.6, 0.12, 1) ** 0.55
    volume = np.pi * np.trapezoid(radii**2, at)
    third = share if along[-1] <= length else (first + length / 2) / along[-1]
    place = ("upper third", "middle third", "lower third")[min(2, int(3 * third))]
    diameter = float(np.cbrt(6 / np.pi * volume))
    return Planned(OESOPHAGUS, place, line, radii, diameter, suv, float(rng.uniform(0.08, 0.24)))


def node_places(anatomy: Anatomy, primary: Lesion, rng: np.random.Generator) -> Planned:
    """A metastasis: half of them in nodes near the primary, the others in liver, bone, adrenal glands or a lung."""
    k = anatomy.patient.size
    suv = float(np.clip(0.8 * primary.measurements["painted_suvbw"] * np.exp(0.4 * rng.standard_normal()), 2.5, 16))
    if rng.random() < 0.55:
        place, center = _node(anatomy, rng)
        diameter = float(rng.uniform(9, 26))
    else:
        place = str(rng.choice(["liver", "bone", "bone", "adrenal", "lung"]))
        diameter = float(rng.uniform(10, 34))
        center = _distant(anatomy, place, diameter / 2, rng)
    center = center + rng.uniform(-3, 3, 3) * k
    radii = np.array([diameter / 2])
    return Planned(METASTASIS, place, center[None], radii, diameter, suv, float(rng.uniform(0.05, 0.2)))


def _node(anatomy: Anatomy, rng: np.random.Generator) -> tuple[str, Float64]:
    k, great = anatomy.patient.size, anatomy.whole.great
    chosen = str(rng.choice(["mediastinal", "mediastinal", "hilar", "supraclavicular", "coeliac"]))
    side = RIGHT if rng.random() < 0.5 else LEFT
    if chosen == "mediastinal":
        points = great.air[0][0]
        start = points[int(rng.integers(len(points) // 2, len(points)))]
        center = start + np.array((side * rng.uniform(12, 20), rng.uniform(-4, 12), rng.uniform(-25, 0))) * k
    elif chosen == "hilar":
        center = great.hilum[side] + rng.uniform(-8, 8, 3) * k
    elif chosen == "supraclavicular":
        center = np.array((side * rng.uniform(34, 56), 8.0, rng.uniform(116, 136))) * k
    else:
        s = rng.uniform(-160, -140) * k
        center = np.array((side * rng.uniform(2, 14) * k, float(spine_a(anatomy.patient, s)) + 42 * k, s))
    return f"{chosen} node", np.asarray(center, dtype=np.float64)


def _distant(anatomy: Anatomy, place: str, radius: float, rng: np.random.Generator) -> Float64:
    patient, grid = anatomy.patient, anatomy.grid
    k = patient.size
    side = RIGHT if rng.random() < 0.5 else LEFT
    if place == "lung":
        return _in_lung(anatomy, "parenchyma", radius, rng)
    if place == "adrenal":
        s = -148.0 * k
        return np.array((side * 36 * k, float(spine_a(patient, s)) + 10 * k, s))
    if place == "bone":
        if rng.random() < 0.7:
            s = float(rng.uniform(-300, 90)) * k
            return np.array((rng.uniform(-8, 8) * k, float(spine_a(patient, s)) + rng.uniform(-4, 6) * k, s))
        return np.array((side * rng.uniform(70, 100), rng.uniform(-10, 20), rng.uniform(-330, -280))) * k
    liver = anatomy.body.liver
    inside = np.flatnonzero(liver < -min(radius + 4, -0.8 * float(liver.min())))
    at = np.unravel_index(int(rng.choice(inside)), liver.shape)
    r, a, s_all = (axis.ravel() for axis in grid.coarse)
    return np.array((r[at[2]], a[at[1]], s_all[at[0]]), dtype=np.float64)
