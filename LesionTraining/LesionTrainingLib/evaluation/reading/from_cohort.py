"""A cohort's own labels as truth."""

from __future__ import annotations

from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.progress import Progress

from ...cohorts.case import Case
from ...cohorts.cohort import Cohort, LeftOut, work_on
from ..matching.findings import Findings
from .sets import ImageTruth, TruthSet


def read_truth(cohort: Cohort, progress: Progress) -> TruthSet:
    """The labels of all cases that have any; voxels are not read, and masks lie on the grid that the detections say.

    Raises:
        InputError: no case has labels that can be read.
        Cancelled: through ``progress``.
    """
    labelled = [case for case in cohort.cases if case.labelled]
    done, failed = work_on(labelled, truth_of, progress)
    unlabelled = [LeftOut(case.id, "It has no labels.") for case in cohort.cases if not case.labelled]
    left_out = (*cohort.left_out, *unlabelled, *failed)
    if not done:
        reason = f" The first: {left_out[0].reason}" if left_out else ""
        raise InputError(f"No case of {cohort.spec} has labels to score against.{reason}")
    images = {case.id: truth for case, truth in done}
    notes = (f"Measured on {cohort.title}, no patients.",) if cohort.on_phantoms else ()
    return TruthSet(
        images,
        f"{cohort.title} ({len(images)} cases)",
        left_out,
        (*notes, *cohort.notes),
        cohort.on_phantoms,
        {case.id: case for case, _ in done},
    )


def truth_of(case: Case) -> ImageTruth:
    """The labels of one case.

    Raises:
        InputError: see :meth:`LesionTrainingLib.cohorts.case.Case.truth`.
    """
    truth = case.truth()
    lesions, excluded = Findings.of_lesions(truth.lesions, truth.kinds), Findings.of_lesions(truth.excluded)
    return ImageTruth(lesions, excluded, patient=case.patient)
