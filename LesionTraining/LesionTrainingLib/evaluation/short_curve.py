"""A FROC curve in a few points that a model carries with it, so that a slider can say what each threshold means."""

from __future__ import annotations

import numpy as np

from .froc import FrocCurve
from .matching.findings import FloatArray

POINTS = 60


def few_points(curve: FrocCurve, count: int = POINTS) -> list[list[float]]:
    """At most ``count`` points of the curve as plain values, in strictly falling threshold: [threshold, false marks per
    scan, sensitivity]; none where there were no lesions or no marks.

    They are the curve's own points, not drawn between them, and lie evenly along it, false marks being seen on a
    logarithmic scale as such curves are drawn. The highest and the lowest score of any mark are among them.
    """
    rates, sensitivity = curve.false_positives_per_scan[1:], curve.sensitivity[1:]
    if not len(rates) or not np.isfinite(sensitivity).all():
        return []
    # 16: the first of LUNA16's rates, 1/8, is then well off the scale's foot, where a logarithm has no end.
    way = _share(np.log2(1 + 16 * rates)) + _share(sensitivity)
    chosen = np.unique(np.searchsorted(way, np.linspace(way[0], way[-1], count)).clip(0, len(way) - 1))
    chosen[-1] = len(way) - 1
    points: dict[float, list[float]] = {}
    for n in chosen.tolist():
        # Down, so that the mark of this very score still passes. Of scores that are then one, the lowest stays.
        threshold = float(np.floor(curve.thresholds[n + 1] * 1e6) / 1e6)
        points[threshold] = [threshold, round(float(rates[n]), 4), round(float(sensitivity[n]), 4)]
    return list(points.values())


def _share(rising: FloatArray) -> FloatArray:
    """The same between 0 and 1."""
    return rising / max(float(rising[-1]), 1e-12)
