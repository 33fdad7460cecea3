"""Vessels and airways of the chest: the great ones by hand, the lungs' by growth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .chest_body import Body
from .chest_patient import LEFT, RIGHT, Patient, arm_bone, front_a, spine_a
from .fields import Grid
from .phantom import random_stream
from .trees import Tree, grow
from .tubes import Tubes

Float64 = npt.NDArray[np.float64]
Path = tuple[Float64, Float64]
"""Centreline, [n, 3] RAS mm, and radii, [n] mm."""

_TIP_RADIUS_MM = 0.36
_POINTS_PER_TIP = 2.4
"""Somewhat less than half of the points that a tree joins are ends."""
_FEWER = 12
"""Of so many points outside of a layer that is grown finely, one is kept."""
_AIRWAY_LEAST_RADIUS_MM = 1.0
"""Smaller airways are not seen: their walls are thinner than a voxel."""


@dataclass(frozen=True, eq=False)
class GreatVessels:
    """Paths by what they hold: blood, air (the windpipe and main bronchi), or soft tissue (the gullet)."""

    blood: tuple[Path, ...]
    air: tuple[Path, ...]
    gullet: Path
    hilum: dict[float, Float64]
    bronchus_end: dict[float, Float64]


def great_vessels(seed: int, patient: Patient) -> GreatVessels:
    """Aorta, pulmonary arteries, great veins, windpipe and gullet of one patient."""
    rng = random_stream(seed, "great vessels")
    k = patient.size
    wide = float(rng.uniform(0.9, 1.2))

    def path(points: list[tuple[float, float, float]], radii: list[float], jitter: float = 2.0) -> Path:
        line = np.array(points, dtype=np.float64) * k + rng.uniform(-jitter, jitter, (len(points), 3))
        return _smooth(line, np.array(radii) * k)

    def back(s: float, extra: float) -> float:
        """A of a point ``extra`` mm in front of the spine, before scaling."""
        return float(spine_a(patient, s * k)) / k + extra

    aorta = path(
        [
            (-2, 18, -8), (14, 26, 12), (16, 22, 32), (4, 8, 50), (-14, -16, 56), (-24, back(40, 14), 42),
            (-25, back(10, 16), 10), (-21, back(-30, 24), -30), (-12, back(-80, 31), -80), (-6, back(-170, 31), -170),
        ],
        [15 * wide, 15.5 * wide, 15 * wide, 14 * wide, 13 * wide, 12.5 * wide, 12 * wide, 11.5, 11, 10],
    )  # fmt: skip
    hilum = {RIGHT: np.array((40.0, -8.0, 4.0)) * k, LEFT: np.array((-40.0, -10.0, 12.0)) * k}
    trunk = path([(-16, 38, -12), (-22, 32, 6), (-18, 16, 16)], [13.5, 13.5, 13])
    left = path([(-18, 16, 16), (-28, 2, 18), tuple(hilum[LEFT] / k)], [12, 11, 8], 0.5)
    right = path([(-18, 16, 14), (4, 4, 10), (22, -3, 8), tuple(hilum[RIGHT] / k)], [12, 11, 10, 8], 0.5)
    cava = path([(24, 14, 74), (26, 16, 40), (26, 14, 8), (24, 14, -20)], [7, 9, 9.5, 10])
    lower = path([(22, 4, -50), (24, -2, -90), (20, back(-150, 35), -150)], [12, 12, 11])
    neck = [
        path([(10, 12, 46), (20, 8, 70), (26, 2, 100), (30, 0, 150)], [6.5, 6, 4.5, 4]),
        path([(0, 4, 52), (-12, 2, 80), (-22, -4, 120), (-26, -4, 150)], [4.5, 4, 3.8, 3.6]),
        path([(-12, -10, 56), (-24, -16, 84), (-42, -14, 108), (-80, 0, 112)], [5, 4.8, 4.5, 4]),
        path([(24, 14, 72), (-4, 24, 66), (-30, 18, 86), (-48, 12, 108)], [6.5, 6.5, 6, 5.5]),
        path([(24, 14, 72), (36, 12, 96), (52, 12, 112), (90, 18, 112)], [6.5, 6, 5.5, 5]),
        path(
            [(8, back(-120, 22), -120), (8, back(0, 22), 0), (12, back(26, 22), 26), (22, -4, 30)], [2.5, 3, 3.5, 3.5]
        ),
    ]
    carina = (2.0, -14.0, 26.0)
    trachea = path([(2, 4, 160), (2, -2, 110), (3, -8, 66), carina], [8.5, 8.5, 8.8, 9.0], 0.8)
    bronchi = [
        path([carina, (20, -18, 12), (36, -17, 2)], [7.5, 7, 6], 0.0),
        path([carina, (-20, -20, 12), (-38, -20, 0)], [6.8, 6.2, 5.4], 0.0),
    ]
    gullet = path(
        [(-2, -14, 130), (-4, -20, 70), (-4, back(20, 22), 20), (-7, back(-30, 26), -30), (-14, back(-75, 34), -75),
         (-28, back(-100, 45), -100)],
        [6.5, 6, 6.5, 7, 7.5, 8],
    )  # fmt: skip
    ends = {RIGHT: bronchi[0][0][-1], LEFT: bronchi[1][0][-1]}
    return GreatVessels((aorta, trunk, left, right, cava, lower, *neck), (trachea, *bronchi), gullet, hilum, ends)


def _smooth(points: Float64, radii: Float64, pieces: int = 8) -> Path:
    """A Catmull-Rom curve through the points."""
    padded = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    t = np.arange(pieces)[:, None] / pieces
    curve = []
    for n in range(len(points) - 1):
        p0, p1, p2, p3 = padded[n : n + 4]
        curve.append(
            0.5 * (2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * p1 - p0 - 3 * p2 + p3) * t**3)
        )
    line = np.concatenate([*curve, points[-1:]])
    return line, np.interp(np.arange(len(line)) / pieces, np.arange(len(points)), radii)


def shoulder_bones(patient: Patient) -> Tubes:
    """Collar bones and the heads of the arm bones."""
    parts = []
    for side in (RIGHT, LEFT):
        k = patient.size
        line = [
            (16, front_a(patient, 72 * k) / k + 9, 74),
            (52, front_a(patient, 88 * k) / k + 14, 90),
            (90, 22, 101),
            (124, -12, 106),
        ]
        points, radii = _smooth(np.array(line) * k * (side, 1, 1), np.array((8.0, 6.0, 5.5, 6.5)) * k)
        parts += [Tubes.along(points, radii), Tubes.along(*arm_bone(patient, side))]
    return Tubes.of(parts)


@dataclass(frozen=True, eq=False)
class LungTrees:
    """The trees of both lungs, and the airways that run beside the arteries."""

    arteries: tuple[Tree, ...]
    veins: tuple[Tree, ...]
    airway_lumen: Tubes
    airway_wall: Tubes


def lung_trees(
    grid: Grid,
    seed: int,
    body: Body,
    great: GreatVessels,
    tips: int,
    exponent: float,
    layer_mm: tuple[float, float] | None = None,
) -> LungTrees:
    """Grow arteries, veins and airways into both lungs, lobe by lobe, up to the pleura.

    Args:
        layer_mm: heights, S in mm, between which the trees are as fine as ``tips`` says; elsewhere few branches are
            grown, for what leads there. None: everywhere.
    """
    arteries, veins, lumens, walls = [], [], [], []
    points = int(tips * _POINTS_PER_TIP)
    for side, name in ((RIGHT, "right"), (LEFT, "left")):
        rng = random_stream(seed, f"trees {name}")
        artery_root = great.hilum[side]
        vein_root = artery_root + np.array((-6.0 * side, 8.0, -22.0))
        artery = grow(artery_root, _lobes(grid, body, side, points, rng, layer_mm), _TIP_RADIUS_MM, exponent)
        vein = grow(vein_root, _lobes(grid, body, side, int(0.8 * points), rng, layer_mm), _TIP_RADIUS_MM, exponent)
        arteries.append(artery)
        veins.append(vein)
        lumen, wall = _airways(artery, great.bronchus_end[side])
        lumens.append(lumen)
        walls.append(wall)
    return LungTrees(tuple(arteries), tuple(veins), Tubes.of(lumens), Tubes.of(walls))


def _lobes(
    grid: Grid, body: Body, side: float, count: int, rng: np.random.Generator, layer_mm: tuple[float, float] | None
) -> list[Float64]:
    """Random points in each lobe of one lung, at least 2.5 mm from its surface."""
    r, a, s = (axis.ravel() for axis in grid.coarse)
    inside = np.nonzero((body.lung < -2.5) & (grid.coarse[0] * side > 0))
    if not len(inside[0]):
        return []
    chosen = rng.integers(0, len(inside[0]), count)
    k, j, i = (axis[chosen] for axis in inside)
    jitter = rng.uniform(-0.5, 0.5, (count, 3)) * np.array(grid.coarse_spacing_kji[::-1])
    points = np.stack([r[i], a[j], s[k]], axis=1).astype(np.float64) + jitter
    points = points[grid.sample(body.lung, points) < -1.5]
    if layer_mm is not None:
        outside = (points[:, 2] < layer_mm[0]) | (points[:, 2] > layer_mm[1])
        points = points[~outside | (np.arange(len(points)) % _FEWER == 0)]
    above = grid.sample(body.oblique, points) > 0
    upper = grid.sample(body.horizontal, points) > 0
    if side == LEFT:
        return [points[above], points[~above]]
    return [points[above & upper], points[above & ~upper], points[~above]]


def _airways(artery: Tree, bronchus_end: Float64) -> tuple[Tubes, Tubes]:
    """Lumen and outer wall of the airways beside the larger arteries, joined to the main bronchus."""
    lumen_radii = artery.radii * 0.75
    keep = lumen_radii >= _AIRWAY_LEAST_RADIUS_MM
    keep[0] = True
    along = artery.nodes - artery.nodes[np.maximum(artery.parents, 0)]
    along /= np.maximum(np.linalg.norm(along, axis=1), 1e-6)[:, None]
    beside = np.cross(along, np.array((0.3, 0.2, 1.0)))
    beside /= np.maximum(np.linalg.norm(beside, axis=1), 1e-6)[:, None]
    wall = 0.35 + 0.16 * lumen_radii
    nodes = artery.nodes + beside * (artery.radii + lumen_radii + wall)[:, None]
    nodes[0] = bronchus_end
    lumen_radii[0] = 4.5
    index = np.cumsum(keep) - 1
    kept = Tree(nodes[keep], np.where(artery.parents[keep] >= 0, index[artery.parents[keep]], -1), lumen_radii[keep])
    lumen = kept.tubes()
    return lumen, lumen.grown(0.35, 0.16)


def blood_tubes(great: GreatVessels, trees: LungTrees) -> Tubes:
    """All vessels that hold blood, in short pieces."""
    paths = [Tubes.along(*path) for path in great.blood]
    grown = [tree.tubes() for tree in (*trees.arteries, *trees.veins) if len(tree.nodes) > 1]
    return Tubes.of([*paths, *grown]).cut_up(5.0)
