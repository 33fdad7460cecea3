"""What a policy is, and the parts that several share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from .findings import BoolArray, FloatArray, ImageFindings, IntArray
from .outcome import Fate, Outcome

CPM_RATES = (0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
"""False positives per scan at which LUNA16 averages the sensitivity."""
SIZE_BANDS_MM = ((0.0, 6.0), (6.0, 10.0), (10.0, 20.0), (20.0, float("inf")))
"""Diameter bands for tables: from (included) to (excluded)."""
DISTANCE_MM, IOU, SHARED_VOXELS = "distance in mm", "IoU", "shared voxels"
"""What a policy measures of a pair. A distance must stay under its limit, an IoU reach it, shared voxels pass it."""


@dataclass(frozen=True)
class Policy(ABC):
    """Rules by which marks are matched with lesions. Subclasses are frozen dataclasses of their settings.

    Attributes:
        name: on the command line.
        title: where it comes from.
        rule: its rules in a few sentences, for pages.
        measures: what ``Outcome.values`` are.
        rates: false positives per image at which its users read the sensitivity.
        averaged: so many of the rates, the first, make up the mean sensitivity.
        upright: which sensitivity is read where the curve rises at a rate (see :func:`..froc.sensitivity_at`).
        size_bands_mm: diameters from (included) to (excluded) that its users report apart.
        size_rate: false positives per image at which they do.
        image_is, lesion_is: what its users call an image and a lesion.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    rule: ClassVar[str]
    measures: ClassVar[str]
    rates: ClassVar[tuple[float, ...]] = CPM_RATES
    averaged: ClassVar[int] = len(CPM_RATES)
    upright: ClassVar[str] = "highest"
    size_bands_mm: ClassVar[tuple[tuple[float, float], ...]] = SIZE_BANDS_MM
    size_rate: ClassVar[float] = 1.0
    image_is: ClassVar[str] = "scan"
    lesion_is: ClassVar[str] = "lesion"

    @abstractmethod
    def match(self, image: ImageFindings) -> Outcome:
        """Match the marks of one image with its lesions.

        Raises:
            ValueError: a score that is not a finite number.
        """


def best_marks(hits: BoolArray, scores: FloatArray) -> IntArray:
    """[T] for each lesion the highest scoring of the marks that hit it, [T, M]; of equal ones the first; -1 for none."""
    if not hits.size:
        return np.full(len(hits), -1, dtype=np.intp)
    best = np.where(hits, scores, -np.inf).argmax(axis=1)
    return np.where(hits.any(axis=1), best, -1)


def marks_that_hit(hits: BoolArray) -> BoolArray:
    """[M] which marks hit any lesion, [T, M]."""
    return np.asarray(hits.any(axis=0), dtype=bool)


def lesions_of_marks(values: FloatArray, lesion_marks: IntArray) -> IntArray:
    """[M] for each mark the lesion it is credited for (the last of several), else the one of the largest value above 0,
    else -1; ``values`` [T, M] are the larger the nearer."""
    found = np.full(values.shape[1], -1, dtype=np.intp)
    if values.size:
        found = np.where(values.max(axis=0) > 0, values.argmax(axis=0), -1)
    credited = np.flatnonzero(lesion_marks >= 0)
    found[lesion_marks[credited]] = credited
    return found


def fates_of(marks: int, false: BoolArray, lesion_marks: IntArray) -> npt.NDArray[np.int8]:
    """[M] false positives, hits, and further marks for the rest."""
    fates = np.full(marks, Fate.SECOND, dtype=np.int8)
    fates[false] = Fate.FALSE
    fates[lesion_marks[lesion_marks >= 0]] = Fate.HIT
    return fates


def require_finite_scores(scores: FloatArray) -> None:
    """Raises ValueError where a score is no number, since such a mark has no place in a ranking."""
    if not np.isfinite(scores).all():
        raise ValueError("Every mark needs a finite score.")
