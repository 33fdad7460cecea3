"""Branching trees that fill a space, for the vessels and airways of a lung.

Points of the space are joined one by one, always the one that is cheapest: its distance to the tree plus a share of the
way from there to the root (Cuntz et al., PLoS Comput Biol 2010, 6(8):e1000877). The share balances short wire, which
bends, against short ways, which run straight out to the surface. Radii follow from the tips to the root:
r_parent^x = sum of r_child^x (Murray's law has x = 3; pulmonary arteries measure lower).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .tubes import Tubes

Float64 = npt.NDArray[np.float64]

_BALANCE = 0.4
"""Weight of the way to the root against the new piece of vessel; Cuntz et al. use 0.2 to 0.7."""
_SMOOTHINGS = 4
"""Times that each node moves half-way towards the line from its parent to its largest child."""


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


def grow(root: Float64, groups: list[Float64], tip_radius_mm: float, exponent: float) -> Tree:
    """A tree from ``root``, [3] RAS mm, through all points, [n, 3], of each group (a lobe), which share only the root."""
    nodes, parents = [root[None]], [np.array([-1])]
    count = 1
    for points in groups:
        if len(points):
            order, before = _join_up(root, points)
            nodes.append(points[order])
            parents.append(np.where(before < 0, 0, before + count))
            count += len(points)
    parent = np.concatenate(parents)
    # Every point feeds the tissue round it, so that a vessel also tapers between its branches.
    flow = np.full(count, tip_radius_mm**exponent)
    for node in range(count - 1, 0, -1):
        flow[parent[node]] += flow[node]
    return Tree(_smooth(np.concatenate(nodes), parent, flow), parent, flow ** (1 / exponent))


def _join_up(root: Float64, points: Float64) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The order in which points join the tree, and for each in that order the earlier one it joins (-1: the root)."""
    x, y, z = points.T
    way = np.sqrt((x - root[0]) ** 2 + (y - root[1]) ** 2 + (z - root[2]) ** 2)  # to the root, through the tree
    cost, before = way.copy(), np.full(len(points), -1)
    place = np.empty(len(points), dtype=np.int64)
    order = np.empty(len(points), dtype=np.int64)
    for n in range(len(points)):
        new = int(cost.argmin())
        order[n], place[new] = new, n
        cost[new] = np.inf
        distance = np.sqrt((x - x[new]) ** 2 + (y - y[new]) ** 2 + (z - z[new]) ** 2)
        offer = distance + _BALANCE * way[new]
        better = (offer < cost) & np.isfinite(cost)
        cost[better], before[better], way[better] = offer[better], new, (distance + way[new])[better]
    joined = before[order]
    return order, np.where(joined < 0, -1, place[joined])


def _smooth(nodes: Float64, parent: npt.NDArray[np.int64], flow: Float64) -> Float64:
    """Vessels that do not zigzag from point to point."""
    child = np.full(len(nodes), -1)
    for node in np.argsort(flow[1:], kind="stable") + 1:  # the largest child comes last and stays
        child[parent[node]] = node
    moves = np.nonzero((child > 0) & (parent >= 0))[0]
    for _ in range(_SMOOTHINGS):
        middle = (nodes[parent[moves]] + nodes[child[moves]]) / 2
        nodes[moves] = (nodes[moves] + middle) / 2
    return nodes
