"""Judge a ``nodule-ct`` model on unseen chest phantoms: ``python -m LesionTrainingLib.evaluation.evaluate_nodule_ct``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from LesionDetectionLib.app.console import shown_progress
from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.core.detector import method
from LesionDetectionLib.core.errors import LesionDetectionError, UsageError
from LesionDetectionLib.core.image import CT
from LesionDetectionLib.core.progress import Progress

from ..cohorts.phantoms.chest import PRESETS, make_chest
from .froc import (
    MISSED,
    SIZE_BANDS_MM,
    ScanMatch,
    cpm,
    false_positives_per_scan,
    froc,
    match_scan,
    sensitivity_by_size,
)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A model on unseen scans. T = all true nodules.

    Attributes:
        matches: one a scan, every mark of the model, whatever its score.
        marked_diameters_mm: [T] diameter of the best mark on each nodule, NaN where there is none.
        operating_points: name -> threshold, of the model.
    """

    matches: list[ScanMatch]
    marked_diameters_mm: np.ndarray[tuple[int], np.dtype[np.float64]]
    operating_points: dict[str, float]

    def diameter_errors_mm(self, threshold: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        """Marked minus true diameter of the nodules found at ``threshold``."""
        scores = np.concatenate([match.lesion_scores for match in self.matches])
        errors = self.marked_diameters_mm - np.concatenate([match.diameters_mm for match in self.matches])
        found: np.ndarray[tuple[int], np.dtype[np.float64]] = errors[(scores > MISSED) & (scores >= threshold)]
        return found


def evaluate(bundle: Bundle, seeds: Sequence[int], preset: str, device: str, progress: Progress) -> Evaluation:
    """Make the phantoms of ``seeds`` one after another, detect in each, and match by the rules of LUNA16.

    Raises:
        UsageError: there is no such preset.
        BundleError: the model is for another method.
        Cancelled: see ``progress``.
    """
    if preset not in PRESETS:
        raise UsageError(f"There is no chest preset “{preset}”. Choose one of: {', '.join(PRESETS)}.")
    bundle.require_method("nodule-ct")
    info = method("nodule-ct")
    detector = info.create(bundle, device)
    every = replace(info.default_settings(bundle), measure=False, operating_point="0")
    matches, diameters = [], list[float]()
    for index, seed in enumerate(seeds):
        progress(index / len(seeds), f"Phantom {seed}")
        case = make_chest(seed, PRESETS[preset])
        lesions = detector.detect({CT: case.image}, every, Progress()).lesions
        match = match_scan(
            [lesion.center_ras_mm for lesion in lesions],
            [lesion.score for lesion in lesions],
            [lesion.center_ras_mm for lesion in case.lesions],
            [lesion.diameter_mm for lesion in case.lesions],
        )
        matches.append(match)
        diameters += [lesions[mark].diameter_mm if mark >= 0 else np.nan for mark in match.lesion_marks]
    progress(1.0, "Done")
    return Evaluation(matches, np.array(diameters), dict(bundle.manifest.settings["operating_points"]))


def as_table(evaluation: Evaluation) -> str:
    """A table in Markdown: one row an operating point; the last column pools the errors of what was found."""
    bands = ["< 6 mm", "6 to 10 mm", "10 to 20 mm", "> 20 mm"]
    lines = [
        f"| operating point | score >= | FP per scan | sensitivity | {' | '.join(bands)} | diameter error (mean, mean absolute) |",
        "|" + " --- |" * (len(bands) + 5),
    ]
    for name, row in summary(evaluation)["operating_points"].items():
        cells = [f"{found}/{every}" for found, every in row["by_size"]]
        lines.append(
            f"| {name} | {row['threshold']:.3f} | {row['false_positives_per_scan']:.2f} | {row['found']}/{row['nodules']} = "
            f"{100 * row['found'] / max(1, row['nodules']):.1f} % | {' | '.join(cells)} | "
            f"{row['diameter_bias_mm']:+.1f} mm, {row['diameter_error_mm']:.1f} mm |"
        )
    return "\n".join(lines)


def summary(evaluation: Evaluation) -> dict[str, Any]:
    """The same as plain values for a bundle's metrics, and the CPM."""
    rows: dict[str, Any] = {}
    for name, threshold in evaluation.operating_points.items():
        bands = sensitivity_by_size(evaluation.matches, threshold, SIZE_BANDS_MM)
        errors = evaluation.diameter_errors_mm(threshold)
        rows[name] = {
            "threshold": threshold,
            "false_positives_per_scan": round(false_positives_per_scan(evaluation.matches, threshold), 3),
            "found": sum(found for found, _ in bands),
            "nodules": sum(every for _, every in bands),
            "by_size": [list(band) for band in bands],
            "diameter_bias_mm": round(float(errors.mean()), 2) if errors.size else 0.0,
            "diameter_error_mm": round(float(np.abs(errors).mean()), 2) if errors.size else 0.0,
        }
    return {
        "scans": len(evaluation.matches),
        "cpm": round(cpm(froc(evaluation.matches)), 4),
        "size_bands_mm": [[low, high if np.isfinite(high) else None] for low, high in SIZE_BANDS_MM],
        "operating_points": rows,
    }


def parse_seeds(text: str) -> list[int]:
    """``9000-9019`` or ``3,5,8`` as numbers.

    Raises:
        UsageError: something else.
    """
    try:
        seeds = list[int]()
        for part in text.split(","):
            first, dash, last = part.partition("-")
            seeds += range(int(first), int(last if dash else first) + 1)
    except ValueError:
        seeds = []
    if not seeds:
        raise UsageError(f"“{text}” names no seeds: write a range such as 9000-9019, or numbers with commas between.")
    return seeds


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="evaluate_nodule_ct", description="Judge a nodule-ct model on unseen chest phantoms; prints a table."
    )
    parser.add_argument("--bundle", type=Path, required=True, help="the model: a folder or zip")
    parser.add_argument("--seeds", default="9000-9019", help="of the phantoms, such as 9000-9019 (default)")
    parser.add_argument("--preset", default="default", help=f"of the phantoms: {', '.join(PRESETS)}")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:1")
    options = parser.parse_args(arguments)
    try:
        bundle, seeds = Bundle.open(options.bundle), parse_seeds(options.seeds)
        with shown_progress() as progress:
            evaluation = evaluate(bundle, seeds, options.preset, options.device, progress)
    except LesionDetectionError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(f"{bundle.manifest.name}, {len(seeds)} phantoms ({options.preset}, seeds {options.seeds}), computer-made:\n")
    print(as_table(evaluation))
    print(f"\nCPM {cpm(froc(evaluation.matches)):.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
