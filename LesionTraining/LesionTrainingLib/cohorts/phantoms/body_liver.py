"""What a study of the liver shows of it: portal and hepatic veins, the cleft of its round ligament, the gall bladder."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from .chest_body import Body, Organ
from .chest_patient import Patient, front_a
from .fields import Float32, Grid, cut, join, near_ellipsoid
from .nodules import Float64
from .phantom import random_stream
from .trees import Tree, grow
from .tubes import Tubes, blend, tube_cover

_PORTAL, _HEPATIC = (60, 1.25), (34, 1.55)
"""Ends, and their radius in mm: the trunks' radii come to about 5.7 mm each (Murray)."""
_UNFILLED = 0.25
"""Share of the enhanced patients whose hepatic veins hold no contrast medium yet, as early in the portal venous phase."""
_NO_GALL_BLADDER = 0.1
_ROOT_MM = 22.0
"""A tree's beginning may run outside of the liver so far."""
_BEHIND = ("kidney", "fat", "renal pelvis", "adrenal")
"""Organs that press into the liver; others yield to it."""
_INSIDE = (55.0, 8.0, -66.0), (72.0, 76.0, 62.0)
"""Middle (S from the dome) and half-lengths of what is liver in any patient, roughly: mm for a size of 1."""


@dataclass(frozen=True, eq=False)
class LiverVeins:
    """Attributes:
    portal, hepatic: their large branches.
    hepatic_hu: of the blood in the hepatic veins.
    """

    portal: Tubes
    hepatic: Tubes
    hepatic_hu: float


def for_liver_study(grid: Grid, seed: int, patient: Patient, body: Body) -> Body:
    """The body with a whole left lobe, a cleft in the liver, and its gall bladder at the lower face, or without one."""
    rng = random_stream(seed, "liver's left lobe")
    liver = join(body.liver, _left_lobe(grid, patient, rng, body), 12)
    liver = np.maximum(liver, -cleft(grid, patient, random_stream(seed, "liver's cleft")))
    bag, fossa = _gall_bladder(grid, random_stream(seed, "gall bladder"), patient, liver)
    liver = cut(liver, -fossa, 6)
    organs = [organ for organ in body.organs if organ.name != "gall bladder"]
    stomach, gas = (np.maximum(field, 3 - liver) for field in (body.stomach, body.gas))
    organs = [
        organ if organ.name in _BEHIND else replace(organ, field=np.maximum(organ.field, 2 - liver)) for organ in organs
    ] + ([bag] if bag is not None else [])
    return replace(body, liver=liver, stomach=stomach, gas=gas, organs=tuple(organs))


def _left_lobe(grid: Grid, patient: Patient, rng: np.random.Generator, body: Body) -> Float32:
    """A flat lobe before stomach and spine, that ends left of the middle."""
    k = patient.size
    wide = float(rng.uniform(48, 74))
    s = patient.dome_mm[1] - float(rng.uniform(34, 48)) * k
    front = front_a(patient, s)
    middle = np.array((14 * k - 0.35 * wide * k, front - float(rng.uniform(34, 44)) * k, s))
    tilt = float(rng.uniform(0.1, 0.35))
    axes = np.array([(np.cos(tilt), -np.sin(tilt), 0), (np.sin(tilt), np.cos(tilt), 0), (0, 0, 1)])
    halves = np.array((wide, rng.uniform(24, 33), rng.uniform(38, 54))) * k
    lobe = near_ellipsoid(grid, middle, halves, axes)
    for other, gap in ((body.wall, -6.0), (-body.lung, -3.0), (-body.heart, -5.0), (-body.spleen, -2.0)):
        lobe = cut(lobe, np.asarray(other - gap, np.float32), 6)
    return lobe


def cleft(grid: Grid, patient: Patient, rng: np.random.Generator) -> Float32:
    """A wedge of fat from the front, below zero within: the fissure of the round ligament."""
    r, a, s = grid.coarse
    k = patient.size
    deep = float(rng.uniform(28, 48)) * k
    inner = front_a(patient, patient.dome_mm[0] - 90 * k) - 12 * k - deep
    middle = cleft_r(patient) + float(rng.uniform(-4, 4)) - 0.12 * (a - inner)
    half = 1.6 * k + (1.5 + 2.5 * float(rng.random())) * np.clip((a - inner) / deep, 0, 1.4)
    top = patient.dome_mm[0] - float(rng.uniform(55, 75)) * k
    return np.asarray(np.maximum(np.maximum(np.abs(r - middle) - half, inner - a), s - top), np.float32)


