"""PI-CAI: the best one-to-one matching of candidate and lesion masks, from an IoU of one tenth.

Source: Saha et al., "Artificial intelligence and radiologists in prostate cancer detection on MRI (PI-CAI)", Lancet Oncology
2024, and the organisers' package picai_eval, which settles what becomes of candidates that overlap and are not matched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .findings import BoolArray, FloatArray, ImageFindings, IntArray
from .outcome import Outcome
from .overlap import MASK, overlaps
from .policy import IOU, Policy, fates_of, lesions_of_marks, marks_that_hit, require_finite_scores


@dataclass(frozen=True)
class Picai(Policy):
    """Attributes:
    least_iou: from which overlap on a mark may hit.
    """

    name: ClassVar[str] = "picai"
    title: ClassVar[str] = "PI-CAI, as picai_eval scores it"
    rule: ClassVar[str] = (
        "Marks and lesions are matched one to one so that as many as possible match, and then with the largest sum of IoU, "
        "whatever their scores; an IoU of .1 is enough. A mark that overlaps a lesion enough and is not matched counts for "
        "nothing; every other mark is a false positive. Excluded findings are not known. Average precision, the area "
        "under the ROC curve of cases by their highest score, and the mean of both. Masks are compared, else "
        "boxes, else spheres."
    )
    measures: ClassVar[str] = IOU

    least_iou: float = 0.1

    def match(self, image: ImageFindings) -> Outcome:
        """See :meth:`.policy.Policy.match`."""
        scores = image.marks.scores
        require_finite_scores(scores)
        values, compared = overlaps(image.truth, image.marks, image.geometry, MASK)
        hits = values >= self.least_iou
        lesion_marks = _assign(values, hits)
        return Outcome(
            policy=self.name,
            image=image.image,
            values=values,
            limits=np.full(len(image.truth), self.least_iou),
            excluded_values=np.zeros((0, len(scores))),
            excluded_limits=np.zeros(0),
            fates=fates_of(len(scores), ~marks_that_hit(hits), lesion_marks),
            mark_lesions=lesions_of_marks(values * hits, lesion_marks),
            mark_excluded=np.full(len(scores), -1, dtype=np.intp),
            lesion_marks=lesion_marks,
            lesion_hits=hits.sum(axis=1),
            mark_scores=scores,
            diameters_mm=image.truth.diameters_mm,
            patient=image.patient,
            compared=compared,
        )


def _assign(values: FloatArray, hits: BoolArray) -> IntArray:
    """[T] the mark that each lesion is matched with, -1 for none: the largest sum of 1 + IoU over one-to-one matchings."""
    lesion_marks = np.full(len(values), -1, dtype=np.intp)
    rows, columns = np.flatnonzero(hits.any(axis=1)), np.flatnonzero(hits.any(axis=0))
    if not rows.size:
        return lesion_marks
    from scipy.optimize import linear_sum_assignment

    gain = np.where(hits, 1 + values, 0.0)[np.ix_(rows, columns)]
    lesions, marks = linear_sum_assignment(gain, maximize=True)
    matched = gain[lesions, marks] > 0
    lesion_marks[rows[lesions[matched]]] = columns[marks[matched]]
    return lesion_marks
