"""LUNA16: a mark hits a nodule if it lies nearer to its centre than its radius.

Source: Setio et al., Medical Image Analysis 42 (2017), section 2.4, and the organisers' evaluation script, which settles
what the text leaves open: strictness, unknown diameters, further marks, excluded findings, the limit of marks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from .findings import BoolArray, Findings, FloatArray, ImageFindings, IntArray
from .outcome import Fate, Outcome
from .overlap import known_diameters
from .policy import DISTANCE_MM, Policy, best_marks, fates_of, lesions_of_marks, marks_that_hit, require_finite_scores


@dataclass(frozen=True)
class Luna16(Policy):
    """Attributes:
    most_marks: of more marks in a scan only those that score more than the one after these count.
    """

    name: ClassVar[str] = "luna16"
    title: ClassVar[str] = "LUNA16, as the organisers' script scores it"
    rule: ClassVar[str] = (
        "A mark hits a nodule if its distance from the centre is less than the radius (an unknown diameter is 10 mm). "
        "A nodule scores its best mark; further marks on it count for nothing, and one mark may hit several nodules. "
        "Marks on excluded findings count for nothing. All other marks are false positives. Rates divide by all scans."
    )
    measures: ClassVar[str] = DISTANCE_MM
    lesion_is: ClassVar[str] = "nodule"

    most_marks: int = 100

    def match(self, image: ImageFindings) -> Outcome:
        """See :meth:`.policy.Policy.match`."""
        scores = image.marks.scores
        require_finite_scores(scores)
        counted = within_limit(scores, self.most_marks)
        radii, excluded_radii = known_diameters(image.truth) / 2, known_diameters(image.excluded) / 2
        distances, hits = _hits(image.truth, radii, image.marks, counted)
        excluded_distances, on_excluded = _hits(image.excluded, excluded_radii, image.marks, counted)
        on_lesion = marks_that_hit(hits)
        lesion_marks = best_marks(hits, scores)
        ignored = counted & ~on_lesion & on_excluded.any(axis=0)
        fates = fates_of(len(scores), ~on_lesion, lesion_marks)
        fates[ignored] = Fate.EXCLUDED
        fates[~counted] = Fate.BEYOND_LIMIT
        return Outcome(
            policy=self.name,
            image=image.image,
            values=distances,
            limits=radii,
            excluded_values=excluded_distances,
            excluded_limits=excluded_radii,
            fates=fates,
            mark_lesions=lesions_of_marks(hits / (1 + distances), lesion_marks),
            mark_excluded=np.where(ignored, _nearest(excluded_distances, on_excluded), -1),
            lesion_marks=lesion_marks,
            lesion_hits=hits.sum(axis=1),
            mark_scores=scores,
            diameters_mm=image.truth.diameters_mm,
            patient=image.patient,
        )


def match_scan(
    mark_centers_mm: npt.ArrayLike, scores: npt.ArrayLike, true_centers_mm: npt.ArrayLike, diameters_mm: npt.ArrayLike
) -> Outcome:
    """Match the marks of one scan, [M, 3] with [M] scores, to its lesions, [T, 3] with [T] diameters; one frame, mm."""
    truth = Findings.of_points(true_centers_mm, diameters_mm)
    return Luna16().match(ImageFindings("", truth, Findings.of_points(mark_centers_mm, scores=scores)))


def within_limit(scores: FloatArray, most: int) -> BoolArray:
    """[M] bool: which marks count where at most ``most`` may. Marks that score as much as the first one too many are out
    too, so that fewer may be left: the script keeps what scores more than it."""
    if len(scores) <= most:
        return np.ones(len(scores), dtype=bool)
    return np.asarray(scores > np.sort(scores)[::-1][most], dtype=bool)


def _hits(findings: Findings, radii: FloatArray, marks: Findings, counted: BoolArray) -> tuple[FloatArray, BoolArray]:
    """[F, M] distances in mm, and whether they are less than the radius, [F] (compared as squares, as the script does)."""
    squares = ((findings.centers_ras_mm[:, None] - marks.centers_ras_mm[None]) ** 2).sum(axis=2)
    hits = squares < radii[:, None] ** 2
    return np.sqrt(squares), hits & counted


def _nearest(distances: FloatArray, hits: BoolArray) -> IntArray:
    """[M] for each mark the nearest of the findings that it hits; 0 where there is none."""
    if not hits.size:
        return np.zeros(hits.shape[1], dtype=np.intp)
    return np.asarray(np.where(hits, distances, np.inf).argmin(axis=0), dtype=np.intp)
