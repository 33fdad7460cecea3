"""Branching trees that fill a space, for the vessels and airways of a lung.

The space is a cloud of points, one for each last branch. A branch halves its cloud by a plane and sends a child part of
the way to the centre of each half, until one point is left (Tawhai et al., J Appl Physiol 2004, 97:2310-2321). Radii
follow from the tips to the root: r_parent^x = r_1^x + r_2^x (Murray's law has x = 3; pulmonary arteries measure lower).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .tubes import Tubes

Float64 = npt.NDArray[np.float64]

_REACH = 0.42
"""Share of the way to the centre of its points that a branch goes; Tawhai et al. use 0.4."""


@dataclass(frozen=True, eq=False)
class Tree:
    """Nodes and the branch that leads to each.

    Attributes:
        nodes: [n, 3] RAS mm; node 0 is the root.
        parents: [n] index of the node before; -1 for the root. A parent comes before its children.
        radii: [n] mm of the branch that leads to the node.
    """

    nodes: Float64
    parents: npt.NDArray[np.int64]
    radii: Float64

    def tubes(self, piece_mm: float = 4.0) -> Tubes:
        """All branches as curved tubes: each leaves in its parent's direction and arrives in its own."""
        child = np.arange(1, len(self.nodes))
        parent = self.parents[child]
        start, end = self.nodes[parent], self.nodes[child]
        along = end - start
        length = np.linalg.norm(along, axis=1)
        before = np.where(parent[:, None] > 0, start - self.nodes[np.maximum(self.parents[parent], 0)], along)
        before /= np.maximum(np.linalg.norm(before, axis=1), 1e-6)[:, None]
        leave = 0.6 * before * length[:, None] + 0.4 * along
        pieces = np.clip(np.ceil(length / piece_mm), 2, 12).astype(int)
        which = np.repeat(np.arange(len(child)), pieces)
        step = (np.arange(len(which)) - np.repeat(np.cumsum(pieces) - pieces, pieces)) / pieces[which]
        stop = step + 1 / pieces[which]
        first = np.where(parent > 0, self.radii[parent], self.radii[child])
        own = self.radii[child]
        # A branch has its own calibre soon after the fork.
        first = np.minimum(first, own * 1.15)

        def at(t: Float64) -> Float64:
            t = t[:, None]
            h00, h10 = 2 * t**3 - 3 * t**2 + 1, t**3 - 2 * t**2 + t
            h01, h11 = -2 * t**3 + 3 * t**2, t**3 - t**2
            result: Float64 = h00 * start[which] + h10 * leave[which] + h01 * end[which] + h11 * along[which]
            return result

        taper = (own * 0.9 - first)[which]
        return Tubes(at(step), at(stop), first[which] + step * taper, first[which] + stop * taper)


def grow(root: Float64, groups: list[Float64], rng: np.random.Generator, tip_radius_mm: float, exponent: float) -> Tree:
    """A tree from ``root``, [3] RAS mm, that fills each group of points, [n, 3], by a branch of its own (one a lobe)."""
    nodes: list[Float64] = [root]
    parents: list[int] = [-1]
    tips: list[int] = [0]
    stack: list[tuple[int, Float64]] = []
    for group in groups:
        if len(group):
            stack.append((0, group))
    while stack:
        origin, points = stack.pop()
        here = nodes[origin]
        target = points.mean(axis=0)
        end = points[0] if len(points) == 1 else here + _REACH * (target - here)
        nodes.append(end)
        parents.append(origin)
        tips.append(1 if len(points) == 1 else 0)
        if len(points) > 1:
            stack.extend((len(nodes) - 1, half) for half in _halves(points, end - here, rng))
    order = np.array(parents)
    flow = np.array(tips, dtype=np.float64) * tip_radius_mm**exponent
    for node in range(len(nodes) - 1, 0, -1):
        flow[order[node]] += flow[node]
    return Tree(np.array(nodes), order, flow ** (1 / exponent))


def _halves(points: Float64, direction: Float64, rng: np.random.Generator) -> tuple[Float64, Float64]:
    """Cut a cloud by a plane along ``direction``, across its longest extent; unevenly, as lungs branch."""
    away = points - points.mean(axis=0)
    unit = direction / max(float(np.linalg.norm(direction)), 1e-9)
    away = away - (away * unit).sum(axis=1)[:, None] * unit
    normal = away[int((away**2).sum(axis=1).argmax())] + 1e-9 * rng.standard_normal(3)
    side = (away * normal).sum(axis=1)
    order = np.argsort(side, kind="stable")
    at = int(np.clip(round(len(points) * rng.uniform(0.25, 0.6)), 1, len(points) - 1))
    return points[order[:at]], points[order[at:]]
