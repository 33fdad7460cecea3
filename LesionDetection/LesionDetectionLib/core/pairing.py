"""Which lesion of a follow-up is which of the baseline: the best pairing of all, and a person's changes to it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from .assignment import assign
from .errors import UsageError
from .finding import Finding
from .image import FloatArray

GATE_MM = 15.0
"""Rigid alignment leaves lesions near the diaphragm a centimetre or two off."""
_PAIR_SIZES = 4.0
"""A lesion 2^4 times as large is never the same; 4 times costs a quarter of what the gate allows."""


@dataclass(frozen=True)
class Pair:
    """A lesion at both times.

    Attributes:
        baseline, follow_up: ids of the findings.
        distance_mm: between their centres, the baseline's being moved by the alignment.
        by_person: linked by a person, not by the program.
    """

    baseline: str
    follow_up: str
    distance_mm: float
    by_person: bool = False


@dataclass(frozen=True, eq=False)
class Pairing:
    """Findings of two times, and which belong together.

    Attributes:
        baseline, follow_up: all findings that take part.
        matrix: [4, 4] RAS mm of the baseline to RAS mm of the follow-up.
        pairs: in the order of the baseline's findings.
    """

    baseline: tuple[Finding, ...]
    follow_up: tuple[Finding, ...]
    matrix: FloatArray
    pairs: tuple[Pair, ...] = ()

    @property
    def gone(self) -> tuple[Finding, ...]:
        """Of the baseline, without a partner: disappeared, or not found."""
        paired = {pair.baseline for pair in self.pairs}
        return tuple(item for item in self.baseline if item.id not in paired)

    @property
    def new(self) -> tuple[Finding, ...]:
        """Of the follow-up, without a partner: new, or not found before."""
        paired = {pair.follow_up for pair in self.pairs}
        return tuple(item for item in self.follow_up if item.id not in paired)

    def linking(self, baseline_id: str, follow_up_id: str) -> Pairing:
        """With these two as one lesion, by a person; pairs that had one of them are undone.

        Raises:
            UsageError: one of them does not take part.
        """
        first, second = _get(self.baseline, baseline_id, "baseline"), _get(self.follow_up, follow_up_id, "follow-up")
        kept = [p for p in self.pairs if p.baseline != baseline_id and p.follow_up != follow_up_id]
        distance = float(_distances([first], [second], self.matrix)[0, 0])
        return self._with([*kept, Pair(baseline_id, follow_up_id, distance, by_person=True)])

    def unlinking(self, baseline_id: str) -> Pairing:
        """With the pair of this baseline lesion undone.

        Raises:
            UsageError: it is in no pair.
        """
        kept = [pair for pair in self.pairs if pair.baseline != baseline_id]
        if len(kept) == len(self.pairs):
            raise UsageError(f"The baseline's lesion {baseline_id} is in no pair.")
        return self._with(kept)

    def _with(self, pairs: Sequence[Pair]) -> Pairing:
        order = {item.id: n for n, item in enumerate(self.baseline)}
        return replace(self, pairs=tuple(sorted(pairs, key=lambda pair: order[pair.baseline])))


def pair_findings(
    baseline: Sequence[Finding], follow_up: Sequence[Finding], matrix: npt.ArrayLike, gate_mm: float = GATE_MM
) -> Pairing:
    """The pairing with the least sum of (distance / gate)^2 + (log2 of the sizes' ratio / 4)^2 over its pairs, where each
    pair must stay below 1 and leaving two alone costs 1.

    The gate of a pair is ``gate_mm`` and a quarter of both diameters: the centre of a large lesion moves with its shape.
    Only distances and sizes count: moving or turning both scans together changes nothing, nor does the order.

    Args:
        matrix: [4, 4] RAS mm of the baseline to RAS mm of the follow-up.

    Raises:
        UsageError: the gate is no positive distance.
    """
    if not (gate_mm > 0 and math.isfinite(gate_mm)):
        raise UsageError("The distance within which lesions are paired must be more than 0 mm.")
    move = np.array(matrix, dtype=np.float64)
    # Sorted by id, so that equally good pairings do not depend on the order in which findings come.
    first, second = (sorted(items, key=lambda item: item.id) for items in (baseline, follow_up))
    whole = Pairing(tuple(baseline), tuple(follow_up), move)
    if not first or not second:
        return whole
    distances = _distances(first, second, move)
    sizes = [np.array([max(item.lesion.diameter_mm, 1.0) for item in items]) for items in (first, second)]
    gates = gate_mm + np.add.outer(*sizes) / 4
    costs = (distances / gates) ** 2 + (np.abs(np.subtract.outer(*map(np.log2, sizes))) / _PAIR_SIZES) ** 2
    pairs = [Pair(first[a].id, second[b].id, float(distances[a, b])) for a, b in assign(costs)]
    return whole._with(pairs)


def _distances(first: Sequence[Finding], second: Sequence[Finding], matrix: FloatArray) -> FloatArray:
    """[F, S] mm."""
    a = np.array([item.lesion.center_ras_mm for item in first]) @ matrix[:3, :3].T + matrix[:3, 3]
    b = np.array([item.lesion.center_ras_mm for item in second])
    return np.asarray(np.linalg.norm(a[:, None] - b[None], axis=2))


def _get(items: Sequence[Finding], finding_id: str, time: str) -> Finding:
    for item in items:
        if item.id == finding_id:
            return item
    raise UsageError(f"There is no lesion {finding_id} in the {time} that takes part in the comparison.")
