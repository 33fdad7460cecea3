"""What a body phantom has beyond the PET/CT's anatomy: phases of contrast medium, the belly's vessels, adrenal glands."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .body_liver import LiverVeins, for_liver_study, liver_veins
from .body_settings import BodySettings
from .chest_body import Body, Organ, build_body
from .chest_patient import LEFT, RIGHT, Patient, draw_patient, spine_a, with_whole_spine
from .chest_vessels import GreatVessels, LungTrees, Path, great_vessels, lung_trees
from .fields import Float32, Grid, centred, near_polyline
from .nodules import Float64
from .petct_abdomen import finer
from .petct_body import Whole, add_body, chest_of
from .phantom import random_stream
from .trees import Tree, grow
from .tubes import Tubes

_LUNG_TOP, _LUNG_LOW = 118.0, -130.0
"""Heights, S in mm for a patient of size 1, beyond which there is no lung."""
_TIP_MM = 0.7
"""Radius of the ends of the belly's vessels that are grown."""
_LIT_BLOOD = {False: (125.0, 185.0), True: (142.0, 195.0)}
"""With contrast medium, by whether it is a study of the liver: those are timed for its veins."""
_ENHANCED = {
    "kidney": (150.0, 205.0),
    "pancreas": (80.0, 110.0),
    "small bowel": (60.0, 95.0),
    "bowel": (55.0, 80.0),
    "pelvic organ": (70.0, 105.0),
    "thyroid": (130.0, 190.0),
    "adrenal": (60.0, 90.0),
    "rectum": (45.0, 70.0),
}
"""Mean attenuation with contrast medium, by organ."""


@dataclass(frozen=True, eq=False)
class Anatomy:
    """One patient, as shapes.

    Attributes:
        whole: shapes, great vessels, ureters, landmarks.
        trees: vessels and airways of the lungs; those of liver and mesentery are among the veins.
        liver_veins: the liver's large ones, where the settings want them.
    """

    patient: Patient
    whole: Whole
    trees: LungTrees
    liver_veins: LiverVeins | None = None


def enhanced(patient: Patient) -> bool:
    """Whether there is contrast medium in the blood."""
    return patient.blood_hu > 100


def draw_body_patient(seed: int, settings: BodySettings) -> Patient:
    """A patient without contrast medium, or in the portal venous phase."""
    patient = with_whole_spine(draw_patient(seed, settings.patient_size, settings.contrast))
    rng = random_stream(seed, "phase")
    fatty = bool(rng.random() < 0.15)
    if enhanced(patient):
        blood = float(rng.uniform(*_LIT_BLOOD[settings.liver]))
        liver = float(rng.uniform(70, 88) if fatty else rng.uniform(92, 122))
        return replace(patient, blood_hu=blood, liver_hu=liver, spleen_hu=float(rng.uniform(105, 135)))
    liver = float(rng.uniform(22, 42) if fatty else rng.uniform(50, 66))
    return replace(patient, liver_hu=liver, spleen_hu=float(rng.uniform(42, 52)))


def build_anatomy(grid: Grid, seed: int, patient: Patient, settings: BodySettings) -> Anatomy:
    """All shapes within the grid's field of view."""
    great = great_vessels(seed, patient)
    whole = add_body(grid, seed, patient, chest_of(grid, seed, patient, great, settings.emphysema), great)
    veins = None
    if settings.liver:
        whole = replace(whole, body=for_liver_study(grid, seed, patient, whole.body))
        veins = liver_veins(seed, patient, _porta(patient), _inflow(patient), enhanced(patient))
    rng = random_stream(seed, "body organs")
    organs = [*_adrenals(grid, patient, rng), *whole.body.organs]
    if enhanced(patient):
        bright = {name: float(rng.uniform(*values)) for name, values in _ENHANCED.items()}
        organs = [replace(organ, hu=bright.get(organ.name, organ.hu)) for organ in organs]
    body = replace(whole.body, organs=tuple(organs))
    great = replace(whole.great, blood=(*whole.great.blood, *_belly_vessels(seed, patient, whole)))
    trees = _trees(grid, seed, patient, body, great, settings)
    grown = _grown_in_belly(grid, seed, patient, body)
    trees = replace(trees, veins=(*trees.veins, *grown))
    return Anatomy(patient, replace(whole, body=body, great=great), trees, veins)


def _trees(
    grid: Grid, seed: int, patient: Patient, body: Body, great: GreatVessels, settings: BodySettings
) -> LungTrees:
    """The lungs' vessels: those of a whole chest where the field of view is high, else fine ones within it only."""
    k = patient.size
    heights = grid.axes[2]
    low, high = float(heights.min()), float(heights.max())
    if low > _LUNG_TOP * k or high < _LUNG_LOW * k:
        none = Tubes(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0), np.zeros(0))
        return LungTrees((), (), none, none)
    if high - low > 120:
        return lung_trees(grid, seed, body, great, settings.vessel_tips, settings.vessel_exponent)
    # A slab's vessels come from hila that may lie outside: they grow in a coarse chest of their own.
    step = 9.0
    shape = tuple(int(n * k / step) for n in (320, 270, 260))
    chest = Grid(centred((shape[0], shape[1], shape[2]), np.full(3, step), np.array((0.0, -2 * k, -6 * k))), step)
    shapes = build_body(chest, seed, patient, [*great.blood[:6], *great.air], 0.0)
    layer = (low - 6, high + 6)
    return lung_trees(chest, seed, shapes, great, settings.vessel_tips, settings.vessel_exponent, layer)


