"""What the matcher says of one image: the fate of each mark, and which mark each lesion is credited with."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

import numpy as np
import numpy.typing as npt

from .findings import FloatArray, IntArray

MISSED = float("-inf")
"""The score of a lesion that no mark is credited for."""


class Fate(IntEnum):
    """What a policy makes of a mark."""

    HIT = 0
    FALSE = 1
    SECOND = 2
    EXCLUDED = 3
    BEYOND_LIMIT = 4
    NOT_SHOWN = 5

    @property
    def text(self) -> str:
        """In words, for tables."""
        return _TEXTS[self]


_TEXTS = {
    Fate.HIT: "true positive",
    Fate.FALSE: "false positive",
    Fate.SECOND: "ignored: a further mark on a lesion already found",
    Fate.EXCLUDED: "ignored: on an excluded finding",
    Fate.BEYOND_LIMIT: "ignored: beyond the limit of marks an image",
    Fate.NOT_SHOWN: "ignored: scores less than the operating point",
}


@dataclass(frozen=True, eq=False)
class Outcome:
    """One image under one policy. T = true lesions, E = excluded findings, M = marks, in the order of the input.

    Attributes:
        policy: its name.
        image: the image's name.
        values: [T, M] distance in mm or overlap of each pair, as the policy measures it (see :class:`.policy.Policy`).
        limits: [T] what the distance must stay under, or the overlap reach.
        excluded_values, excluded_limits: [E, M], [E] the same for excluded findings; E = 0 where the policy knows none.
        fates: [M] a :class:`Fate` each.
        mark_lesions: [M] the lesion that a hit, a further mark or a duplicate is about; -1 for the others.
        mark_excluded: [M] the excluded finding that the mark lies on, -1 where it was not ignored for one.
        lesion_marks: [T] the mark that the lesion is credited with, -1 where it is missed. One mark may serve several.
        lesion_hits: [T] how many marks hit it.
        mark_scores: [M].
        diameters_mm: [T] true diameters, NaN where unknown.
        compared: [T, M] what was compared for an overlap (``SPHERE``, ``BOX`` or ``MASK`` of :mod:`.overlap`), or None.
        patient: of the image, where that is known.
    """

    policy: str
    image: str
    values: FloatArray
    limits: FloatArray
    excluded_values: FloatArray
    excluded_limits: FloatArray
    fates: npt.NDArray[np.int8]
    mark_lesions: IntArray
    mark_excluded: IntArray
    lesion_marks: IntArray
    lesion_hits: IntArray
    mark_scores: FloatArray
    diameters_mm: FloatArray
    compared: IntArray | None = None
    patient: str = ""

    @cached_property
    def lesion_scores(self) -> FloatArray:
        """[T] score of the credited mark, ``MISSED`` where there is none."""
        if not self.mark_scores.size:
            return np.full(len(self.lesion_marks), MISSED)
        return np.where(self.lesion_marks >= 0, self.mark_scores[self.lesion_marks], MISSED)

    @cached_property
    def false_positive_scores(self) -> FloatArray:
        """[F] scores of the false positives."""
        scores: FloatArray = self.mark_scores[self.fates == Fate.FALSE]
        return scores
