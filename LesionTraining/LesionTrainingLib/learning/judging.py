"""A new model on the test cases, by the rules of LUNA16: what its card says of how good it is."""

from __future__ import annotations

from typing import Any

from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.core.progress import Progress

from ..cohorts.case import Case
from ..cohorts.cohort import Cohort, LeftOut
from ..evaluation.confidence import froc_confidence
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
    confidence = froc_confidence(evaluation.matches)
    values = {**summary(evaluation), **({"confidence": confidence} if confidence else {})}
    what = "computer-made, no patients" if on_phantoms else "of patients"
    mean = f" CPM {values['cpm']:.3f}{_bounds(confidence)}." if values["cpm"] is not None else ""
    lead = f"{values['scans']} scans ({what}); a lesion is found by a mark nearer to its centre than its radius (the rules of LUNA16)."
    parts = [f"{lead}{mean}", as_table(evaluation), rates_table(evaluation), kinds_table(evaluation)]
    table = "\n\n".join(part for part in parts if part)
    return Judged(values, table, tuple(evaluation.matches)), evaluation.left_out


def _bounds(confidence: dict[str, Any]) -> str:
    if not confidence:
        return ""
    low, high = confidence["cpm"]
    what = f"{confidence['patients']} patients" if "patients" in confidence else "scans"
    return f" (95 % of {confidence['samples']} drawings of the {what}: {low:.3f} to {high:.3f})"
