"""How well anchors fit boxes, when box and anchor have the same centre.

A box is described by its side, G = sqrt(width * height), and its aspect, P = sqrt(height / width); an anchor by A and R in
the same way. Let E = max(G / A, A / G) and Q = max(P / R, R / P), both at least 1. Then, for a common centre,

    IoU = 1 / ((E + 1 / E) * max(E, Q) - 1),

which falls with E and with Q. The anchors of a detector are all pairs of a side (sizes times scales) and an aspect (ratios):
so the best one has the nearest side *and* the nearest aspect, on a logarithmic scale, and of 75 anchors none has to be tried.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.methods.universal_ct.anchor_file import Anchors

FloatArray = npt.NDArray[np.float64]
_AT_ONCE = 1 << 16
"""Candidates times shapes of one step: some arrays of half a megabyte, which stay in the processor's cache."""


@dataclass(frozen=True, eq=False)
class Shapes:
    """Shapes of boxes, each once. A box that lies on its side has the shape of the upright one: the ratios that are searched
    for come in reciprocal pairs. S = shapes.

    Attributes:
        side: [S] sqrt(width * height) in pixels, rising.
        aspect: [S] sqrt(longer / shorter), at least 1.
        weight: [S] share of the boxes that have it; their sum is 1.
    """

    side: FloatArray
    aspect: FloatArray
    weight: FloatArray

    def __len__(self) -> int:
        return self.side.size


def fold(sides: npt.ArrayLike) -> Shapes:
    """The shapes of boxes, [n, 2] width and height in pixels, all above 0; equal ones folded into one."""
    low_high = np.sort(np.asarray(sides, dtype=np.float64).reshape(-1, 2), axis=1)
    ordered = low_high[np.lexsort((low_high[:, 1], low_high[:, 0]))]
    first = np.flatnonzero(np.r_[True, (np.diff(ordered, axis=0) != 0).any(axis=1)])
    count = np.diff(np.r_[first, len(ordered)])
    shorter, longer = ordered[first].T
    side = np.sqrt(shorter * longer)
    by_side = np.argsort(side, kind="stable")
    weight: FloatArray = count[by_side].astype(np.float64) / len(ordered)
    return Shapes(side[by_side], np.sqrt(longer / shorter)[by_side], weight)


def binned(shapes: Shapes, step: float) -> Shapes:
    """Fewer shapes: those of one cell of ``step`` in log side and log aspect become their mean, with all their weight."""
    logs = np.log(np.stack([shapes.side, shapes.aspect], axis=1))
    cells = np.floor(logs / step).astype(np.int64)
    _, owner = np.unique(cells, axis=0, return_inverse=True)
    owner = owner.reshape(-1)
    weight = np.asarray(np.bincount(owner, shapes.weight), dtype=np.float64)
    side, aspect = (np.exp(np.bincount(owner, shapes.weight * column) / weight) for column in logs.T)
    order = np.argsort(side, kind="stable")
    return Shapes(side[order], aspect[order], weight[order])


