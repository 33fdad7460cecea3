"""A new model on the test cases, by the rules of LUNA16: what its card says of how good it is."""

from __future__ import annotations

from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.core.progress import Progress

from ..cohorts.case import Case
from ..cohorts.cohort import Cohort, LeftOut
from ..evaluation.model_table import as_table, evaluate_model, kinds_table, rates_table, summary
from .card import Judged


def judge(
    bundle: Bundle, cases: tuple[Case, ...], on_phantoms: bool, device: str, progress: Progress, workers: int = 1
) -> tuple[Judged, tuple[LeftOut, ...]]:
    """Detect in each case, and match every mark whatever its score.

    Args:
        workers: processes that read cases while this one detects.

    Returns:
        What was measured, and the cases that could not be measured on.

    Raises:
        InputError: no case could be used.
        Cancelled: see ``progress``.
    """
    cohort = Cohort("the test cases", "test cases", cases, on_phantoms=on_phantoms)
    evaluation = evaluate_model(bundle, cohort, device, progress, workers=workers)
    values = summary(evaluation)
    what = "computer-made, no patients" if on_phantoms else "of patients that served neither training nor thresholds"
    mean = f" CPM {values['cpm']:.3f}." if values["cpm"] is not None else ""
    lead = f"{values['scans']} scans ({what}); a lesion is found by a mark nearer to its centre than its radius (the rules of LUNA16)."
    parts = [f"{lead}{mean}", as_table(evaluation), rates_table(evaluation), kinds_table(evaluation)]
    return Judged(values, "\n\n".join(part for part in parts if part)), evaluation.left_out