def cleft_r(patient: Patient) -> float:
    """R in mm of the cleft's inner end."""
    return 14 * patient.size


def _gall_bladder(
    grid: Grid, rng: np.random.Generator, patient: Patient, liver: Float32
) -> tuple[Organ | None, Float32]:
    """Fluid, half embedded in the liver's inner face, and where the liver leaves room beside it, below zero."""
    k = patient.size
    a, s = float(rng.uniform(34, 56)) * k, patient.dome_mm[0] - float(rng.uniform(102, 126)) * k
    line = np.array([(r, a, s) for r in np.arange(70.0, -30.0, -2.0) * k])
    inside = np.flatnonzero(grid.sample(liver, line) < 0)
    middle = np.array((line[inside[-1], 0] if inside.size else 44 * k, a, s)) + rng.uniform(-8, 0, 3) * (1, 0, 0)
    radii = np.array((rng.uniform(10, 16), rng.uniform(12, 19), rng.uniform(20, 34))) * k
    tilt = float(rng.uniform(-0.2, 0.5))
    axes = np.array([(1, 0, 0), (0, np.cos(tilt), np.sin(tilt)), (0, -np.sin(tilt), np.cos(tilt))])
    hu = float(rng.uniform(3, 16))
    r, a_all, s_all = grid.coarse
    beside = np.maximum(np.abs(a_all - middle[1]) - 0.55 * radii[1] - 0.2 * (middle[0] - r), r - middle[0])
    fossa = np.asarray(np.maximum(beside, s_all - middle[2] - 0.9 * radii[2]), np.float32)
    if rng.random() < _NO_GALL_BLADDER:
        return None, fossa
    return Organ("gall bladder", near_ellipsoid(grid, middle, radii, axes), hu), fossa


def liver_veins(seed: int, patient: Patient, porta: Float64, inflow: Float64, lit: bool) -> LiverVeins:
    """The same for each field of view.

    Args:
        porta, inflow: [3] RAS mm, where the portal vein enters and where the hepatic veins leave.
        lit: whether there is contrast medium in the blood.
    """
    rng = random_stream(seed, "liver's large veins")
    grown = []
    for root, (ends, tip) in ((porta, _PORTAL), (inflow, _HEPATIC)):
        tree: Tree = grow(root, [_points(rng, patient, ends)], tip * patient.size, 2.7)
        grown.append(tree.tubes().cut_up(6.0))
    unfilled = bool(rng.random() < _UNFILLED) and lit
    hu = patient.liver_hu - float(rng.uniform(8, 28)) if unfilled else patient.blood_hu * float(rng.uniform(0.94, 1.0))
    return LiverVeins(grown[0], grown[1], hu)


def _points(rng: np.random.Generator, patient: Patient, count: int) -> Float64:
    """[n, 3] RAS mm within the liver, evenly."""
    directions = rng.standard_normal((count, 3))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    k, (middle, halves) = patient.size, _INSIDE
    points = directions * np.cbrt(rng.random(count))[:, None] * np.array(halves) * k + np.array(middle) * k
    return np.asarray(points + np.array((0, 0, patient.dome_mm[0])))


def paint_liver_veins(
    grid: Grid, volume: Float32, vessels: npt.NDArray[np.uint8], patient: Patient, liver: Float32, veins: LiverVeins
) -> None:
    """Into ``volume``, [k, j, i] HU, and ``vessels``, as :func:`~.chest_paint.paint_tubes` gives them; in place."""
    for tubes, hu in ((veins.hepatic, veins.hepatic_hu), (veins.portal, patient.blood_hu)):
        middles = (tubes.start + tubes.end) / 2
        near = np.linalg.norm(middles - tubes.start[0], axis=1) < _ROOT_MM
        inside = (grid.sample(liver, middles) < -2) | near
        covered = np.zeros(volume.shape, dtype=np.uint8)
        tube_cover(grid, tubes.chosen(inside), covered)
        blend(volume, covered, hu)
        np.maximum(vessels, covered, out=vessels)