class MeanOverlap:
    """The mean over boxes of the IoU of the best centred anchor, for many candidates at once, and its slope.

    A candidate is scales and the larger ratios of the reciprocal pairs; 1:1 is always among the anchors.

    Args:
        shapes: of the boxes.
        sizes: of the anchors in pixels.
    """

    def __init__(self, shapes: Shapes, sizes: npt.ArrayLike) -> None:
        self._shapes = shapes
        self._sizes = np.asarray(sizes, dtype=np.float64)
        self._by_aspect = np.sort(shapes.aspect)
        self._rank = np.empty(len(shapes), dtype=np.int64)
        self._rank[np.argsort(shapes.aspect, kind="stable")] = np.arange(len(shapes))

    def __call__(self, scales: npt.ArrayLike, ratios: npt.ArrayLike) -> FloatArray:
        """[c] mean best IoU of candidates: scales, [c, m], and ratios, [c, p], at least 1, in any order."""
        side, aspect = self._anchors(scales, ratios)
        many = max(1, _AT_ONCE // len(self._shapes))
        parts = [self._some(side[n : n + many], aspect[n : n + many]) for n in range(0, len(side), many)]
        return np.concatenate(parts) if parts else np.zeros(0)

    def slope(self, scales: npt.ArrayLike, ratios: npt.ArrayLike) -> tuple[float, FloatArray, FloatArray]:
        """Mean best IoU of one candidate, and its slopes along log scale, [m], and log ratio, [p].

        Where two anchors are equally good for a box the slope jumps; it is that of one of them.
        """
        shapes, s, r = self._shapes, np.asarray(scales, dtype=np.float64), np.asarray(ratios, dtype=np.float64)
        side = np.multiply.outer(self._sizes, s).ravel()
        aspect = np.sqrt(np.r_[1.0, r])
        own_side, own_aspect = np.argsort(side), np.argsort(aspect)
        at_side = np.repeat(own_side, _runs(shapes.side, side[own_side][None])[0])
        at_aspect = np.repeat(own_aspect, _runs(self._by_aspect, aspect[own_aspect][None])[0])[self._rank]
        e, q = shapes.side / side[at_side], shapes.aspect / aspect[at_aspect]
        toward = np.where(e > 1, -1.0, 1.0), np.where(q > 1, -1.0, 1.0)  # of log E, log Q, as the anchor grows
        e, q = np.maximum(e, 1 / e), np.maximum(q, 1 / q)
        overlap = 1 / ((e + 1 / e) * np.maximum(e, q) - 1)
        loss = shapes.weight * overlap**2
        by_side = -loss * toward[0] * np.where(e >= q, 2 * e**2, (e - 1 / e) * q)
        by_aspect = -loss * toward[1] * np.where(e >= q, 0.0, (e + 1 / e) * q)
        of_scale = np.asarray(np.bincount(at_side % s.size, by_side, minlength=s.size), dtype=np.float64)
        of_ratio: FloatArray = (
            np.bincount(at_aspect, by_aspect, minlength=1 + r.size)[1:] / 2
        )  # log aspect is half of log ratio
        return float((overlap * shapes.weight).sum()), of_scale, of_ratio

    def _anchors(self, scales: npt.ArrayLike, ratios: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
        """[c, sizes * m] sides and [c, 1 + p] aspects, both rising."""
        s, r = np.atleast_2d(np.asarray(scales, float)), np.atleast_2d(np.asarray(ratios, float))
        side = np.sort((s[:, :, None] * self._sizes).reshape(len(s), -1), axis=1)
        aspect = np.sqrt(np.sort(np.concatenate([np.ones((len(s), 1)), r.reshape(len(s), -1)], axis=1), axis=1))
        return side, aspect

    def _some(self, side: FloatArray, aspect: FloatArray) -> FloatArray:
        shape = len(side), len(self._shapes)
        e = np.repeat(side.ravel(), _runs(self._shapes.side, side).ravel()).reshape(shape)
        q = np.repeat(aspect.ravel(), _runs(self._by_aspect, aspect).ravel()).reshape(shape)[:, self._rank]
        np.divide(self._shapes.side, e, out=e)
        np.divide(self._shapes.aspect, q, out=q)
        inverse = 1 / e
        np.maximum(q, 1 / q, out=q)
        np.maximum(q, e, out=q)
        np.maximum(q, inverse, out=q)  # max(E, Q), as one of e and 1 / e is E
        e += inverse
        e *= q
        e -= 1
        np.divide(1, e, out=e)
        # Not by matrix product: its threads cost more here than they bring, and its sums differ between machines.
        return np.asarray(np.einsum("cs,s->c", e, self._shapes.weight))


def best_overlap(sides: npt.ArrayLike, anchors: Anchors) -> FloatArray:
    """[n] IoU of each box, [n, 2] width and height in pixels, with the best anchor of the same centre."""
    width, height = np.asarray(sides, dtype=np.float64).reshape(-1, 2).T
    e = _distance(np.sqrt(width * height), np.multiply.outer(anchors.sizes, anchors.scales).ravel())
    q = _distance(np.sqrt(height / width), np.sqrt(anchors.ratios))
    return np.asarray(1 / ((e + 1 / e) * np.maximum(e, q) - 1))


def _distance(values: FloatArray, choices: npt.ArrayLike) -> FloatArray:
    """[n] factor, at least 1, between each value and the choice nearest to it on a logarithmic scale."""
    ordered = np.unique(np.asarray(choices, dtype=np.float64))
    nearest = ordered[np.searchsorted(np.sqrt(ordered[1:] * ordered[:-1]), values)]
    return np.maximum(values / nearest, nearest / values)


def _runs(ordered: FloatArray, choices: FloatArray) -> npt.NDArray[np.int64]:
    """[c, m] how many of ``ordered``, [S] rising, are nearest to each of the choices, [c, m] rising; each row sums to S."""
    borders = np.searchsorted(ordered, np.sqrt(choices[:, 1:] * choices[:, :-1]))
    ends = np.full((len(choices), 1), ordered.size)
    return np.diff(np.concatenate([np.zeros_like(ends), borders, ends], axis=1), axis=1)
