"""Boxes of slices to lesions: which boxes of neighbouring slices are of one.

From the best box that is left over, upwards and downwards: in the next slice the box follows that overlaps the last one best;
a slice without one may be bridged. So every box is in exactly one chain, the best ones have the first choice, and it makes
no difference from which end the slices are counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

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

    least_iou: float = 0.3
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
    slices = _Slices(boxes, scores, how)
    chains = []
    for seed in slices.falling():
        if slices.is_free(seed):
            slices.take(seed)
            (down, weaker_down), (up, weaker_up) = (slices.grow(seed, step) for step in (-1, 1))
            chains.append(Chain((*down[::-1], seed, *up), (*weaker_down, *weaker_up), seed))
    return chains


class _Slices:
    """The boxes of all slices, and which of them are in no chain yet."""

    def __init__(self, boxes: Sequence[npt.ArrayLike], scores: Sequence[npt.ArrayLike], how: Linking) -> None:
        self._boxes = [np.asarray(some, dtype=np.float64).reshape(-1, 4) for some in boxes]
        self._scores = [np.asarray(some, dtype=np.float64).reshape(-1) for some in scores]
        self._free = [np.ones(len(some), dtype=bool) for some in self._scores]
        self._how = how

    def falling(self) -> Iterator[Member]:
        """All boxes by score; of equal ones, by what does not depend on the order of slices, as far as they differ."""
        if not self._boxes:
            return
        of_slice = np.concatenate([np.full(len(some), n) for n, some in enumerate(self._scores)])
        index = np.concatenate([np.arange(len(some)) for some in self._scores])
        edges, score = np.concatenate(self._boxes), np.concatenate(self._scores)
        size = (edges[:, 2:] - edges[:, :2]).prod(axis=1)
        for n in np.lexsort((*edges.T, -size, -score)):
            yield int(of_slice[n]), int(index[n])

    def is_free(self, member: Member) -> bool:
        return bool(self._free[member[0]][member[1]])

    def take(self, member: Member) -> None:
        self._free[member[0]][member[1]] = False

    def grow(self, seed: Member, step: int) -> tuple[list[Member], list[Member]]:
        """What belongs to ``seed`` in the slices on one side of it, the nearest first: members and weaker boxes, all taken."""
        grown, weaker, last = list[Member](), list[Member](), seed
        floor = self._how.share * self._scores[seed[0]][seed[1]]
        while (following := self._following(last, step, floor)) is not None:
            self.take(following)
            grown.append(following)
            for n in range(last[0] + step, following[0], step):
                weaker += self._weaker(last, n, floor)
            last = following
        ceiling = floor
        while found := self._weaker(last, last[0] + step, ceiling):
            weaker += found
            last = found[0]
            ceiling = min(ceiling, self._scores[last[0]][last[1]] / max(self._how.share, _LEAST))
        return grown, weaker

    def _following(self, last: Member, step: int, floor: float) -> Member | None:
        """In the nearest slice that has one, the free box that is strong enough and has the largest overlap times score."""
        for n in range(last[0] + step, last[0] + step * (self._how.gap + 2), step):
            if not 0 <= n < len(self._boxes):
                return None
            shared, scores = self._shared(last, n), self._scores[n]
            fits = (shared >= self._how.least_iou) & (scores >= floor)
            if fits.any():
                return n, int(np.where(fits, shared * (scores + _LEAST), -1.0).argmax())
        return None

    def _weaker(self, last: Member, n: int, ceiling: float) -> list[Member]:
        """In slice ``n``, the best free box that overlaps ``last`` with no higher a score; taken. None or one."""
        if not 0 <= n < len(self._boxes):
            return []
        fits = (self._shared(last, n) >= self._how.least_iou) & (self._scores[n] <= ceiling)
        if not fits.any():
            return []
        found = n, int(np.where(fits, self._scores[n], -1.0).argmax())
        self.take(found)
        return [found]

    def _shared(self, last: Member, n: int) -> FloatArray:
        """Overlap of a box with those of slice ``n``; 0 with those that are taken."""
        return np.asarray(iou(self._boxes[last[0]][last[1]], self._boxes[n])[0] * self._free[n])
