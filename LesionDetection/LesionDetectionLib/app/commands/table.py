"""Lesions as a few lines of text."""

from __future__ import annotations

from pathlib import Path

from LesionDetectionLib.app.export import PDF, REPORT, pdf_missing
from LesionDetectionLib.app.threshold_text import point_text, score_name, score_of
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.lesion import Lesion

_POINTED_AT = ("click", "recist")
_VALUES = (("_hu", "HU", 0), ("_suvbw", "SUV", 2), ("_bqml", "Bq/ml", 0), ("_value", "in an unknown unit", 2))


def print_lesions(detections: Detections, output: Path) -> None:
    """Print a ranked table with positions in RAS mm, the warnings, and where the results are.

    What a person pointed at has no score, but the values that it was measured for.
    """
    count, score = len(detections.lesions), score_of(detections)
    pointed_at = detections.method in _POINTED_AT
    point = point_text(detections).replace("≥", ">=")  # not every console can write it
    how = "measured where you pointed" if pointed_at else f"operating point {point}"
    print(f"{count} lesion{'' if count == 1 else 's'} in {detections.image_name} ({how})")
    if detections.lesions:
        first = "" if pointed_at else f"{'rank':>4} {score_name(detections):>6} "
        print(f"{first}{'diameter':>9} {'R':>8} {'A':>8} {'S':>8}  mm   long x short    volume")
    for rank, lesion in enumerate(detections.lesions, 1):
        r, a, s = lesion.center_ras_mm
        axes = "" if lesion.recist is None else f"{lesion.recist.long_mm:5.1f} x {lesion.recist.short_mm:.1f} mm"
        volume = lesion.measurements.get("volume_mm3")
        millilitres = "" if volume is None else f"{volume / 1000:8.3f} mL"
        first = "" if pointed_at else f"{rank:4d} {lesion.score:6.{score.decimals + 1}f} "
        print(f"{first}{lesion.diameter_mm:6.1f} mm {r:8.1f} {a:8.1f} {s:8.1f}     {axes:>14} {millilitres}")
        if pointed_at:
            print(_values(lesion))
    for warning in detections.warnings:
        print(f"Note: {warning}")
    if (output / REPORT).exists() and not (output / PDF).exists() and pdf_missing():
        print(f"Note: {pdf_missing()}")
    print(f"Results: {output} (open report.html in a browser, scene.mrb in 3D Slicer)")


def _values(lesion: Lesion) -> str:
    """``mean 63 HU, max 368 HU``; ``mean 6.55 SUV, max 10.71 SUV, peak 8.91 SUV``."""
    names = [(name, end, unit, decimals) for end, unit, decimals in _VALUES for name in ("mean", "max", "peak")]
    told = [
        f"{name} {lesion.measurements[name + end]:.{decimals}f} {unit}"
        for name, end, unit, decimals in names
        if name + end in lesion.measurements
    ]
    return ", ".join(told)
