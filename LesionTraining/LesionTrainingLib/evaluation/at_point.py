"""What the marks of one operating point find, miss and mark falsely, case by case: the numbers of a cohort's report.

A lesion is found when the mark that it is credited with is shown, and a false positive counts when it is shown, as the FROC
curve is read: the counts are those of the curve at this score.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .matching.findings import BoolArray, FloatArray
from .matching.outcome import MISSED, Fate
from .matching.reasons import why_lesion, why_mark
from .operating import OperatingPoint
from .scoring.scored import Scored


@dataclass(frozen=True)
class Failure:
    """A lesion that no shown mark is credited for, or a shown mark that is a false positive.

    Attributes:
        image: index of its image.
        is_lesion: whether it is a missed lesion.
        index: among the image's lesions, or its marks.
        diameter_mm: NaN where unknown.
        score: of the mark; NaN for a lesion.
        why: a sentence without its full stop.
    """

    image: int
    is_lesion: bool
    index: int
    diameter_mm: float
    score: float
    why: str


@dataclass(frozen=True)
class CaseCounts:
    """One case's numbers. The largest and highest are NaN where there is none."""

    image: int
    name: str
    lesions: int
    found: int
    false_marks: int
    largest_missed_mm: float
    highest_false: float

    @property
    def missed(self) -> int:
        return self.lesions - self.found


@dataclass(frozen=True, eq=False)
class AtPoint:
    """A policy's outcomes as far as the marks of one operating point are shown."""

    scored: Scored
    point: OperatingPoint

    @cached_property
    def found(self) -> tuple[BoolArray, ...]:
        """For each image, [T], whether its lesions are found."""
        return tuple(
            (outcome.lesion_scores >= self.point.least) & (outcome.lesion_scores > MISSED)
            for outcome in self.scored.outcomes
        )

    @cached_property
    def false(self) -> tuple[BoolArray, ...]:
        """For each image, [M], whether its marks are shown and false."""
        return tuple(
            (outcome.fates == Fate.FALSE) & (outcome.mark_scores >= self.point.least)
            for outcome in self.scored.outcomes
        )

    @cached_property
    def cases(self) -> tuple[CaseCounts, ...]:
        """The worst first: most missed, then most false marks, then in their order."""
        rows = []
        for index, (image, found, false) in enumerate(zip(self.scored.images, self.found, self.false, strict=True)):
            missed = image.truth.diameters_mm[~found]
            rows.append(
                CaseCounts(
                    index,
                    image.image,
                    len(found),
                    int(found.sum()),
                    int(false.sum()),
                    _highest(missed),
                    _highest(image.marks.scores[false]),
                )
            )
        return tuple(sorted(rows, key=lambda row: (-row.missed, -row.false_marks, row.image)))

    @property
    def lesions(self) -> int:
        return sum(map(len, self.found))

    @property
    def lesions_found(self) -> int:
        return sum(int(found.sum()) for found in self.found)

    @property
    def false_marks(self) -> int:
        return sum(int(false.sum()) for false in self.false)

    @property
    def diameters_mm(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Of the found lesions, of the missed ones, and of the false marks; NaN where unknown."""
        truth = [image.truth.diameters_mm for image in self.scored.images]
        marks = [image.marks.diameters_mm for image in self.scored.images]
        return (
            _chosen(truth, self.found),
            _chosen(truth, [~found for found in self.found]),
            _chosen(marks, self.false),
        )

    @cached_property
    def shown(self) -> tuple[BoolArray, ...]:
        """For each image, [M], whether its marks are shown."""
        return tuple(outcome.mark_scores >= self.point.least for outcome in self.scored.outcomes)

    def worst_misses(self, most: int) -> tuple[Failure, ...]:
        """So many missed lesions, the largest first; those of unknown size last."""
        failures = [
            (float(image.truth.diameters_mm[lesion]), index, int(lesion))
            for index, (image, found) in enumerate(zip(self.scored.images, self.found, strict=True))
            for lesion in np.flatnonzero(~found)
        ]
        failures.sort(key=lambda one: -np.nan_to_num(one[0], nan=-1.0))
        return tuple(
            Failure(index, True, lesion, size, math.nan, self._why_missed(index, lesion))
            for size, index, lesion in failures[:most]
        )

    def worst_false_marks(self, most: int) -> tuple[Failure, ...]:
        """So many false marks, those of the highest score first."""
        failures = [
            (float(outcome.mark_scores[mark]), index, int(mark))
            for index, (outcome, false) in enumerate(zip(self.scored.outcomes, self.false, strict=True))
            for mark in np.flatnonzero(false)
        ]
        failures.sort(key=lambda one: -one[0])
        return tuple(
            Failure(index, False, mark, self._mark_diameter(index, mark), score, self._why_false(index, mark))
            for score, index, mark in failures[:most]
        )

    def _mark_diameter(self, index: int, mark: int) -> float:
        return float(self.scored.images[index].marks.diameters_mm[mark])

    def _why_false(self, index: int, mark: int) -> str:
        return why_mark(self.scored.policy, self.scored.images[index], self.scored.outcomes[index], mark)

    def _why_missed(self, index: int, lesion: int) -> str:
        policy, image, outcome = self.scored.policy, self.scored.images[index], self.scored.outcomes[index]
        why = why_lesion(policy, image, outcome, lesion)
        if outcome.lesion_marks[lesion] < 0:
            return why
        return f"{why}, but that mark scores less than {self.point.least:.3g} and is not shown"


def _highest(values: FloatArray) -> float:
    known = values[np.isfinite(values)]
    return float(known.max()) if known.size else math.nan


def _chosen(values: Sequence[FloatArray], which: Sequence[BoolArray]) -> FloatArray:
    return np.concatenate([one[chosen] for one, chosen in zip(values, which, strict=True)])
