"""From the blobs of slices to lesions: which blobs are one lesion, and what speaks for it (section 3).

The paper marks blobs in single slices and goes no further. In a volume the ends of a lesion are small blobs that T_S would always
drop; so a lesion is all blobs that hang together, and one of them that is verified, by T_R and T_S at once, verifies it whole
[choice].
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from LesionDetectionLib.imaging.blobs import Member, SliceBlobs, join_over_slices

BoolArray = npt.NDArray[np.bool_]
Evidence = tuple[tuple[float, float], ...]
"""Rows of R_max and area."""


@dataclass(frozen=True)
class Candidate:
    """Blobs that are one lesion.

    Attributes:
        members: (slice, blob number) of each.
        evidence: R_max and area (pixels) of those blobs that no other one exceeds or equals in both, in falling R_max. Some
            blob passes two thresholds exactly if one of these does.
    """

    members: tuple[Member, ...]
    evidence: Evidence

    @property
    def response(self) -> float:
        """The largest R_max of its blobs."""
        return self.evidence[0][0]

    @property
    def largest_area_px(self) -> int:
        return int(self.evidence[-1][1])

    def passes(self, least_response: float, least_area: float) -> bool:
        """Whether one of its blobs is verified."""
        return any(response > least_response and area > least_area for response, area in self.evidence)


class Candidates:
    """All candidates of a scan, in falling response."""

    def __init__(self, slices: Sequence[SliceBlobs], least_shared: float = 0.0) -> None:
        """
        Args:
            slices: neighbours of each other, all of one shape.
            least_shared: see :func:`~LesionDetectionLib.imaging.blobs.join_over_slices`.
        """
        self._slices = slices
        self.items = [self._candidate(group) for group in join_over_slices(slices, least_shared)]
        self.items.sort(key=lambda candidate: -candidate.response)

    def __len__(self) -> int:
        return len(self.items)

    def mask(self, candidate: Candidate) -> tuple[BoolArray, tuple[int, int, int]]:
        """Its pixels [k, j, i] in the box around them, and where (i, j, k) in the slices that begins."""
        boxes = [(k, number, self._boxes[k][number - 1]) for k, number in candidate.members]
        first, last = boxes[0][0], boxes[-1][0]
        rows, columns = (
            (min(box[axis].start for _, _, box in boxes), max(box[axis].stop for _, _, box in boxes)) for axis in (0, 1)
        )
        mask = np.zeros((last - first + 1, rows[1] - rows[0], columns[1] - columns[0]), dtype=bool)
        for k, number, box in boxes:
            target = tuple(
                slice(part.start - a, part.stop - a) for part, (a, _) in zip(box, (rows, columns), strict=True)
            )
            mask[k - first][target] |= self._slices[k].labels[box] == number
        return mask, (columns[0], rows[0], first)

    @cached_property
    def _boxes(self) -> list[list[tuple[slice, slice]]]:
        """By slice the box of each blob."""
        return [ndimage.find_objects(blobs.labels) if len(blobs) else [] for blobs in self._slices]

    def _candidate(self, group: list[Member]) -> Candidate:
        blobs = ((self._slices[k].maxima[number - 1], self._slices[k].areas[number - 1]) for k, number in group)
        return Candidate(tuple(group), pareto_front(blobs))


def pareto_front(rows: Iterable[tuple[Any, Any]]) -> Evidence:
    """Those (response, area) that no other one exceeds or equals in both, in falling response."""
    front: list[tuple[float, float]] = []
    for response, area in sorted(((float(r), float(a)) for r, a in rows), reverse=True):
        if not front or area > front[-1][1]:
            front.append((response, area))
    return tuple(front)
