"""Lesions as a few lines of text."""

from __future__ import annotations

from pathlib import Path

from LesionDetectionLib.app.export import PDF, REPORT, pdf_missing
from LesionDetectionLib.app.threshold_text import point_text, score_name, score_of
from LesionDetectionLib.core.detections import Detections


def print_lesions(detections: Detections, output: Path) -> None:
    """Print a ranked table with positions in RAS mm, the warnings, and where the results are."""
    count, score = len(detections.lesions), score_of(detections)
    point = point_text(detections).replace("≥", ">=")  # not every console can write it
    print(f"{count} lesion{'' if count == 1 else 's'} in {detections.image_name} (operating point {point})")
    if detections.lesions:
        print(
            f"{'rank':>4} {score_name(detections):>6} {'diameter':>9} {'R':>8} {'A':>8} {'S':>8}  mm   long x short    volume"
        )
    for rank, lesion in enumerate(detections.lesions, 1):
        r, a, s = lesion.center_ras_mm
        axes = "" if lesion.recist is None else f"{lesion.recist.long_mm:5.1f} x {lesion.recist.short_mm:.1f} mm"
        volume = lesion.measurements.get("volume_mm3")
        millilitres = "" if volume is None else f"{volume / 1000:8.3f} mL"
        print(
            f"{rank:4d} {lesion.score:6.{score.decimals + 1}f} {lesion.diameter_mm:6.1f} mm {r:8.1f} {a:8.1f} {s:8.1f}     {axes:>14} {millilitres}"
        )
    for warning in detections.warnings:
        print(f"Note: {warning}")
    if (output / REPORT).exists() and not (output / PDF).exists() and pdf_missing():
        print(f"Note: {pdf_missing()}")
    print(f"Results: {output} (open report.html in a browser, scene.mrb in 3D Slicer)")
