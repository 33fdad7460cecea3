"""A new model on the test cases, by the rules of LUNA16: what its card says of how good it is."""

from __future__ import annotations

import numpy as np
from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.core.progress import Progress

from ..cohorts.case import Case
from ..cohorts.cohort import Cohort, LeftOut
from ..evaluation.detecting import detect_in_cohort
from ..evaluation.evaluate_nodule_ct import Evaluation, as_table, summary
from ..evaluation.matching.luna16 import Luna16
from ..evaluation.reading.sets import put_together
from .card import Judged


def judge(
    bundle: Bundle, cases: tuple[Case, ...], on_phantoms: bool, device: str, progress: Progress
) -> tuple[Judged, tuple[LeftOut, ...]]:
    """Detect in each case, and match every mark whatever its score.

    Returns:
        What was measured, and the cases that could not be measured on.

    Raises:
        InputError: no case could be used.
        Cancelled: see ``progress``.
    """
    cohort = Cohort("the test cases", "test cases", cases, on_phantoms=on_phantoms)
    truth, marks = detect_in_cohort(bundle, cohort, device, progress)
    scoring = put_together(truth, marks)
    policy = Luna16()
    outcomes = [policy.match(image) for image in scoring.images]
    diameters = [
        np.where(outcome.lesion_marks >= 0, np.append(image.marks.diameters_mm, np.nan)[outcome.lesion_marks], np.nan)
        for image, outcome in zip(scoring.images, outcomes, strict=True)
    ]
    evaluation = Evaluation(outcomes, np.concatenate(diameters), dict(marks.operating_points))
    values = summary(evaluation)
    patients = "computer-made, no patients" if on_phantoms else "unseen in training"
    table = (
        f"{values['scans']} scans ({patients}); a lesion is found by a mark nearer to its centre than its radius (the "
        f"rules of LUNA16). CPM {values['cpm']:.3f}.\n\n{as_table(evaluation)}"
    )
    return Judged(values, table), scoring.left_out