def _adrenals(grid: Grid, patient: Patient, rng: np.random.Generator) -> list[Organ]:
    """Two thin limbs above each kidney."""
    k = patient.size
    limbs = []
    for side, s in ((RIGHT, -128.0), (LEFT, -132.0)):
        top = np.array((28.0 * side * k, float(spine_a(patient, s * k)) + 20 * k, s * k)) + rng.uniform(-2, 2, 3)
        for turn in (0.25, 0.8):
            foot = top + np.array((15 * side * np.sin(turn), -15 * np.cos(turn), -16.0)) * k
            limbs.append(near_polyline(grid, np.stack([top, foot]), np.array((2.6, 1.8)) * k))
    return [Organ("adrenal", np.minimum.reduce(limbs), 32.0, 3.0)]


def _belly_vessels(seed: int, patient: Patient, whole: Whole) -> list[Path]:
    """Portal, splenic and mesenteric vein, mesenteric artery, and the kidneys' vessels."""
    rng = random_stream(seed, "belly vessels")
    k = patient.size

    def path(points: list[tuple[float, float, float]], radii: list[float]) -> Path:
        line = finer((np.array(points) + rng.uniform(-1.5, 1.5, (len(points), 3))) * k, 4)
        return line, np.interp(np.linspace(0, 1, len(line)), np.linspace(0, 1, len(radii)), np.array(radii) * k)

    def back(s: float, forward: float) -> float:
        return float(spine_a(patient, s * k)) / k + forward

    hilum = tuple(_porta(patient) / k)
    meet = (12.0, back(-165, 44), -165.0)
    paths = [
        path([meet, (24, back(-150, 48), -148), (hilum[0], hilum[1], hilum[2])], [6.5, 6.5, 6]),
        path([meet, (-20, back(-158, 40), -158), (-52, back(-146, 20), -146), (-76, -34, -134)], [5.5, 4.5, 4.5, 4]),
        path(
            [meet, (10, back(-200, 46), -200), (14, back(-240, 50), -240), (26, back(-280, 46), -280)], [5.5, 5, 4.5, 3]
        ),
        path([(-5, back(-165, 32), -165), (-2, back(-185, 44), -185), (2, back(-240, 48), -240)], [3.6, 3.6, 2.6]),
    ]
    for side, name in ((RIGHT, "right kidney"), (LEFT, "left kidney")):
        r, a, s = (n / k for n in whole.landmarks[name])
        inner = (r - 17 * side, a + 7, s)
        paths.append(path([(20 if side > 0 else 14, back(s, 33), s + 6), inner], [4.5, 4]))
        paths.append(path([(-5, back(s, 30), s + 9), (r - 30 * side, a + 8, s + 3), inner], [2.8, 2.6, 2.2]))
    return paths


def _porta(patient: Patient) -> Float64:
    """Where the portal vein enters the liver, RAS mm."""
    return np.array((36.0 * patient.size, 8.0 * patient.size, patient.dome_mm[0] - 72 * patient.size))


def _inflow(patient: Patient) -> Float64:
    """Where the hepatic veins leave the liver, RAS mm."""
    return np.array((20.0, -6.0, patient.dome_mm[0] - 20 * patient.size))


def _grown_in_belly(grid: Grid, seed: int, patient: Patient, body: Body) -> list[Tree]:
    """The liver's portal and hepatic veins, and the mesentery's vessels, as far as they lie in the field of view."""
    rng = random_stream(seed, "grown in belly")
    k = patient.size
    low, high = float(grid.axes[2].min()), float(grid.axes[2].max())
    trees = []
    height = 130 * k
    for root, ends in ((_porta(patient), 150), (_inflow(patient), 80)):
        count = int(ends * min(1.0, (high - low + 20) / height))
        points = _points_within(grid, np.asarray(body.liver + 5), count, rng)
        if len(points) > 3:
            trees.append(grow(root, [points], _TIP_MM * k, 2.7))
    if low < -165 * k and high > -345 * k:
        around = np.maximum(body.wall + 12, _free_of(body) + 2.0)
        around = np.maximum(around, np.asarray(spine_a(patient, grid.coarse[2]) + 30 * k - grid.coarse[1]))
        count = int(170 * min(1.0, (high - low + 20) / (170 * k)))
        points = _points_within(grid, np.asarray(around), count, rng)
        points = points[(points[:, 2] < -170 * k) & (points[:, 2] > -345 * k)]
        root = np.array((8 * k, float(spine_a(patient, -215 * k)) + 46 * k, float(np.clip(-215 * k, low, high))))
        if len(points) > 3:
            trees.append(grow(root, [points], 0.65 * k, 2.6))
    return trees


def _free_of(body: Body) -> Float32:
    """Below zero outside of the belly's organs."""
    fields = [body.liver, body.spleen, body.stomach]
    fields += [organ.field for organ in body.organs if organ.name not in ("", "fat", "fluid", "air")]
    return np.asarray(-np.minimum.reduce(fields))


def _points_within(grid: Grid, field: Float32, count: int, rng: np.random.Generator) -> Float64:
    """Random points, [n, 3] RAS mm, where a coarse field is below zero."""
    inside = np.flatnonzero(field < 0)
    if not inside.size or count < 1:
        return np.zeros((0, 3))
    k, j, i = np.unravel_index(rng.choice(inside, count), field.shape)
    r, a, s = (axis.ravel() for axis in grid.coarse)
    jitter = rng.uniform(-0.5, 0.5, (count, 3)) * np.array(grid.coarse_spacing_kji[::-1])
    return np.asarray(np.stack([r[i], a[j], s[k]], axis=1).astype(np.float64) + jitter)
