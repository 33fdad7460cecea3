"""Boxes of slices to lesions: which boxes of neighbouring slices are of one.

From the best box that is left over, upwards and downwards: in the next slice the box follows that overlaps the last one best;
a slice without one may be bridged. So every box is in exactly one chain, the best ones have the first choice, and it makes
no difference from which end the slices are counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt

from .rectangles import iou

FloatArray = npt.NDArray[np.float64]
_LEAST = 1e-9
"""Of scores and shares, where 0 would be divided by."""
Member = tuple[int, int]
"""A box: index of its slice in a sequence, and its index there."""


@dataclass(frozen=True)
class Linking:
    """When two boxes are of one lesion.

    Attributes:
        least_iou: so much boxes of neighbouring slices overlap.
        gap: so many slices without such a box may lie between two.
        share: a chain goes on with boxes whose score is at least this share of its best. What overlaps it with less, in a
            bridged slice or behind its ends, is no other lesion, and is taken into it as ``weaker``; unless, going away from
            it, the score rises again to more than 1 / ``share`` times its lowest: there another lesion begins.
    """

    least_iou: float = 0.2
    gap: int = 1
    share: float = 0.25


@dataclass(frozen=True)
class Chain:
    """Boxes of one lesion, at most one a slice.

    Attributes:
        members: in the order of slices; slices in between may have none.
        weaker: boxes in other slices that do not tell how far the lesion reaches.
        best: the one of ``members`` with the highest score.
    """

    members: tuple[Member, ...]
    weaker: tuple[Member, ...]
    best: Member


def link_boxes(boxes: Sequence[npt.ArrayLike], scores: Sequence[npt.ArrayLike], how: Linking) -> list[Chain]:
    """Chains of boxes, the best box first.

    Boxes whose score is below ``how.share`` times s change nothing of the members of chains whose best is s and more: where
    only such are wanted, they may be left out.

    Args:
        boxes: of each slice, in order: [m, 4] edges in pixels, the same in all slices.
        scores: of each slice, [m], not below 0.
        how: see :class:`Linking`.

    Returns:
        Every box is in exactly one chain. Of boxes with one score the larger one is linked first.
    """
    stack = _Stack(boxes, scores, how)
    chains = []
    for seed in stack.falling():
        if stack.free[seed]:
            stack.free[seed] = False
            (down, weaker_down), (up, weaker_up) = (stack.grow(seed, step) for step in (-1, 1))
            members, weaker = (*down[::-1], seed, *up), (*weaker_down, *weaker_up)
            chains.append(Chain(stack.named(members), stack.named(weaker), stack.members[seed]))
    return chains


class _Stack:
    """The boxes of all slices, numbered through, and which of them are in no chain yet.

    Attributes:
        members: slice and index in it of each box.
        free: of each box.
    """

    def __init__(self, boxes: Sequence[npt.ArrayLike], scores: Sequence[npt.ArrayLike], how: Linking) -> None:
        edges = [np.asarray(some, dtype=np.float64).reshape(-1, 4) for some in boxes]
        self.members = [(n, index) for n, some in enumerate(edges) for index in range(len(some))]
        self.free = [True] * len(self.members)
        self._edges = np.concatenate([np.zeros((0, 4)), *edges])
        values = np.concatenate([np.zeros(0), *(np.asarray(some, dtype=np.float64).reshape(-1) for some in scores)])
        self._scores: list[float] = values.tolist()
        self._how = how
        self._near = _neighbours(edges, how)

    def falling(self) -> Iterator[int]:
        """All boxes by score; of equal ones, by what does not depend on the order of slices, as far as they differ."""
        size = (self._edges[:, 2:] - self._edges[:, :2]).prod(axis=1)
        yield from np.lexsort((*self._edges.T, -size, -np.array(self._scores))).tolist()

    def named(self, numbers: Iterable[int]) -> tuple[Member, ...]:
        return tuple(self.members[n] for n in numbers)

    def grow(self, seed: int, step: int) -> tuple[list[int], list[int]]:
        """What belongs to ``seed`` in the slices on one side of it, the nearest first: members and weaker boxes, all taken."""
        grown, weaker, last = list[int](), list[int](), seed
        floor = self._how.share * self._scores[seed]
        while (following := self._following(last, step, floor)) is not None:
            self.free[following] = False
            grown.append(following)
            bridged = abs(self.members[following][0] - self.members[last][0]) - 1
            for n in range(1, bridged + 1):
                weaker += self._weaker(last, n * step, floor)
            last = following
        ceiling = floor
        while found := self._weaker(last, step, ceiling):
            weaker += found
            (last,) = found
            ceiling = min(ceiling, self._scores[last] / max(self._how.share, _LEAST))
        return grown, weaker

    def _following(self, last: int, step: int, floor: float) -> int | None:
        """In the nearest slice that has one, the free box that is strong enough and has the largest overlap times score."""
        for n in range(1, self._how.gap + 2):
            near = self._near[n * step].get(last, ())
            fits = [
                (shared * (self._scores[box] + _LEAST), -box)
                for box, shared in near
                if self.free[box] and self._scores[box] >= floor
            ]
            if fits:
                return -max(fits)[1]
        return None

    def _weaker(self, last: int, offset: int, ceiling: float) -> list[int]:
        """``offset`` slices on, the best free box that overlaps ``last`` with no higher a score; taken. None or one."""
        near = self._near[offset].get(last, ())
        fits = [(self._scores[box], -box) for box, _ in near if self.free[box] and self._scores[box] <= ceiling]
        if not fits:
            return []
        found = -max(fits)[1]
        self.free[found] = False
        return [found]


def _neighbours(edges: Sequence[FloatArray], how: Linking) -> dict[int, dict[int, list[tuple[int, float]]]]:
    """For each offset in slices, and each box, the boxes so many slices on that overlap enough, and by how much."""
    first = np.cumsum([0, *map(len, edges)]).tolist()
    near: dict[int, dict[int, list[tuple[int, float]]]] = {n: {} for n in range(-how.gap - 1, how.gap + 2)}
    for n, offset in product(range(len(edges)), range(1, how.gap + 2)):
        if n + offset >= len(edges):
            continue
        shared = iou(edges[n], edges[n + offset])
        rows, columns = np.nonzero(shared >= how.least_iou)
        for row, column, value in zip(rows.tolist(), columns.tolist(), shared[rows, columns].tolist(), strict=True):
            one, other = first[n] + row, first[n + offset] + column
            near[offset].setdefault(one, []).append((other, value))
            near[-offset].setdefault(other, []).append((one, value))
    return near
