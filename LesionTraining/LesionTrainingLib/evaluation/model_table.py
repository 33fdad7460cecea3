"""How good a model is at its own operating points: the table of its card, and the same as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.core.progress import Progress

from ..cohorts.cohort import Cohort, LeftOut
from .detecting import Finder, detect_in_cohort
from .froc import (
    CPM_RATES,
    SIZE_BANDS_MM,
    ScanMatch,
    cpm,
    false_positives_per_scan,
    froc,
    sensitivity_at,
    sensitivity_by_size,
)
from .matching import MISSED, POLICIES, Policy
from .matching.findings import FloatArray
from .reading.sets import put_together
from .scoring.agreement import marked_diameters_mm
from .scoring.scored import band_name, match_all
from .short_curve import few_points


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A model on unseen scans. T = all true lesions.

    Attributes:
        matches: one a scan, every mark of the model, whatever its score.
        marked_diameters_mm: [T] diameter of the mark that each lesion is credited with, NaN where there is none.
        operating_points: name -> threshold, of the model.
        left_out: cases that could not be read or detected in.
        kinds: [T] what kind each lesion is, in words; or empty where that is not known of all.
    """

    matches: list[ScanMatch]
    marked_diameters_mm: FloatArray
    operating_points: dict[str, float]
    left_out: tuple[LeftOut, ...] = ()
    kinds: tuple[str, ...] = ()

    def diameter_errors_mm(self, threshold: float) -> FloatArray:
        """Marked minus true diameter of the lesions found at ``threshold``, where both are known."""
        scores = np.concatenate([match.lesion_scores for match in self.matches])
        errors = self.marked_diameters_mm - np.concatenate([match.diameters_mm for match in self.matches])
        found: FloatArray = errors[(scores > MISSED) & (scores >= threshold) & np.isfinite(errors)]
        return found


def evaluate_model(
    bundle: Bundle,
    cohort: Cohort,
    device: str,
    progress: Progress,
    policy: Policy = POLICIES["luna16"],
    workers: int = 1,
) -> Evaluation:
    """Detect in each labelled case of a cohort with all marks, and match.

    Raises:
        InputError: no case could be used.
        BundleError, DeviceError: the model or device cannot be used.
        Cancelled: see ``progress``.
    """
    truth, marks = detect_in_cohort(Finder.of("", bundle), cohort, device, progress, workers=workers)
    scoring = put_together(truth, marks)
    matches = match_all(policy, scoring.images, Progress())
    diameters = marked_diameters_mm(scoring.images, matches)
    each = [image.truth.kinds for image in scoring.images if len(image.truth)]
    kinds = tuple(kind for kinds in each for kind in kinds) if all(each) else ()
    return Evaluation(matches, diameters, dict(marks.operating_points), scoring.left_out, kinds)


def as_table(evaluation: Evaluation) -> str:
    """A table in Markdown: one row an operating point; the last column pools the errors of what was found."""
    bands = [band_name(low, high) for low, high in SIZE_BANDS_MM]
    lines = [
        f"| operating point | score >= | FP per scan | sensitivity | {' | '.join(bands)} | diameter error (mean, mean absolute) |",
        "|" + " --- |" * (len(bands) + 5),
    ]
    for name, row in summary(evaluation)["operating_points"].items():
        cells = [f"{found}/{every}" for found, every in row["by_size"]]
        lines.append(
            f"| {name} | {row['threshold']:.3f} | {row['false_positives_per_scan']:.2f} | {row['found']}/{row['lesions']} = "
            f"{100 * row['found'] / max(1, row['lesions']):.1f} % | {' | '.join(cells)} | "
            f"{row['diameter_bias_mm']:+.1f} mm, {row['diameter_error_mm']:.1f} mm |"
        )
    return "\n".join(lines)


def rates_table(evaluation: Evaluation) -> str:
    """The sensitivities that the CPM is the mean of, in Markdown; empty without lesions."""
    at = summary(evaluation)["sensitivity_at_fp"]
    if not at:
        return ""
    cells = [f"{100 * value:.1f} %" for value in at.values()]
    return "\n".join(
        [
            f"| FP per scan | {' | '.join(at)} |",
            "|" + " --- |" * (len(at) + 1),
            f"| sensitivity | {' | '.join(cells)} |",
        ]
    )


def kinds_table(evaluation: Evaluation) -> str:
    """Found of all, by kind of lesion, at each operating point, in Markdown; empty where kinds are not known."""
    kinds = sorted(set(evaluation.kinds))
    if not kinds:
        return ""
    lines = [f"| operating point | {' | '.join(kinds)} |", "|" + " --- |" * (len(kinds) + 1)]
    for name, row in summary(evaluation)["operating_points"].items():
        lines.append(f"| {name} | {' | '.join(f'{found}/{every}' for found, every in row['by_kind'].values())} |")
    return "\n".join(lines)


def _by_kind(evaluation: Evaluation, found: npt.NDArray[np.bool_]) -> dict[str, list[int]]:
    """Kind -> [found, all]."""
    kinds = np.array(evaluation.kinds)
    return {
        kind: [int(found[kinds == kind].sum()), int((kinds == kind).sum())] for kind in sorted(set(evaluation.kinds))
    }


def summary(evaluation: Evaluation) -> dict[str, Any]:
    """The same as plain values for a bundle's metrics, and the CPM with the curve that it is read from: ``froc``, rows of
    :func:`.short_curve.few_points`. Without lesions there is neither."""
    rows: dict[str, Any] = {}
    for name, threshold in evaluation.operating_points.items():
        scores = np.concatenate([match.lesion_scores for match in evaluation.matches])
        found = (scores >= threshold) & (scores > MISSED)
        errors = evaluation.diameter_errors_mm(threshold)
        rows[name] = {
            "threshold": threshold,
            "false_positives_per_scan": round(false_positives_per_scan(evaluation.matches, threshold), 3),
            "found": int(found.sum()),
            "lesions": len(scores),
            "by_size": [list(band) for band in sensitivity_by_size(evaluation.matches, threshold, SIZE_BANDS_MM)],
            "by_kind": _by_kind(evaluation, found),
            "diameter_bias_mm": round(float(errors.mean()), 2) if errors.size else 0.0,
            "diameter_error_mm": round(float(np.abs(errors).mean()), 2) if errors.size else 0.0,
        }
    curve = froc(evaluation.matches)
    mean = cpm(curve)
    known = bool(np.isfinite(mean))
    return {
        "scans": len(evaluation.matches),
        "cpm": round(mean, 4) if known else None,
        "sensitivity_at_fp": {f"{rate:g}": round(sensitivity_at(curve, rate), 4) for rate in CPM_RATES if known},
        "froc": few_points(curve),
        "size_bands_mm": [[low, high if np.isfinite(high) else None] for low, high in SIZE_BANDS_MM],
        "operating_points": rows,
    }
