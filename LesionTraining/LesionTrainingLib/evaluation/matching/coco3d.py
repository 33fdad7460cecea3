"""COCO in three dimensions, as nnDetection uses it: greedy, one mark a lesion, duplicates are false positives.

Source: the COCO evaluation (Lin et al., ECCV 2014; cocoeval), with boxes in 3D and the IoU range .1 to .5 of Baumgartner et
al., "nnDetection", MICCAI 2021, section 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .findings import FloatArray, ImageFindings, IntArray
from .outcome import Fate, Outcome
from .overlap import BOX, overlaps
from .policy import IOU, Policy, fates_of, lesions_of_marks, require_finite_scores


@dataclass(frozen=True)
class Coco3d(Policy):
    """Attributes:
    least_iou: from which overlap on a mark may hit.
    most_marks: only so many, the highest scores, count in an image.
    """

    name: ClassVar[str] = "coco3d"
    title: ClassVar[str] = "COCO in 3D, as nnDetection uses it"
    rule: ClassVar[str] = (
        "Marks are taken by score, at most 100 in a scan. Each takes, of the lesions that are still free and whose box "
        "overlaps its own with an IoU of .1 or more, the one with the largest; a mark that finds none free is a false "
        "positive, a second one on the same lesion too. A mark that takes an excluded finding counts for nothing. "
        "Average precision at IoU .1, and averaged over .1 to .5. Where mark and lesion both have no box, spheres are compared."
    )
    measures: ClassVar[str] = IOU

    least_iou: float = 0.1
    most_marks: int = 100

    def match(self, image: ImageFindings) -> Outcome:
        """See :meth:`.policy.Policy.match`."""
        (outcome,) = self.match_at(image, (self.least_iou,))
        return outcome

    def match_at(self, image: ImageFindings, least_ious: tuple[float, ...]) -> list[Outcome]:
        """The outcome at several overlaps, which are measured once."""
        require_finite_scores(image.marks.scores)
        values, compared = overlaps(image.truth, image.marks, image.geometry, BOX)
        excluded_values, _ = overlaps(image.excluded, image.marks, image.geometry, BOX)
        return [self._outcome(image, values, compared, excluded_values, least) for least in least_ious]

    def _outcome(
        self, image: ImageFindings, values: FloatArray, compared: IntArray, excluded_values: FloatArray, least: float
    ) -> Outcome:
        scores, lesions = image.marks.scores, len(image.truth)
        counted = image.marks.order[: self.most_marks]
        taken = _greedy(np.concatenate([values, excluded_values]), lesions, counted, least)
        lesion_marks, excluded_marks = taken[:lesions], taken[lesions:]
        fates = fates_of(len(scores), np.ones(len(scores), dtype=bool), lesion_marks)
        ignored = np.full(len(scores), -1, dtype=np.intp)
        ignored[excluded_marks[excluded_marks >= 0]] = np.flatnonzero(excluded_marks >= 0)
        fates[ignored >= 0] = Fate.EXCLUDED
        beyond = np.ones(len(scores), dtype=bool)
        beyond[counted] = False
        fates[beyond] = Fate.BEYOND_LIMIT
        hits = (values >= least) & ~beyond
        return Outcome(
            policy=self.name,
            image=image.image,
            values=values,
            limits=np.full(lesions, least),
            excluded_values=excluded_values,
            excluded_limits=np.full(len(image.excluded), least),
            fates=fates,
            mark_lesions=lesions_of_marks(values * hits, lesion_marks),
            mark_excluded=ignored,
            lesion_marks=lesion_marks,
            lesion_hits=hits.sum(axis=1),
            mark_scores=scores,
            diameters_mm=image.truth.diameters_mm,
            patient=image.patient,
            compared=compared,
        )


def _greedy(values: FloatArray, lesions: int, order: IntArray, least: float) -> IntArray:
    """[G] the mark that each of lesions and, after them, excluded findings is taken by; -1 for none.

    A mark takes an excluded finding only where no lesion is free for it; of equal overlaps the later finding, as in COCO.
    """
    taken = np.full(len(values), -1, dtype=np.intp)
    reach = np.where(values >= least, values, -1.0)
    if not values.size:
        return taken
    for mark in order[(reach[:, order] >= 0).any(axis=0)]:
        free = np.where(taken < 0, reach[:, mark], -1.0)
        for part in (slice(0, lesions), slice(lesions, None)):
            if free[part].size and free[part].max() >= 0:
                best = np.flatnonzero(free[part] == free[part].max())[-1] + (part.start or 0)
                taken[best] = mark
                break
    return taken
